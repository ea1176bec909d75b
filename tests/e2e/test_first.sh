#!/bin/sh
# SPDX-License-Identifier: MIT
# test_first - 'doublelock setup' from nothing to a login, by options and by answers; what it
# cannot use it refuses in one line, before anything is written; cut off half-way it is finished
# by the same command again.
. "$(dirname "$0")/lib.sh"
. "$top/tests/e2e/web.sh"
. "$top/tests/e2e/guide.sh"

cp /etc/pam.d/sshd "$TMPDIR/stock.pam"
install_doublelock
load_into_all
cp "$TMPDIR/stock.pam" /etc/pam.d/sshd
ssh-keygen -q -A
install -m 644 "$top/packaging/doublelock.conf" $etc/doublelock.conf
pki_root root
pki_issuing issuing root
pki_client issuing alice
pki_client issuing bob
pki_root other
account alice
groupadd --system breakglass
ca="--ca $pki/root/ca.pem --ca $pki/issuing/ca.pem"
crl="--crl $pki/root/crl.pem --crl $pki/issuing/crl.pem"
rule='--rule san-email:%u@example.test'
rest="--services ssh --admin alice --break-glass breakglass --yes"
sample="--sample $pki/issuing/alice.pem"

# everything that it may write, and nothing that it reads
everything() { find $etc /etc/pam.d /etc/ssh $state -type f ! -name '*-wal' ! -name '*-shm'  -exec sha256sum {} + | sort; }
before=$(everything)

