#!/bin/sh
# SPDX-License-Identifier: MIT
# test_token - a console login with a smart card, which SoftHSM plays: the PIN by prompt, and the
# challenge signed on the token.
. "$(dirname "$0")/lib.sh"

install_doublelock
pki_usual
configure <<-END
	[service login]
	certificate = token
	otp = none
	[service console]
	certificate = token
	otp = required
END
for service in login console; do
	printf '%s\n' 'auth required pam_doublelock.so' >/etc/pam.d/$service
done
install -m 755 "$B/tests/e2e/pamlogin" /usr/local/bin/pamlogin
. "$top/tests/e2e/hsm.sh"
start_log


# console USER PIN [CODE] [SERVICE]: let in or not, how many prompts, and why
console() {
	: >"$work/asked"
	said=$(PIN=$2 with_module /usr/local/bin/pamlogin "${4:-login}" "$1" "${3:-none}" 1 \
		</dev/null 2>>"$work/asked")
	echo "$(echo "$said" | sed 's/ of 1, / in, /; s/ prompts,.*/ asked/'): $(last_reason "$1")"
}
last() { # USER FIELD
	doublelock events --user "$1" --json 2>>"$work/events.log" |
		jq -rs "map(select(.reason != \"\")) | last | .$2"
}

for user in alice bob carol; do account $user; done
pki_client issuing alice rsa
pki_client issuing bob
pki_client issuing carol P-384
for user in alice bob carol; do register $user issuing; done
secret=$(enroll bob)

is "$(console alice "$pin")" "0 in, 0 asked: no-certificate" "no token is there"
like "$(last alice detail)" 'no smart card or token is there' "and that is said"
token empty
is "$(console alice "$pin")" "0 in, 0 asked: no-certificate" "a token without certificates"
like "$(last alice detail)" 'no certificate of a user on it' "is told apart"

for user in bob alice carol; do
	token "card of $user"
	key_onto "card of $user" "$pki/issuing/$user.key"
	certificate_onto "card of $user" "$pki/issuing/$user.pem"
done
is "$(console alice "$pin"), $(last alice possession)" "1 in, 1 asked: ok, token" \
	"RSA, and the right one of four tokens"
is "$(cat "$work/asked")" "PIN for card of alice: " "the prompt names it"
is "$(console bob "$pin")" "1 in, 1 asked: ok" "P-256"
is "$(console carol "$pin")" "1 in, 1 asked: ok" "P-384"
is "$(console bob "$pin" "$(code_of "$secret")" console)" "1 in, 2 asked: ok" "a PIN, then a code"
is "$(console bob "$pin" 000000 console)" "0 in, 2 asked: otp-wrong" "and the code has to be right"

is "$(console alice 1234)" "0 in, 1 asked: possession-unproven" "a wrong PIN, tried once"
like "$(last alice detail)" 'the PIN of the token is wrong' "is called that"
is "$(console alice '')" "0 in, 1 asked: possession-unproven" "no PIN"
like "$(last alice detail)" 'no PIN was entered' "is none"
is "$(console alice "$pin")" "1 in, 1 asked: ok" "and then the right one"

# a certificate is public, and copied easily
no_tokens
token copy
key_onto copy "$pki/issuing/bob.key"
certificate_onto copy "$pki/issuing/alice.pem"
is "$(console alice "$pin")" "0 in, 1 asked: possession-unproven" "a copied certificate, another key"
like "$(last alice detail)" "not one of this challenge by the certificate's key" "proves nothing"
no_tokens
token copy
certificate_onto copy "$pki/issuing/alice.pem"
is "$(console alice "$pin")" "0 in, 1 asked: possession-unproven" "a copied certificate, no key"
like "$(last alice detail)" 'has the certificate and not its key' "and that is said"

# what SoftHSM does not have: a module in front of it plays it
install -m 755 "$B/tests/e2e/card.so" /usr/local/lib/card.so
echo 'module: /usr/local/lib/card.so' >/usr/share/p11-kit/modules/softhsm2.module
install -d -o doublelock-token -m 755 /run/card
no_tokens
token card
key_onto card "$pki/issuing/alice.key"
certificate_onto card "$pki/issuing/alice.pem"
play() { echo "$1" >/run/card/part; rm -f /run/card/tries /run/card/logins; }
logins() { wc -c </run/card/logins 2>/dev/null || echo 0; }

play usual
is "$(console alice "$pin"), $(logins) login" "1 in, 1 asked: ok, 1 login" "one PIN, one login"
play locks
is "$(console alice 1111), $(logins) login" "0 in, 1 asked: possession-unproven, 1 login" \
	"a wrong PIN costs one try"
is "$(console alice 1111)" "0 in, 1 asked: possession-unproven" "and another one"
like "$(last alice detail)" 'is wrong; after one more wrong one it locks itself' "which is said"
is "$(console alice 1111)" "0 in, 1 asked: possession-unproven" "the last one"
is "$(cat "$work/asked")" "PIN for card (the last try before it is locked): " "is announced"
like "$(last alice detail)" 'is locked after too many wrong ones' "and locks it"
is "$(console alice "$pin"), $(logins) logins" "0 in, 0 asked: possession-unproven, 3 logins" \
	"a locked PIN is neither asked for nor tried"
like "$(last alice detail)" 'is locked after too many wrong ones' "and that is said"
play change
is "$(console alice "$pin")" "0 in, 0 asked: possession-unproven" "a PIN that has to be changed first"
like "$(last alice detail)" 'has no PIN yet, or one that has to be changed' "is told apart"
play reader
is "$(console alice none)" "1 in, 0 asked: ok" "a reader with keys of its own asks itself"
play always
is "$(console alice "$pin"), $(logins) logins" "1 in, 1 asked: ok, 2 logins" \
	"a key that asks each time has the same PIN again"
play gone
is "$(console alice "$pin")" "0 in, 1 asked: possession-unproven" "a card that is taken out meanwhile"
like "$(last alice detail)" 'was taken out' "and that is said"
for lie in huge grows long; do
	play $lie
	is "$(console alice "$pin")" "0 in, 0 asked: no-certificate" "a certificate of 2 GB, or so the card says: $lie"
done
play taken
is "$(console alice "$pin")" "1 in, 1 asked: ok" "a driver that its card has taken over signs"
is "$(tr '\n' ' ' </run/card/taken)" \
	"exec EPERM ptrace EPERM inet EPERM inet6 EPERM netlink EPERM io_uring EPERM unshare EPERM setuid EPERM unix done state failed key failed " \
	"and starts no program, looks into nobody, has no network and no state"
play usual

# not registered: the one certificate that is there, of whomever it is
no_tokens
pki_client issuing dave
account dave
token 'a\name'
key_onto 'a\name' "$pki/issuing/dave.key"
certificate_onto 'a\name' "$pki/issuing/dave.pem"
is "$(console dave "$pin")" "1 in, 1 asked: ok" "a certificate that is registered nowhere"
is "$(cat "$work/asked")" 'PIN for a\\name: ' "a token's name is escaped"
is "$(console alice "$pin")" "0 in, 1 asked: user-mismatch" "is its owner's alone"
pki_revoke issuing dave
pki_publish
is "$(console dave "$pin")" "0 in, 1 asked: revoked" "revoked, and still on the card"

is "$(syslog | grep -c -e "$pin")" 0 "no PIN is in the log"
like "$(syslog | grep -c 'doublelock-prove-token\[')" '^[1-9]' "what the prover has to say is"
finish
