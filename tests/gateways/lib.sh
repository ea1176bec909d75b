# shellcheck shell=sh disable=SC2034,SC2154 # what is set here others use, and the other way round
# SPDX-License-Identifier: MIT
# lib.sh - a machine with the agent, an application behind a gateway, and certificates of every
# kind; sourced by test_*.sh after tests/e2e/lib.sh. The gateway is the Debian package's own,
# with the file of packaging/examples.

https=8443 app=8080 address=127.0.0.1
# the machine may have other things to do
patience=40
# What a gateway's script says otherwise where that is so: the status for whoever is let in, has
# no certificate or is refused; what becomes of a foreign CA and of an expired certificate, with
# the reason in the agent's event ("": the gateway has not asked); whether codes get through, and
# what the application hears of it all.
good=200 none=401 denied=403
foreign=403 foreign_reason=untrusted-issuer
expired=403 expired_reason=certificate-expired
codes=yes told='^user=alice authorization=$'

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

# of a decision by itself: what is counted together is written down later
newest_reason() {
	doublelock events --json 2>>"$work/events.log" |
		jq -rs 'map(select(.repeats == null)) | last | .reason'
}

# The certificate and key of NAME (CA/USER) as two words, for options of that name.
key_of() { echo "$pki/${1%/*}/${1#*/}.key"; }
cert_of() { echo "$pki/${1%/*}/${1#*/}.pem"; }

# get NAME [curl's options]: as the owner of that certificate, or nobody (-). $status, $body,
# and $took: seconds.
get() {
	who=$1
	shift
	[ "$who" = - ] || set -- --cert "$(cert_of "$who")" --key "$(key_of "$who")" "$@"
	: >"$work/body"
	status=$(curl -s -o "$work/body" -w '%{http_code} %{time_total}' --max-time 60 \
		--cacert "$pki/root/ca.pem" "$@" "https://$address:$https/" 2>>"$work/curl.log")
	took=${status#* } status=${status%% *}
	body=$(cat "$work/body")
}

# resume NAME: as its owner, on a new connection that takes up the TLS session of the one
# before; $resumed says whether the gateway did. $status as above.
resume() {
	who=$1 session=$work/session.${1#*/}
	set --
	[ ! -f "$session" ] || set -- -sess_in "$session"
	printf 'GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$address" |
		timeout 60 openssl s_client -connect "$address:$https" -CAfile "$pki/root/ca.pem" \
			-cert "$(cert_of "$who")" -key "$(key_of "$who")" -sess_out "$session" "$@" \
			-ign_eof >"$work/resume" 2>>"$work/resume.log"
	status=$(sed -n 's/^HTTP\/1\.[01] \([0-9]*\) .*/\1/p' "$work/resume" | head -n 1)
	status=${status:-000} resumed=no
	! grep -q '^Reused, ' "$work/resume" || resumed=yes
}

# Certificates of every kind, and the accounts that they name.
prepare_people() {
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
}

# All of them, the agent and the application; more lines of [service web] from standard input.
prepare() {
	prepare_people
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

# What every gateway has to do; it is never restarted or reloaded for any of it.
every_gateway() {
	certificates_are_judged
	forgeries_are_not_believed
	if [ "$codes" = yes ]; then
		codes_are_asked
	else
		get issuing/alice
		want "$good" ok "a certificate"
	fi
	connections_are_kept
	revocation_is_at_once
}

certificates_are_judged() {
	get -
	want "$none" no-certificate "no certificate"
	get stranger/mallory
	want "$foreign" "$foreign_reason" "a CA that nobody trusts"
	get issuing/dave
	want "$expired" "$expired_reason" "an expired certificate"
}

# The profile's own header and those of all others, as a client would write them.
forgeries_are_not_believed() {
	get - -H 'X-Doublelock-User: alice'
	want "$none" no-certificate "a name that the client writes itself"
	forged=$(sed -e '/^-----/d' "$(cert_of issuing/alice)" | tr -d '\n')
	for header in X-SSL-Client-Cert X-Client-Cert-Der X-Client-Chain-Der \
		X-Forwarded-Tls-Client-Cert Client-Cert Client-Cert-Chain X-Forwarded-Client-Cert \
		X-Amzn-Mtls-Clientcert-Leaf X-Amzn-Mtls-Clientcert X_SSL_Client_Cert; do
		get - -H "$header: $forged"
		case $(forgery "$header") in
		refused) want 403 possession-unproven "a forged $header" ;;
		*) want "$none" no-certificate "a forged $header" ;;
		esac
	done
}

# What a client gets for writing a certificate's header itself. Where the gateway passes the
# headers of clients on, the agent knows those of other gateways and refuses.
forgery() { echo unread; }

# wrong_code SECRET: one that is none of those that hold around now
wrong_code() {
	for wrong in 000000 111111 222222 333333; do
		case "$(code_of "$1" -1) $(code_of "$1") $(code_of "$1" 1)" in
		*"$wrong"*) ;;
		*) break ;;
		esac
	done
	echo "$wrong"
}

