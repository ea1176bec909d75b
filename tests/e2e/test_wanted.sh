#!/bin/sh
# SPDX-License-Identifier: MIT
# test_wanted - whoever judges a certificate says where its list is; the agent fetches it from
# there, and deltas as well.
# shellcheck disable=SC2317 # until_true calls them
. "$(dirname "$0")/lib.sh"
. "$top/tests/e2e/web.sh"

# An address that is not this machine's own, as far as certificates are concerned.
ip address add 10.77.0.1/32 dev lo
at=http://10.77.0.1:8090

reason() { doublelock verify --json "$@" 2>>"$work/verify.log" | jq -r .reason; }

# check NAME CA: what the agent says of a certificate that a gateway hands on with its CA's
check() {
	jq -nc --rawfile c "$pki/$2/$1.pem" --rawfile i "$pki/$2/ca.pem" \
		'{certificate: $c, chain: $i, service: "web"}' >"$work/body"
	{
		printf 'POST /v1/check HTTP/1.0\r\nContent-Length: %d\r\n\r\n' \
			"$(wc -c <"$work/body")"
		cat "$work/body"
	} | socat -t 10 - UNIX-CONNECT:/run/doublelock/agent.sock | tail -n 1 | jq -r .reason
}
status() { doublelock crl status 2>>"$work/status.log"; }
shows() { status | grep -qE "$1"; }
carol_is() { [ "$(check carol visiting)" = "$1" ]; }
soon() { until_true "$@" || until_true "$@"; }

install_doublelock
start_server
pki_usual
cat >>"$pki/openssl.cnf" <<-END
	[pointed]
	basicConstraints = critical,CA:false
	keyUsage = critical,digitalSignature
	extendedKeyUsage = clientAuth
	authorityKeyIdentifier = keyid:always
	subjectAltName = email:\$ENV::EMAIL
	crlDistributionPoints = URI:$at/\$ENV::POINT
	[freshest]
	authorityKeyIdentifier = keyid:always
	freshestCRL = URI:$at/delta.crl
	[delta]
	authorityKeyIdentifier = keyid:always
	2.5.29.27 = critical,DER:020101
END
pointed() { # CA NAME LIST
	pki_key "$pki/$1/$2.key"
	pki_ssh_key "$pki/$1/$2.key"
	POINT=$3 pki_sign "$1" "$2" "$pki/$1/$2.key" "$pki/$1/$2.pem" pointed -days 30
}
export POINT=none
pki_issuing visiting root # nobody has put it into intermediates.d
pki_root stranger
pointed visiting carol visiting.crl
pointed stranger mallory stranger.crl
pointed issuing dave dave.crl
for user in alice carol dave mallory; do account $user; done
pki_client issuing alice
configure <<-END
	[service web]
	certificate = gateway
	otp = none
	vouch = 0
END
enroll alice >"$work/enrolled"

# the helper writes down what it wants, whoever fetches it later
rm $etc/crl.d/issuing.pem
register dave issuing
info="publickey $(ssh-keygen -y -f "$pki/issuing/dave.key.ssh")"
echo "$info" | "$B/tests/e2e/pamlogin" sshd dave 000000 1 >>"$work/pam.log" 2>&1
is "$(last_reason dave)" revocation-unknown "a login that no list covers"
rm -r $etc/certs.d/dave
like "$(status)" "^wanted +$at/dave.crl: named for CN=issuing" \
	"has said where it is, after the certificate has gone"
install -m 644 "$pki/issuing/crl.pem" $etc/crl.d/issuing.pem

