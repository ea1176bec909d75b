#!/bin/sh
# SPDX-License-Identifier: MIT
# test_guide_openvpn - docs/guides/openvpn.md, as it is written, up to a client that is in.
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/openvpn.sh"

guide=$top/docs/guides/openvpn.md
. "$top/tests/e2e/guide.sh"

install_doublelock
without_systemd
rm -rf /etc/doublelock/doublelock.conf
install -m 644 "$top/packaging/doublelock.conf" /etc/doublelock/doublelock.conf
ca_of_the_guide
pki_client issuing alice
pki_key "$pki/issuing/server.key"
pki_sign issuing server "$pki/issuing/server.key" "$pki/issuing/server.pem" server -days 30
cp "$pki/issuing/server.pem" "$pki/issuing/server.key" "$tree/"
cat "$pki/root/ca.pem" "$pki/issuing/ca.pem" >"$work/ca.pem"
mkdir -p /etc/openvpn/server
printf '#!/bin/sh\ninstall -d -o openvpn -g openvpn -m 700 /run/openvpn-doublelock\n' >/run/bin/systemd-tmpfiles
chmod 755 /run/bin/systemd-tmpfiles

# of a step with configuration in it, all of it is for the shell
for step in 1 2 3 4; do follow $step whole; done
is "$(xargs </run/systemctl)" "enable --now doublelockd.socket doublelockd.service enable --now openvpn-server@vpn" \
	"systemd is told to start both"
doublelock verify --check-config >"$work/check.log" 2>&1
is "$?" 0 "the configuration is right"
follow 5
start_agent
: >"$work/server.log"
openvpn --cd /etc/openvpn/server --config vpn.conf --suppress-timestamps >>"$work/server.log" 2>&1 &
server_pid=$!
until_true grep -q 'Initialization Sequence Completed' "$work/server.log" || die "the server did not start"

# alice's client: the file of the examples, with what is hers
sed -e "s|^remote .*|remote 127.0.0.1 $vpn|" -e "s|^dev .*|dev null|" -e "s|^ca .*|ca $work/ca.pem|" \
	-e "s|alice.pem|$pki/issuing/alice.pem|" -e "s|alice.key|$pki/issuing/alice.key|" \
	/usr/share/doc/doublelock/examples/openvpn-client.conf >"$work/client.conf"
make_operator
client_with() { # CODE
	: >"$work/talk.end"
	openvpn --config "$work/client.conf" --management "$work/client.sock" unix --management-hold \
		--management-query-passwords --ifconfig-noexec --pull-filter ignore tun-mtu \
		--pull-filter ignore route >"$work/client.log" 2>&1 &
	client_pid=$!
	until_true test -S "$work/client.sock" || die "the client did not start"
	LOG=$work/talk NAME=alice CODE=$1 PASSWORD='' socat "UNIX-CONNECT:$work/client.sock" \
		"EXEC:$work/operator" >>"$work/socat.log" 2>&1 &
	operator_pid=$!
	until_true test -s "$work/talk.end"
	vpn_end=$(cat "$work/talk.end")
	hang_up
}
secret=$(secret_shown "$work/step5.log")
client_with 000000
refused otp-wrong "a wrong code"
client_with "$(code_of "$secret" 1)"
is "$vpn_end, $(newest)" "connected, ok" "the client of the examples is in"
said() { doublelock events --user alice | grep -q "session.opened *alice *openvpn"; }
until_true said
doublelock events --user alice >"$work/events.txt"
like "$(cat "$work/events.txt")" 'decision.allowed +alice +openvpn +ok from 127.0.0.1 token default: accepted' "step 6, the decision"
like "$(cat "$work/events.txt")" 'session.opened +alice +openvpn .*login [0-9a-f-]{36}; 10.8.0.[0-9]+ inside' "step 6, the session"
stop "$server_pid"
finish
