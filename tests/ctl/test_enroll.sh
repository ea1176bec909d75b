#!/bin/sh
# SPDX-License-Identifier: MIT
# Enrolment, what sshd is offered, and what the record says of it.
. "$(dirname "$0")/lib.sh"

code_of() { oathtool --totp --base32 "$1"; }

pki_usual
pki_client issuing "$me"
pki_client issuing other
pki_expired issuing late
configure
leaf=$pki/issuing/$me.pem

ctl status
is "$code" 3 "status of a machine without a key and a record is a fault"
ctl why "$me"
is "$code" 3 "and there is nothing to explain"
ctl enroll "$me" --json
is "$code" 0 "the first enrolment makes the sealing key and the record"
like "$err" "made .*seal.key" "and says so"
is "$(stat -c %a "$etc/seal.key") $(stat -c %a "$work/state/state.db")" "600 600" \
	"which nobody else reads"
is "$(printf '%s' "$out" | jq -r 'keys | join(" ")')" "label recovery secret uri user" \
	"the JSON of an enrolment is a contract"
is "$(printf '%s' "$out" | jq -r '.recovery | unique | length')" 10 "ten recovery codes"
secret=$(printf '%s' "$out" | jq -r .secret)
like "$(printf '%s' "$out" | jq -r .uri)" \
	"^otpauth://totp/[^:/]+:$me\\?secret=$secret&issuer=[^&]+&algorithm=SHA1&digits=6&period=30$" \
	"the URI has everything"
ctl enroll "$me" --json
is "$code" 1 "a second token with the same label is refused"
ctl enroll "$me" --label second --json --digits 8 --period 60 --algorithm SHA256
is "$code $(printf '%s' "$out" | jq -r '.recovery | length')" "0 0" \
	"one with another label is made, and recovery codes are not shown again"
like "$(printf '%s' "$out" | jq -r .uri)" "algorithm=SHA256&digits=8&period=60$" "as asked for"
for usage in "--digits 9" "--digits 5" "--period 14" "--period 301" "--algorithm MD5" \
	"--counter 1" "--label="; do
	# shellcheck disable=SC2086 # words
	ctl enroll "$me" $usage
	is "$code" 2 "usage: enroll $usage"
done

# with the code of a secret that is known before
seed=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP
confirm() {
	code=0
	out=$(printf '%s\n' "$@" | "$B/doublelock" enroll "$me" --secret-stdin --label known \
		--config "$etc/doublelock.conf" 2>&1) || code=$?
}
confirm $seed 000000 111111 222222
is "$code" 1 "three codes that are none: no token"
ctl token list "$me" --json
is "$(printf '%s' "$out" | jq length)" 2 "really none"
confirm $seed "$(code_of $seed)"
is "$code" 0 "the right code makes the token active"
like "$out" "▄|▀" "and the QR code was shown"
confirm "not base32" 123456
is "$code" 1 "a secret that is none"
for style in --ascii "--png $work/qr.png"; do
	# shellcheck disable=SC2086 # words
	ctl enroll "$me" --label "x$style" --no-confirm $style
	is "$code" 0 "enroll $style"
done
like "$(od -An -c "$work/qr.png" | head -n 1)" "P +N +G" "the PNG is one"
ctl enroll "$me" --label again --no-confirm --png "$work/qr.png"
is "$code" 3 "and nothing is written over"

ctl cert add "$me" "$leaf"
is "$code" 0 "a certificate is registered"
is "$err" "" "and nothing speaks against it"
ctl cert add "$me" "$leaf"
like "$code $out" "^0 already" "twice is once"
ctl cert add "$me" "$pki/issuing/late.pem"
like "$code $err" "^0 .*certificate-expired" "one that would be refused is said"
ctl cert add nobody-of-that-name "$leaf"
is "$code" 1 "a user who is not there"
ctl cert add "$me" "$etc/doublelock.conf"
like "$code $err" "^1 .*certificate-malformed" "a file that is no certificate"
ctl cert add "$me" "$work/missing"
is "$code" 3 "a file that is not there"
ctl cert list "$me"
is "$(printf '%s\n' "$out" | wc -l)" 2 "they are listed"
ctl cert list --json
is "$(printf '%s' "$out" | jq -c '[.[].subject] | sort')" '["CN=late","CN='"$me"'"]' \
	"as JSON, too"

