#!/bin/sh
# SPDX-License-Identifier: MIT
# test_race - eight processes with one code, twenty rounds, through pam_authenticate and the
# installed module: exactly one of eight gets in.
. "$(dirname "$0")/lib.sh"

install_doublelock
pki_usual
configure </dev/null
pki_client issuing alice
account alice
register alice issuing
info="publickey $(ssh-keygen -y -f "$pki/issuing/alice.key.ssh")"

race() { # CODE
	echo "$info" | "$B/tests/e2e/pamlogin" sshd alice "$1" 8 2>&1 | sed 's/,.*//'
}

wins=''
secret=$(enroll alice)
for step in 0 1; do
	wins="$wins$(race "$(code_of "$secret" $step)");"
done
is "$wins" "1 of 8;1 of 8;" "codes of time, two rounds"

wins='' wanted=''
secret=$(enroll alice --hotp --label counter)
for counter in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do
	wins="$wins$(race "$(oathtool --hotp --base32 --counter $counter "$secret")");"
	wanted="${wanted}1 of 8;"
done
is "$wins" "$wanted" "codes of a counter, eighteen rounds"

tally() { doublelock events --user alice --json | jq -rs "map(select(.reason == \"$1\")) | length"; }
is "$(tally ok) in, $(tally otp-replayed) replayed" "20 in, 140 replayed" \
	"each of the 160 is on record with its reason"
finish
