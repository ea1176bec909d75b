#!/bin/sh
# SPDX-License-Identifier: MIT
# test_setup_pam - 'doublelock setup sudo' and 'setup login' on stacks as Debian ships them: shown,
# tried, written, confirmed, put back; and refused where somebody would still get past us.
. "$(dirname "$0")/lib.sh"

install_doublelock
load_into_all
pki_usual
configure <<-END
	[service sudo]
	certificate = none
	otp = required
END
account alice
echo alice:correct-horse | chpasswd
secret=$(enroll alice)
echo 'alice ALL=(ALL) ALL' >/etc/sudoers.d/alice
state_of() { cat /etc/pam.d/sudo /etc/pam.d/sudo-i /etc/pam.d/login | sha256sum; }
before=$(state_of)
auth_of() { grep -v '^#' "/etc/pam.d/$1" | grep -E '^(auth|@include common-auth)'; }
ours='auth required pam_doublelock.so'

# try_sudo CODE: what `sudo id -u` says, with code and password
try_sudo() {
	printf '%s\n' "$1" correct-horse | setpriv --reuid="$(id -u alice)" \
		--regid="$(id -g alice)" --clear-groups sudo -k -S -p '' id -u 2>>"$work/sudo.log"
}

said=$(doublelock setup sudo)
is "$? $(state_of)" "0 $before" "without --yes nothing is written"
like "$said" '^becomes /etc/pam.d/sudo$' "the stack is shown"
like "$said" '^becomes /etc/pam.d/sudo-i$' "and that of sudo -i"
like "$said" "^    $ours$" "with our line"
is "$(find /tmp "$TMPDIR" -maxdepth 1 -name 'doublelock-setup-*' | wc -l)" 0 "nothing is left of the trial"

doublelock setup sudo --yes >/dev/null
is "$?" 0 "written"
is "$(auth_of sudo)" "$ours
@include common-auth" "our line first, and what asked stays"
is "$(auth_of sudo-i)" "$ours service=sudo
@include common-auth" "sudo -i is asked as sudo"
is "$(try_sudo "$(code_of "$secret")")" 0 "sudo by code and password"
is "$(try_sudo 000000)$(last_reason alice)" otp-wrong "and not without the code"
is "$(doublelock setup login --yes 2>&1 >/dev/null; echo $?)" "doublelock: a change waits already: 'doublelock setup confirm' or 'doublelock setup rollback'
1" "one change at a time"
doublelock setup rollback >/dev/null
is "$? $(state_of)" "0 $before" "put back by hand: every octet"

doublelock setup sudo --yes >/dev/null
doublelock setup confirm >/dev/null
after=$(state_of)
doublelock setup rollback >/dev/null 2>&1
is "$? $(state_of)" "1 $after" "confirmed: it stays"
is "$(doublelock setup sudo --yes)" "everything is as 'doublelock setup sudo' would write it" \
	"the same again is none"

# what keeps everybody out is in the way of a change
mv $etc/trust.d "$work/trust.d"
said=$(doublelock setup login --yes 2>&1)
is "$? $(state_of)" "1 $after" "a configuration that cannot be used: nothing stays"
like "$said" "config: .*trust.d" "and why"
mv "$work/trust.d" $etc/trust.d

# login: there is no such section, so nobody would get in by it
said=$(doublelock setup login --yes 2>&1)
is "$? $(state_of)" "1 $after" "a service that is not configured: nothing stays"
like "$said" 'there is no \[service login\]: nobody gets in' "and why"
printf '[service login]\ncertificate = none\notp = required\n' >>$etc/doublelock.conf
doublelock setup login --yes --within 1s >/dev/null
is "$? $(auth_of login | grep -v -e faildelay -e nologin -e group)" "0 $ours
@include common-auth" "written, once it is configured"
# shellcheck disable=SC2317 # until_true calls it
is_back() { [ "$(state_of)" = "$after" ]; }
until_true is_back
is "$(state_of)" "$after" "nobody confirmed: put back by itself"

# stacks that somebody would get past
cp /etc/pam.d/login "$work/login"
sed -i '1i auth sufficient pam_fprintd.so' /etc/pam.d/login
with_finger=$(state_of)
said=$(doublelock setup login --yes 2>&1)
is "$? $(state_of)" "1 $with_finger" "sufficient above us: nothing is written"
like "$said" 'somebody would get in without us still, by login:1 pam_fprintd.so' "and by which line"
cp "$work/login" /etc/pam.d/login
sed -i '1i auth nonsense pam_unix.so' /etc/pam.d/login
said=$(doublelock setup login --yes 2>&1)
is "$?: $(printf '%s' "$said" | grep -c 'a control that libpam does not know')" "1: 1" \
	"a stack that is none"
cp "$work/login" /etc/pam.d/login

# our module is not where libpam looks for it
module=$(find /usr/lib -name pam_doublelock.so)
mv "$module" "$work/away.so"
said=$(doublelock setup login --yes 2>&1)
is "$? $(state_of)" "1 $after" "a module that is not there: nothing is written"
like "$said" 'libpam cannot use pam_doublelock.so' "and why"
mv "$work/away.so" "$module"
rm /etc/pam.d/login
is "$(doublelock setup login 2>&1; echo $?)" "doublelock: /etc/pam.d/login: there is no such file
1" "no stack"
is "$(doublelock setup sudo --within 2d >/dev/null 2>&1; echo $?)" 2 "usage"
finish
