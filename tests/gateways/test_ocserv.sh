#!/bin/sh
# SPDX-License-Identifier: MIT
# test_ocserv - packaging/examples/ocserv.conf and pam.ocserv with the ocserv of the distribution:
# its own look at the certificate, by a list that the agent keeps, and a code by PAM. What ocserv
# refuses before PAM is asked is no event of ours.
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/lib.sh"
. "$top/tests/gateways/pam.sh"

prepare_pam ocserv
cat "$pki/root/ca.pem" "$pki/issuing/ca.pem" >"$work/ca.pem"
sed -e "s|/etc/ocserv/server|$pki/issuing/server|" -e "s|/etc/ocserv/ca.pem|$work/ca.pem|" \
	-e "s|^tcp-port.*|tcp-port = $https|" -e "s|^udp-port.*|listen-host = 127.0.0.1|" \
	"$top/packaging/examples/ocserv.conf" >"$work/ocserv.conf"
(with_module ocserv -f -d 1 -c "$work/ocserv.conf") >>"$work/ocserv.log" 2>&1 &
ocserv_pid=$!
until_true socat -u OPEN:/dev/null "TCP:127.0.0.1:$https" || die "ocserv did not start"

# enter CERTIFICATE USER CODE: $entry is yes or no; nothing but the login is tried; - is none
enter() {
	entry=no who=$1 name=$2 typed=$3
	set --
	[ "$who" = - ] || set -- --certificate "$pki/$who.pem" --sslkey "$pki/$who.key"
	printf '%s\n' "$typed" | timeout 20 openconnect --authenticate --non-inter --passwd-on-stdin \
		--user "$name" "$@" --cafile "$pki/root/ca.pem" "https://127.0.0.1:$https" \
		>"$work/entry" 2>>"$work/openconnect.log" &&
		grep -q '^COOKIE=' "$work/entry" && entry=yes
}
# ocserv asks PAM about who was named, and then refuses because the certificate names another
asked() { doublelock events --json | jq -rs 'last | [.user, .reason] | join(" ")'; }

code=$(code_of "$secret")
enter issuing/alice alice "$code"
entered yes ok "certificate and code"
is "$(doublelock events --json | jq -rs 'last | [.user, .service, .source] | join(" ")')" \
	"alice ocserv 127.0.0.1" "with user and source"
enter issuing/alice alice "$code"
entered no otp-replayed "the code again"
enter issuing/alice alice "$(wrong_code "$secret")"
entered no otp-wrong "a wrong code"
enter issuing/alice bob "$(code_of "$bob_secret" -1)"
is "$entry $(asked)" "no bob ok" "alice's certificate, and bob's name and code: bob's code is right, and no"
enter issuing/bob alice "$(code_of "$secret" 1)"
is "$entry $(asked)" "no alice ok" "bob's certificate, and alice's name and code: alice's code is right, and no"
before=$(number)
enter - alice "$(code_of "$secret" 1)"
is "$entry" no "no certificate: no"
enter issuing/dave dave 111111
is "$entry" no "an expired certificate: no"
enter stranger/mallory mallory 111111
is "$entry" no "a CA that nobody trusts: no"
is "$(number)" "$before" "all three are ocserv's own refusals"

revoke alice
before=$(number)
enter issuing/alice alice "$(code_of "$secret" 1)"
is "$entry" no "revoked between two logins, without a word to ocserv: no"
is "$(number)" "$before" "and her code was not used"
enter issuing/bob bob "$(code_of "$bob_secret")"
entered yes ok "others go on"

# PAM is answered by the helper: a login needs no agent, only fresh lists do
stop "$agent_pid"
enter issuing/bob bob "$(wrong_code "$bob_secret")"
entered no otp-wrong "without the agent, a wrong code"
mv $state/state.db $state/state.away
enter issuing/bob bob "$(code_of "$bob_secret" 1)"
is "$entry" no "without a record: no"
mv $state/state.away $state/state.db
stop "$ocserv_pid"
finish
