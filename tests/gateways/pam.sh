# shellcheck shell=sh disable=SC2034,SC2154 # what is set here others use, and the other way round
# SPDX-License-Identifier: MIT
# pam.sh - gateways that look at the certificate by themselves, by the lists that the agent keeps,
# and ask PAM for the code. What they refuse before PAM is asked is no event of ours. Sourced after
# lib.sh. A script's enter() sets $entry: yes or no.

# prepare_pam SERVICE: the agent with its lists for [service SERVICE], alice and bob with a token
prepare_pam() {
	prepare_people
	configure <<-END
		[revocation]
		export = $state/export
		[service $1]
		certificate = none
		otp = required
	END
	secret=$(enroll alice) || die "alice could not be enrolled"
	bob_secret=$(enroll bob) || die "bob could not be enrolled"
	start_agent
	until_true test -s "$state/export/crl.pem" || die "no list was written"
	install -m 644 "$top/packaging/examples/pam.$1" "/etc/pam.d/$1"
}

# is_listed NAME: as revoked, in one of the lists that the agent keeps
is_listed() {
	serial=$(openssl x509 -in "$pki/issuing/$1.pem" -noout -serial | cut -d= -f2)
	for list in "$state"/export/x509crl/*; do openssl crl -in "$list" -noout -text; done |
		grep -q "Serial Number: $serial"
}

# revoke NAME: until it is in the lists
revoke() {
	pki_revoke issuing "$1"
	pki_publish
	until_true is_listed "$1" || die "the agent did not write the new list"
}

newest() { doublelock events --json 2>>"$work/events.log" | jq -rs 'map(select(.reason != "")) | last | .reason'; }
number() { doublelock events --json 2>>"$work/events.log" | jq -s 'length'; }

# entered ENTRY REASON NAME: the last enter(), and the newest decision
entered() {
	is "$entry" "$1" "$3: $1"
	is "$(newest)" "$2" "$3: $2"
}
