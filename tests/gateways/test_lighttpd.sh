#!/bin/sh
# SPDX-License-Identifier: MIT
# test_lighttpd - packaging/examples/lighttpd.conf with the lighttpd of the distribution.
. "$(dirname "$0")/../e2e/lib.sh"
. "$top/tests/gateways/lib.sh"

prepare <<-END
	[agent]
	listen = fastcgi:/run/doublelock/fastcgi.sock
	[service web]
	certificate = gateway
	otp = required
	remember = 8h
	vouch = $(id -u www-data)
END
# who it is, as a CGI program finds it
install -d -m 755 "$work/web"
cat >"$work/web/index.cgi" <<-'END'
	#!/bin/sh
	printf 'Content-Type: text/plain\r\n\r\nuser=%s authorization=%s' "$DOUBLELOCK_USER" "${HTTP_AUTHORIZATION:-}"
END
chmod 755 "$TMPDIR" "$work" "$work/web" "$work/web/index.cgi"
cat "$pki/root/ca.pem" "$pki/issuing/ca.pem" >"$work/clients.pem"
{
	cat <<-END
		server.document-root = "$work/web"
		server.errorlog = "$work/lighttpd.log"
		server.bind = "$address"
		server.port = 8446
		server.username = "www-data"
		server.groupname = "www-data"
	END
	sed -e "s|\":443\"|\"$address:$https\"|" -e "s|/etc/lighttpd/server|$pki/issuing/server|" \
		-e "s|/etc/lighttpd/clients.pem|$work/clients.pem|" -e "s|/var/www/html|$work/web|" \
		"$top/packaging/examples/lighttpd.conf"
	cat <<-END
		server.modules += ("mod_indexfile", "mod_cgi", "mod_proxy")
		index-file.names = ("index.cgi")
		cgi.assign = (".cgi" => "/bin/sh")
		\$HTTP["url"] =~ "^/behind" {
			proxy.server = ("" => (("host" => "127.0.0.1", "port" => $app)))
		}
	END
} >"$work/lighttpd.conf"
: >"$work/lighttpd.log"
chmod 666 "$work/lighttpd.log"
lighttpd -D -f "$work/lighttpd.conf" >>"$work/lighttpd.out.log" 2>&1 &
gateway_pid=$!
until_true curl -sk "https://$address:$https/" -o "$work/body" || die "lighttpd did not start"

# lighttpd hands over only what it has verified itself, and all headers of the client
foreign=401 foreign_reason=no-certificate
expired=401 expired_reason=no-certificate
forgery() { echo refused; }
# no module of lighttpd takes a header away behind the authorizer: this code opens nothing more
told='^user=alice authorization=Basic [A-Za-z0-9+/=]+$'
every_gateway
is "$(curl -s -o "$work/body" -w '%{http_code}' --max-time 60 --cacert "$pki/root/ca.pem" \
	"https://$address:$https/behind")" 401 "mod_proxy, listed later, does not answer before us"
when_silent 504 503
stop "$gateway_pid"
stop "$app_pid"
finish
