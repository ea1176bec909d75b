# shellcheck shell=sh disable=SC2034,SC2154 # what is set here others use, and the other way round
# SPDX-License-Identifier: MIT
# lib.sh - a machine with the agent, an application behind a gateway, and certificates of every
# kind; sourced by test_*.sh after tests/e2e/lib.sh. The gateway is the Debian package's own,
# with the file of packaging/examples.

https=8443 app=8080 address=127.0.0.1

# want STATUS REASON NAME: of the last curl, and the reason of the newest event
want() {
	before=$failures
	is "$status" "$1" "$3: $1"
	[ -z "$2" ] || is "$(newest_reason)" "$2" "$3: $2"
	[ "$failures" = "$before" ] || agent_says
}

# Why, as a comment beside what failed.
agent_says() {
	{
		curl -s --max-time 5 --unix-socket /run/doublelock/agent.sock http://agent/healthz
		echo
		tail -n 3 "$work/agent.log"
	} | sed 's/^/#   agent: /'
}

newest_reason() {
	doublelock events --json 2>>"$work/events.log" | jq -rs 'last | .data.reason // .reason'
}

# get NAME [curl's options]: as the owner of that certificate, or nobody (-)
get() {
	who=$1
	shift
	[ "$who" = - ] || set -- --cert "$pki/${who%/*}/${who#*/}.pem" --key "$pki/${who%/*}/${who#*/}.key" "$@"
	status=$(curl -s -o "$work/body" -w '%{http_code}' --max-time 20 \
		--cacert "$pki/root/ca.pem" "$@" "https://$address:$https/" 2>>"$work/curl.log")
	body=$(cat "$work/body")
}

# The certificates, the account, the agent; more lines of [service web] from standard input.
prepare() {
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
	configure
	secret=$(enroll alice) || die "alice could not be enrolled"
	start_agent
	start_application
}

# Says who the gateway says is there.
start_application() {
	cat >"$work/app.conf" <<-END
		pid $work/app.pid;
		error_log $work/app.log;
		daemon off;
		events {}
		http {
			access_log off;
			server {
				listen 127.0.0.1:$app;
				default_type text/plain;
				location / { return 200 "user=\$http_x_doublelock_user authorization=\$http_authorization"; }
			}
		}
	END
	nginx -c "$work/app.conf" 2>>"$work/app.log" &
	app_pid=$!
	until_true curl -sf "http://127.0.0.1:$app/" -o "$work/body" || die "the application did not start"
}

# What every gateway has to do; `restart` is not needed for any of it.
every_gateway() {
	code=$(code_of "$secret")
	get -
	want 401 no-certificate "no certificate"
	get issuing/alice
	want 401 "" "a certificate without a code"
	get stranger/mallory
	want 403 untrusted-issuer "a CA that nobody trusts"
	get issuing/dave
	want "${expired:-403}" "${expired_reason-certificate-expired}" "an expired certificate"
	get - -H 'X-Doublelock-User: alice'
	want 401 no-certificate "a name that the client writes itself"
	forged=$(sed -e '/^-----/d' "$pki/issuing/alice.pem" | tr -d '\n')
	for header in X-SSL-Client-Cert X-Client-Cert-Der X-Forwarded-Tls-Client-Cert Client-Cert \
		X-Forwarded-Client-Cert X-Amzn-Mtls-Clientcert-Leaf; do
		get - -H "$header: $forged"
		is "$status" "$(forgery "$header")" "a forged $header is not believed: $status"
	done
	get issuing/alice -u "bob:$code"
	want 403 user-mismatch "a certificate and somebody else's name"
	get issuing/alice -u ":$code" -H 'X-Doublelock-User: root'
	want 200 ok "certificate and code"
	is "$body" "user=alice authorization=" "the application is told who it is, and no code"
	get issuing/alice
	want 200 ok "from the same place, without a code"
	is "$(curl -s -u ":$code" --cacert "$pki/root/ca.pem" --cert "$pki/issuing/alice.pem" \
		--key "$pki/issuing/alice.key" -o "$work/body" -o "$work/body" \
		-w '%{http_code} after %{num_connects} handshakes ' \
		"https://$address:$https/1" "https://$address:$https/2")" \
		"200 after 1 handshakes 200 after 0 handshakes " \
		"a browser that sends the code again, on one connection"
	pki_revoke issuing alice
	pki_publish
	until_true now_is 403 || die "the revocation was not noticed"
	want 403 revoked "revoked between two requests"
	get issuing/bob
	want 401 "" "others are still asked for their code"
}

# What a client gets for writing a certificate's header itself. Where the gateway passes the
# headers of clients on, the agent knows those of other gateways and refuses.
forgery() { echo 401; }

now_is() {
	get issuing/alice
	[ "$status" = "$1" ]
}

# when_silent STATUS: what the gateway says when the agent is stopped, and when it hangs
when_silent() {
	kill -STOP "$agent_pid"
	get issuing/bob
	is "$status" "$1" "an agent that does not answer: $1"
	kill -CONT "$agent_pid"
	stop "$agent_pid"
	rm -f /run/doublelock/agent.sock
	get issuing/bob
	is "$status" "$2" "no agent: $2"
}
