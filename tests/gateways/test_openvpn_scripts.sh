#!/bin/sh
# SPDX-License-Identifier: MIT
# test_openvpn_scripts - doublelock-ask as OpenVPN's scripts, with
# packaging/examples/openvpn-scripts.conf. A refusal of tls-verify ends the handshake, so the
# client is told nothing; one of auth-user-pass-verify is AUTH_FAILED.
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/openvpn.sh"

prepare_vpn openvpn-scripts.conf

challenge=yes
code=$(code_of "$secret")
client issuing/alice alice "$code"
connects "static challenge"
before=$(decisions)
client issuing/alice alice "$code"
refused otp-replayed "the code again"
is "$(decisions)" $((before + 1)) "the two calls are one decision"
client issuing/alice alice 000000
refused otp-wrong "a wrong code"
client issuing/alice bob "$(code_of "$secret" 1)"
refused user-mismatch "somebody else's name"
client issuing/bob alice "$(code_of "$secret" 1)"
refused user-mismatch "somebody else's name and code, with the own certificate"
client issuing/alice alice ''
is "$vpn_end" auth-failure "no code: refused"
client issuing/carol carol ''
connects "a user whose certificate is enough"

before=$(allowed_of bob)
client issuing/bob bob "$(code_of "$bob_secret")" --reneg-sec 5
is "$vpn_end" connected "bob, with keys that last five seconds"
wanted=$((before + 3))
until_true enough bob
like "$(doublelock events --user bob --json | jq -rs 'last | .detail')" remembered "new keys need no code"
hang_up

window=5
before=$(decisions)
client issuing/dave dave ''
is "$vpn_end" 'TLS handshake failed' "an expired certificate: no handshake"
client stranger/mallory mallory ''
is "$vpn_end" 'TLS handshake failed' "a CA that nobody trusts: no handshake"
is "$(decisions)" "$before" "both are OpenVPN's own refusals"
pki_revoke issuing alice
pki_publish
revoked() {
	client issuing/alice alice 111111
	[ "$(newest)" = revoked ]
}
until_true revoked || die "the revocation was not noticed"
is "$vpn_end" 'TLS handshake failed' "revoked between two connections: no handshake"
is "$(newest)" revoked "revoked between two connections: revoked"

kill -STOP "$agent_pid"
window=20
before=$(date +%s)
client issuing/bob bob 111111
took=$(($(date +%s) - before))
is "$vpn_end" 'TLS handshake failed' "an agent that hangs: no handshake"
until_true grep -q 'fault-internal: .*did not answer in time' "$work/server.log"
like "$took" '^([5-9]|[1-4][0-9])$' "which takes its time"
like "$(grep -c 'fault-internal: .*did not answer in time' "$work/server.log")" '^[1-9]' "and OpenVPN went on after five seconds"
kill -CONT "$agent_pid"
stop "$agent_pid"
rm -f /run/doublelock/gateway.sock
window=5
client issuing/bob bob 111111
is "$vpn_end" 'TLS handshake failed' "no agent: no handshake"
stop "$server_pid"
finish
