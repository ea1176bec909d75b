#!/bin/sh
# SPDX-License-Identifier: MIT
# test_caddy - packaging/examples/Caddyfile with the Caddy of the distribution.
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/lib.sh"

prepare <<-END
	[service web]
	certificate = gateway
	otp = required
	remember = 8h
	vouch = $(id -u caddy)
END
install -d -o caddy -m 700 "$work/caddy"
install -o caddy -m 600 "$pki/issuing/server.pem" "$work/caddy/server.pem"
install -o caddy -m 600 "$pki/issuing/server.key" "$work/caddy/server.key"
# an address has no server name, which Caddy would insist on
sed -e "s|^\tauto_https off|&\n\tservers {\n\t\tstrict_sni_host insecure_off\n\t}|" \
	-e "s|https://:443|https://:$https|" \
	-e "s|/etc/caddy/|$work/caddy/|g" \
	-e "s|127.0.0.1:8080|127.0.0.1:$app|" "$top/packaging/examples/Caddyfile" \
	>"$work/caddy/Caddyfile"
chmod 755 "$TMPDIR" "$work"
setpriv --reuid=caddy --regid=caddy --init-groups env HOME="$work/caddy" \
	caddy run --config "$work/caddy/Caddyfile" --adapter caddyfile >>"$work/caddy.log" 2>&1 &
gateway_pid=$!
until_true curl -sk "https://$address:$https/" -o "$work/body" || die "caddy did not start"

forgery() {
	case $1 in
	# newer ones drop what has an underscore
	X_SSL_Client_Cert) [ "$status" = 403 ] && echo refused || echo unread ;;
	X-Client-Cert-Der) echo unread ;; # its own: Caddy writes over it
	*) echo refused ;;
	esac
}
every_gateway
held_connection agent.sock
when_silent 504 502
stop "$gateway_pid"
stop "$app_pid"
finish
