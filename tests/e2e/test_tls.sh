#!/bin/sh
# SPDX-License-Identifier: MIT
# test_tls - gateways on other hosts: who gets through the handshake, who is believed, and what
# takes that away again.
. "$(dirname "$0")/lib.sh"

at=127.0.0.1:8444
install_doublelock
pki_usual
pki_root stranger
for name in alice mallory edge1 edge2 edge3 spare; do pki_client issuing $name; done
pki_client stranger edge9
pki_expired issuing edge4
# a gateway's certificate for servers alone
pki_key "$pki/issuing/edge5.key"
pki_sign issuing edge5 "$pki/issuing/edge5.key" "$pki/issuing/edge5.pem" server -days 30
new_server() {
	pki_key "$pki/issuing/$1.key"
	pki_sign issuing "$1" "$pki/issuing/$1.key" "$pki/issuing/$1.pem" server -days 30
	cat "$pki/issuing/ca.pem" >>"$pki/issuing/$1.pem"
	install -o root -g doublelock -m 640 "$pki/issuing/$1.key" $etc/agent.key
	install -m 644 "$pki/issuing/$1.pem" $etc/agent.pem
}
new_server server
pki_revoke issuing edge3
pki_revoke issuing mallory
pki_publish
for name in alice mallory; do account $name; done
install -d -m 755 $etc/clients
for name in edge1 edge2 edge3 edge4 edge5; do install -m 644 "$pki/issuing/$name.pem" $etc/clients/; done
install -m 644 "$pki/stranger/edge9.pem" $etc/clients/
configure_tls() {
	configure <<-END
		[service web]
		certificate = gateway
		otp = none
		vouch = edge1, tls:edge3, edge4, edge5, edge9
		[service vpn]
		certificate = none
		otp = required
		ask-for = edge2
		[agent]
		listen = unix:/run/doublelock/agent.sock
		listen = tls:$at
		tls-certificate = $etc/agent.pem
		tls-key = $etc/agent.key
		clients = $etc/clients
		readers = edge2
		${1:-}
	END
}
configure_tls
secret=$(enroll alice) || die "alice could not be enrolled"
is "$(doublelock verify --check-config 2>&1)" ok "the configuration is one"
start_agent
in_force() { [ "$(grep -c 'in force' "$work/agent.log")" -gt "$1" ]; }

# call GATEWAY [curl's options] PATH: $status, $body
call() {
	who=$1
	shift
	[ "$who" = - ] || set -- --cert "$pki/$who.pem" --key "$pki/$who.key" "$@"
	for path; do :; done
	status=$(curl -sS -o "$work/body" -w '%{http_code}' --max-time 20 --cacert "$pki/root/ca.pem" \
		"$@" 2>"$work/curl.err")
	curl_code=$?
	body=$(cat "$work/body" 2>/dev/null)
	: >"$work/body"
}
# check GATEWAY SERVICE USERS-CERTIFICATE [curl's options]
check() {
	gateway=$1 body_in=$(jq -n --arg s "$2" --rawfile c "$pki/$3.pem" '{service: $s, certificate: $c}')
	shift 3
	call "$gateway" "$@" --json "$body_in" "https://$at/v1/check"
	reason=$(printf '%s' "$body" | jq -r .reason 2>/dev/null)
}
want() { is "$status $reason" "$1" "$2"; }

check issuing/edge1 web issuing/alice
want "200 ok" "a gateway that is listed"
is "$(doublelock events --json | jq -rs 'last | .caller')" tls:edge1 "is on record by its name"
is "$(printf '%s' "$body" | jq -r '.user, .serial' | paste -sd' ')" "alice $(openssl x509 -in "$pki/issuing/alice.pem" -noout -serial | cut -d= -f2 | tr A-F a-f)" \
	"and is told about the user"
check issuing/edge1 web issuing/mallory
want "403 revoked" "what it hands over is judged"
forward() {
	call "$1" -H "X-SSL-Client-Cert: $(jq -rn --rawfile c "$pki/issuing/alice.pem" '$c|@uri')" \
		"https://$at/v1/auth/nginx/web"
}
forward issuing/edge1
is "$status" 200 "forward authentication, as Traefik and Caddy ask for it"
forward issuing/edge2
is "$status" 403 "but not for a gateway that may not vouch"
der=$(openssl x509 -in "$pki/issuing/alice.pem" -outform DER | base64 -w0)
link=$(openssl x509 -in "$pki/issuing/ca.pem" -outform DER | base64 -w0)
for value in "$der" "$der,$link" "$(jq -rn --arg c "$der" '$c|@uri')"; do
	call issuing/edge1 -H "X-Forwarded-Tls-Client-Cert: $value" -H 'X-Forwarded-For: 192.0.2.7' \
		"https://$at/v1/auth/traefik/web"
	is "$status" 200 "as Traefik writes it: ${#value} characters"
done
call issuing/edge1 "https://$at/v1/auth/traefik/web"
is "$status" 401 "without a certificate of the user"

