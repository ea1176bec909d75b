# shellcheck shell=sh disable=SC2034,SC2154 # what is set here others use, and the other way round
# SPDX-License-Identifier: MIT
# apache.sh - the Apache of the distribution with a file of packaging/examples; sourced by
# test_apache*.sh after lib.sh.

# start_apache FILE MODULE...: and waits until it answers
start_apache() {
	example=$top/packaging/examples/$1
	shift
	{
		for module in mpm_event authz_core ssl socache_shmcb headers proxy proxy_http "$@"; do
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
			-e "s|\*:443|$address:$https|" -e "s|127.0.0.1:8080|127.0.0.1:$app|" "$example"
	} >"$work/apache.conf"
	chmod 711 "$TMPDIR" "$work"
	apache2 -D FOREGROUND -f "$work/apache.conf" >>"$work/apache.log" 2>&1 &
	gateway_pid=$!
	until_true curl -sk "https://$address:$https/" -o "$work/body" || die "apache did not start"
}