# refuse PATTERN NAME OPTIONS...: one line says what to type, and nothing was written
refuse() {
	pattern=$1 name=$2
	shift 2
	said=$(doublelock setup "$@" 2>&1 >"$work/setup.log" </dev/null)
	is "$?" 1 "$name"
	like "$said" "^doublelock: $pattern" "and says what to type"
	is "$(everything)" "$before" "and nothing was written"
}
# shellcheck disable=SC2086 # words
{
	refuse '.*alice.pem: CN=alice is no CA.s certificate .it has no CA:TRUE.; --ca takes' \
		"a CA that is none" --ca "$pki/issuing/alice.pem" $crl $rule $sample $rest
	refuse '.*other/crl.pem: this list is of CN=other, and none of the CAs .*CN=root, CN=issuing' \
		"a list of another CA" $ca $crl --crl "$pki/other/crl.pem" $rule $sample $rest
	refuse '.*ca.pem: no list of revocation that can be used' \
		"a certificate for a list" $ca --crl "$pki/root/ca.pem" $rule $sample $rest
	refuse '.*issuing/ca.pem: CN=issuing is a CA.s certificate; --sample takes' \
		"a CA's certificate for a sample" $ca $crl $rule --sample "$pki/issuing/ca.pem" $rest
	refuse '--admin nobody-here: there is no such account; .useradd' \
		"a user without an account" $ca $crl $rule $sample --services ssh \
		--admin nobody-here --break-glass breakglass --yes
	refuse '--admin root: a certificate does not name root' "root" $ca $crl $rule $sample \
		--services ssh --admin root --break-glass breakglass --yes
	refuse '--break-glass none-such: there is no such group; .groupadd' "no such group" \
		$ca $crl $rule $sample --services ssh --admin alice --break-glass none-such --yes
	refuse '--services telnet: what can be chosen is: ssh,sudo,login' "no such service" \
		$ca $crl $rule $sample --services telnet --admin alice --break-glass breakglass --yes
	refuse 'which account a certificate names is for you to say: --rule san-email:%u@example.test' \
		"no rule, and those that would do" $ca $crl $sample $rest
	refuse '.*alice.pem is not accepted for alice, so nothing was changed' \
		"a list that is missing" $ca --crl "$pki/root/crl.pem" $rule $sample $rest
	like "$(cat "$work/setup.log")" '^refuse revocation-unknown$' "by the judge's own reason"
	said=$(doublelock setup $ca $crl $rule $sample --services ssh,login --admin alice \
		--break-glass breakglass --yes 2>&1 >/dev/null)
	is "$?" 1 "a console that would keep root out"
	like "$said" "root would be asked for a code, and has no token: 'doublelock enroll root' first" \
		"and says what to type"
	printf '[service sshd]\ncertificate = sshd\n' >$etc/doublelock.conf
	said=$(doublelock setup $ca $crl $rule $sample $rest 2>&1 >/dev/null)
	is "$?" 1 "a configuration that says the same already"
	like "$said" 'setup.conf:.*already set at .*doublelock.conf:2' "which line it is"
	like "$said" 'take out of your files what the line above names' "and what to do"
	install -m 644 "$top/packaging/doublelock.conf" $etc/doublelock.conf
	refuse '.*bob.pem is not accepted for alice' "somebody else's certificate" \
		$ca $crl $rule --sample "$pki/issuing/bob.pem" $rest
	like "$(cat "$work/setup.log")" '^refuse no-identity$' "by the judge's own reason"
	# what comes with the sample is trusted for nothing, and may lie between
	cat "$pki/issuing/alice.pem" "$pki/issuing/ca.pem" >"$work/chain.pem"
	said=$(doublelock setup --ca "$pki/root/ca.pem" $crl $rule --sample "$work/chain.pem" --services ssh \
		--admin alice --break-glass breakglass 2>&1 </dev/null)
	like "$said" '^accept ok$' "a chain that came with the sample"
	is "$(printf '%s\n' "$said" | grep -c '^new .*/intermediates.d/')" 1 "is an intermediate"
	cat "$pki/issuing/alice.pem" "$pki/issuing/ca.pem" "$pki/root/ca.pem" >"$work/chain.pem"
	refuse '.*this list is of CN=root, and none of the CAs' "an anchor that nobody gave" \
		--ca "$pki/other/ca.pem" --crl "$pki/other/crl.pem" --crl "$pki/root/crl.pem" $rule \
		--sample "$pki/issuing/alice.pem" $rest
	refuse '.*chain.pem is not accepted' "an anchor that came with the sample" \
		--ca "$pki/other/ca.pem" --crl "$pki/other/crl.pem" $crl $rule \
		--sample "$work/chain.pem" $rest
	like "$(cat "$work/setup.log")" '^refuse untrusted-issuer$' "by the judge's own reason"
	gpasswd -a alice breakglass >/dev/null
	before=$(everything)
	refuse '--break-glass breakglass: alice is in it' "an administrator who breaks glass" \
		$ca $crl $rule $sample $rest
	gpasswd -d alice breakglass >/dev/null
	before=$(everything)
	said=$(doublelock setup $ca $crl $rule $sample --yes 2>&1)
	is "$?" 2 "with --yes nothing is asked"
	like "$said" 'nothing is asked, and --admin USER is missing' "and what lacks is said"
}
setpriv --reuid=doublelock --regid=doublelock --clear-groups doublelock setup >"$work/who.log" 2>&1
is "$?: $(cat "$work/who.log")" "3: doublelock: what it writes is root's: sudo doublelock setup" \
	"somebody else is told who"

# --- answers that end before the last one

answers="$pki/root/ca.pem
$pki/issuing/ca.pem

$pki/root/crl.pem
$pki/nothing.pem
$pki/issuing/crl.pem

alice
$pki/issuing/alice.pem

breakglass
1
"
said=$(printf '%s' "$answers" | doublelock setup 2>&1)
is "$?" 1 "nobody typed yes"
like "$said" '^    san-email    alice@example.test$' "the sample's fields are shown"
like "$said" '^  1  san-email:%u@example.test  *names alice$' "and what a rule makes of them"
like "$said" 'nothing.pem: No such file' "a file that is not there is asked for again"
like "$said" '^accept ok$' "the judge accepts the sample"
like "$said" '^new     /etc/doublelock/conf.d/setup.conf$' "what would be written is shown"
like "$said" '^becomes /etc/pam.d/sshd$' "the PAM stack, too"
is "$(everything)" "$before" "and nothing was written"