start_agent
is "$(check mallory stranger)" untrusted-issuer "a stranger's certificate"
is "$(check carol visiting)" revocation-unknown "a CA that came with the certificate"
is "$(status | grep -c stranger.crl)" 0 "a stranger says nothing about where to fetch from"
like "$(status)" "^wanted +$at/visiting.crl: named for CN=visiting" "what is wanted is shown"
like "$(status)" "^MISSING +no list of CN=visiting" "and who has no list"
doublelock crl status --json >"$work/status.json"
is "$?" 1 "which is something to look after"
is "$(jq -r '.wanted[] | select(.url | endswith("visiting.crl")) | .state + " " + .named_for' \
	"$work/status.json")" "wanted CN=visiting" "in JSON as well"
soon grep -q "visiting.crl 404" "$work/server.log"
is "$?" 0 "the agent asks for it without being told"
stop "$agent_pid"
serve_list "$pki/visiting/crl.pem" visiting.crl
start_agent
soon carol_is ok
is "$(check carol visiting)" ok "as soon as it is there, the certificate is good"
like "$(status)" "^fetched +$at/visiting.crl" "which is shown"
printf 'GET /metrics HTTP/1.0\r\n\r\n' | socat -t 10 - UNIX-CONNECT:/run/doublelock/agent.sock |
	grep -o 'next_update_seconds{issuer="[^"]*"' >"$work/watched"
is "$(sort "$work/watched" | tr '\n' ' ')" 'next_update_seconds{issuer="CN=issuing" next_update_seconds{issuer="CN=root" ' \
	"whose end is watched for the CAs of the trust alone"
pki_revoke visiting carol
serve_list "$pki/visiting/crl.pem" visiting.crl
doublelock crl refresh >"$work/refreshed" 2>&1
like "$(cat "$work/refreshed")" "^new +$at/visiting.crl" "the operator fetches it as well"
soon carol_is revoked
is "$(check carol visiting)" revoked "and the agent judges by it"
is "$(grep -c stranger "$work/server.log")" 0 "nobody was asked for the stranger's"
# what such CAs may have fetched is bounded, all of them together
filler=$state/crl/00000000000000000000000000000000.crl
truncate -s 512M "$filler"
chown doublelock: "$filler"
pki_crl visiting
serve_list "$pki/visiting/crl.pem" visiting.crl
doublelock crl refresh >"$work/refreshed" 2>&1
like "$(cat "$work/refreshed")" "^[a-zA-Z]+ +$at/visiting.crl.*more than 512 MiB together" \
	"too much for guests is not taken"
rm "$filler"
# one that is over at once: nobody but that CA's guests is refused
pki_openssl visiting ca -gencrl -crl_lastupdate "$(date -u +%Y%m%d%H%M%SZ)" \
	-crl_nextupdate "$(date -u -d '+3 seconds' +%Y%m%d%H%M%SZ)" -out "$pki/visiting/crl.pem"
serve_list "$pki/visiting/crl.pem" visiting.crl
doublelock crl refresh >"$work/refreshed" 2>&1
doctor_warns() { doublelock doctor 2>/dev/null | grep -q '^warning *crl: .*: guests of CN=visiting'; }
soon doctor_warns
is "$?" 0 "doctor warns of a guest's list that is over, and names whose it is"
is "$(doublelock doctor 2>/dev/null | grep -c '^critical *crl:')" 0 "which is nothing critical here"

# deltas
is "$(reason "$pki/issuing/alice.pem")" ok "a list that names a delta, without it"
pki_crl issuing -crlexts freshest
install -m 644 "$pki/issuing/crl.pem" $etc/crl.d/issuing.pem
pki_openssl issuing ca -revoke "$pki/issuing/alice.pem"
pki_openssl issuing ca -gencrl -crlexts delta -out "$pki/issuing/delta.pem"
serve_list "$pki/issuing/delta.pem" delta.crl
doublelock crl refresh >"$work/refreshed" 2>&1
like "$(cat "$work/refreshed")" "^new +$at/delta.crl" "is fetched from where the list says"
is "$(reason "$pki/issuing/alice.pem")" revoked "and revokes"
stop "$agent_pid"
is "$ended" 0 "the agent ends when it is told to"
stop "$server_pid"
finish
