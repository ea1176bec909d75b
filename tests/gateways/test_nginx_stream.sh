#!/bin/sh
# SPDX-License-Identifier: MIT
# test_nginx_stream - packaging/examples/nginx-stream.conf and nginx-stream.js with the nginx of
# the distribution. What is behind speaks HTTP here, so that a client knows whether it got there.
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/lib.sh"

prepare <<-END
	[service bastion]
	certificate = gateway
	otp = none
	vouch = $(id -u www-data)
END
cp "$top/packaging/examples/nginx-stream.js" "$work/nginx-stream.js"
chmod 711 "$TMPDIR" "$work"
{
	cat <<-END
		load_module /usr/lib/nginx/modules/ngx_stream_module.so;
		load_module /usr/lib/nginx/modules/ngx_stream_js_module.so;
		user www-data;
		pid $work/nginx.pid;
		error_log $work/nginx.log;
		daemon off;
		events {}
	END
	sed -e "s|listen 8445|listen $address:$https|" -e "s|/etc/nginx/server|$pki/issuing/server|" \
		-e "s|/etc/nginx/nginx-stream.js|$work/nginx-stream.js|" \
		-e "s|127.0.0.1:22|127.0.0.1:$app|" "$top/packaging/examples/nginx-stream.conf"
} >"$work/nginx.conf"
nginx -c "$work/nginx.conf" 2>>"$work/nginx.log" &
gateway_pid=$!
until_true curl -sk --cert "$(cert_of issuing/bob)" --key "$(key_of issuing/bob)" \
	"https://$address:$https/" -o "$work/body" || die "nginx did not start"

codes=no none=000 denied=000 foreign=000
# optional_no_ca forgives nginx only an unknown CA
expired=000 expired_reason=
every_gateway
when_silent 000 000
server_first issuing/bob
stop "$gateway_pid"
stop "$app_pid"
finish