# --- cut off at each of its steps, and gone on with

# shellcheck disable=SC2086,SC2317 # words; called below
first() { doublelock setup $ca $crl $rule $sample $rest "$@"; }
cut_off() { # at the first line that is like $1
	# shellcheck disable=SC2086 # words
	(exec doublelock setup $ca $crl $rule $sample $rest) >"$work/pipe" 2>&1 &
	first_pid=$!
	sed "/$1/q" <"$work/pipe" >"$work/cut.log"
	kill -9 $first_pid
	wait $first_pid 2>/dev/null
}
mkfifo "$work/pipe"
for at in '# doublelock init' '# doublelock enroll' '# doublelock setup ssh --yes'; do
	cut_off "$at"
	like "$(tail -n 1 "$work/cut.log")" "^$at" "cut off at $at"
done
# one that waits for an answer is at work
mkfifo "$work/typing"
doublelock setup <"$work/typing" >"$work/asking.log" 2>&1 &
first_pid=$!
exec 9>"$work/typing"
until_true grep -q '^File of your CA' "$work/asking.log" || die "nothing is asked"
is "$(first 2>&1)" "doublelock: another 'doublelock setup' is at work" "two at once are one too many"
exec 9>&-
wait $first_pid
is "$?" 1 "and the first one ends with its answers"
rm "$work/pipe"
said=$(first 2>&1)
is "$?" 0 "the same command again ends well"
like "$said" '^note      doctor: nothing critical was found$' "doctor has nothing critical"
is "$(find $etc -name 'setup.new*')" "" "nothing lies aside"
is "$(doublelock token list alice | wc -l)" 1 "the administrator has one token"
is "$(stat -c '%a %U' $etc/conf.d/setup.conf)" "644 root" "the configuration is root's"

after=$(everything)
said=$(first 2>&1)
is "$? $(everything)" "0 $after" "once more changes nothing"
is "$(printf '%s\n' "$said" | grep -cE '^(new|becomes) ')" 0 "and says so"
doublelock setup confirm >/dev/null 2>&1

# --- from nothing by answers, as a person gives them

to_nothing() {
	doublelock setup rollback >/dev/null 2>&1
	rm -rf --one-file-system "${etc:?}/conf.d" "${etc:?}/trust.d" "${etc:?}/intermediates.d" \
		"${etc:?}/crl.d" "${etc:?}/certs.d"
	rm -f $state/state.db* $etc/seal.key /etc/ssh/sshd_config.d/10-doublelock.conf
	cp "$TMPDIR/stock.pam" /etc/pam.d/sshd
}
to_nothing
# shellcheck disable=SC2317 # until_true calls it
is_shown() { sed -n 's/^ *secret  *//p' "$work/typed.log" | grep .; }
: >"$work/typed.log"
# shellcheck disable=SC2094 # what is shown there is typed here
{
	printf '%syes\n' "$answers"
	until_true is_shown >/dev/null
	code_of "$(is_shown)"
} | doublelock setup >"$work/typed.log" 2>&1
is "$?" 0 "all answers, yes, and a code of the authenticator"
like "$(cat "$work/typed.log")" "Token 'default' of alice is active." "the token is confirmed"
like "$(cat "$work/typed.log")" '^    doublelock setup confirm$' "what to type then is said"
like "$(cat "$work/typed.log")" 'nothing critical was found$' "doctor is green"

# --- lists that are fetched

to_nothing
start_server
serve_list "$pki/root/crl.pem" root.crl
from=http://127.0.0.1:8090
# shellcheck disable=SC2086 # words
{
	said=$(doublelock setup $ca --crl $from/root.crl --crl $from/issuing.crl $rule $sample $rest 2>&1)
	is "$?" 1 "a list that is not there to be fetched"
	like "$said" 'a list could not be fetched: try the URL' "and says what to type"
	is "$(find $etc -name setup.conf) $(grep -c doublelock /etc/pam.d/sshd)" " 0" "and nothing was written"
	serve_list "$pki/issuing/crl.pem"
	said=$(doublelock setup $ca --crl $from/root.crl --crl $from/issuing.crl $rule $sample $rest 2>&1)
	is "$?" 0 "lists by their URLs"
}
is "$(grep -c '^url = ' $etc/conf.d/setup.conf) $(find $etc/crl.d -type f | wc -l)" "2 0" \
	"are in the configuration, and no files"
