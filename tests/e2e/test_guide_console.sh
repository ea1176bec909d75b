#!/bin/sh
# SPDX-License-Identifier: MIT
# test_guide_console - docs/guides/console.md, as it is written, on Debian's stack of login; SoftHSM
# plays the card.
. "$(dirname "$0")/lib.sh"

cp /etc/pam.d/sshd "$TMPDIR/stock.pam"
install_doublelock
cp "$TMPDIR/stock.pam" /etc/pam.d/sshd
guide=$top/docs/guides/console.md
. "$top/tests/e2e/guide.sh"
pki_usual
configure </dev/null
mkdir -p $etc/conf.d /etc/polkit-1/rules.d
without_systemd
printf '#!/bin/sh\n' >/run/bin/apt-get # what it would install is here, or played
chmod 755 /run/bin/apt-get
ssh-keygen -q -A
{
	doublelock setup ssh --yes && doublelock setup confirm
} >"$work/setup.log" 2>&1 || die "no setup"
account alice
pki_client issuing alice
register alice issuing
secret=$(enroll alice --hotp) || die "no token"
install -m 755 "$B/tests/e2e/pamlogin" /usr/local/bin/pamlogin

# the card
tokens=/run/tokens
install -d -o doublelock-token -g doublelock-token -m 700 $tokens
sed -i "s|^directories.tokendir.*|directories.tokendir = $tokens|" /etc/softhsm/softhsm2.conf
chmod 755 /etc/softhsm
chmod 644 /etc/softhsm/softhsm2.conf
as_token() { setpriv --reuid=doublelock-token --regid=doublelock-token --clear-groups "$@"; }
library=$(sed -n 's/^module: *//p' /usr/share/p11-kit/modules/softhsm2.module)
install -o doublelock-token -m 600 "$pki/issuing/alice.key" /run/key
openssl x509 -in "$pki/issuing/alice.pem" -outform DER -out /run/certificate
{
	as_token softhsm2-util --init-token --free --label 'PIV card of alice' \
		--so-pin 87654321 --pin 4321 &&
		as_token softhsm2-util --import /run/key --token 'PIV card of alice' --label key \
			--id 01 --pin 4321 &&
		as_token pkcs11-tool --module "$library" --login --pin 4321 --type cert --id 01 \
			--token-label 'PIV card of alice' --label certificate \
			--write-object /run/certificate
} >"$work/card.log" 2>&1 || die "no card"

on_machine() { step_of "$1" | grep -vE '^(bastion login|PIN for|Verification|Password)'; }
for step in 1 2; do follow $step on_machine; done
on_machine 3 | sed '/confirm/d' >"$work/before"
(cd "$tree" && sh -e -x "$work/before") >"$work/step3.log" 2>&1
is "$?" 0 "step 3"
like "$(cat "$work/step3.log")" '^becomes /etc/pam.d/login$' "what is written is shown"
is "$(on_machine 3 | sed -n '/confirm/p' | sh)" "confirmed: it stays" "confirmed"
is "$(grep -v '^#' /etc/pam.d/login | grep -E '^(@include common-auth|auth.*doublelock)' | tr '\n' ,)" \
	"auth required pam_doublelock.so,@include common-auth," "above the password, which stays"
follow 4 on_machine

# console PIN COUNTER
console() {
	: >"$work/asked"
	said=$(PIN=$1 with_module /usr/local/bin/pamlogin login alice \
		"$(oathtool --hotp --base32 --counter "$2" "$secret")" 1 </dev/null 2>>"$work/asked")
	echo "$(echo "$said" | sed 's/ of 1, / in, /; s/ prompts,.*/ asked/'): $(last_reason alice)"
}
is "$(console 1234 0)" "0 in, 1 asked: possession-unproven" "a wrong PIN"
like "$(doublelock why alice)" 'PIN of the token is wrong' "which why tells"
is "$(console 4321 0)" "1 in, 2 asked: ok" "card, PIN and code"
is "$(grep PIN "$work/asked")" "PIN for PIV card of alice: " "as the guide says"
is "$(console 4321 0)" "0 in, 2 asked: otp-replayed" "a code is good once"
finish
