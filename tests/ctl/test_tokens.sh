#!/bin/sh
# SPDX-License-Identifier: MIT
# Users, their tokens and recovery codes; a list of users; what waits for the webhook.
. "$(dirname "$0")/lib.sh"

pki_usual
pki_client issuing "$me"
configure
ctl init
is "$code" 0 "init makes the sealing key and the record"
ctl init
is "$code" 0 "a second time changes nothing"
ctl seal init
is "$code" 1 "and no key is made over another one"
ctl user list --json
is "$code $out" "0 []" "nobody is enrolled"

ctl enroll ann --json
like "$code $err" "^0 .*no account 'ann'" "an account that is not here is said"
ctl enroll ann --label card --hotp --counter 7 --json
is "$code" 0 "a HOTP token"
seed=$(printf '%s' "$out" | jq -r .secret)
like "$(printf '%s' "$out" | jq -r .uri)" "^otpauth://hotp/.*&counter=7$" "with its counter"
ctl enroll bert --json --bind "$pki/issuing/$me.pem"
is "$code" 0 "a token that is bound to a certificate's key"
ctl token list --json
is "$(printf '%s' "$out" | jq -r '[.[] | .user + ":" + .label] | join(" ")')" \
	"ann:default ann:card bert:default" "tokens in order"
key=$(openssl x509 -in "$pki/issuing/$me.pem" -noout -pubkey | openssl pkey -pubin -outform DER |
	sha256sum | cut -c1-64)
is "$(printf '%s' "$out" | jq -r '.[2].bound_to')" "$key" "and to what one is bound"
is "$(printf '%s' "$out" | grep -c "$seed")" 0 "never a secret"
ctl user list --json
is "$(printf '%s' "$out" | jq -c '[.[] | [.user, .tokens, .recovery]]')" \
	'[["ann",2,10],["bert",1,10]]' "users and what they have"
ctl user show ann
like "$code $(printf '%s\n' "$out" | grep card)" "^0 ann +card +hotp" "user show"
ctl user show ann --json
is "$(printf '%s' "$out" | jq -r '.tokens | length')" 2 "as JSON, too"
ctl user show carl
is "$code" 1 "nobody knows carl"
ctl user unlock ann
like "$code $out" "^0 ann was not locked" "unlock"

hotp() { oathtool --hotp --base32 -c "$1" "$seed"; }
resync() {
	code=0
	out=$(printf '%s\n%s\n' "$1" "$2" | "$B/doublelock" token resync ann --label card \
		--config "$etc/doublelock.conf" 2>&1) || code=$?
}
resync "$(hotp 30)" "$(hotp 32)"
is "$code" 1 "two codes that are not in a row"
resync "$(hotp 30)" "$(hotp 31)"
is "$code" 0 "two that are"
ctl token list ann --json
is "$(printf '%s' "$out" | jq -r '.[] | select(.label == "card").last_step')" 31 \
	"and the counter stands behind them"
resync "$(hotp 20)" "$(hotp 21)"
is "$code" 1 "it never goes back"
ctl token resync ann --label nonsense
is "$code" 1 "nor without codes"

ctl token remove ann
is "$code" 1 "of two tokens one has to be named"
ctl token remove ann --label card
is "$code" 0 "then it is removed"
ctl token remove ann --json
is "$(printf '%s' "$out" | jq -r .label)" default "the only one needs no name"
ctl token remove ann
is "$code" 1 "none is left"
ctl recovery regenerate ann
is "$code" 1 "without a token there are no new recovery codes"
ctl recovery regenerate bert --json
is "$(printf '%s' "$out" | jq -r '.recovery | length')" 10 "with one there are ten"
ctl seal rotate
like "$code $out" "^0 1 secrets" "the sealing key is changed"
is "$(wc -l <"$etc/seal.key")" 2 "and the old one kept"
for i in 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do ctl seal rotate; done
is "$code $(wc -l <"$etc/seal.key")" "0 $i" "again and again, in the same second"
ctl seal rotate
like "$code $err" "^3 .*nothing was changed" "until the file is full"
ctl recovery regenerate bert --json
is "$code" 0 "and it is still of use"
ctl user remove bert
is "$code" 0 "a user is removed"
ctl user remove bert
is "$code" 1 "once"

{
	echo user,label
	for i in $(seq 1 1100); do echo "user$i"; done
	echo "user7,second,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	echo "user8,third,hex:3132333435363738393031323334353637383930"
	echo "not a name"
	echo "user9,x,!!"
} >"$work/list.csv"
ctl enroll --batch "$work/list.csv" >/dev/null
is "$code $(printf '%s\n' "$out" | wc -l)" "1 1104" "a list has one result per line"
is "$(printf '%s\n' "$out" | grep -c ',enrolled,')" 1102 "the good ones are enrolled"
like "$err" "line 1104: no name" "a bad line is named"
like "$(printf '%s\n' "$out" | tail -n 4 | head -n 1)" \
	"^user7,second,enrolled,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,otpauth://" "secrets that were given"
head -n 1101 "$work/list.csv" >"$work/again.csv"
echo user1101 >>"$work/again.csv"
ctl enroll --batch "$work/again.csv" --recovery --json
is "$code $(printf '%s\n' "$out" | jq -r .result | sort | uniq -c | tr -s ' \n' ' ')" \
	"0  1 enrolled 1100 present " "a second run goes on where the first one ended"
is "$(printf '%s\n' "$out" | jq -r 'select(.result == "enrolled").recovery | length')" 10 \
	"with recovery codes, where asked for"
ctl enroll --batch "$work/missing.csv"
is "$code" 3 "a list that is not there"

ctl webhook list --json
is "$code $(printf '%s' "$out" | jq 'length > 0')" "0 true" "events wait for delivery"
ctl webhook retry --json
is "$(printf '%s' "$out" | jq 'has("due")')" true "and can be made due at once"
ctl webhook test
is "$code" 1 "without a webhook there is nothing to test"
finish
