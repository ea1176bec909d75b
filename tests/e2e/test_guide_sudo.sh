#!/bin/sh
# SPDX-License-Identifier: MIT
# test_guide_sudo - docs/guides/sudo.md, as it is written, on stacks as Debian ships them, for a user
# with a password, a token and an agent that has the certificate's key.
. "$(dirname "$0")/lib.sh"

cp /etc/pam.d/sshd "$TMPDIR/stock.pam"
install_doublelock
load_into_all
cp "$TMPDIR/stock.pam" /etc/pam.d/sshd
guide=$top/docs/guides/sudo.md
. "$top/tests/e2e/guide.sh"
pki_usual
configure </dev/null
mkdir -p $etc/conf.d
without_systemd
ssh-keygen -q -A
{
	doublelock setup ssh --yes && doublelock setup confirm
} >"$work/setup.log" 2>&1 || die "no setup"
account alice
echo alice:correct-horse | chpasswd
printf 'Defaults timestamp_timeout=0\nalice ALL=(ALL) ALL\n' >/etc/sudoers.d/alice
pki_client issuing alice
register alice issuing
secret=$(enroll alice --hotp) || die "no token"
counter=-1
fresh() {
	counter=$((counter + 1))
	code=$(oathtool --hotp --base32 --counter $counter "$secret")
}
as_alice() { setpriv --reuid="$(id -u alice)" --regid="$(id -g alice)" --clear-groups "$@"; }
try_sudo() { printf '%s\n' "$@" | as_alice sudo -k -S -p '' id -u 2>>"$work/sudo.log"; }
# the steps without what is typed and said in alice's terminal
on_machine() { step_of "$1" | grep -vE '^(alice\$|Verification|\[sudo\])'; }

# step 1, with a look from another terminal before it is confirmed
on_machine 1 | sed '/confirm/d' >"$work/before"
(cd "$tree" && sh -e -x "$work/before") >"$work/step1.log" 2>&1
is "$?" 0 "step 1"
like "$(cat "$work/step1.log")" '^becomes /etc/pam.d/sudo$' "what is written is shown"
fresh
is "$(try_sudo "$code" correct-horse)" 0 "sudo by code and password"
is "$(try_sudo "$code" correct-horse)$(last_reason alice)" otp-replayed "a code is good once"
is "$(on_machine 1 | sed -n '/confirm/p' | sh)" "confirmed: it stays" "confirmed"

follow 2 on_machine
fresh
is "$(try_sudo "$code" correct-horse)$(last_reason alice)" possession-unproven \
	"without an agent nobody gets further"
mkdir -p /run/agent
chown alice /run/agent
chmod 755 /run/sandbox /run/sandbox/tmp "$work" "$pki" "$pki/issuing"
install -o alice -m 600 "$pki/issuing/alice.key.ssh" /run/agent/key
as_alice ssh-agent -D -a /run/agent/socket >"$work/agent.log" 2>&1 &
export SSH_AUTH_SOCK=/run/agent/socket
until_true test -S $SSH_AUTH_SOCK || die "no ssh-agent"
as_alice ssh-add -q /run/agent/key 2>>"$work/agent.log" || die "ssh-add failed"
is "$(try_sudo "$code" correct-horse)" 0 "with the key in it, and the code, sudo opens"

follow 3 on_machine
like "$(cat "$work/step3.log")" 'nothing critical was found' "doctor is green"
fresh
is "$(try_sudo "$code")" 0 "key and code alone"
fresh
is "$(printf '%s\n' "$code" | as_alice sudo -k -S -p '' -i id -u 2>>"$work/sudo.log")" 0 "sudo -i as well"
is "$(try_sudo 000000)$(last_reason alice)" otp-wrong "and not the key alone"
finish
