#!/bin/sh
# SPDX-License-Identifier: MIT
# test_openvpn - the plugin, with packaging/examples/openvpn.conf: each way to a code, each
# refusal by its reason, and what other clients notice when the agent hangs. Certificates that
# have expired or are of an unknown CA, OpenVPN refuses by itself, before any plugin is called.
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/openvpn.sh"

prepare_vpn openvpn.conf

challenge=yes
code=$(code_of "$secret")
client issuing/alice alice "$code"
connects "static challenge"
client issuing/alice alice "$code"
refused otp-replayed "the code again"
client issuing/alice alice 000000
refused otp-wrong "a wrong code"
client issuing/alice bob "$(code_of "$secret" 1)"
refused user-mismatch "somebody else's name"
client issuing/bob alice "$(code_of "$secret" 1)"
refused user-mismatch "somebody else's name and code, with the own certificate"
challenge=''
password=$(code_of "$secret" 1) client issuing/alice alice ''
connects "the code for a password, where the client knows no challenges"

code=$(code_of "$bob_secret")
client issuing/bob '' "$code"
connects "CR_TEXT, with a certificate alone"
client issuing/bob '' 000000
refused otp-wrong "CR_TEXT and a wrong code"
client issuing/bob '' "$code"
refused otp-replayed "CR_TEXT and the code again"
before=$(decisions)
crtext='' challenge=yes password=SCRV1:: client issuing/bob bob "$(code_of "$bob_secret" 1)"
connects "dynamic challenge"
is "$(decisions)" $((before + 1)) "its two handshakes are one decision"
crtext='' challenge=yes password=SCRV1:: client issuing/bob bob 000000
is "$vpn_end" auth-failure "dynamic challenge and a wrong code: refused"
is "$(newest)" otp-wrong "dynamic challenge and a wrong code: otp-wrong"
crtext='' client issuing/bob '' ''
is "$vpn_end" auth-failure "a client that cannot be asked: refused"
like "$(cat "$work/server.log")" 'doublelock: openvpn: otp-required' "because of its code"
client issuing/carol '' ''
connects "a user whose certificate is enough"
told() { [ -n "$(doublelock events --json | jq -r "select(.type == \"doublelock.session.$1\" and .user == \"$2\") | .id")" ]; }
until_true told opened carol
session=$(doublelock events --json | jq -rs 'map(select(.type == "doublelock.session.opened")) | last | [.user, .source, .service, .detail] | join(" ")')
like "$session" '^carol 127.0.0.1 openvpn login [0-9a-f-]{36}; 10\.8\.0\.[0-9]+ inside$' "her session is an event, with its login"
is "$(doublelock events --json | jq -rs 'map(select(.type == "doublelock.session.opened")) | last | .fingerprint')" \
	"$(openssl x509 -in "$pki/issuing/carol.pem" -noout -fingerprint -sha256 | sed 's/.*=//' | tr -d : | tr A-F a-f)" \
	"and with its certificate"


before=$(decisions)
window=5
client issuing/dave '' ''
is "$vpn_end" 'TLS handshake failed' "an expired certificate: no handshake"
client stranger/mallory '' ''
is "$vpn_end" 'TLS handshake failed' "a CA that nobody trusts: no handshake"
window=''
is "$(decisions)" "$before" "both are OpenVPN's own refusals"

pki_revoke issuing alice
pki_publish
revoked() {
	challenge=yes client issuing/alice alice 111111
	[ "$(newest)" = revoked ]
}
until_true revoked || die "the revocation was not noticed"
is "$vpn_end" auth-failure "revoked between two connections: refused"
like "$(cat "$talk")" "\['a certificate of the chain is revoked'\]" "and its user is told"

# --- new keys for a connection that stands: everything again but the code ------------------

wanted=$(($(allowed_of bob) + 3))
bob_secret=$(enroll bob --label second) || die "bob could not be enrolled again"
challenge=yes client issuing/bob bob "$(code_of "$bob_secret")" --reneg-sec 5
is "$vpn_end" connected "bob, with keys that last five seconds"
until_true enough bob
ok "new keys are negotiated"
is "$(newest)" ok "and judged"
like "$(doublelock events --user bob --json | jq -rs 'last | .detail')" remembered "without asking for the code"
pki_revoke issuing bob
pki_publish
ended() { [ "$(newest)" = revoked ]; }
until_true ended
is "$(newest)" revoked "a certificate that is revoked meanwhile ends with its keys"
hang_up

# --- an agent that is not there, or hangs --------------------------------------------------

stop "$server_pid"
ip netns add room
ip link add outside type veth peer name inside netns room
ip addr add 192.0.2.1/24 dev outside
ip link set outside up
ip -n room addr add 192.0.2.2/24 dev inside
ip -n room link set inside up
ip -n room link set lo up
vpn_local=192.0.2.1 start_vpn openvpn.conf
"$B/tests/gateways/echo" serve 7000 &
echo_pid=$!
in_room='ip netns exec room' client_dev=tun7 noexec='' vpn_local=192.0.2.1 client issuing/carol '' '' --explicit-exit-notify
is "$vpn_end" connected "carol, with a tunnel in earnest"
carol_pid=$client_pid carol_operator=$operator_pid
ip netns exec room "$B/tests/gateways/echo" watch 10.8.0.1 7000 >"$work/echo" &
watch_pid=$!
until_true grep -q begun "$work/echo" || die "no echo through the tunnel"
vpn_local=192.0.2.1

kill -STOP "$agent_pid"
began=$(date +%s)
before=$(decisions)
challenge=yes client issuing/alice alice 111111
took=$(($(date +%s) - began))
is "$vpn_end" auth-failure "an agent that hangs: refused"
like "$(cat "$talk")" "\['the login cannot be decided now'\]" "and the user is told no more than that"
like "$took" '^([5-9]|1[0-9])$' "after ten seconds"
challenge=yes client issuing/alice alice 111111 &
first=$!
challenge=yes client issuing/bob bob 111111
wait "$first"
is "$vpn_end" auth-failure "two at once: refused"
kill -CONT "$agent_pid"
stop "$agent_pid"
rm -f /run/doublelock/gateway.sock
began=$(date +%s)
challenge=yes client issuing/alice alice 111111
took=$(($(date +%s) - began))
is "$vpn_end" auth-failure "no agent: refused"
like "$took" '^[0-5]$' "at once"
start_agent
challenge=yes client issuing/alice alice 111111
refused revoked "an agent that is there again"
kill "$watch_pid"
wait "$watch_pid"
echo "# carol's echoes meanwhile: $(tail -n 1 "$work/echo")"
is "$(awk 'END { print ($6 < 1000 && $2 - $4 < $2 / 100) ? "yes" : "no" }' "$work/echo")" yes \
	"nobody else noticed: no echo through the tunnel waited for the agent"
stop "$carol_pid"
stop "$carol_operator"
until_true told closed carol
like "$(doublelock events --json | jq -rs 'map(select(.type == "doublelock.session.closed")) | last | .detail')" \
	'^login [0-9a-f-]{36}; 10\.8\.0\.[0-9]+ inside; [0-9]+ s, [1-9][0-9]+ octets received, [1-9][0-9]+ sent$' \
	"her session has ended, after so many octets"
stop "$echo_pid"
stop "$server_pid"

# --- with another root directory, in which there is no agent --------------------------------

install -d -m 755 /run/jail /run/jail/run
install -d -o openvpn -g openvpn -m 700 /run/jail/run/openvpn-doublelock
vpn_local=''
vpn_more='chroot /run/jail' start_vpn openvpn.conf
client issuing/carol '' ''
connects "from a changed root directory"
client issuing/bob bob 000000
is "$vpn_end" auth-failure "and refused from there"
is "$(newest)" revoked "for the agent's reason"
stop "$server_pid"
finish
