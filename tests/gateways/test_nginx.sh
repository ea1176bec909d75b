#!/bin/sh
# SPDX-License-Identifier: MIT
# test_nginx - packaging/examples/nginx.conf with the nginx of the distribution.
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/lib.sh"

prepare <<-END
	[service web]
	certificate = gateway
	otp = required
	remember = 8h
	vouch = $(id -u www-data)
END
{
	cat <<-END
		user www-data;
		pid $work/nginx.pid;
		error_log $work/nginx.log;
		daemon off;
		events {}
		http {
			access_log off;
			client_body_temp_path $work/nginx-body;
			proxy_temp_path $work/nginx-proxy;
	END
	sed -e "s|listen 443|listen $address:$https|" -e "s|/etc/nginx/server|$pki/issuing/server|" \
		"$top/packaging/examples/nginx.conf"
	echo '}'
} >"$work/nginx.conf"
nginx -c "$work/nginx.conf" 2>>"$work/nginx.log" &
gateway_pid=$!
until_true curl -sk "https://$address:$https/" -o "$work/body" || die "nginx did not start"

# optional_no_ca forgives nginx only an unknown CA: it refuses an expired one by itself
expired=400 expired_reason=
every_gateway
held_connection agent.sock
# an answer that is no 200, 401 or 403, or none, is nginx's own 500: closed
when_silent 500 500
stop "$gateway_pid"
stop "$app_pid"
finish
