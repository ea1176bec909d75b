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
sed -e "s|bind :443|bind $address:$https|" -e "s|bind :844|bind $address:844|" \
	-e "s|/etc/haproxy/server.pem|$work/haproxy.pem|" \
	-e "s|/etc/haproxy/haproxy-spop.conf|$work/haproxy-spop.conf|" \
	-e "s|^defaults|global\\n\\tuser haproxy\\n\\tgroup haproxy\\ndefaults|" \
	-e "s|127.0.0.1:22|127.0.0.1:$app|" -e "s|127.0.0.1:8080|127.0.0.1:$app|" \
	"$top/packaging/examples/haproxy-spop.cfg" >"$work/haproxy.cfg"
haproxy -db -f "$work/haproxy.cfg" >>"$work/haproxy.log" 2>&1 &
gateway_pid=$!
until_true curl -sk "https://$address:$https/" -o "$work/body" || die "haproxy did not start"

every_gateway
when_silent 403 403
stop "$gateway_pid"
stop "$app_pid"
finish
