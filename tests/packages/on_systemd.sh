#!/bin/sh
# SPDX-License-Identifier: MIT
# on_systemd - the units under a systemd that runs: the socket, who is seen through it, kill -9
# under load, a hang, a configuration that is wrong. Runs on a machine that has booted.
# shellcheck source=tests/e2e/lib.sh disable=SC2154,SC2086,SC2317
. "$(dirname "$0")/../e2e/lib.sh"
mkdir -p "$work"
socket=/run/doublelock/agent.sock

apt-get install -qq -y --no-install-recommends /t/new/*.deb >"$work/apt.log" 2>&1 ||
	die "the packages do not install"
pki_usual
cat >$etc/conf.d/gate.conf <<-'END'
	[identity]
	rule = san-email:%u@example.test
	[sshd]
	services = sshd,door
	[service door]
	certificate = sshd
	otp = none
	[service gate]
	certificate = none
END
doublelock init >"$work/init.log" 2>&1 || die "no record"
pki_client issuing alice
account alice
register alice issuing
printf 'auth required pam_doublelock.so agent=/run/doublelock/module.sock\n' >/etc/pam.d/door
# logs in by certificate, through the module and the agent, as sshd does
shown="SSH_AUTH_INFO_0=publickey $(ssh-keygen -y -f "$pki/issuing/alice.key.ssh")"
log_in() { pamtester -E "$shown" door alice authenticate >/dev/null 2>&1; }

property() { systemctl show -P "$1" doublelockd.service; }
# what comes back, by HTTP code
ask() { curl -s -o /dev/null -w '%{http_code}' --max-time 20 --unix-socket $socket "$@"; }
allowed() { doublelock events --json | grep -c '"doublelock.decision.allowed"'; }
# so many tenths of the logins are over, so that each kill hits some
is_served() { [ "$(allowed)" -ge $(($1 * 80)) ]; }
served() {
	for _ in 1 2 3 4 5 6; do
		until_true is_served "$1" && return
	done
	return 1
}
is_new() { [ "$(property MainPID)" != "$1" ] && [ "$(property ActiveState)" = active ]; }

systemctl start doublelockd.socket
is "$(property ActiveState)" inactive "the socket alone starts no agent"
is "$(ask http://x/healthz)" 200 "a question does"
is "$(property ActiveState) $(property StatusErrno)" "active 0" "it said that it is ready"
pid=$(property MainPID)
is "$(awk '/^CapBnd|^CapEff/ { n = n $2 } /^Seccomp:/ { n = n " " $2 } END { print n }' \
	"/proc/$pid/status")" "00000000000000000000000000000000 2" \
	"no capability is left, and calls are filtered"
is "$(stat -c '%u %a' /run/doublelock $socket | tr '\n' ' ')" "0 755 0 666 " \
	"the way to the socket is root's"

# who asks is in the record of what was asked
question='{"user":"root","code":"000000","service":"gate"}'
asked_by() { doublelock events --json | jq -rs '[.[] | tostring | select(contains("'"$1"'"))] | length'; }
setpriv --reuid=12345 --regid=12345 --clear-groups curl -s -o /dev/null --unix-socket $socket \
	-d "$question" http://x/v1/check
like "$(asked_by uid:12345)" '^[1-9]' "the agent sees the uid of who asks"

# gateways on other hosts: the agent opens a port by itself, and systemd one below 1024
pki_client issuing edge1
pki_key "$pki/issuing/server.key"
pki_sign issuing server "$pki/issuing/server.key" "$pki/issuing/server.pem" server -days 30
cat "$pki/issuing/ca.pem" >>"$pki/issuing/server.pem"
install -o root -g doublelock -m 640 "$pki/issuing/server.key" $etc/agent.key
install -m 644 "$pki/issuing/server.pem" $etc/agent.pem
install -D -m 644 "$pki/issuing/edge1.pem" $etc/clients/edge1.pem
cat >$etc/conf.d/tls.conf <<-END
	[agent]
	listen = unix:/run/doublelock/agent.sock
	listen = unix:/run/doublelock/module.sock
	listen = tls:127.0.0.1:8443
	listen = tls:127.0.0.1:443
	tls-certificate = $etc/agent.pem
	tls-key = $etc/agent.key
	clients = $etc/clients
END
mkdir -p /run/systemd/system/doublelockd.socket.d
printf '[Socket]\nListenStream=127.0.0.1:443\n' >/run/systemd/system/doublelockd.socket.d/tls.conf
systemctl daemon-reload
systemctl stop doublelockd.service doublelockd.socket
systemctl start doublelockd.socket doublelockd.service
ask_far() {
	curl -s -o /dev/null -w '%{http_code}' --max-time 20 --cacert "$pki/root/ca.pem" \
		--cert "$pki/issuing/edge1.pem" --key "$pki/issuing/edge1.key" "https://127.0.0.1:$1/healthz"
}
is "$(ask_far 8443) $(ask_far 443) $(ask http://x/healthz)" "200 200 200" \
	"by TLS on a port of the agent's, on one of systemd's, and as before"
rm $etc/conf.d/tls.conf /run/systemd/system/doublelockd.socket.d/tls.conf
systemctl daemon-reload
systemctl stop doublelockd.service doublelockd.socket
systemctl start doublelockd.socket doublelockd.service

# HAProxy and lighttpd have sockets of their own, which systemd makes where they are wanted
cp /usr/share/doc/doublelock/examples/doublelockd-*.socket /etc/systemd/system/
cat >$etc/conf.d/doors.conf <<-'END'
	[agent]
	listen = spop:/run/doublelock/spop.sock
	listen = fastcgi:/run/doublelock/fastcgi.sock
END
systemctl enable -q doublelockd-spop.socket doublelockd-fastcgi.socket
systemctl stop doublelockd.socket doublelockd.service
systemctl start doublelockd-spop.socket doublelockd-fastcgi.socket doublelockd.socket \
	doublelockd.service
# tell SOCKET: what is on standard input; and says what comes back
tell() {
	timeout 20 perl -MIO::Socket::UNIX -e 'undef $/; $s = IO::Socket::UNIX->new(Peer => shift)
		or die $!; $s->syswrite(<STDIN>); $s->sysread($b, 4096); print $b' \
		"/run/doublelock/$1" 2>>"$work/tell.log" | tr '\0' '.'
}
like "$(printf '\000\000\000\115\001\000\000\000\001\000\000\022supported-versions\010\0032.0\016max-frame-size\003\360\001\014capabilities\010\000\013healthcheck\021' |
	tell spop.sock)" 'max-frame-size' "HAProxy's greeting is answered on its socket"
like "$(printf '\001\011\000\000\000\021\000\000\017\000FCGI_MPXS_CONNS' | tell fastcgi.sock)" \
	'FCGI_MPXS_CONNS0' "and lighttpd's question on its own"
is "$(ask http://x/healthz)" 200 "and HTTP as before"
systemctl disable -q --now doublelockd-spop.socket doublelockd-fastcgi.socket
rm $etc/conf.d/doors.conf /etc/systemd/system/doublelockd-*.socket
systemctl daemon-reload
systemctl stop doublelockd.service doublelockd.socket
systemctl start doublelockd.socket doublelockd.service

# a thousand logins while it is killed ten times; a module that is cut off asks once more
is "$(log_in; echo $?)" 0 "a login by the module and the agent"
: >"$work/lost"
: >"$work/again"
for part in 1 2 3 4; do
	i=0
	while [ $i -lt 250 ]; do
		i=$((i + 1))
		log_in && continue
		echo "$part $i" >>"$work/again"
		log_in || echo "$part $i" >>"$work/lost"
	done &
	parts="${parts:-} $!"
done
kills=0
while [ $kills -lt 10 ]; do
	kills=$((kills + 1))
	pid=$(property MainPID)
	served "$kills" || die "nobody logs in any more"
	systemctl kill -s KILL doublelockd.service
	until_true is_new "$pid" || die "it did not come back"
done
wait $parts
is "$(wc -l <"$work/lost") of 1000, $(property NRestarts) restarts" "0 of 1000, 10 restarts" \
	"ten times kill -9, and no login that failed"
again=$(wc -l <"$work/again")
echo "# $again logins were settled and not answered: their user tried once more"
is "$([ "$(allowed)" -ge 1001 ] && [ "$(allowed)" -le $((1001 + again)) ] && echo so)" so \
	"each of them is on record, once"

# it hangs
mkdir -p /run/systemd/system/doublelockd.service.d
printf '[Service]\nWatchdogSec=2\n' >/run/systemd/system/doublelockd.service.d/short.conf
systemctl daemon-reload
systemctl restart doublelockd.service
pid=$(property MainPID)
kill -STOP "$pid"
until_true is_new "$pid"
is "$? $(ask http://x/healthz)" "0 200" "one that hangs is ended and started again"

# it cannot start: the socket lives on, and so does everything when the cause has gone
echo 'nonsense = 1' >>$etc/conf.d/gate.conf
systemctl kill -s KILL doublelockd.service
failed() { [ "$(property NRestarts)" -ge "$1" ]; }
until_true failed $(($(property NRestarts) + 6))
is "$(systemctl is-active doublelockd.socket)" active "it fails again and again, the socket stays"
sed -i /nonsense/d $etc/conf.d/gate.conf
is "$(ask http://x/healthz)" 200 "and it answers when the cause has gone"

# what leaves this machine leaves under the same unit, by a process of its own
cat >"$work/receiver.pl" <<-'END'
	use strict;
	use IO::Socket::INET;
	my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 8088,
		Listen => 8, ReuseAddr => 1) or die;
	while (my $peer = $server->accept) {
		my ($n, $body) = (0, '');
		while (my $line = <$peer>) {
			$n = $1 if $line =~ /^Content-Length: (\d+)/i;
			last if $line =~ /^\r?\n/;
		}
		read $peer, $body, $n;
		print $peer "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
		close $peer;
	}
END
perl "$work/receiver.pl" 2>>"$work/receiver.log" &
receiver_pid=$!
echo "whsec_$(head -c 32 /dev/urandom | base64)" >$etc/webhook.secret
chown root:doublelock $etc/webhook.secret
chmod 640 $etc/webhook.secret
printf '[webhook]\nurl = http://127.0.0.1:8088/\nsecret-file = %s\n' $etc/webhook.secret \
	>$etc/conf.d/webhook.conf
systemctl restart doublelockd.service
doublelock webhook test >"$work/webhook.log" 2>&1
is "$?" 0 "an event is delivered"
group=/sys/fs/cgroup$(property ControlGroup)
is "$(while read -r one; do cat "/proc/$one/comm"; done <"$group/cgroup.procs" | sort | tr '\n' ' ')" \
	"doublelock-keep doublelock-outw doublelockd " "by a process of its own"
is "$(while read -r one; do sed -n 's/^Seccomp:[[:space:]]*//p; s/^NoNewPrivs:[[:space:]]*//p' \
	"/proc/$one/status"; done <"$group/cgroup.procs" | tr -d '\n')" 121212 "each of them bound"
systemctl stop doublelockd.service
is "$(property Result) $(cat "$group/cgroup.procs" 2>/dev/null)" "success " "and all end when the agent is told to"
stop "$receiver_pid"
rm $etc/conf.d/webhook.conf
systemctl start doublelockd.service

# a fresh machine starts no agent by itself; told to, it does
systemctl enable -q doublelockd.socket doublelockd.service
is "$(systemctl is-enabled doublelockd.socket doublelockd.service | tr '\n' ' ')" \
	"enabled enabled " "it can be enabled"
pid=$(property MainPID)
dpkg -i /t/new/doublelock_*.deb >>"$work/apt.log" 2>&1
is_new "$pid"
is "$? $(ask http://x/healthz)" "0 200" "an upgrade starts the new program"
apt-get purge -qq -y doublelock libpam-doublelock >>"$work/apt.log" 2>&1
is "$(systemctl is-active doublelockd.socket doublelockd.service | tr '\n' ' ')" \
	"inactive inactive " "purge ends both"
is "$(ls -d $etc $state /run/doublelock 2>/dev/null)" "" "and leaves nothing"
journalctl -u doublelockd --no-pager 2>/dev/null | tail -n 60 >"$work/journal.log"
finish
