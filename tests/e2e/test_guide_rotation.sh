#!/bin/sh
# SPDX-License-Identifier: MIT
# test_guide_rotation - docs/guides/rotation.md, as it is written, with alice logging in between its
# steps by the old and the new.
. "$(dirname "$0")/lib.sh"

install_doublelock
guide=$top/docs/guides/rotation.md
. "$top/tests/e2e/guide.sh"
ca_of_the_guide
for file in root issuing; do
	case $file in
	root) install -m 644 "$tree/root.pem" $etc/trust.d/ ;;
	*) install -m 644 "$tree/issuing.pem" $etc/intermediates.d/ ;;
	esac
	install -m 644 "$tree/$file.crl" $etc/crl.d/
done
without_systemd
printf '[identity]\nrule = san-email:%%u@example.com\n[service sshd]\ncertificate = sshd\n' \
	>$etc/doublelock.conf
account alice
doublelock init >"$work/init.log" 2>&1
# another certificate of alice's, of CA, as NAME
another() { # CA NAME
	pki_key "$pki/$2.key"
	pki_sign "$1" alice "$pki/$2.key" "$tree/$2.pem" client -days 30
}
another issuing alice
doublelock cert add alice "$tree/alice.pem" >>"$work/register.log" 2>&1
another issuing alice-2
pki_root root-2
pki_issuing issuing-2 root-2
for ca in root-2 issuing-2; do
	cp "$pki/$ca/ca.pem" "$tree/$ca.pem"
	cp "$pki/$ca/crl.pem" "$tree/$ca.crl"
done
another issuing-2 alice-3
secret=$(enroll alice --hotp) || die "no token"
counter=-1
start_sshd
# logins KEY...: with each of these keys and a fresh code
logins() {
	tried=
	for which in "$@"; do
		counter=$((counter + 1))
		ssh_login alice "$pki/$which.key" "$(oathtool --hotp --base32 --counter $counter "$secret")"
		[ "$login" = in ] || counter=$((counter - 1))
		tried="$tried $login"
	done
}

logins alice alice-2
is "$tried" " in out" "the old certificate logs in"
keys=$(wc -l <$etc/seal.key)
follow 1
is "$(wc -l <$etc/seal.key)" $((keys + 1)) "the old sealing key stays"
logins alice
is "$tried" " in" "and tokens are sealed under the new one"

sed '/^    old=/,$d' "$guide" >"$work/first-half.md"
whole_guide=$guide
guide=$work/first-half.md
follow 2
logins alice alice-2
is "$tried" " in in" "both certificates log in"
guide=$whole_guide
follow 2
logins alice alice-2
is "$tried" " out in" "the removed one does not"

follow 3
like "$(cat "$work/step3.log")" '^accept ok$' "a certificate of the new CA is accepted"
logins alice-2 alice-3
is "$tried" " in in" "certificates of both CAs log in"
follow 4
logins alice-2 alice-3
is "$tried" " out in" "when the old CA has gone, its certificate does not"
is "$(doublelock verify --json "$tree/alice-2.pem" | jq -r .reason)" untrusted-issuer "for that reason"

echo "whsec_$(head -c 32 /dev/urandom | base64)" >$etc/webhook.secret
before=$(cat $etc/webhook.secret)
follow 5
is "$(wc -l <$etc/webhook.secret) $(grep -c "$before" $etc/webhook.secret)" "1 0" \
	"one secret is left, and it is the new one"
finish
