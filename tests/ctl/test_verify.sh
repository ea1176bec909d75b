#!/bin/sh
# SPDX-License-Identifier: MIT
# doublelock verify: the words, the exits and the JSON that scripts stand on.
. "$(dirname "$0")/lib.sh"

pki_usual
pki_root stranger
for name in alice bob; do pki_client issuing "$name"; done
pki_client stranger carol
pki_expired issuing dave
pki_revoke issuing bob
leaf=$pki/issuing/alice.pem

verify() {
	run verify --trust "$pki/root/ca.pem" --intermediates "$pki/issuing/ca.pem" \
		--crl "$pki/root/crl.pem" --crl "$pki/issuing/crl.pem" "$@"
}

verify "$leaf"
is "$code $(first)" "0 accept ok" "a good certificate is accepted"
verify "$pki/issuing/bob.pem"
is "$code $(first)" "1 refuse revoked" "a revoked one is refused"
verify "$pki/stranger/carol.pem"
is "$code $(first)" "1 refuse untrusted-issuer" "one of an unknown CA is refused"
verify "$pki/issuing/dave.pem"
is "$code $(first)" "1 refuse certificate-expired" "an expired one is refused"
like "$out" "to do: renew" "and it is said what to do"
verify --at 2020-06-01T00:00:00Z "$leaf"
is "$code $(first)" "1 refuse certificate-not-yet-valid" "--at takes RFC 3339"
verify --at "$(date +%s)" "$leaf"
is "$code $(first)" "0 accept ok" "--at takes unix seconds"

openssl x509 -in "$leaf" -outform DER -out "$work/alice.der"
openssl crl -in "$pki/issuing/crl.pem" -outform DER -out "$work/issuing.crl"
mkdir "$work/trust" "$work/lists"
openssl x509 -in "$pki/root/ca.pem" -outform DER -out "$work/trust/root.der"
cp "$pki/root/crl.pem" "$work/issuing.crl" "$work/lists"
cat "$leaf" "$pki/issuing/ca.pem" >"$work/chain.pem"
run verify --trust "$work/trust" --crl "$work/lists" "$work/chain.pem"
is "$code $(first)" "0 accept ok" "directories, and a chain in the certificate's file"
run verify --trust "$work/trust" --intermediates "$pki/issuing" --crl "$work/lists" "$work/alice.der"
is "$code $(first)" "0 accept ok" "DER, and a directory of intermediates"

run verify --trust "$pki/root/ca.pem" "$leaf"
is "$code $(first)" "1 refuse untrusted-issuer" "without the issuing CA there is no path"
run verify --trust "$pki/root/ca.pem" "$work/chain.pem"
is "$code $(first)" "1 refuse revocation-unknown" "without CRLs nothing is known"
run verify --trust "$pki/root/ca.pem" --revocation prefer "$work/chain.pem"
is "$code $(first)" "0 accept ok" "--revocation prefer lets absence pass"
like "$out" "relaxed +.*prefer" "and says that it was relaxed"
run verify --trust "$pki/root/ca.pem" --revocation=off "$work/chain.pem"
is "$code $(first)" "0 accept ok" "--revocation=off"

verify --user alice --json "$leaf"
is "$code" 0 "without --user no identity is judged, with it the common name is the account"
fingerprint=$(sha256sum <"$work/alice.der" | cut -c1-64)
is "$(printf '%s' "$out" | jq -r '[.allow, .reason, .user, .subject, .issuer, .fingerprint] | @csv')" \
	"true,\"ok\",\"alice\",\"CN=alice\",\"CN=issuing\",\"$fingerprint\"" "the JSON has the names"
is "$(printf '%s' "$out" | jq -r '.good_until > now')" true "and until when it is good"
is "$(printf '%s' "$out" | jq -r 'keys | join(" ")')" \
	"allow detail fingerprint good_until issuer reason relaxed serial stage subject user" \
	"and its keys are a contract"
verify --user bob "$leaf"
is "$code $(first)" "1 refuse user-mismatch" "somebody else's certificate is refused"
verify --user root "$leaf"
is "$code $(first)" "1 refuse user-mismatch" "root's, too"
verify --json "$pki/issuing/bob.pem"
is "$code $(printf '%s' "$out" | jq -r '.allow, .reason, .stage' | tr '\n' ' ')" \
	"1 false revoked revoked " "JSON of a refusal"

