#!/bin/sh
# SPDX-License-Identifier: MIT
# test_strongswan - packaging/examples/swanctl.conf, swanctl-pam.conf and pam.strongswan with the
# strongSwan of the distribution: a first round with the certificate, and a second one with a code.
# ESP is libipsec's, in user space: not every kernel has it.
# shellcheck disable=SC2317 # until_true calls them
. "$(dirname "$0")/../e2e/lib.sh"

. "$top/tests/gateways/lib.sh"
. "$top/tests/gateways/pam.sh"

prepare_pam strongswan
pki_sign issuing vpn.example.com "$pki/issuing/server.key" "$pki/issuing/server.pem" server -days 30

ip netns add room
ip link add outside type veth peer name inside netns room
ip addr add 192.0.2.1/24 dev outside
ip link set outside up
ip addr add 10.0.0.1/32 dev lo # what is behind the gateway
ip -n room addr add 192.0.2.2/24 dev inside
ip -n room link set inside up
ip -n room link set lo up

socat TCP-LISTEN:7000,bind=10.0.0.1,reuseaddr,fork SYSTEM:'echo hello' 2>>"$work/app.log" &
app_pid=$!

# --- the server, by the examples, and a client in the room ---------------------------------

swan=/etc/swanctl
cp "$pki/root/ca.pem" $swan/x509ca/root.pem
cp "$pki/issuing/ca.pem" $swan/x509ca/issuing.pem
cp "$pki/issuing/server.pem" $swan/x509/server.pem
cp "$pki/issuing/server.key" $swan/private/server.pem
rm -rf $swan/x509crl
ln -s $state/export/x509crl $swan/x509crl
# the users' names are those of this PKI; dave and mallory have sections as well
sed -e 's/@example\.com/@example.test/' "$top/packaging/examples/swanctl.conf" >$swan/swanctl.conf
for name in dave mallory; do
	printf 'connections {\n %s : doublelock {\n remote-1 {\n id = %s@example.test\n }\n remote-2 {\n eap_id = %s\n }\n }\n}\n' \
		$name $name $name >>$swan/swanctl.conf
done