# who may not vouch learns nothing
check issuing/edge2 web issuing/alice
want "403 possession-unproven" "a gateway that the service does not list"
is "$(printf '%s' "$body" | jq -r '.user + .subject + .serial + .issuer')" "" "is told nothing"
check issuing/edge1 vpn issuing/alice
want "403 possession-unproven" "one that may vouch may not name users"
named() {
	call "$1" --json "$(jq -n --arg c "$2" '{service: "vpn", user: "alice", code: $c}')" \
		"https://$at/v1/check"
	reason=$(printf '%s' "$body" | jq -r .reason)
}
named issuing/edge1 000000
want "403 possession-unproven" "nor guess at their codes"
named issuing/edge2 "$(code_of "$secret")"
want "200 ok" "one in ask-for may"
named issuing/edge2 "$(code_of "$secret")"
want "403 otp-replayed" "once"

# its own certificate
refused() {
	check "issuing/$1" web issuing/alice
	want "403 possession-unproven" "a gateway whose certificate $3"
	like "$(printf '%s' "$body" | jq -r .detail)" "tls:$1: its own certificate: $2\$" "which is said: $2"
	call "issuing/$1" "https://$at/healthz"
	is "$status" 403 "and there is nothing else for it"
}
refused edge3 revoked "is revoked"
until_true grep -q 'tls: 127.0.0.1: edge3: its own certificate: revoked: CN=edge3 .*issuing.pem' "$work/agent.log"
is $? 0 "and to whoever runs the agent in full"
refused edge4 certificate-expired "is expired"
refused edge5 wrong-purpose "is one for servers"
check stranger/edge9 web issuing/alice
want "403 possession-unproven" "a gateway that is listed, and whose CA is not trusted"
like "$(printf '%s' "$body" | jq -r .detail)" untrusted-issuer "which is said"

# who does not get through the handshake
gone() { is "$status $([ "$curl_code" -ne 0 ] && echo closed)" "000 closed" "$1"; }
check issuing/spare web issuing/alice
gone "a certificate of the right CA that is no gateway's"
fingerprint=$(openssl x509 -in "$pki/issuing/spare.pem" -noout -fingerprint -sha256 | cut -d= -f2 | tr -d : | tr A-F a-f)
noted() { doublelock events --json | jq -e "select(.type == \"doublelock.gateway.refused\") | select(.detail | test(\"possession-unproven.*$fingerprint\"))" >"$work/noted"; }
until_true noted
is $? 0 "there is an event of it"
check - web issuing/alice
gone "no certificate"
account edge2
words=$(doublelock verify --check-config 2>&1)
like "$? $words" "^3 .*'edge2' is a user of this machine and a file in" \
	"who gets an account does not get a gateway's rights"
userdel edge2
cp "$pki/issuing/edge2.key" "$pki/issuing/thief.key"
cp "$pki/issuing/edge1.pem" "$pki/issuing/thief.pem"
check issuing/thief web issuing/alice
gone "a gateway's certificate without its key"
call issuing/edge1 "http://$at/healthz"
gone "HTTP without TLS"
call issuing/edge1 --tls-max 1.2 "https://$at/healthz"
gone "TLS 1.2"
hello() {
	echo | timeout 10 openssl s_client -connect $at -CAfile "$pki/root/ca.pem" -verify_return_error \
		-cert "$pki/issuing/edge1.pem" -key "$pki/issuing/edge1.key" "$@" 2>&1
}
like "$(hello -alpn h2)" 'alert no application protocol' "HTTP/2 alone"
like "$(hello -alpn h2,http/1.1)" 'ALPN protocol: http/1.1' "HTTP/1.1 is chosen"
like "$(hello)" 'Verification: OK' "the agent's certificate, with its intermediate"
is "$(hello -ign_eof | grep -c 'New Session Ticket')" 0 "no ticket by which to come again without a certificate"

# readers
call issuing/edge2 "https://$at/metrics"
is "$status" 200 "a reader reads the metrics"
like "$body" '^doublelock_tls_total.result="unknown".* [1-9]' "and who was turned away"
call issuing/edge2 "https://$at/v1/status"
is "$status" 200 "and the status"
for path in metrics v1/status; do
	call issuing/edge1 "https://$at/$path"
	is "$status" 403 "who is no reader does not read $path"
done
call issuing/edge1 "https://$at/healthz"
is "$status" 200 "each of them may see whether the agent is well"
is "$(printf '%s' "$body" | jq -r '[keys[] | select(endswith("detail"))] | length')" 0 "and not why not"

