# shellcheck shell=sh disable=SC2154 # work is of lib.sh
# SPDX-License-Identifier: MIT
# hsm.sh - smart cards, which SoftHSM plays; sourced behind install_doublelock.
tokens=/run/tokens
install -d -o doublelock-token -g doublelock-token -m 700 $tokens
sed -i "s|^directories.tokendir.*|directories.tokendir = $tokens|" /etc/softhsm/softhsm2.conf
chmod 755 /etc/softhsm
chmod 644 /etc/softhsm/softhsm2.conf

as_token() { setpriv --reuid=doublelock-token --regid=doublelock-token --clear-groups "$@"; }
hsm() { as_token softhsm2-util "$@" >>"$work/softhsm.log" 2>&1 || die "softhsm2-util $1 failed"; }
library=$(sed -n 's/^module: *//p' /usr/share/p11-kit/modules/softhsm2.module)
pkcs11() {
	as_token pkcs11-tool --module "$library" "$@" >>"$work/pkcs11.log" 2>&1 ||
		die "pkcs11-tool failed"
}
pin=sesame-4321 # as in card.c, and nothing that an id could have in it
# token LABEL: with that PIN
token() { hsm --init-token --free --label "$1" --so-pin 87654321 --pin "$pin"; }
# key_onto LABEL KEY, certificate_onto LABEL CERTIFICATE
key_onto() {
	install -o doublelock-token -m 600 "$2" $tokens.key
	hsm --import $tokens.key --token "$1" --label key --id 01 --pin "$pin"
	rm -f $tokens.key
}
certificate_onto() {
	openssl x509 -in "$2" -outform DER -out $tokens.der
	pkcs11 --token-label "$1" --login --pin "$pin" --write-object $tokens.der --type cert \
		--id 01 --label certificate
}
no_tokens() { rm -rf --one-file-system "${tokens:?}"/*; }
