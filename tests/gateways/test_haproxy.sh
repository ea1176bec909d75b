#!/bin/sh
# SPDX-License-Identifier: MIT
# test_haproxy - packaging/examples/haproxy.cfg and haproxy.lua with the HAProxy of the
# distribution.
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/lib.sh"

prepare <<-END
	[service web]
	certificate = gateway
	otp = required
	remember = 8h
	vouch = $(id -u haproxy)
END
cat "$pki/issuing/server.pem" "$pki/issuing/server.key" >"$work/haproxy.pem"
cp "$top/packaging/examples/haproxy.lua" "$work/haproxy.lua"
sed -e "s|bind :443|bind $address:$https|" -e "s|/etc/haproxy/server.pem|$work/haproxy.pem|" \
	-e "s|/etc/haproxy/haproxy.lua|$work/haproxy.lua|" \
	-e "s|^global|global\\n\\tuser haproxy\\n\\tgroup haproxy|" \
	-e "s|127.0.0.1:8080|127.0.0.1:$app|" "$top/packaging/examples/haproxy.cfg" >"$work/haproxy.cfg"
haproxy -db -f "$work/haproxy.cfg" >>"$work/haproxy.log" 2>&1 &
gateway_pid=$!
until_true curl -sk "https://$address:$https/" -o "$work/body" || die "haproxy did not start"

every_gateway
when_silent 403 403
stop "$gateway_pid"
stop "$app_pid"
finish
