#!/bin/sh
# SPDX-License-Identifier: MIT
# test_apache_map - packaging/examples/apache-map.conf with the Apache of the distribution.
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/lib.sh"
. "$top/tests/gateways/apache.sh"

prepare <<-END
	[service web]
	certificate = gateway
	otp = none
	vouch = $(id -u www-data)
END
start_apache apache-map.conf rewrite

codes=no none=403
# optional_no_ca forgives only an unknown CA: with an expired one there is no handshake
expired=000 expired_reason=
every_gateway
get issuing/bob -H 'X-Doublelock-User: root'
is "$status $body" "200 user=bob authorization=" "the application is told who it is"
when_silent 403 403
asker=$(pgrep -x -u www-data doublelock-ask)
is "$(ps -o uid= -p "$asker" | tr -d ' ')" "$(id -u www-data)" "the program is not root"
kill "$asker"
get issuing/bob
is "$status" 403 "without the program: 403"
stop "$gateway_pid"
stop "$app_pid"
finish
