#!/bin/sh
# SPDX-License-Identifier: MIT
# test_apache - packaging/examples/apache.conf and apache.lua with the Apache of the distribution.
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/lib.sh"
. "$top/tests/gateways/apache.sh"

prepare <<-END
	[service web]
	certificate = gateway
	otp = required
	remember = 8h
	vouch = $(id -u www-data)
END
cp "$top/packaging/examples/apache.lua" "$work/apache.lua"
start_apache apache.conf lua

# optional_no_ca forgives only an unknown CA: with an expired one there is no handshake
expired=000 expired_reason=
every_gateway
when_silent 403 403
stop "$gateway_pid"
stop "$app_pid"
finish