key=$(openssl pkey -in "$pki/issuing/$me.key" -pubout -out "$work/key.pub" &&
	ssh-keygen -i -m PKCS8 -f "$work/key.pub")
until=$(date -u -d "$(openssl x509 -in "$leaf" -noout -enddate | cut -d= -f2)" +%Y%m%d%H%M%SZ)
# shellcheck disable=SC2086 # type and key
ctl ssh-keys "$me" $key
is "$code $out" "0 expiry-time=\"$until\" $key" "sshd is offered the key until the chain ends"
# shellcheck disable=SC2016,SC2086 # one process asks twice, as sshd does
out=$(sh -c '"$@"; "$@"' - "$B/doublelock" ssh-keys --config "$etc/doublelock.conf" "$me" \
	$key | sort -u | wc -l)
is "$out" 1 "asked twice, the answer is the same"
ctl events --json
is "$(printf '%s\n' "$out" | jq -r 'select(.type | endswith("offered")).reason' | tr '\n' ' ')" "ok ok " \
	"and one connection is one event"
ctl ssh-keys "$me"
is "$code $out" "0 expiry-time=\"$until\" $key" "without a key, all that pass"
cat >>"$etc/doublelock.conf" <<END
[service sshd user:$me]
otp = none
from = 10.0.0.0/8, 192.0.2.7, 2001:db8::/32
END
ctl ssh-keys "$me"
is "$code $out" \
	"0 from=\"10.0.0.0/8,192.0.2.7/32,2001:db8::/32\",expiry-time=\"$until\" $key" \
	"what a section says of addresses, sshd is told, who knows them"
configure
ctl ssh-keys "$me" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+A6IUGF4ZUTplRuFYyjSd7UqE8MngHb6CWiDyi23ko
is "$code $out" "0 " "a key that is nobody's: nothing, and exit 0"
ctl ssh-keys nobody-of-that-name ssh-ed25519 AAAA
is "$code $out" "0 " "so for a user who is not there"
ctl ssh-keys "$me" ssh-ed25519 "$(head -c 100000 /dev/zero | tr '\0' A)"
is "$code $out" "0 " "so for a key that is none"
ctl why "$me"
like "$code $out" "^0 .*no-certificate" "why says that the key is not registered"
like "$out" "to do: .*cert add" "and what to do"
like "$out" "certificate-expired" "and of the one that has expired"
ctl why "$me" --json
is "$(printf '%s' "$out" | jq -r '.refusals[0] | has("remedy")')" true "as JSON, too"
ctl why nobody-of-that-name
like "$code $out" "^0 no refusal" "nothing on record"
ctl events --user "$me" --since 1h
like "$code $out" "^0 .*token.enrolled" "events of a user"
ctl events --since 2100-01-01
is "$code $out" "0 " "events of the future"
ctl events --since yesterday
is "$code" 2 "usage: events --since yesterday"
ctl status
is "$code" 0 "status: all is well"
like "$out" "anchors" "it counts anchors"
ctl doctor --accept-clock
like "$code $out" "^0 decisions go on from" "the clock is accepted"
ctl status --json
is "$(printf '%s' "$out" | jq -r .good)" true "as JSON, too"

mv "$etc/seal.key" "$work/seal.key"
# shellcheck disable=SC2086
ctl ssh-keys "$me" $key
is "$code $out" "3 " "a fault is an exit that sshd logs, and no key"
ctl status
like "$code $(printf '%s\n' "$out" | grep FAULT)" "^3 FAULT +record .*seal.key" "status names the file that is missing"
ctl enroll "$me" --label later --json
is "$code" 3 "no new sealing key is made where a record is"
echo "other:$(head -c 32 /dev/urandom | base64 -w 0)" >"$etc/seal.key"
chmod 600 "$etc/seal.key"
ctl status
like "$code $(printf '%s\n' "$out" | grep FAULT)" "^3 FAULT +seal .* tokens are sealed under '.*', which" \
	"and that it is another one"
mv "$work/seal.key" "$etc/seal.key"

fingerprint=$(openssl x509 -in "$leaf" -outform DER | sha256sum | cut -c1-16)
ctl cert remove "$me" "$fingerprint"
is "$code" 0 "a certificate is removed by the beginning of its fingerprint"
ctl cert remove "$me" "$fingerprint"
is "$code" 1 "once"
# shellcheck disable=SC2086
ctl ssh-keys "$me" $key
is "$code $out" "0 " "its key is offered no more"

finish
