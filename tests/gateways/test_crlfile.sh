#!/bin/sh
# SPDX-License-Identifier: MIT
# test_crlfile - the file of lists that the agent keeps, as programs read it that ask nobody:
# nginx and stunnel (OpenSSL), and certtool (GnuTLS, as in ocserv).
# shellcheck disable=SC2317 # until_true calls them
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/lib.sh"
out=$state/export

install_doublelock
pki_usual
for name in alice bob; do pki_client issuing "$name"; done
pki_key "$pki/issuing/server.key"
pki_sign issuing 127.0.0.1 "$pki/issuing/server.key" "$pki/issuing/server.pem" server -days 30
cat "$pki/issuing/server.pem" "$pki/issuing/ca.pem" >"$work/chain.pem"
cat "$pki/issuing/ca.pem" "$pki/root/ca.pem" >"$work/cas.pem"
configure <<-END
	[revocation]
	export = $out
END
enroll alice >"$work/enrolled"
start_agent
until_true test -s "$out/crl.pem" || die "no lists"

cat >"$work/nginx.conf" <<-END
	user www-data;
	pid $work/nginx.pid;
	error_log $work/nginx.log;
	daemon off;
	events {}
	http {
		access_log off;
		client_body_temp_path $work/nginx-body;
		server {
			listen $address:$https ssl;
			ssl_certificate $work/chain.pem;
			ssl_certificate_key $pki/issuing/server.key;
			ssl_client_certificate $work/cas.pem;
			ssl_verify_client on;
			ssl_verify_depth 3;
			ssl_crl $out/crl.pem;
			location / { return 200; }
		}
	}
END
nginx -c "$work/nginx.conf" 2>>"$work/nginx.log" &
nginx_pid=$!
until_true curl -sk "https://$address:$https/" -o "$work/body" || die "nginx did not start"
stunnel_port=8444
cat >"$work/stunnel.conf" <<-END
	foreground = yes
	pid = $work/stunnel.pid
	output = $work/stunnel.log
	[echo]
	accept = $address:$stunnel_port
	connect = $address:$app
	cert = $work/chain.pem
	key = $pki/issuing/server.key
	CAfile = $work/cas.pem
	CRLfile = $out/crl.pem
	verifyChain = yes
END
socat TCP-LISTEN:$app,bind=$address,fork,reuseaddr SYSTEM:'read line; echo hello' 2>>"$work/app.log" &
app_pid=$!
stunnel "$work/stunnel.conf" 2>>"$work/stunnel.err" &
stunnel_pid=$!
until_true socat -u OPEN:/dev/null TCP-CONNECT:$address:$stunnel_port || die "stunnel did not start"

nginx_says() { get "issuing/$1" && echo "$status"; }
stunnel_says() {
	echo | timeout 20 openssl s_client -quiet -connect $address:$stunnel_port \
		-CAfile "$pki/root/ca.pem" -cert "$(cert_of "issuing/$1")" \
		-key "$(key_of "issuing/$1")" 2>>"$work/s_client.log" | grep -c hello
}
stunnel_is() { [ "$(stunnel_says "$1")" = "$2" ]; }
gnutls_says() {
	cat "$(cert_of "issuing/$1")" "$work/cas.pem" >"$work/whole.pem"
	certtool --verify --load-ca-certificate "$pki/root/ca.pem" --load-crl "$out/crl.pem" \
		--infile "$work/whole.pem" 2>&1 | grep -oE 'Verified|revoked' | tail -n 1
}

is "$(nginx_says alice) $(nginx_says bob)" "200 200" "nginx reads the lists"
is "$(stunnel_says alice) $(stunnel_says bob)" "1 1" "stunnel as well"
is "$(gnutls_says alice) $(gnutls_says bob)" "Verified Verified" "and GnuTLS"

pki_revoke issuing bob
install -m 644 "$pki/issuing/crl.pem" $etc/crl.d/aside
mv $etc/crl.d/aside $etc/crl.d/issuing.pem
gnutls_is() { [ "$(gnutls_says "$1")" = "$2" ]; }
until_true gnutls_is bob revoked
is "$(gnutls_says alice) $(gnutls_says bob)" "Verified revoked" "a newer list is in the file: GnuTLS"
kill -HUP "$nginx_pid" "$stunnel_pid"
# the worker that is going answers for a moment still
nginx_are() { [ "$(nginx_says alice) $(nginx_says bob)" = "200 400" ]; }
until_true nginx_are
is $? 0 "nginx, when it is reloaded"
until_true stunnel_is bob 0
is "$(stunnel_says alice) $(stunnel_says bob)" "1 0" "stunnel, when it is reloaded"
stop "$stunnel_pid"
stop "$nginx_pid"
stop "$app_pid"
stop "$agent_pid"
finish