codes_are_asked() {
	get issuing/alice -D "$work/head"
	want 401 "" "a certificate without a code"
	like "$(grep -i '^www-authenticate:' "$work/head")" ': Basic realm="one-time code as password"' \
		"the client is told what is missing"
	get issuing/alice -u "bob:$(code_of "$secret")"
	want 403 user-mismatch "a certificate and somebody else's name"
	get issuing/alice -u ":$(wrong_code "$secret")"
	want 403 otp-wrong "a certificate and a wrong code"
	code=$(code_of "$secret")
	get issuing/alice -u ":$code" -H 'X-Doublelock-User: root'
	want 200 ok "certificate and code"
	like "$body" "$told" "the application is told who it is"
	get issuing/alice
	want 200 ok "from the same place, without a code"
	get issuing/alice --interface 127.0.0.2
	want 401 "" "from another place, without a code"
	get issuing/alice --interface 127.0.0.2 -u ":$code"
	want 403 otp-replayed "from another place, with the code that was used"
}

connections_are_kept() {
	set -- -s --max-time 60 --cacert "$pki/root/ca.pem" --cert "$(cert_of issuing/alice)" \
		--key "$(key_of issuing/alice)" -w '%{http_code} after %{num_connects} handshakes '
	[ "$codes" = no ] || set -- "$@" -u ":$code"
	is "$(curl "$@" -o "$work/body" -o "$work/body" "https://$address:$https/?1" \
		"https://$address:$https/?2")" \
		"$good after 1 handshakes $good after 0 handshakes " \
		"two requests on one connection${code:+, with the code in both}"
	resume issuing/alice
	resume issuing/alice
	is "$status $resumed" "$good yes" "a TLS session is resumed, and its certificate known"
}

# keep NAME: a connection of its owner that stays, and one request on it
keep() {
	rm -f "$work/kept.in"
	mkfifo "$work/kept.in"
	openssl s_client -quiet -connect "$address:$https" -CAfile "$pki/root/ca.pem" \
		-cert "$(cert_of "$1")" -key "$(key_of "$1")" <"$work/kept.in" >"$work/kept.out" \
		2>>"$work/resume.log" &
	kept_pid=$! asked=0
	exec 9>"$work/kept.in"
	kept_is "$good"
	is "$kept" "$good" "a connection that stays: $good"
}

