#!/bin/sh
# SPDX-License-Identifier: MIT
# test_radius_rest - packaging/examples/freeradius-rest.conf with the FreeRADIUS of the
# distribution: EAP-TLS, and the agent asked by issuer and serial number over TLS.
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/lib.sh"

at=127.0.0.1:8444
install_doublelock
pki_usual
for name in alice bob; do pki_client issuing $name; done
make_tls
pki_publish
for name in alice bob; do account $name; done
configure_edge1 $at wifi
doublelock init >"$work/init.log" 2>&1 || die "no record"
register alice issuing
start_agent

# what the example stands in: one door, one client, the modules that they name
mkdir "$work/raddb"
cat "$pki/root/ca.pem" "$pki/issuing/ca.pem" >"$work/raddb/ca.pem"
cat >"$work/raddb/radiusd.conf" <<-END
	name = radiusd
	prefix = /usr
	logdir = $work
	run_dir = $work
	libdir = /usr/lib/freeradius
	client lo {
		ipaddr = 127.0.0.1
		secret = testing123
	}
	modules {
		always reject {
			rcode = reject
		}
		\$INCLUDE $work/raddb/rest.conf
		eap {
			default_eap_type = tls
			tls-config common {
				private_key_file = $pki/issuing/server.key
				certificate_file = $pki/issuing/server.pem
				ca_file = $work/raddb/ca.pem
			}
			tls {
				tls = common
				virtual_server = doublelock
			}
		}
	}
	server default {
		listen {
			type = auth
			ipaddr = 127.0.0.1
			port = 18120
		}
		authorize {
			eap
		}
		authenticate {
			eap
		}
	}
	\$INCLUDE $work/raddb/server.conf
END
# the example has both parts: the module, and the server that asks it
sed -n '/^rest {/,/^}/p' "$top/packaging/examples/freeradius-rest.conf" |
	sed -e "s|/etc/freeradius/3.0/certs/doublelock-ca.pem|$work/raddb/ca.pem|" \
		-e "s|/etc/freeradius/3.0/certs/edge1|$pki/issuing/edge1|" \
		-e "s|agent.example.com:8443|$at|" >"$work/raddb/rest.conf"
sed -n '/^server doublelock {/,/^}/p' "$top/packaging/examples/freeradius-rest.conf" \
	>"$work/raddb/server.conf"
/usr/sbin/freeradius -f -X -d "$work/raddb" >"$work/freeradius.log" 2>&1 &
radius_pid=$!
until_true grep -q 'Ready to process requests' "$work/freeradius.log" || die "FreeRADIUS did not start"

# enter NAME: by EAP-TLS, without radio; in or out
enter() {
	cat >"$work/eapol.conf" <<-END
		network={
			key_mgmt=WPA-EAP
			eap=TLS
			identity="$1"
			ca_cert="$work/raddb/ca.pem"
			client_cert="$pki/issuing/$1.pem"
			private_key="$pki/issuing/$1.key"
		}
	END
	eapol_test -c "$work/eapol.conf" -a 127.0.0.1 -p 18120 -s testing123 -r 0 -t 10 \
		>"$work/eapol.log" 2>&1 && entered=in || entered=out
}
enter alice
is "$entered $(newest_reason)" "in ok" "a registered certificate"
is "$(doublelock events --json | jq -rs 'last | .caller + " " + .user + " " + .service')" \
	"tls:edge1 alice wifi" "is asked for by this gateway"
enter bob
is "$entered $(newest_reason)" "out no-certificate" "one that nobody holds"
pki_revoke issuing alice
pki_publish
revoked() {
	enter alice
	[ "$entered $(newest_reason)" = "out revoked" ]
}
until_true revoked
is "$entered $(newest_reason)" "out revoked" "a certificate that was revoked"
stop "$agent_pid"
enter alice
is "$entered" out "no agent, and nobody gets in"
stop "$radius_pid"
finish
