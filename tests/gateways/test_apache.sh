#!/bin/sh
# SPDX-License-Identifier: MIT
# test_apache - packaging/examples/apache.conf and apache.lua with the Apache of the distribution.
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/lib.sh"

prepare <<-END
	[service web]
	certificate = gateway
	otp = required
	remember = 8h
	vouch = $(id -u www-data)
END
cp "$top/packaging/examples/apache.lua" "$work/apache.lua"
{
	for module in mpm_event authz_core ssl socache_shmcb lua headers proxy proxy_http; do
		echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
	done
	cat <<-END
		ServerRoot $work
		ServerName $address
		DefaultRuntimeDir $work
		PidFile $work/apache.pid
		ErrorLog $work/apache.log
		User www-data
		Group www-data
		SSLSessionCache shmcb:$work/sessions(102400)
		Listen $address:$https
	END
	sed -e "s|/etc/apache2/server|$pki/issuing/server|" -e "s|/etc/apache2/|$work/|" \
		-e "s|\*:443|$address:$https|" -e "s|127.0.0.1:8080|127.0.0.1:$app|" \
		"$top/packaging/examples/apache.conf"
} >"$work/apache.conf"
chmod 711 "$TMPDIR" "$work"
apache2 -D FOREGROUND -f "$work/apache.conf" >>"$work/apache.log" 2>&1 &
gateway_pid=$!
until_true curl -sk "https://$address:$https/" -o "$work/body" || die "apache did not start"

# optional_no_ca forgives only an unknown CA: with an expired one there is no handshake
expired=000 expired_reason=
every_gateway
when_silent 403 403
stop "$gateway_pid"
stop "$app_pid"
finish
