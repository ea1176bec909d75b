#!/bin/sh
# SPDX-License-Identifier: MIT
# test_ask - doublelock-ask: what each of its questions says, for whom, and that everything but a
# whole yes of the agent is exit code 1.
. "$(dirname "$0")/lib.sh"

install_doublelock
pki_usual
pki_root stranger
for name in alice bob; do pki_client issuing "$name"; done
pki_client stranger mallory
pki_expired issuing dave
pki_publish
for name in alice bob dave mallory gateway other; do account "$name"; done
configure <<-END
	[service radius]
	certificate = gateway
	otp = none
	vouch = $(id -u gateway)
	[service openvpn]
	certificate = gateway
	otp = none
	vouch = $(id -u gateway)
	[service coded]
	certificate = gateway
	otp = required
	vouch = $(id -u gateway)
	[service web]
	certificate = gateway
	otp = none
	vouch = $(id -u gateway)
END
secret=$(enroll alice) || die "alice could not be enrolled"
start_agent
chmod 711 "$TMPDIR" "$work" "$pki" "$pki/issuing" "$pki/stranger"
chmod 644 "$pki"/*/*.pem

# as USER COMMAND...: its exit code is in $code
as() {
	who=$1
	shift
	code=0
	setpriv --reuid="$who" --regid="$(id -g "$who")" --clear-groups "$@" \
		>"$work/out" 2>"$work/ask.log" || code=$?
}
newest() { doublelock events --json 2>>"$work/events.log" | jq -rs 'last | .reason'; }

# verdict CODE REASON NAME: of the last question
verdict() {
	is "$code" "$1" "$3: exit $1"
	is "$(newest)" "$2" "$3: $2"
}
radius() {
	user=$1
	shift
	as "$user" doublelock-ask radius-verify "$@"
}

radius gateway "$pki/issuing/alice.pem" 192.0.2.7
verdict 0 ok "a certificate of ours"
is "$(doublelock events --json | jq -rs 'last | [.user, .source, .service] | join(" ")')" \
	"alice 192.0.2.7 radius" "with the user, the source and the service"
radius gateway "$pki/issuing/alice.pem" 02-00-00-00-00-01
verdict 0 ok "a telephone number is no source"
is "$(doublelock events --json | jq -rs 'last | .source // ""')" "" "and stands in no event"
radius gateway "$pki/stranger/mallory.pem"
verdict 1 untrusted-issuer "a CA that nobody trusts"
radius gateway "$pki/issuing/dave.pem"
verdict 1 certificate-expired "an expired certificate"
echo "no certificate" >"$work/text"
chmod 644 "$work/text"
radius gateway "$work/text"
verdict 1 certificate-malformed "a file that is no certificate"
: >"$work/empty"
chmod 644 "$work/empty"
radius gateway "$work/empty"
verdict 1 no-certificate "an empty file"
as gateway doublelock-ask --user bob radius-verify "$pki/issuing/alice.pem"
verdict 1 user-mismatch "somebody else's name"
as gateway doublelock-ask --user alice radius-verify "$pki/issuing/alice.pem"
verdict 0 ok "the own name"
as gateway doublelock-ask --service coded radius-verify "$pki/issuing/alice.pem"
is "$code" 1 "a code is missing: exit 1"
like "$(cat "$work/ask.log")" "coded: otp-required" "which it says"
as gateway doublelock-ask --service nothing radius-verify "$pki/issuing/alice.pem"
verdict 1 unknown-service "a service that there is not"
radius other "$pki/issuing/alice.pem"
verdict 1 possession-unproven "a user who may not vouch"

# what never reaches the agent
before=$(ids_recorded)
radius gateway "$work/nothing"
is "$code" 1 "a file that is not there: exit 1"
as gateway doublelock-ask --user '' radius-verify "$pki/issuing/alice.pem"
is "$code" 1 "a name that the peer left empty: exit 1"
head -c 70000 /dev/zero >"$work/large"
chmod 644 "$work/large"
radius gateway "$work/large"
is "$code" 1 "a file without end: exit 1"
for words in "" "radius-verify" "nothing $pki/issuing/alice.pem" "--nothing map" \
	"radius-verify $pki/issuing/alice.pem 192.0.2.1 more" "openvpn-verify" --version; do
	# shellcheck disable=SC2086
	as gateway doublelock-ask $words
	is "$code" 1 "usage '$words': exit 1"
done
is "$(ids_recorded)" "$before" "and none of these is an event"

# OpenVPN's tls-verify: the certificate that the environment names, of depth 0
verify() { as gateway env peer_cert="$1" untrusted_ip6=::ffff:192.0.2.9 doublelock-ask openvpn-verify "$2" CN=x; }
verify "$pki/issuing/alice.pem" 0
verdict 0 ok "openvpn-verify"
is "$(doublelock events --json | jq -rs 'last | .source')" 192.0.2.9 \
	"an address that is mapped into IPv6 is the IPv4 address"
before=$(ids_recorded)
verify "$pki/stranger/mallory.pem" 1
is "$code" 0 "a certificate above it is judged with it"
verify "$pki/issuing/alice.pem" x
is "$code" 1 "a depth that is none: exit 1"
as gateway doublelock-ask openvpn-verify 0 CN=alice
is "$code" 1 "without tls-export-cert: exit 1"
is "$(ids_recorded)" "$before" "of these the agent hears nothing"

# OpenVPN's second call: the code, for the certificate of the first one
digest() { openssl x509 -in "$1" -noout -fingerprint -sha256 | sed 's/.*=//' | tr A-F a-f; }
kept() { # CERTIFICATE [ADDRESS]: what --code-follows does
	as gateway env peer_cert="$1" untrusted_ip="${2:-192.0.2.5}" \
		doublelock-ask --service coded --code-follows openvpn-verify 0 CN=x
}
auth() { # CERTIFICATE USER PASSWORD [VARIABLE=VALUE...]
	certificate=$1
	printf '%s\n%s\n' "$2" "$3" >"$work/lines"
	chmod 644 "$work/lines"
	shift 3
	as gateway env tls_digest_sha256_0="$(digest "$certificate")" untrusted_ip=192.0.2.5 "$@" \
		doublelock-ask --service coded openvpn-auth "$work/lines"
}
scrv1() { printf 'SCRV1:%s:%s' "$(printf %s ignored | base64)" "$(printf %s "$1" | base64)"; }
events_of() { doublelock events --json | jq -r "select(.service == \"coded\") | .id" | wc -l; }

as gateway env peer_cert="$pki/issuing/alice.pem" untrusted_ip=192.0.2.5 \
	doublelock-ask --service coded openvpn-verify 0 CN=x
is "$code" 1 "a code is missing, and nobody said that one follows: exit 1"
before=$(events_of)
kept "$pki/issuing/alice.pem"
is "$code" 0 "one follows: exit 0"
auth "$pki/issuing/alice.pem" alice "$(scrv1 000000)"
verdict 1 otp-wrong "a wrong code"
is "$(events_of)" $((before + 1)) "both calls are one event"
auth "$pki/issuing/alice.pem" alice "$(scrv1 "$(code_of "$secret")")"
verdict 1 no-certificate "the same again, without a handshake"
kept "$pki/issuing/alice.pem"
auth "$pki/issuing/bob.pem" alice "$(scrv1 "$(code_of "$secret")")"
verdict 1 no-certificate "somebody else's certificate, whose handshake was not seen"
kept "$pki/issuing/bob.pem"
auth "$pki/issuing/bob.pem" alice "$(scrv1 "$(code_of "$secret")")"
verdict 1 user-mismatch "alice's name and code, and bob's certificate"
kept "$pki/issuing/bob.pem"
auth "$pki/issuing/bob.pem" '' "$(scrv1 "$(code_of "$secret")")"
verdict 1 not-enrolled "alice's code and bob's certificate"
kept "$pki/issuing/alice.pem" 192.0.2.6
auth "$pki/issuing/alice.pem" alice "$(scrv1 "$(code_of "$secret")")" untrusted_ip=192.0.2.7
verdict 1 no-certificate "from another address"
kept "$pki/issuing/alice.pem"
auth "$pki/issuing/alice.pem" alice "$(scrv1 "$(code_of "$secret")")" session_state=Initial session_id=AbC+/123
verdict 0 ok "the certificate, and then the code"
is "$(doublelock events --json | jq -rs 'last | [.user, .source, .fingerprint] | join(" ")')" \
	"alice 192.0.2.5 $(digest "$pki/issuing/alice.pem" | tr -d :)" "with all that the first call had"
kept "$pki/issuing/alice.pem"
auth "$pki/issuing/alice.pem" alice "$(scrv1 "$(code_of "$secret")")"
verdict 1 otp-replayed "the code again"
kept "$pki/issuing/alice.pem"
auth "$pki/issuing/alice.pem" alice SESS_ID_AT_token session_state=Authenticated session_id=AbC+/123
verdict 0 ok "new keys for a connection that stands"
kept "$pki/issuing/alice.pem"
auth "$pki/issuing/alice.pem" alice SESS_ID_AT_token session_state=Authenticated session_id=AbC+/124
is "$code" 1 "a connection that nobody knows: exit 1"
like "$(cat "$work/ask.log")" "coded: otp-required" "and a code is missing"
kept "$pki/issuing/alice.pem"
auth "$pki/issuing/alice.pem" alice SESS_ID_AT_token session_state=Expired session_id=AbC+/123
is "$code" 1 "a token that has expired: exit 1"
kept "$pki/issuing/alice.pem"
auth "$pki/issuing/alice.pem" alice SCRV1:no:base64
is "$code" 1 "an answer that is none: exit 1"
kept "$pki/stranger/mallory.pem"
verdict 1 untrusted-issuer "a certificate that is not good is not kept"

# Apache's map: a line each, whatever comes
escape() { od -An -v -tx1 <"$1" | tr -d ' \n' | sed 's/../%&/g'; }
{
	escape "$pki/issuing/alice.pem"
	printf '\n192.0.2.3 '
	escape "$pki/issuing/alice.pem"
	printf '\n\n%%zz\n'
	head -c 100000 /dev/zero | tr '\0' A
	echo
	escape "$pki/stranger/mallory.pem"
	echo
	escape "$pki/issuing/alice.pem"
} >"$work/lines"
chmod 644 "$work/lines"
as gateway doublelock-ask map <"$work/lines"
is "$code" 0 "map ends with its input"
is "$(xargs <"$work/out")" \
	"OK:alice OK:alice NO:no-certificate NO:certificate-malformed NO:certificate-malformed NO:untrusted-issuer" \
	"an answer for each line, none for half of one"

pki_revoke issuing alice
pki_publish
gone() {
	radius gateway "$pki/issuing/alice.pem"
	[ "$code" = 1 ]
}
until_true gone || die "the revocation was not noticed"
verdict 1 revoked "a revoked certificate"

# the agent hangs, and then is not there
kill -STOP "$agent_pid"
began=$(date +%s)
radius gateway "$pki/issuing/bob.pem"
took=$(($(date +%s) - began))
kill -CONT "$agent_pid"
is "$code" 1 "an agent that hangs: exit 1"
like "$(cat "$work/ask.log")" "fault-internal: .*did not answer in time" "and why"
like "$took" '^[4-9]$' "after five seconds"
stop "$agent_pid"
radius gateway "$pki/issuing/bob.pem"
is "$code" 1 "no agent: exit 1"

# somebody else's socket is no agent
mkdir -m 755 /run/theirs
chown other /run/theirs
setpriv --reuid=other --regid="$(id -g other)" --clear-groups \
	socat UNIX-LISTEN:/run/theirs/agent.sock,fork,mode=666 PIPE &
until_true test -S /run/theirs/agent.sock || die "no impostor"
as gateway doublelock-ask --agent /run/theirs/agent.sock radius-verify "$pki/issuing/bob.pem"
is "$code" 1 "a socket in somebody's directory: exit 1"
like "$(cat "$work/ask.log")" "fault-internal" "and nothing is sent there"
finish