like "$said" 'systemctl enable --now doublelockd' "and who fetches them is said"
unset from # which is an address to log in from, elsewhere
rm -rf --one-file-system "${state:?}/crl"

# --- and by options with JSON

to_nothing
said=$(first --json 2>"$work/json.log")
is "$?" 0 "on an empty machine"
is "$(printf '%s\n' "$said" | jq -r .step | tr '\n' ' ')" \
	"check-config verify files shown init cert-add enroll doors doctor " "each step is a line of JSON"
is "$(printf '%s\n' "$said" | jq -r 'select(.step == "verify").answer.allow')" true "the verdict"
is "$(printf '%s\n' "$said" | jq -r 'select(.step == "doctor").answer.good')" true "doctor is green"
secret=$(printf '%s\n' "$said" | jq -r 'select(.step == "enroll").answer.secret')
is "$(doublelock verify --check-config)" ok "the configuration is right"

# --- and logged in to

start_real_sshd
ssh_login alice "$pki/issuing/alice.key.ssh" 000000
is "$login: $(last_reason alice)" "out: otp-wrong" "a wrong code"
ssh_login alice "$pki/issuing/alice.key.ssh" "$(code_of "$secret")"
is "$login, asked: $asked" "in, asked: (alice@127.0.0.1) Verification code: " "certificate and code let in"
is "$(doublelock setup confirm)" "confirmed: it stays" "and it is confirmed"

# --- more doors, later: one change with the others

echo alice:correct-horse | chpasswd
echo 'alice ALL=(ALL) ALL' >/etc/sudoers.d/alice
try_sudo() {
	printf '%s\n' "$1" correct-horse | setpriv --reuid="$(id -u alice)" \
		--regid="$(id -g alice)" --clear-groups sudo -k -S -p '' id -u 2>>"$work/sudo.log"
}
root=$(enroll root --hotp) || die "no token of root's"
# shellcheck disable=SC2086 # words
said=$(doublelock setup $ca $crl $rule $sample --services ssh,sudo,login --admin alice \
	--break-glass breakglass --yes 2>&1)
is "$?" 0 "sudo and login besides"
is "$(printf '%s\n' "$said" | grep -E '^(new|becomes) ' | sort -u | tr -s ' ' | tr '\n' ' ')" \
	"becomes /etc/doublelock/conf.d/setup.conf becomes /etc/pam.d/login becomes /etc/pam.d/sudo becomes /etc/pam.d/sudo-i " \
	"what changes is shown, and nothing else"
is "$(try_sudo 000000)$(last_reason alice)" otp-wrong "sudo with a wrong code"
until_true try_sudo "$(code_of "$secret" 1)" >"$work/sudo.out"
is "$(cat "$work/sudo.out")" 0 "sudo by code and password"
is "$(grep -v '^#' /etc/pam.d/login | grep -c pam_doublelock)" 1 "the console asks, too"
is "$(doublelock setup rollback >/dev/null; grep -l pam_doublelock /etc/pam.d/sudo /etc/pam.d/login /etc/pam.d/sshd)" \
	/etc/pam.d/sshd "put back together, but for what was confirmed"
: "$root"

# the authenticator is lost: glass is broken, and the record says by which section
gpasswd -a alice breakglass >/dev/null
stop "$sshd_pid" # which may be reading its files again, because they were put back
start_real_sshd
ssh_login alice "$pki/issuing/alice.key.ssh" 000000
is "$login after $prompts prompts" "in after 0 prompts" "a member of the group is asked for no code"
like "$(doublelock events --user alice --json | tail -n 1)" 'service sshd group:breakglass' \
	"and the event names the section"
finish
