#!/bin/sh
# SPDX-License-Identifier: MIT
# test_guide_rollout - docs/guides/rollout.md, as it is written: a machine with passwords, where
# alice goes first and bob stays as he is until everybody is switched over.
. "$(dirname "$0")/lib.sh"

cp /etc/pam.d/sshd "$TMPDIR/stock.pam"
install_doublelock
cp "$TMPDIR/stock.pam" /etc/pam.d/sshd
guide=$top/docs/guides/rollout.md
. "$top/tests/e2e/guide.sh"
ca_of_the_guide
pki_publish
without_systemd
# logins as they were: by password, asked through PAM
printf 'KbdInteractiveAuthentication yes\nUsePAM yes\n' >/etc/ssh/sshd_config.d/50-before.conf
for user in alice bob; do
	certificate_of $user
	account $user
	echo "$user:secret-word" | chpasswd
done
doublelock init >"$work/init.log" 2>&1
: >$etc/doublelock.conf
register alice issuing
secret=$(enroll alice --hotp)
code() { oathtool --hotp --base32 --counter "$1" "$secret"; }
by_password() { ssh_login "$1" "$pki/issuing/$1.key.ssh" secret-word; }
by_code() { ssh_login alice "$pki/issuing/alice.key.ssh" "$1"; }

for step in 1 2; do follow $step whole; done
start_real_sshd
by_password bob
is "$login: $(last_reason bob)" "in: no-certificate" "bob comes by password, and it is on record"
by_password alice
is "$login, asked: $asked" "in, asked: (alice@127.0.0.1) Password: " "so does alice"
follow 3 whole
like "$(cat "$work/step3.log")" '1 bob no-certificate' "what would happen is counted"

follow 4 whole
is "$(cat /run/systemctl)" "reload ssh" "sshd is told to read its files again"
stop "$sshd_pid"
start_real_sshd
by_password alice
is "$login: $(last_reason alice)" "out: otp-wrong" "alice does not come by password any more"
by_code "$(code 0)"
is "$login, asked: $asked" "in, asked: (alice@127.0.0.1) Verification code: " "but by certificate and code"
by_password bob
is "$login" in "nothing has changed for bob"

follow 5 whole
like "$(cat "$work/step5.log")" 'nothing critical was found' "doctor is green in the end"
stop "$sshd_pid"
start_real_sshd
by_password bob
is "$login after $prompts prompts" "out after 0 prompts" "bob does not come by password any more"
by_code "$(code 1)"
is "$login" in "alice comes by certificate and code"
finish
