#!/bin/sh
# SPDX-License-Identifier: MIT
# test_freeradius - doublelock-ask in EAP-TLS, with packaging/examples/freeradius-eap in the
# FreeRADIUS of the distribution, asked by eapol_test as an access point would. Certificates that
# have expired or are of an unknown CA, FreeRADIUS refuses by itself.
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/lib.sh"

prepare_people
configure <<-END
	[service radius]
	certificate = gateway
	otp = none
	vouch = $(id -u freerad)
END
enroll alice >"$work/secret" || die "alice could not be enrolled"
start_agent
raddb=/etc/freeradius/3.0
cat "$pki/root/ca.pem" "$pki/issuing/ca.pem" >/etc/freeradius/ca.pem
for part in pem key; do
	install -o freerad -m 600 "$pki/issuing/server.$part" "/etc/freeradius/server.$part"
done
install -d -o freerad -g freerad -m 700 /run/freeradius /run/freeradius/doublelock
rm -f $raddb/mods-enabled/eap $raddb/sites-enabled/inner-tunnel
cp "$top/packaging/examples/freeradius-eap" $raddb/mods-enabled/eap
chown -R freerad:freerad /var/log/freeradius
start_radius() {
	: >"$work/radius.log"
	freeradius -f -l stdout -x -d $raddb >>"$work/radius.log" 2>&1 &
	radius_pid=$!
	until_true grep -q 'Ready to process requests' "$work/radius.log" || die "freeradius did not start"
}
start_radius

# eap CERTIFICATE IDENTITY: $answer is SUCCESS or FAILURE
eap() {
	cat >"$work/eap.conf" <<-END
		network={
			ssid="test"
			key_mgmt=WPA-EAP
			eap=TLS
			identity="$2"
			ca_cert="$pki/root/ca.pem"
			client_cert="$pki/$1.pem"
			private_key="$pki/$1.key"
		}
	END
	answer=$(eapol_test -c "$work/eap.conf" -a 127.0.0.1 -p 1812 -s testing123 -r 0 -t "${wait:-10}" \
		${station:+-M "$station"} 2>&1 | tee "$work/eapol.log" | tail -n 1)
}
newest() { doublelock events --json 2>>"$work/events.log" | jq -rs 'last | .reason'; }
number() { doublelock events --json 2>>"$work/events.log" | jq -s 'length'; }
judged() { # ANSWER REASON NAME
	is "$answer" "$1" "$3: $1"
	is "$(newest)" "$2" "$3: $2"
}

eap issuing/alice alice
judged SUCCESS ok "a certificate of ours"
is "$(doublelock events --json | jq -rs 'last | [.user, .service, .source // ""] | join(" ")')" "alice radius " \
	"of a Wi-Fi station, which has no address yet"
eap issuing/alice bob
judged FAILURE user-mismatch "somebody else's identity"
before=$(number)
eap issuing/dave dave
is "$answer" FAILURE "an expired certificate: FAILURE"
eap stranger/mallory mallory
is "$answer" FAILURE "a CA that nobody trusts: FAILURE"
is "$(number)" "$before" "both are FreeRADIUS's own refusals"
# shellcheck disable=SC2016 # FreeRADIUS is to see it as it is
eap issuing/alice '%{exec:/bin/touch /run/freeradius/caught} --user bob `touch /run/freeradius/caught`'
is "$answer" FAILURE "an identity that would be a command: FAILURE"
eap issuing/alice ''
is "$answer" FAILURE "no identity: FAILURE"
is "$(ls /run/freeradius)" doublelock "nothing of it was run"
is "$(ls /run/freeradius/doublelock)" "" "no certificate is left behind"

pki_revoke issuing alice
pki_publish
revoked() {
	eap issuing/alice alice
	[ "$(newest)" = revoked ]
}
until_true revoked || die "the revocation was not noticed"
judged FAILURE revoked "revoked between two logins"
eap issuing/bob bob
judged SUCCESS ok "others go on"

kill -STOP "$agent_pid"
began=$(date +%s)
wait=20 eap issuing/bob bob
took=$(($(date +%s) - began))
kill -CONT "$agent_pid"
is "$answer" FAILURE "an agent that hangs: FAILURE"
like "$took" '^([4-9]|1[0-9])$' "after some seconds"
stop "$agent_pid"
rm -f /run/doublelock/gateway.sock
eap issuing/bob bob
is "$answer" FAILURE "no agent: FAILURE"
stop "$radius_pid"
finish
