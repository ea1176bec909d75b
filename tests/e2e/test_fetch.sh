#!/bin/sh
# SPDX-License-Identifier: MIT
# test_fetch - lists of revocation come from a web server: by `crl refresh`, and by the agent.
# shellcheck disable=SC2317 # until_true calls them
. "$(dirname "$0")/lib.sh"

. "$top/tests/e2e/web.sh"

refresh() {
	words=$(doublelock crl refresh 2>&1)
	code=$?
}
reason() { doublelock verify --json "$pki/issuing/$1.pem" 2>>"$work/verify.log" | jq -r .reason; }
bob_is() { [ "$(reason bob)" = "$1" ]; }

# conf LINES...: the configuration with these lines of [revocation]
conf() { { echo "[revocation]"; printf '%s\n' "$@"; } | configure; }

install_doublelock
pki_usual
for user in alice bob; do
	pki_client issuing $user
	account $user
done
rm $etc/crl.d/issuing.pem
start_server
url=http://127.0.0.1:8090/issuing.crl

conf "url = $url"
is "$(reason bob)" revocation-unknown "without a list nobody gets in"
serve_list "$pki/issuing/crl.pem"
cp "$pki/issuing/crl.pem" "$work/older.pem"
refresh
is "$code: $words" "0: $(printf '%-14s %s' new $url)" "the list is fetched"
is "$(reason bob)" ok "and is in force at once"
refresh
is "$code: $words" "0: $(printf '%-14s %s' unchanged $url)" "nothing new"
like "$(tail -n 1 "$work/server.log")" '304' "which the server was asked for"
is "$(stat -c '%U %a' $state/crl)" "doublelock 700" "the lists are the judge's"
is "$(find $state/crl -name '*.new')" "" "and nothing is left beside them"
is "$(doublelock crl compile)" "1 files were compiled" "the list was compiled, root's was not"
find $state/crl -name '*.idx' -delete
is "$(doublelock crl compile)" "2 files were compiled" "and is again where its index is lost"

pki_revoke issuing bob
serve_list "$pki/issuing/crl.pem"
refresh
is "$code: $(reason bob) $(reason alice)" "0: revoked ok" "a newer list revokes"

serve_list "$work/older.pem"
refresh
is "$code" 1 "an older one is a failure"
like "$words" "^FAILED +$url: .*newer than what was fetched" "which is said"
is "$(reason bob)" revoked "and nobody is pardoned by it"

pki_root foreign
serve_list "$pki/foreign/crl.pem"
refresh
like "$code: $words" '^1: FAILED .*signed by no CA of the trust; its issuer is CN=foreign' \
	"a stranger's list is refused"
serve_list "$pki/root/crl.pem"
refresh
like "$code: $words" '^1: FAILED .*is newer than what was fetched, or is not in it' \
	"another CA's list does not take the place of the one that is held"
pki_crl issuing -crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z
serve_list "$pki/issuing/crl.pem"
refresh
like "$code: $words" '^1: FAILED .*ended at 2020-02-01' "a list that is over is refused"
head -c 200 "$pki/issuing/ca.pem" >"$work/damaged"
serve_list "$work/damaged"
refresh
like "$code: $words" '^1: FAILED ' "what is no list is refused"
rm "$www/issuing.crl"
refresh
like "$code: $words" '^1: FAILED .*404' "a file that is gone is said"
is "$(reason bob) $(reason alice)" "revoked ok" "and what is held stays"

for there in https://127.0.0.1:8090/issuing.crl file:///etc/passwd; do
	conf "url = http://127.0.0.1:8090/to/$there"
	refresh
	like "$code: $words" '^1: FAILED ' "no redirection to ${there%%:*}"
done
conf "url = http://127.0.0.1:8090/to/http://127.0.0.1:8090/issuing.crl" # a file is there now
pki_crl issuing
serve_list "$pki/issuing/crl.pem"
refresh
like "$code: $words" '^0: new ' "a redirection within the scheme is followed"

# over TLS, from whom the machine trusts
pki_key "$pki/root/server.key"
pki_sign root 127.0.0.1 "$pki/root/server.key" "$pki/root/server.pem" server -days 30
(cd "$www" && exec openssl s_server -accept 127.0.0.1:8092 -cert "$pki/root/server.pem" \
	-key "$pki/root/server.key" -WWW) >"$work/tls.log" 2>&1 &
