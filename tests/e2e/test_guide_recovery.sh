#!/bin/sh
# SPDX-License-Identifier: MIT
# test_guide_recovery - docs/guides/recovery.md, as it is written: a backup, a machine that has
# lost everything, and what works on it when.
. "$(dirname "$0")/lib.sh"

cp /etc/pam.d/sshd "$TMPDIR/stock.pam"
install_doublelock
cp "$TMPDIR/stock.pam" /etc/pam.d/sshd
guide=$top/docs/guides/recovery.md
. "$top/tests/e2e/guide.sh"
pki_usual
configure </dev/null
mkdir -p /run/roots-home
mount --bind /run/roots-home /root
for user in alice bob; do
	pki_client issuing $user
	account $user
	register $user issuing
done
enrolled=$(doublelock enroll --json alice </dev/null 2>>"$work/enroll.log")
secret=$(echo "$enrolled" | jq -r .secret)
recovery=$(echo "$enrolled" | jq -r '.recovery[0]')
counting=$(enroll bob --hotp)
by() { ssh_login "$1" "$pki/issuing/$1.key.ssh" "$2"; }
{
	without_systemd
	ssh-keygen -q -A
	doublelock setup ssh --yes && doublelock setup confirm
} >"$work/setup.log" 2>&1 || die "no setup"
hotp() { oathtool --hotp --base32 --counter "$1" "$counting"; }
start_real_sshd
by bob "$(hotp 0)"
is "$login" in "before"

follow 1
is "$(stat -c %a /root/backup/state.db)" 600 "the backup is root's alone"
by alice "$recovery"
is "$login" in "a recovery code is used after the backup"
find $etc -mindepth 1 -delete
find $state -mindepth 1 -delete
by alice "$(code_of "$secret")"
is "$login" out "everything is lost"

follow 2
by alice "$(code_of "$secret")"
is "$login" in "a code of time lets in at once"
by alice "$recovery"
is "$login" out "a recovery code that was used since does not"
by bob "$(hotp 1)"
is "$login" out "nor does a token that counts"
like "$(doublelock why bob)" 'accept-restore' "and why says what to do"
follow 3
like "$(cat "$work/step3.log")" 'nothing critical was found' "doctor is green"
by alice "$recovery"
is "$login" out "the recovery codes are new ones"
by bob "$(hotp 1)"
is "$login" in "a token that counts goes on"

echo alice,phone >"$tree/users.csv"
follow 4
by alice "$(code_of "$secret" 1)"
is "$login" out "without the sealing key the old token is none"
by alice "$(code_of "$(cut -d, -f4 "$tree/enrolled.csv")")"
is "$login" in "the new one lets in"
finish
