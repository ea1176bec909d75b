#!/bin/sh
# SPDX-License-Identifier: MIT
# test_guide_authenticator - docs/guides/google-authenticator.md, as it is written, for a user whose
# file is as google-authenticator writes it.
. "$(dirname "$0")/lib.sh"

cp /etc/pam.d/sshd "$TMPDIR/stock.pam"
install_doublelock
cp "$TMPDIR/stock.pam" /etc/pam.d/sshd
sed -i '1i auth required pam_google_authenticator.so' /etc/pam.d/sshd
guide=$top/docs/guides/google-authenticator.md
. "$top/tests/e2e/guide.sh"
pki_usual
configure </dev/null
pki_client issuing alice
without_systemd
printf '#!/bin/sh\n' >/run/bin/apt-get # nothing is removed from this machine
chmod 755 /run/bin/apt-get
mkdir -p /run/homes
mount --bind /run/homes /home
useradd --no-log-init --create-home --home-dir /home/alice --shell /bin/sh alice
register alice issuing
secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ
printf '%s\n' $secret '" RATE_LIMIT 3 30' '" WINDOW_SIZE 17' '" DISALLOW_REUSE' '" TOTP_AUTH' \
	12345678 87654321 >/home/alice/.google_authenticator
chown alice /home/alice/.google_authenticator
chmod 400 /home/alice/.google_authenticator

follow 1
is "$(test -e $state/state.db || echo none)" none "--dry-run takes nothing over"
follow 2
is "$(doublelock token list alice --json | jq -r '.[0].kind')" totp "alice's token is taken over"
follow 2
like "$(cat "$work/step2.log")" 'present' "and once more changes nothing"

# step 3, up to the login and from it on
commands 3 | grep -v '^(' >"$work/step3"
sed '/confirm/,$d' "$work/step3" >"$work/before"
(cd "$tree" && sh -e -x "$work/before") >"$work/step3.log" 2>&1
is "$?" 0 "step 3, the module"
start_real_sshd
ssh_login alice "$pki/issuing/alice.key.ssh" "$(code_of $secret)"
is "$login, asked: $asked" "in, asked: (alice@127.0.0.1) Verification code: " \
	"the app's code and the certificate let in, and one code is asked for"
ssh_login alice "$pki/issuing/alice.key.ssh" 12345678
is "$login" in "so does a scratch code"
is "$(sed -n '/confirm/p' "$work/step3" | sh)" "confirmed: it stays" "confirmed"
follow 4
is "$(find /home/alice -name ".google*")" "" "the file has gone"
finish