tls_pid=$!
until_true grep -q ACCEPT "$work/tls.log" || die "no TLS server"
conf "url = https://127.0.0.1:8092/issuing.crl"
refresh
like "$code: $words" "^1: FAILED .*certificate" "a server that nobody vouches for is not believed"
cat "$pki/root/ca.pem" >>/etc/ssl/certs/ca-certificates.crt
refresh
like "$code: $words" "^0: new " "one that is trusted is"
stop "$tls_pid"

# what lies there and is no use
conf "url = $url"
mkdir "$work/away"
mv $state/crl/*.crl "$work/away"
install -o doublelock -g doublelock -m 600 "$work/damaged" $state/crl/damaged.crl
is "$(reason alice)" revocation-unknown "a damaged list is none"
mv "$work/away"/*.crl $state/crl
is "$(reason alice)" ok "and does no harm beside a good one"
like "$(doublelock crl status 2>&1)" "^UNUSABLE .*damaged" "which is said"
rm $state/crl/damaged.crl
chmod 777 $state/crl
is "$(reason alice)" revocation-unknown "nothing is believed that others could have put there"
install -m 644 "$pki/issuing/crl.pem" $etc/crl.d/issuing.pem
is "$(reason alice)" ok "and who has a list elsewhere comes in"
rm $etc/crl.d/issuing.pem
chmod 700 $state/crl

# what certificates name
cat >>"$pki/openssl.cnf" <<-'END'
	[pointed]
	basicConstraints = critical,CA:false
	keyUsage = critical,digitalSignature
	extendedKeyUsage = clientAuth
	authorityKeyIdentifier = keyid:always
	subjectAltName = email:$ENV::EMAIL
	crlDistributionPoints = URI:ldap://example.test/cn=a,URI:file:///etc/passwd,URI:http://127.0.0.1:8090/issuing.crl,URI:http://[::1]:8090/a,URI:http://localhost:8090/b,URI:http://[::ffff:127.0.0.1]:8090/c,URI:http://169.254.169.254/d
END
pki_key "$pki/issuing/alice.key"
pki_sign issuing alice "$pki/issuing/alice.key" "$pki/issuing/alice.pem" pointed -days 30
register alice issuing
conf
asked=$(wc -l <"$work/server.log")
refresh
is "$code" 1 "what certificates name is looked at"
like "$words" '^refused +ldap://example' "no ldap"
like "$words" '^refused +file:///etc/passwd' "no file"
is "$(echo "$words" | grep -c '^FAILED .*this machine or its link')" 5 \
	"no address of this machine or its link"
is "$(wc -l <"$work/server.log")" "$asked" "nobody was asked"
conf "fetch = no"
refresh
like "$code: $words" '^0: no URL' "nothing with fetch=no"

# the agent, with nothing to begin with
find $state/crl -type f -delete
enroll alice >"$work/enrolled"
conf "url = $url"
is "$(reason bob)" revocation-unknown "nothing is held"
start_agent
until_true bob_is revoked
is "$(reason bob)" revoked "the agent fetches what is missing"
until_true grep -q 'a new list of revocation' "$work/agent.log"
updated() { doublelock events --json 2>>"$work/events.log" | grep -q 'doublelock.crl.updated'; }
until_true updated
is "$?" 0 "and records it"
until_true grep -q 'ldap://example.test/cn=a: not fetched' "$work/agent.log"
is "$(grep -c 'ldap://example.test/cn=a: not fetched' "$work/agent.log")" 1 \
	"what it refuses it says once"
in_force=$(grep -c ": in force" "$work/agent.log")
[ "$in_force" -le 3 ] && few=few || few=$in_force
is "$few" few "and it comes to rest"
stop "$agent_pid"
is "$ended" 0 "it ends when it is told to"

# a server that takes the question and never answers
socat -u TCP-LISTEN:8091,bind=127.0.0.1,reuseaddr "OPEN:$work/silent.log,creat" &
silent_pid=$!
conf "url = http://127.0.0.1:8091/a.crl"
start_agent
until_true grep -q GET "$work/silent.log"
began=$(date +%s)
stop "$agent_pid"
[ $(($(date +%s) - began)) -lt 60 ] && wait=short || wait=long # a download may take 120
is "$ended $wait" "0 short" "a server that does not answer keeps nobody from ending"
stop "$silent_pid"
stop "$server_pid"
finish