# One connection that stays open: what changes meanwhile holds for it as well.
talk_open() {
	rm -f "$work/to"
	mkfifo "$work/to"
	: >"$work/from"
	openssl s_client -quiet -connect $at -cert "$pki/issuing/$1.pem" -key "$pki/issuing/$1.key" \
		<"$work/to" >"$work/from" 2>"$work/talk.err" &
	talk_pid=$!
	exec 5>"$work/to"
	answers=0
}
talk() {
	printf 'GET /healthz HTTP/1.1\r\nHost: agent\r\n\r\n' >&5
	answers=$((answers + 1))
	until_true answered || echo "# no answer"
	status=$(statuses | tail -n 1)
}
statuses() { grep -o 'HTTP/1.1 [0-9]*' "$work/from" | cut -d' ' -f2; }
answered() { [ "$(statuses | wc -l)" -ge "$answers" ]; }
talk_close() {
	exec 5>&-
	stop "$talk_pid"
}
talks() {
	talk
	[ "$status" = "$1" ]
}
talk_open edge2
talk
is "$status" 200 "a connection that stays open"
pki_revoke issuing edge2
pki_publish
until_true talks 403
is "$status" 403 "ends to be one of a gateway when its certificate is revoked"
talk_close
talk_open edge1
talk
is "$status" 200 "another one"
mv $etc/clients/edge1.pem "$work/edge1.pem"
until_true grep -q "\[service web\]: vouch: there is no user 'edge1'" "$work/agent.log"
is $? 0 "a name that leads to no file is no configuration"
words=$(doublelock verify --check-config 2>&1)
like "$? $words" "^3 .*vouch: there is no user 'edge1'" "as verify --check-config says"
call issuing/edge1 "https://$at/healthz"
is "$status $(printf '%s' "$body" | jq -r .configuration)" "200 rejected" "and the one before stays in force"
before=$(grep -c 'in force' "$work/agent.log")
install -m 644 "$pki/issuing/spare.pem" $etc/clients/edge1.pem
until_true in_force "$before"
until_true talks 403
is "$status" 403 "a gateway that has another certificate is not known by the one before"
check issuing/spare web issuing/alice
want "200 ok" "but by the newer one"
before=$(grep -c 'in force' "$work/agent.log")
cat "$pki/issuing/edge1.pem" >>$etc/clients/edge1.pem
until_true in_force "$before"
until_true talks 200
is "$status" 200 "or by both"
talk_close

# the agent's own certificate, under load
serial_shown() { hello | openssl x509 -noout -serial 2>/dev/null; }
serial_of() { openssl x509 -noout -serial -in "$pki/issuing/$1.pem"; }
shows() { [ "$(serial_shown)" = "$(serial_of "$1")" ]; }
is "$(serial_shown)" "$(serial_of server)" "the agent's certificate"
call_all() {
	curl -s --cert "$pki/issuing/edge1.pem" --key "$pki/issuing/edge1.key" --cacert "$pki/root/ca.pem" \
		-o /dev/null -w '%{http_code} %{num_connects}\n' "https://$at/healthz?[1-3000]" >"$1"
}
call_all "$work/load1" &
load1=$!
call_all "$work/load2" &
load2=$!
new_server newer
until_true shows newer
is $? 0 "a newer one is shown to whoever comes then"
wait $load1 $load2
is "$(cat "$work/load1" "$work/load2" | sort | uniq -c | awk '{ print $1, $2, $3 }' | paste -sd,)" \
	"5998 200 0,2 200 1" "those who are there lose no answer and no connection"
before=$(grep -c 'in force' "$work/agent.log")
cp "$pki/issuing/server.key" "$work/wrong.key"
install -o root -g doublelock -m 640 "$work/wrong.key" $etc/agent.key
until_true grep -q 'agent.key: no private key' "$work/agent.log"
is $? 0 "a key of another certificate is refused"
is "$(serial_shown)" "$(serial_of newer)" "and the one before stays in force"
install -o root -g doublelock -m 640 "$pki/issuing/newer.key" $etc/agent.key
until_true in_force "$before"

# TLS 1.2, where it is told
before=$(grep -c 'in force' "$work/agent.log")
configure_tls 'tls-min = 1.2'
until_true in_force "$before"
call issuing/edge1 --tls-max 1.2 "https://$at/healthz"
is "$status" 200 "TLS 1.2 where the configuration has it"
call issuing/edge1 --tls-max 1.2 --ciphers ECDHE-ECDSA-AES128-SHA256 "https://$at/healthz"
gone "but with AES-GCM and ChaCha20 alone"
like "$(printf 'R\n' | timeout 10 openssl s_client -connect $at -tls1_2 -cert "$pki/issuing/edge1.pem" \
	-key "$pki/issuing/edge1.key" 2>&1)" 'no renegotiation' "nor are keys agreed upon again"
is "$(hello -tls1_2 -reconnect | grep -c '^Reused')" 0 "or kept for the next connection"
call issuing/edge1 --tls-max 1.2 --ciphers ECDHE-ECDSA-CHACHA20-POLY1305 "https://$at/healthz"
is "$status" 200 "which is one of them"
check - web issuing/alice --tls-max 1.2
gone "and not without a certificate"

# a gateway's measure
before=$(grep -c 'in force' "$work/agent.log")
configure_tls 'gateway-rate = 1/s'
until_true in_force "$before"
is_limited() {
	check issuing/edge1 web issuing/alice
	[ "$reason" = rate-limited ]
}
until_true is_limited
want "403 rate-limited" "a gateway that asks too often"
check issuing/edge5 web issuing/alice
want "403 possession-unproven" "which is nothing to another one"
stop "$agent_pid"
is "$ended" 0 "the agent ends when it is told to"
finish
