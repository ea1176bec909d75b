#!/bin/sh
# SPDX-License-Identifier: MIT
# test_secrets - where codes and secrets are not: no argument, environment, log, event, error or
# core of a login or of the operator's commands has one, and the record has them sealed.
. "$(dirname "$0")/lib.sh"

install_doublelock
pki_usual
configure </dev/null
pki_client issuing alice
account alice
register alice issuing
start_log
start_sshd
start_agent

# All processes but the client's, which has its code in its environment, as they are while the
# user is asked.
cat >"$work/askpass" <<-'END'
	#!/bin/sh
	printf '%s\n' "$1" >>"$ASKED"
	for p in /proc/[0-9]*; do
		name=$(cat "$p/comm" 2>/dev/null) || continue
		printf '%s %s %s %s\n' "$name" "$(stat -c %U "$p/environ")" \
			"$(awk '/^Uid/ { print $2 }' "$p/status")" \
			"$(awk '/core file/ { print $5 + $6 }' "$p/limits")"
		case $name in doublelock*) tr '\0' '\n' <"$p/environ" | sed 's/^/environ /' ;; esac
		tr '\0' ' ' <"$p/cmdline" | sed 's/^/cmdline /'
		echo
	done >>"$SEEN" 2>/dev/null
	printf '%s\n' "$CODE"
END
chmod 700 "$work/askpass"
export SEEN="$work/seen"

secrets='' codes=''
keep() { codes="$codes $1"; }
secret=$(enroll alice --label phone --hotp)
secrets="$secrets $secret"
for counter in 0 1; do
	code=$(oathtool --hotp -b -c $counter "$secret")
	keep "$code"
	ssh_login alice "$pki/issuing/alice.key.ssh" "$code"
	is "$login" in "a login, number $counter"
done
ssh_login alice "$pki/issuing/alice.key.ssh" "$code"
is "$login: $(last_reason alice)" "out: otp-replayed" "and a code that was used"
keep 918273
ssh_login alice "$pki/issuing/alice.key.ssh" 918273
is "$login: $(last_reason alice)" "out: otp-wrong" "a wrong code"
recovery=$(doublelock recovery regenerate alice --json | jq -r '.recovery[0]')
keep "$recovery"
ssh_login alice "$pki/issuing/alice.key.ssh" "$recovery"
is "$login" in "a recovery code"
keep NOT-A-RECOVERY-CODE
ssh_login alice "$pki/issuing/alice.key.ssh" NOT-A-RECOVERY-CODE
# a password one prompt too early, as a name
echo | "$B/tests/e2e/pamlogin" sshd hunter2hunter2 000000 1 >/dev/null 2>>"$work/pam.log"
keep hunter2hunter2
# the operator's ways
hard=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ
secrets="$secrets $hard"
echo $hard | doublelock enroll alice --label hard --secret-stdin --no-confirm >"$work/hard.log" 2>&1
is "$?" 0 "a secret from standard input"
soft=KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU
secrets="$secrets $soft"
echo "otpauth://totp/alice?secret=$soft" >/run/uris
echo "otpauth://totp/alice?secret=$soft&digits=99" >>/run/uris
doublelock import otpauth --dry-run /run/uris >"$work/import.log" 2>&1
doublelock import otpauth /run/uris >>"$work/import.log" 2>&1
like "$(cat "$work/import.log")" 'uris:2' "an import names its bad line"
rm /run/uris

# --- processes ------------------------------------------------------------------------------
like "$(cat "$SEEN")" "^doublelock-help root $(id -u doublelock) 0$" \
	"the helper is undumpable, doublelock's, without a core"
like "$(cat "$SEEN")" "^doublelockd root $(id -u doublelock) 0$" "and so is the agent"
is "$(setpriv --reuid=doublelock --regid=doublelock --clear-groups \
	cat "/proc/$agent_pid/environ" "/proc/$agent_pid/maps" 2>/dev/null | wc -c)" 0 \
	"not even its own user reads the agent's memory"

# --- what was written -----------------------------------------------------------------------
{
	doublelock events --json
	doublelock events
	doublelock why alice
	doublelock user show alice
} >"$work/events.out" 2>&1
syslog >"$work/syslog.out"
found=''
for word in $codes $secrets; do
	for file in "$SEEN" "$work/events.out" "$work/syslog.out" "$work/sshd.log" "$work/agent.log" \
		"$work/import.log" "$work/enroll.log"; do
		grep -qwiF -e "$word" "$file" && found="$found $word in ${file##*/};"
	done
done
is "$found" '' "no code, secret or mistyped password in arguments, environment, logs or events"
like "$(cat "$SEEN" "$work/events.out" "$work/syslog.out")" 'otp-wrong' "where there is something to read"

# --- the record -----------------------------------------------------------------------------
found=''
for word in $secrets $recovery hunter2hunter2; do
	grep -qaF -e "$word" $state/state.db* && found="$found $word"
done
for word in $secrets; do
	echo "$word" | base32 -d >"$work/raw"
	perl -e 'undef $/; open F, shift; $k = <F>; for (@ARGV) { open G, $_; $d = <G>;
		exit 1 if index($d, $k) >= 0 } ' "$work/raw" $state/state.db* || found="$found raw $word"
done
is "$found" '' "the record has no secret, sealed or not, that can be read without the key"
is "$(doublelock token list alice --json | jq length)" 3 "though it has all three tokens"
is "$(find / -xdev -name 'core*' -type f -newer "$work/install.log" -path '*doublelock*' 2>/dev/null)" '' \
	"and no core lies about"
finish
