#!/bin/sh
# SPDX-License-Identifier: MIT
# test_locker - a screen locker runs as its user. The installed module asks the agent for it, by
# nothing but defaults, and the agent serves it for that user alone; a VPN server that is listed
# is served for its users.
. "$(dirname "$0")/lib.sh"

install_doublelock
pki_usual
for user in alice bob tunneler; do account $user; done
configure <<-END
	[service locker]
	certificate = none
	otp = required
	unprivileged = yes
	[service vault]
	certificate = none
	otp = required
	[service tunnel]
	certificate = none
	otp = required
	ask-for = tunneler
	vouch = tunneler
END
for service in locker vault tunnel; do
	echo 'auth required pam_doublelock.so' >/etc/pam.d/$service
done
install -m 755 "$B/tests/e2e/pamlogin" /usr/local/bin/pamlogin
start_log
secret=$(enroll alice --hotp)
counter=-1
next_code() {
	counter=$((counter + 1))
	code=$(oathtool --hotp --base32 --counter $counter "$secret")
}

unlock() { # AS SERVICE USER CODE
	(with_module setpriv --reuid="$(id -u "$1")" --regid="$(id -g "$1")" --clear-groups \
		/usr/local/bin/pamlogin "$2" "$3" "$4" 1 </dev/null) 2>>"$work/locker.log"
}
said() { syslog | grep 'pam_doublelock(' | tail -n 1; }

next_code
is "$(unlock alice locker alice "$code")" \
	"0 of 1, 0 prompts, Authentication service cannot retrieve authentication info" \
	"without an agent it stays locked"
until_true grep -q module.sock "$work/syslog.log"
like "$(said)" 'cannot decide: fault-internal: /run/doublelock/module\.sock: ' "and says why"

start_agent
until_true test -S /run/doublelock/module.sock
is "$(unlock alice locker alice "$code")" "1 of 1, 1 prompts, Success" "alice unlocks her screen"
is "$(unlock alice locker alice "$code")" "0 of 1, 1 prompts, Authentication failure" \
	"but not with the same code again"
is "$(last_reason alice)" otp-replayed "which is on record"
is "$(doublelock events --user alice --json | jq -rs 'map(select(.reason == "ok")) | last | .caller')" \
	"uid:$(id -u alice)" "with who asked"
next_code
is "$(unlock bob locker alice "$code")" "0 of 1, 0 prompts, Authentication failure" \
	"bob does not unlock it, and is asked for nothing"
is "$(unlock alice vault alice "$code")" "0 of 1, 0 prompts, Authentication failure" \
	"a service has to say that it is for such callers"
is "$(unlock root vault alice "$code")" "1 of 1, 1 prompts, Success" \
	"a program of root's asks the helper, with the same code"
next_code
is "$(unlock bob tunnel alice "$code")" "0 of 1, 0 prompts, Authentication failure" \
	"a program that is not listed asks for nobody else"
is "$(unlock tunneler tunnel alice "$code")" "1 of 1, 1 prompts, Success" \
	"one that is listed does, as a VPN server without root would"
stop "$agent_pid"
is "$ended" 0 "the agent ends when it is told to"
finish
