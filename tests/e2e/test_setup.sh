#!/bin/sh
# SPDX-License-Identifier: MIT
# test_setup - 'doublelock setup ssh' on a machine as Debian ships it: shown, written, confirmed,
# put back by hand and by itself, and not written where sshd does not agree.
. "$(dirname "$0")/lib.sh"

cp /etc/pam.d/sshd "$TMPDIR/stock.pam"
install_doublelock
cp "$TMPDIR/stock.pam" /etc/pam.d/sshd
ssh-keygen -A >/dev/null
pki_usual
configure </dev/null
account alice
enroll alice >/dev/null
drop_in=/etc/ssh/sshd_config.d/10-doublelock.conf
state_of() { cat /etc/pam.d/sshd $drop_in 2>/dev/null | sha256sum; }
before=$(state_of)

said=$(doublelock setup ssh)
is "$? $(state_of)" "0 $before" "without --yes nothing is written"
like "$said" '^new     /etc/ssh/sshd_config.d/10-doublelock.conf$' "the drop-in is shown"
like "$said" '^becomes /etc/pam.d/sshd$' "the PAM stack is shown"
like "$said" '^    #@include common-auth$' "what asked for a password becomes a comment"
is "$(doublelock setup confirm 2>&1; echo $?)" "doublelock: nothing waits for being confirmed
1" "nothing to confirm yet"

doublelock setup ssh --yes >/dev/null
is "$?" 0 "written"
is "$(grep -v '^#' /etc/pam.d/sshd | grep -m 1 '^auth')" "auth required pam_doublelock.so" \
	"our line asks first"
is "$(/usr/sbin/sshd -T | grep '^authenticationmethods')" \
	"authenticationmethods publickey,keyboard-interactive" "sshd does as it is told"
said=$(doublelock doctor 2>&1)
is "$(printf '%s\n' "$said" | grep '^critical')" "" "doctor finds nothing critical"
said=$(doublelock setup ssh --yes)
is "$?: $said" "0: everything is as 'doublelock setup ssh' would write it" "the same again is none"
rm $drop_in
doublelock setup ssh --yes >/dev/null 2>&1
is "$?" 1 "a second change waits for the first one"
doublelock setup rollback >/dev/null
is "$? $(state_of)" "0 $before" "put back by hand: every octet"
is "$(ls /etc/doublelock/setup.d 2>/dev/null)" "" "and nothing is left over"

doublelock setup ssh --yes >/dev/null
after=$(state_of)
doublelock setup confirm >/dev/null
is "$? $(state_of)" "0 $after" "confirmed: it stays"
doublelock setup rollback >/dev/null 2>&1
is "$? $(state_of)" "1 $after" "and is not put back any more"
doublelock setup ssh --yes >/dev/null
doublelock setup confirm >/dev/null
is "$(state_of)" "$after" "once more changes nothing"

rm $drop_in
cp "$TMPDIR/stock.pam" /etc/pam.d/sshd
# one that was put back by hand does not end the next one's time
doublelock setup ssh --yes --within 1s >/dev/null
doublelock setup rollback >/dev/null
doublelock setup ssh --yes --within 1h >/dev/null
# shellcheck disable=SC2317 # until_true calls it
first_is_over() { [ "$(find /proc/[0-9]*/fd -lname '*setup.d/pending*' 2>/dev/null | wc -l)" = 1 ]; }
until_true first_is_over
is "$(state_of)" "$after" "the time of a change that was put back ends no other"
doublelock setup rollback >/dev/null
doublelock setup ssh --yes --within 1s >/dev/null
# shellcheck disable=SC2317 # until_true calls it
is_back() { [ "$(state_of)" = "$before" ]; }
until_true is_back
is "$(state_of)" "$before" "nobody confirmed: put back by itself"

# who waits is gone: what was left is undone, and then done anew
doublelock setup ssh --yes --within 1h >/dev/null
for fd in /proc/[0-9]*/fd/*; do
	[ "$(readlink "$fd" 2>/dev/null)" = /etc/doublelock/setup.d/pending ] || continue
	process=${fd#/proc/}
	kill -9 "${process%%/*}"
done
rm -f $drop_in
until_true doublelock setup ssh --yes >/dev/null 2>&1
is "$(state_of)" "$after" "a change that was cut off is made anew"
doublelock setup rollback >/dev/null
is "$(state_of)" "$before" "and what was there first is put back"

echo 'Nonsense yes' >>/etc/ssh/sshd_config
doublelock setup ssh --yes >/dev/null 2>&1
is "$? $(state_of)" "3 $before" "sshd does not agree: nothing stays"
sed -i '/^Include/d; /^Nonsense/d' /etc/ssh/sshd_config
said=$(doublelock setup ssh 2>&1)
is "$?" 1 "a drop-in that would not come first"
like "$said" "its first line has to be 'Include" "and what to do"
is "$(setpriv --reuid=doublelock --regid=doublelock --clear-groups doublelock setup ssh --yes >/dev/null 2>&1; echo $?)" \
	1 "somebody else is told what is in the way"
finish