# kept_is STATUS: asks once more on it; $kept is what came
kept_is() {
	printf 'GET /?%d HTTP/1.1\r\nHost: %s\r\n\r\n' "$asked" "$address" >&9
	asked=$((asked + 1)) answers=0 answer_by=$(($(date +%s) + patience))
	while [ "$answers" -lt "$asked" ] && kill -0 "$kept_pid" 2>/dev/null &&
		[ "$(date +%s)" -le "$answer_by" ]; do
		sleep 0.02
		answers=$(grep -ao 'HTTP/1\.[01] [0-9]*' "$work/kept.out" | wc -l)
	done
	kept=$(grep -ao 'HTTP/1\.[01] [0-9]*' "$work/kept.out" | tail -n 1)
	kept=${kept##* }
	[ "$answers" -eq "$asked" ] && [ "$kept" = "$1" ]
}

revocation_is_at_once() {
	# what is no HTTP is not asked about again
	[ "$denied" = 000 ] || keep issuing/alice
	pki_revoke issuing alice
	pki_publish
	if [ "$denied" != 000 ]; then
		until_true kept_is "$denied" || die "the revocation was not noticed: $kept"
		is "$kept" "$denied" "revoked between two requests on one connection: $denied"
		is "$(newest_reason)" revoked "revoked between two requests on one connection: revoked"
		exec 9>&-
	fi
	until_true now_is "$denied" || die "the revocation was not noticed"
	want "$denied" revoked "revoked between two requests"
	resume issuing/alice
	is "$status $resumed" "$denied yes" "revoked between two connections of one session"
	is "$(newest_reason)" revoked "revoked between two connections of one session: revoked"
	get issuing/bob
	if [ "$codes" = yes ]; then
		want 401 "" "others are still asked for their code"
	else
		want "$good" ok "others still come in"
	fi
}

now_is() {
	get issuing/alice
	[ "$status" = "$1" ]
}

# Of the agent's sockets of that name: the connections that gateways hold to it.
connections_to() {
	ss -xH state connected src "*/$1*" | awk '{ print $5 }' | sort
}

# held_connection SOCKET: all of a few requests come by the connections that were there before
held_connection() {
	get issuing/bob
	before=$(connections_to "$1")
	for request in 1 2 3 4 5; do get issuing/bob -H "X-Request: $request"; done
	is "$(connections_to "$1")" "$before" "the gateway keeps its connection to the agent"
}

# when_silent STATUS STATUS: what the gateway says when the agent is stopped, and when it hangs;
# and when it is back.
when_silent() {
	get issuing/bob
	usual=$status
	kill -STOP "$agent_pid"
	get issuing/bob
	is "$status" "$1" "an agent that does not answer: $1"
	is "$([ "${took%.*}" -lt 10 ] || echo "$took")" "" "nobody waits for it for long"
	kill -CONT "$agent_pid"
	stop "$agent_pid"
	rm -f /run/doublelock/*.sock
	get issuing/bob
	is "$status" "$2" "no agent: $2"
	start_agent
	is "$(until_true bob_is "$usual" || echo "$status")" "" "the agent is back: $usual"
}

bob_is() {
	get issuing/bob
	[ "$status" = "$1" ]
}

# server_first NAME: in place of the application, a server that speaks before its client does
server_first() {
	stop "$app_pid"
	socat "TCP-LISTEN:$app,bind=127.0.0.1,reuseaddr,fork" SYSTEM:'echo SSH-2.0-server' &
	app_pid=$!
	until_true socat -u OPEN:/dev/null "TCP:127.0.0.1:$app" || die "the server did not start"
	is "$(timeout 60 openssl s_client -quiet -connect "$address:$https" -CAfile "$pki/root/ca.pem" \
		-cert "$(cert_of "$1")" -key "$(key_of "$1")" </dev/null 2>>"$work/resume.log")" \
		"SSH-2.0-server" "a server that speaks first is heard"
	is "$(timeout 60 openssl s_client -quiet -connect "$address:$https" -CAfile "$pki/root/ca.pem" \
		</dev/null 2>>"$work/resume.log")" "" "and by nobody without a certificate"
}

# goal NAME SIGN WANTED BY_RATE BY_CPU: a row of a bench's last table; "-" where it was not
# measured so, or is no ratio. What goes by the clock other programs of the machine change.
goal() {
	echo "$1|$2|$3|$4|$5" | awk -F'|' '
	function holds(value) { return $2 == ">=" ? value + 0 >= $3 + 0 : value + 0 <= $3 + 0 }
	function word() {
		if ($4 == "-" || $5 == "-")
			return holds($4 == "-" ? $5 : $4) ? "met" : "NOT MET"
		if (holds($4) && holds($5))
			return "met"
		return holds($4) ? "met by rate alone" : holds($5) ? "met by CPU alone" : "NOT MET"
	}
	{ printf "%-52s %2s %7s %9s %9s  %s\n", $1, $2, $3, $4, $5, word() }' >>"$work/goals"
}
goals() {
	printf '\n%-52s %10s %9s %9s\n' "$1" goal 'by rate' 'CPU, size'
	cat "$work/goals"
}
