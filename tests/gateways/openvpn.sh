# shellcheck shell=sh disable=SC2034,SC2154 # what is set here others use, and the other way round
# SPDX-License-Identifier: MIT
# openvpn.sh - an OpenVPN server with a file of packaging/examples, and clients that are operated
# over their management socket, as a graphical one does. Sourced after tests/e2e/lib.sh.

vpn=1194 patience=40

# The agent, certificates of every kind, and a server by the file $1 of packaging/examples.
prepare_vpn() {
	install_doublelock
	pki_usual
	pki_root stranger
	for name in alice bob carol; do pki_client issuing "$name"; done
	pki_client stranger mallory
	pki_expired issuing dave
	pki_key "$pki/issuing/server.key"
	pki_sign issuing server "$pki/issuing/server.key" "$pki/issuing/server.pem" server -days 30
	pki_publish
	cat "$pki/root/ca.pem" "$pki/issuing/ca.pem" >"$work/ca.pem"
	for name in alice bob carol dave mallory; do account "$name"; done
	useradd --system --user-group --no-create-home --shell /usr/sbin/nologin openvpn
	install -d -o openvpn -g openvpn -m 700 /run/openvpn-doublelock
	configure <<-END
		[service openvpn]
		certificate = gateway
		otp = required
		vouch = $(id -u openvpn)
		[service openvpn user:carol]
		otp = none
	END
	secret=$(enroll alice) || die "alice could not be enrolled"
	bob_secret=$(enroll bob) || die "bob could not be enrolled"
	start_agent
	start_vpn "$1"
}

start_vpn() {
	sed -e "s|^ca .*|ca $work/ca.pem|" -e "s|/etc/openvpn/server|$pki/issuing/server|" \
		-e "s|^port .*|port $vpn|" -e "s|^verb .*|verb 4|" "$top/packaging/examples/$1" >"$work/server.conf"
	printf '%s\n' ${vpn_local:+"local $vpn_local"} "${vpn_more:-}" >>"$work/server.conf"
	: >"$work/server.log"
	openvpn --config "$work/server.conf" --suppress-timestamps >>"$work/server.log" 2>&1 &
	server_pid=$!
	until_true grep -q 'Initialization Sequence Completed' "$work/server.log" ||
		die "the server did not start"
}

# What sits in front of the client: answers what the management interface asks.
make_operator() {
	cat >"$work/operator" <<-'END'
		#!/bin/sh
		state=''
		while IFS= read -r line; do
			line=$(printf '%s' "$line" | tr -d '\r')
			printf '%s\n' "$line" >>"$LOG"
			case $line in
			'>HOLD:'*)
				echo 'state on'
				echo 'hold release'
				;;
			">PASSWORD:Verification Failed: 'Auth' ['CRV1:"*)
				state=$(printf '%s' "$line" | cut -d: -f5)
				;;
			">PASSWORD:Need 'Auth'"*)
				echo "username \"Auth\" \"$NAME\""
				if [ -n "$state" ]; then
					echo "password \"Auth\" \"CRV1::$state::$CODE\""
				elif [ -n "$PASSWORD" ]; then
					echo "password \"Auth\" \"$PASSWORD\""
				else
					echo "password \"Auth\" \"SCRV1:$(printf ignored | base64):$(printf %s "$CODE" | base64)\""
				fi
				;;
			'>INFOMSG:CR_TEXT:'*) echo "cr-response $(printf %s "$CODE" | base64)" ;;
			'>STATE:'*,CONNECTED,*) echo connected >"$LOG.end" ;;
			'>STATE:'*,EXITING,*) [ -s "$LOG.end" ] || echo "${line#*EXITING,}" >"$LOG.end" ;;
			">PASSWORD:Verification Failed: 'Auth'"*)
				echo auth-failure >"$LOG.end"
				echo 'signal SIGTERM'
				;;
			esac
		done
	END
	chmod 755 "$work/operator"
}

# client CERTIFICATE NAME CODE [openvpn's options]: connects. $vpn_end is `connected`, or why not;
# $client_pid goes on where it is connected. With NAME empty it has no auth-user-pass.
client() {
	[ -x "$work/operator" ] || make_operator
	client_n=$((${client_n:-0} + 1))
	who=$1 name=$2 typed=$3 socket=$work/client-$client_n.sock talk=$work/client-$client_n
	shift 3
	[ -z "$name" ] || set -- --auth-user-pass --auth-retry interact \
		${challenge:+--static-challenge "Verification code" 1} "$@"
	[ -z "${crtext-yes}" ] || set -- --setenv IV_SSO crtext "$@"
	: >"$talk.end"
	# shellcheck disable=SC2086
	${in_room:-} openvpn --client --dev "${client_dev:-null}" --proto udp --nobind \
		--remote "${vpn_local:-127.0.0.1}" $vpn --ca "$work/ca.pem" --remote-cert-tls server \
		--cert "$pki/$who.pem" --key "$pki/$who.key" --verb 3 --suppress-timestamps \
		--management "$socket" unix --management-client-user root --management-hold \
		--management-query-passwords --connect-retry 1 --connect-retry-max 2 \
		--hand-window "${window:-20}" --tls-timeout 1 --pull-filter ignore route --pull-filter ignore tun-mtu ${noexec---ifconfig-noexec} "$@" \
		>"$talk.log" 2>&1 &
	client_pid=$!
	until_true test -S "$socket" || die "the client did not start"
	# shellcheck disable=SC2097,SC2098
	LOG=$talk NAME=$name CODE=$typed PASSWORD=${password:-} socat "UNIX-CONNECT:$socket" \
		"EXEC:$work/operator" >>"$work/socat.log" 2>&1 &
	operator_pid=$!
	give_up=$(($(date +%s) + 40))
	until [ -s "$talk.end" ] || grep -q 'TLS handshake failed' "$talk.log" ||
		! kill -0 "$client_pid" 2>/dev/null || [ "$(date +%s)" -ge "$give_up" ]; do
		sleep 0.02
	done
	vpn_end=$(cat "$talk.end" 2>/dev/null)
	[ -n "$vpn_end" ] || vpn_end=$(grep -o -m1 'TLS handshake failed\|AUTH_FAILED' "$talk.log")
	[ "$vpn_end" != AUTH_FAILED ] || vpn_end=auth-failure
	[ "$vpn_end" = connected ] || hang_up
}

hang_up() {
	stop "$client_pid"
	stop "$operator_pid"
}

# connects NAME; refused REASON NAME: the last client, and the newest decision
connects() {
	is "$vpn_end" connected "$1: connected"
	is "$(newest)" ok "$1: ok"
	hang_up
}
refused() {
	is "$vpn_end" auth-failure "$2: refused"
	is "$(newest)" "$1" "$2: $1"
}

newest() { doublelock events --json 2>>"$work/events.log" | jq -rs 'map(select(.type | contains("decision"))) | last | .reason'; }
allowed_of() { doublelock events --user "$1" --json | jq -s 'map(select(.type == "doublelock.decision.allowed")) | length'; }
enough() { [ "$(allowed_of "$1")" -ge "$wanted" ]; }
decisions() { doublelock events --json 2>>"$work/events.log" | jq -s 'map(select(.type | contains("decision"))) | length'; }
