#!/bin/sh
# SPDX-License-Identifier: MIT
# Tokens of google-authenticator, pam_oath and authenticator apps are taken over.
. "$(dirname "$0")/lib.sh"

key=3132333435363738393031323334353637383930
secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ
mkdir -p "$etc/trust.d"
configure

cat >"$work/ga" <<END
$secret
" RATE_LIMIT 3 30
" WINDOW_SIZE 17
" DISALLOW_REUSE 56666666 56666700
" TOTP_AUTH
" NONSENSE
12345678
87654321
END
ctl import google-authenticator "$work/ga" --user ann --dry-run
is "$code" 1 "a dry run finds the bad line"
like "$out" "/ga:6: BAD: an option" "and names it"
like "$out" "/ga:1: taken: ann: token 'imported' would be made" "says what would be made"
is "$(find "$etc/seal.key" "$work/state" -type f 2>/dev/null)" "" "and makes nothing"
ctl import google-authenticator "$work/ga" --user ann
is "$code" 1 "the bad line keeps the token not out"
ctl user show ann --json
is "$(printf '%s' "$out" | jq -c '[.tokens[0].label, .tokens[0].last_step, .recovery]')" \
	'["imported",56666700,2]' "used codes stay used, scratch codes become recovery codes"
ctl import google-authenticator "$work/ga" --user ann --json
like "$code $out" "^1 " "a second time"
is "$(printf '%s\n' "$out" | jq -r 'select(.user == "ann").detail')" \
	"its token was there before" "it is there already"
ctl import google-authenticator "$work/ga" --label mine
ctl token list --json
is "$(printf '%s' "$out" | jq -r '.[] | select(.label == "mine").user')" "$me" \
	"without --user, the token is of the file's owner"

cat >"$work/users" <<END
# type user pin key
HOTP/T30/8 bert - $key
HOTP/E/6 bert - ${key}00 7
HOTP carl secret $key 3 969429 2011-01-01T10:00:00L
HOTP dora - nonsense

HOTP/T60 emil + $key
END
ctl import users-oath "$work/users"
is "$code" 1 "a bad line of a usersfile"
like "$out" "/users:5: BAD: its key is not hexadecimal" "is named"
like "$out" "/users:4: taken: carl: .*its password is not asked for" "a password is said"
like "$err" "^4 tokens made, 0 present before, 1 bad" "and the rest goes in"
ctl token list --json
is "$(printf '%s' "$out" | jq -c '[.[] | select(.user >= "bert" and .user <= "emil")
	| [.user, .label, .kind, .digits, .last_step]]')" \
	'[["bert","imported","totp",8,-1],["bert","imported-2","hotp",6,6],["carl","imported","hotp",6,3],["emil","imported","totp",6,-1]]' \
	"with their counters"
ctl import users-oath "$work/users"
like "$err" "^0 tokens made, 4 present before" "again, nothing is made twice"
echo "HOTP bert - ${key}01" >"$work/more"
ctl import users-oath "$work/more"
like "$code $out" "^0 .*token 'imported-3' is active" "another token with a label that is taken gets its own"

cat >"$work/uris" <<END
otpauth://totp/Example:fred?secret=$secret&issuer=Example&algorithm=SHA256&digits=8
otpauth://hotp/gerd?secret=$secret&counter=5
# a comment

otpauth://totp/hans?secret=short
END
ctl import otpauth "$work/uris"
is "$code" 1 "a bad URI"
like "$out" "/uris:5: BAD: its secret" "is named, without its secret"
ctl token list fred --json
is "$(printf '%s' "$out" | jq -c '.[0] | [.algorithm, .digits]')" '["SHA256",8]' "the rest goes in"
grep -v short "$work/uris" >"$work/good"
ctl import otpauth "$work/good"
is "$code" 0 "a good file is exit 0"
for bad in "otpauth" "otpauth $work/missing" "nonsense $work/good" ""; do
	# shellcheck disable=SC2086 # words
	ctl import $bad
	like "$code" "[23]" "import $bad"
done
finish
