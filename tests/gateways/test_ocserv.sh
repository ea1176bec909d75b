#!/bin/sh
# SPDX-License-Identifier: MIT
# test_ocserv - packaging/examples/ocserv.conf and pam.ocserv with the ocserv of the distribution:
# its own look at the certificate, by a list that the agent keeps, and a code by PAM. What ocserv
# refuses before PAM is asked is no event of ours.
. "$(dirname "$0")/../e2e/lib.sh"

https=8443
install_doublelock
pki_usual
pki_root stranger
for name in alice bob; do pki_client issuing "$name"; done
pki_client stranger mallory
pki_expired issuing dave
pki_key "$pki/issuing/server.key"
pki_sign issuing server "$pki/issuing/server.key" "$pki/issuing/server.pem" server -days 30
cat "$pki/issuing/ca.pem" >>"$pki/issuing/server.pem"
pki_publish
for name in alice bob dave mallory; do account "$name"; done
configure <<-END
	[revocation]
	export = /var/lib/doublelock/export
	[service ocserv]
	certificate = none
	otp = required
END
secret=$(enroll alice) || die "alice could not be enrolled"
bob_secret=$(enroll bob) || die "bob could not be enrolled"
start_agent
until_true test -s $state/export/crl.pem || die "no list was written"
cat "$pki/root/ca.pem" "$pki/issuing/ca.pem" >"$work/ca.pem"
install -m 644 "$top/packaging/examples/pam.ocserv" /etc/pam.d/ocserv
sed -e "s|/etc/ocserv/server|$pki/issuing/server|" -e "s|/etc/ocserv/ca.pem|$work/ca.pem|" \
	-e "s|^tcp-port.*|tcp-port = $https|" -e "s|^udp-port.*|listen-host = 127.0.0.1|" \
	"$top/packaging/examples/ocserv.conf" >"$work/ocserv.conf"
(with_module ocserv -f -d 1 -c "$work/ocserv.conf") >>"$work/ocserv.log" 2>&1 &
ocserv_pid=$!
until_true socat -u OPEN:/dev/null "TCP:127.0.0.1:$https" || die "ocserv did not start"

# enter CERTIFICATE USER CODE: $entry is yes or no; nothing but the login is tried
enter() {
	entry=no
	printf '%s\n' "$3" | timeout 20 openconnect --authenticate --non-inter --passwd-on-stdin \
		${2:+--user "$2"} --certificate "$pki/$1.pem" --sslkey "$pki/$1.key" \
		--cafile "$pki/root/ca.pem" "https://127.0.0.1:$https" >"$work/entry" 2>>"$work/openconnect.log" &&
		grep -q '^COOKIE=' "$work/entry" && entry=yes
}
newest() { doublelock events --json 2>>"$work/events.log" | jq -rs 'map(select(.reason != "")) | last | .reason'; }
number() { doublelock events --json 2>>"$work/events.log" | jq -s 'length'; }
entered() { # ENTRY REASON NAME
	is "$entry" "$1" "$3: $1"
	is "$(newest)" "$2" "$3: $2"
}

code=$(code_of "$secret")
enter issuing/alice alice "$code"
entered yes ok "certificate and code"
is "$(doublelock events --json | jq -rs 'last | [.user, .service, .source] | join(" ")')" \
	"alice ocserv 127.0.0.1" "with user and source"
enter issuing/alice alice "$code"
entered no otp-replayed "the code again"
enter issuing/alice alice 000000
entered no otp-wrong "a wrong code"
enter issuing/alice bob "$(code_of "$bob_secret" -1)"
is "$entry" no "alice's certificate, and bob's name and code: no"
enter issuing/bob alice "$(code_of "$secret" 1)"
is "$entry" no "bob's certificate, and alice's name and code: no"
is "$(grep -c 'presented a certificate which is for user' "$work/ocserv.log")" 2 \
	"PAM is asked about who was named, and ocserv refuses because the certificate names another"
before=$(number)
enter issuing/dave dave 111111
is "$entry" no "an expired certificate: no"
enter stranger/mallory mallory 111111
is "$entry" no "a CA that nobody trusts: no"
is "$(number)" "$before" "both are ocserv's own refusals"

pki_revoke issuing alice
pki_publish
serial=$(openssl x509 -in "$pki/issuing/alice.pem" -noout -serial | cut -d= -f2)
listed() {
	awk '/BEGIN/ { n++ } { print >"'"$work"'/list-" n ".pem" }' $state/export/crl.pem
	for list in "$work"/list-*.pem; do openssl crl -in "$list" -noout -text; done | grep -q "Serial Number: $serial"
}
until_true listed || die "the agent did not write the new list"
before=$(number)
enter issuing/alice alice "$(code_of "$secret" 1)"
is "$entry" no "revoked between two logins, without a word to ocserv: no"
is "$(number)" "$before" "and her code was not used"
enter issuing/bob bob "$(code_of "$bob_secret")"
entered yes ok "others go on"

# PAM is answered by the helper: a login needs no agent, only fresh lists do
stop "$agent_pid"
enter issuing/bob bob 000000
entered no otp-wrong "without the agent, a wrong code"
mv $state/state.db $state/state.away
enter issuing/bob bob "$(code_of "$bob_secret" 1)"
is "$entry" no "without a record: no"
mv $state/state.away $state/state.db
stop "$ocserv_pid"
finish