# daemon NAME: one with settings, socket and log of its own
daemon() {
	cat >"$work/$1.conf" <<-END
		charon-systemd {
			load_modular = yes
			journal {
				default = -1
			}
			filelog {
				log {
					path = $work/$1.log
					flush_line = yes
					default = 1
					cfg = 2
				}
			}
			plugins {
				include /etc/strongswan.d/charon/*.conf
				kernel-libipsec {
					load = yes
				}
				vici {
					socket = unix://$work/$1.vici
				}
			}
		}
		$([ "$1" != server ] || cat "$top/packaging/examples/swanctl-pam.conf")
	END
	: >"$work/$1.log"
	(
		export STRONGSWAN_CONF="$work/$1.conf"
		# shellcheck disable=SC2086 # words
		with_module $2 /usr/sbin/charon-systemd
	) >>"$work/$1.err" 2>&1 &
	daemon_pid=$!
	until_true test -S "$work/$1.vici" || die "the $1 did not start"
}
at_server() { STRONGSWAN_CONF=$work/server.conf swanctl "$@" --uri "unix://$work/server.vici" >>"$work/swanctl.log" 2>&1; }
at_client() { SWANCTL_DIR=$work/client STRONGSWAN_CONF=$work/client.conf swanctl "$@" --uri "unix://$work/client.vici" >>"$work/swanctl.log" 2>&1; }
daemon server ''
server_pid=$daemon_pid
at_server --load-all --noprompt || die "the server's configuration was not taken"
mkdir -p "$work/client/x509" "$work/client/x509ca" "$work/client/private"
cp "$pki/root/ca.pem" "$work/client/x509ca/root.pem"
cp "$pki/issuing/ca.pem" "$work/client/x509ca/issuing.pem"
cp "$pki"/issuing/*.pem "$pki/stranger/mallory.pem" "$work/client/x509"
rm "$work"/client/x509/ca.pem "$work"/client/x509/crl.pem
cp "$pki"/issuing/*.key "$pki/stranger/mallory.key" "$work/client/private"
daemon client 'ip netns exec room'
client_pid=$daemon_pid

# enter CERTIFICATE CODE [ACCOUNT [ID]]: $entry is yes or no; a tunnel that stands is ended again
enter() {
	cat >"$work/client/swanctl.conf" <<-END
		connections {
			work {
				version = 2
				proposals = aes256gcm16-prfsha384-ecp384
				remote_addrs = 192.0.2.1
				vips = 0.0.0.0
				local-1 {
					auth = pubkey
					certs = $1.pem
					id = ${4:-$1}@example.test
				}
				local-2 {
					auth = eap-gtc
					id = ${3:-$1}
				}
				remote {
					auth = pubkey
					id = vpn.example.com
				}
				children {
					net {
						remote_ts = 10.0.0.0/8
						esp_proposals = aes256gcm16-ecp384
					}
				}
			}
		}
		secrets {
			eap {
				id = ${3:-$1}
				secret = "$2"
			}
		}
	END
	at_client --load-all --noprompt --clear || die "the client's configuration was not taken"
	entry=no
	! at_client --initiate --child net --timeout 30 || entry=yes
	reached=''
	[ "$entry" = no ] || reached=$(ip netns exec room timeout 10 socat -u TCP:10.0.0.1:7000 - 2>>"$work/reach.log")
	[ "$entry" = no ] || at_client --terminate --ike work --timeout 10
}
code=$(code_of "$secret")
enter alice "$code"
entered yes ok "certificate and code"
is "$reached" hello "and what is behind the gateway answers"
is "$(doublelock events --json | jq -rs 'last | [.user, .service] | join(" ")')" "alice strongswan" "for the user of her section"
enter alice "$code"
entered no otp-replayed "the code again"
enter alice "$(wrong_code "$secret")"
entered no otp-wrong "a wrong code"
code=$(code_of "$bob_secret")
enter alice "$code" bob
entered no otp-wrong "alice's certificate, and bob's name and code"
is "$(doublelock events --json | jq -rs 'map(select(.reason != "")) | last | .user')" alice "which is taken for hers"
enter bob "$code"
entered yes ok "the same code, with bob's certificate"

refused_by() { # PATTERN NAME
	is "$entry" no "$2: no"
	like "$(tail -n +"$seen" "$work/server.log")" "$1" "$2: strongSwan says so"
}
see() { seen=$(($(wc -l <"$work/server.log") + 1)); }
before=$(number)
see
enter bob "$(code_of "$secret" 1)" alice alice
refused_by "signature validation failed|no trusted .* public key found for 'alice@example.test'" "bob's certificate, and alice's name and code"
see
enter dave 111111
refused_by 'subject certificate invalid' "an expired certificate"
see
enter mallory 111111
refused_by 'no trusted .* public key found|no issuer certificate found' "a CA that nobody trusts"
is "$(number)" "$before" "PAM is asked about none of them"

revoke alice
# as doublelock-swanctl.path has it done
while read -r command; do
	# shellcheck disable=SC2086 # words
	at_server $command || die "swanctl $command failed"
done <<-END
	$(sed -n 's/^ExecStart=[^ ]*swanctl //p' "$top/packaging/examples/doublelock-swanctl.service")
END
see
enter alice "$(code_of "$secret" 1)"
refused_by 'certificate was revoked' "revoked between two connections, without a new start"
is "$(number)" "$before" "and her code was not used"
enter bob "$(code_of "$bob_secret" 1)"
entered yes ok "others go on"

# PAM is answered by the helper: a login needs no agent, only fresh lists do
stop "$agent_pid"
enter bob "$(wrong_code "$bob_secret")"
entered no otp-wrong "without the agent, a wrong code"
mv $state/state.db $state/state.away
see
enter bob "$(code_of "$bob_secret" 2)"
refused_by "pam_authenticate for 'bob' failed" "without a record"
mv $state/state.away $state/state.db
stop "$client_pid"
stop "$server_pid"
stop "$app_pid"
finish