echo garbage >"$work/garbage.pem"
head -c 10000000 /dev/zero >"$work/large.pem"
: >"$work/empty.pem"
sed 's/^M/N/' "$leaf" >"$work/damaged.pem"
for bad in garbage large empty damaged; do
	verify "$work/$bad.pem"
	is "$code $(first)" "1 refuse certificate-malformed" "$bad is refused"
done
verify "$work/missing.pem"
is "$code $(first)" "3 refuse fault-config" "a missing file is a fault"
like "$out" "missing.pem: No such file" "and it is named"
run verify --trust "$work/missing" "$leaf"
is "$code $(first)" "3 refuse fault-config" "so are missing anchors"
run verify --trust "$work/garbage.pem" "$leaf"
is "$code $(first)" "3 refuse fault-config" "and anchors that are none"
mkdir "$work/nothing"
run verify --trust "$work/nothing" "$leaf"
is "$code $(first)" "3 refuse fault-config" "and no anchors at all"
verify --crl "$work/missing.crl" "$leaf"
is "$code $(first)" "3 refuse fault-config" "and missing lists"
mkfifo "$work/fifo"
verify "$work/fifo"
is "$code $(first)" "3 refuse fault-config" "nobody waits for a fifo"

for usage in "--nonsense x" "" "a b" "--at yesterday x" "--revocation maybe x" "--trust" "-x y" \
	"--trust a --config b c" "--trust a --check-config" "--json=yes x" "--user a\\040b x"; do
	# shellcheck disable=SC2046,SC2059 # words, and octets
	run verify $(printf -- "$usage")
	is "$code" 2 "usage: verify $usage"
done
run
is "$code" 2 "usage: nothing"
run nonsense
is "$code" 2 "usage: nonsense"
run --version
like "$code $out" "^0 doublelock [0-9]" "--version"

configure
pki_publish
ctl verify "$leaf"
is "$code $(first)" "1 refuse no-identity" "with a configuration the account has to exist"
pki_client issuing "$me"
ctl verify "$pki/issuing/$me.pem"
is "$code $(first)" "0 accept ok" "one that exists"
ctl verify --service sshd --user "$me" "$pki/issuing/$me.pem"
is "$code $(first)" "0 accept ok" "by the rules of a service"
ctl verify --service nonsense "$pki/issuing/$me.pem"
is "$code $(first)" "1 refuse unknown-service" "a service that is not configured"
ctl verify "$pki/issuing/bob.pem"
is "$code $(first)" "1 refuse revoked" "the lists of the configuration hold"
ctl verify --check-config
is "$code $out" "0 ok" "--check-config of a good one"
ctl crl status
is "$code" 0 "crl status: every CA has its list"
like "$out" "^current +.*issuing.pem: CN=issuing, number [0-9]+, 1 entries, of 20[0-9-]+T" \
	"and what is in it, and since when"
like "$out" "^ +needed by CN=issuing, 0 registered certificates" "and who is judged by it"
ctl crl status --json
is "$(printf '%s' "$out" | jq -c '[.good, (.lists | length), .missing, .unusable]')" \
	'[true,2,[],[]]' "as JSON, too"
ctl crl compile --json
is "$code $out" '0 {"compiled":2}' "lists are compiled"
ctl crl compile --json
is "$code $out" '0 {"compiled":0}' "once"
ctl verify "$pki/issuing/bob.pem"
is "$code $(first)" "1 refuse revoked" "and hold as they did"
cp "$pki/stranger/crl.pem" "$work/garbage.pem" "$etc/crl.d"
rm "$etc/crl.d/root.pem"
ctl crl status
is "$code" 1 "what is wrong with lists is told"
like "$out" "^MISSING +no list of CN=root" "a CA without one"
like "$out" "^signer unknown .*crl.pem: CN=stranger" "one of somebody else"
like "$out" "^UNUSABLE .*garbage.pem: " "one that is none"
ctl crl compile
is "$code" 1 "which cannot be compiled"
echo 'nonsense = 1' >>"$etc/doublelock.conf"
ctl verify --check-config
like "$code $err" "^3 .*doublelock.conf:[0-9]+: " "--check-config names file and line"
ctl verify "$leaf"
is "$code $(first)" "3 refuse fault-config" "and nothing is judged by it"
finish
