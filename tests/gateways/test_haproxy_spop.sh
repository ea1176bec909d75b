#!/bin/sh
# SPDX-License-Identifier: MIT
# test_haproxy_spop - packaging/examples/haproxy-spop.cfg and haproxy-spop.conf with the HAProxy
# of the distribution: per request, per connection, and for what is no HTTP.
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/lib.sh"

prepare <<-END
	[agent]
	listen = spop:/run/doublelock/spop.sock
	[service web]
	certificate = gateway
	otp = required
	remember = 8h
	vouch = $(id -u haproxy)
	[service bastion]
	certificate = gateway
	otp = none
	vouch = $(id -u haproxy)
END
cat "$pki/issuing/server.pem" "$pki/issuing/server.key" >"$work/haproxy.pem"
cp "$top/packaging/examples/haproxy-spop.conf" "$work/haproxy-spop.conf"
# the bastion's engine hangs up soon: what comes later has to find its way again
sed -e '/^\[bastion\]/,$ s/timeout idle 2m/timeout idle 1s/' \
	"$top/packaging/examples/haproxy-spop.conf" >"$work/haproxy-spop.conf"
sed -e "s|bind :443|bind $address:$https|" -e "s|bind :844|bind $address:844|" \
	-e "s|/etc/haproxy/server.pem|$work/haproxy.pem|" \
	-e "s|/etc/haproxy/haproxy-spop.conf|$work/haproxy-spop.conf|" \
	-e "s|^defaults|global\\n\\tuser haproxy\\n\\tgroup haproxy\\ndefaults|" \
	-e "s|127.0.0.1:22|127.0.0.1:$app|" -e "s|127.0.0.1:8080|127.0.0.1:$app|" \
	"$top/packaging/examples/haproxy-spop.cfg" >"$work/haproxy.cfg"
haproxy -db -f "$work/haproxy.cfg" >>"$work/haproxy.log" 2>&1 &
gateway_pid=$!
until_true curl -sk "https://$address:$https/" -o "$work/body" || die "haproxy did not start"

# --- before each request ------------------------------------------------------------------
every_gateway
held_connection spop.sock
when_silent 403 403

# --- once for each connection -------------------------------------------------------------
restore() {
	pki_client issuing alice
	rm -f "$work"/session.*
}
restore
https=8444
certificates_are_judged
forgeries_are_not_believed
get issuing/alice -u ":$(code_of "$secret" 1)"
want 200 ok "certificate and code"
is "$body" "user=alice authorization=" "the application is told who it is, and no code"
codes=no code=
connections_are_kept
pki_revoke issuing alice
pki_publish
until_true now_is 403 || die "the revocation was not noticed"
want 403 revoked "revoked between two connections"
resume issuing/alice
is "$status $resumed" "403 yes" "revoked between two connections of one session"
when_silent 403 403

# --- any protocol -------------------------------------------------------------------------
restore
https=8445 none=000 denied=000 foreign=000 expired=000
every_gateway
when_silent 000 000
has_hung_up() { [ -z "$(connections_to spop.sock)" ]; }
is "$(until_true has_hung_up || connections_to spop.sock)" "" "HAProxy hangs up when it is idle"
get issuing/bob
want 200 "" "and is heard again"
server_first issuing/bob
stop "$gateway_pid"
stop "$app_pid"
finish
