# shellcheck shell=sh disable=SC2034 # what is set here others use
# SPDX-License-Identifier: MIT
# lib.sh - what the demo and test_*.sh stand on; sourced first. A script that is not in a
# sandbox yet starts itself again in one, so each of them can be run alone:
#   sudo tests/e2e/test_login.sh
# Whoever sources it finds the programs installed, the account `doublelock` and an empty
# /etc/doublelock; everything else is asked for by name.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=${here%/tests/*}
[ -n "${DLK_SANDBOX:-}" ] || exec "$top/tests/e2e/sandbox" "$0" "$@"
B=${B:-build}
case $B in
/*) ;;
*) B=$top/$B ;;
esac
work=$TMPDIR/e2e etc=/etc/doublelock state=/var/lib/doublelock port=2222
pki=$work/pki

. "$top/tests/e2e/pki.sh"

# --- counting -----------------------------------------------------------------------------

count=0 failures=0

ok() {
	count=$((count + 1))
	echo "ok $count - $*"
}

not_ok() {
	count=$((count + 1)) failures=$((failures + 1))
	echo "not ok $count - $*"
}

# is GOT WANTED NAME
is() {
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		not_ok "$3"
		printf '#   got: %s\n#   not: %s\n' "$1" "$2"
	fi
}

# like GOT PATTERN NAME: an extended regular expression
like() {
	if printf '%s\n' "$1" | grep -qE -e "$2"; then
		ok "$3"
	else
		not_ok "$3"
		printf '#   got: %s\n#   not like: %s\n' "$1" "$2"
	fi
}

# The last line of a script: the plan, and on failure what the daemons had to say.
finish() {
	echo "1..$count"
	[ "$failures" -eq 0 ] && exit 0
	tail -n 40 "$work"/*.log >&2
	exit 1
}

die() {
	echo "$*" >&2
	tail -n 20 "$work"/*.log >&2
	exit 1
}

# until_true COMMAND...: as soon as it holds; 1 after $patience seconds. For what another
# process does in its own time; where it holds already nothing waits.
patience=10
until_true() {
	give_up=$(($(date +%s) + patience))
	until "$@" 2>/dev/null; do
		[ "$(date +%s)" -lt "$give_up" ] || return 1
		sleep 0.02
	done
}

# --- the machine --------------------------------------------------------------------------

# Other people's programs load our module; under ASan they have to load its runtime first.
asan=$(ldd "$B/pam_doublelock.so" 2>/dev/null | awk '/libasan/ { print $3 }')
with_module() {
	[ -z "$asan" ] || set -- env "LD_PRELOAD=$asan" ASAN_OPTIONS=detect_leaks=0 "$@"
	exec "$@"
}

# Nothing that a user says is loaded into sudo and su, but what the machine says is. For whoever
# logs in through them; behind install_doublelock.
load_into_all() {
	[ -n "$asan" ] || return 0
	install -m 755 "$B/tests/e2e/leaks.so" /usr/local/lib/leaks.so
	# ASan looks for crypt() when it begins; pam_unix would bring it later
	crypt=$(ldd /usr/lib/*/security/pam_unix.so | awk '/libcrypt/ { print $3 }')
	printf '%s\n' /usr/local/lib/leaks.so "$asan" "$crypt" >/etc/ld.so.preload
}

install_doublelock() {
	mkdir -p "$work"
	# one at a time: what is not up to date in a build that several share would be made twice
	flock "$B" make -s -C "$top" B="$B" install >"$work/install.log" 2>&1 ||
		die "make install failed"
	for account in doublelock doublelock-token; do
		useradd --system --user-group --no-create-home --home-dir /nonexistent \
			--shell /usr/sbin/nologin $account
	done
	install -d -o doublelock -g doublelock -m 711 "$state"
	install -d -o doublelock -g doublelock -m 755 /run/doublelock
	install -d -m 755 /run/sshd
	printf '%s\n' 'auth required pam_doublelock.so' 'account required pam_unix.so' \
		'session required pam_unix.so' >/etc/pam.d/sshd
}

# account NAME: a user who may log in, without a password
account() {
	mkdir -p /run/home
	useradd --no-log-init --no-user-group --create-home --home-dir "/run/home/$1" \
		--shell /bin/sh "$1"
}

# The configuration of the demo and of most tests; more lines come from standard input.
configure() {
	{
		cat <<-END
			[identity]
			rule = san-email:%u@example.test
			[service sshd]
			certificate = sshd
			otp = required
		END
		cat
	} >"$etc/doublelock.conf"
	[ -f $etc/seal.key ] || doublelock seal init >"$work/seal.log" 2>&1 ||
		die "doublelock seal init failed"
}

# The agent's own certificate for TLS, and edge1: a gateway that it knows.
make_tls() {
	pki_client issuing edge1
	pki_key "$pki/issuing/server.key"
	pki_sign issuing server "$pki/issuing/server.key" "$pki/issuing/server.pem" server -days 30
	cat "$pki/issuing/ca.pem" >>"$pki/issuing/server.pem"
	install -o root -g doublelock -m 640 "$pki/issuing/server.key" $etc/agent.key
	install -m 644 "$pki/issuing/server.pem" $etc/agent.pem
	install -D -m 644 "$pki/issuing/edge1.pem" $etc/clients/edge1.pem
}

# configure_edge1 ADDRESS SERVICE: where edge1 asks for certificates alone
configure_edge1() {
	configure <<-END
		[service $2]
		certificate = gateway
		otp = none
		vouch = edge1
		[agent]
		listen = unix:/run/doublelock/agent.sock
		listen = tls:$1
		tls-certificate = $etc/agent.pem
		tls-key = $etc/agent.key
		clients = $etc/clients
	END
}

# --- daemons: each is known by its process id ---------------------------------------------

sshd_pid='' agent_pid='' receiver_pid=''

start_sshd() {
	[ -f "$work/host_key" ] || ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
	echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 "$work/host_key.pub")" >"$work/known_hosts"
	cat >"$work/sshd_config" <<-END
		ListenAddress 127.0.0.1:$port
		HostKey $work/host_key
		PidFile none
		LogLevel VERBOSE
		UsePAM yes
		AuthenticationMethods publickey,keyboard-interactive
		PubkeyAuthentication yes
		KbdInteractiveAuthentication yes
		PasswordAuthentication no
		AuthorizedKeysFile none
		AuthorizedKeysCommand /usr/sbin/doublelock ssh-keys %u %t %k
		AuthorizedKeysCommandUser doublelock
		ExposeAuthInfo yes
		MaxStartups 100
		PrintMotd no
		PrintLastLog no
		${sshd_more:-}
	END
	# OpenSSH 9.8 and newer keep away addresses whose logins fail, as all of ours do
	/usr/sbin/sshd -t -f "$work/sshd_config" -o PerSourcePenalties=no 2>"$work/sshd-t.log" &&
		sed -i '1i PerSourcePenalties no' "$work/sshd_config" # not into a Match block
	: >"$work/sshd.log"
	(with_module /usr/sbin/sshd -D -e -f "$work/sshd_config") 2>>"$work/sshd.log" &
	sshd_pid=$!
	until_true grep -q 'Server listening' "$work/sshd.log" || die "sshd did not start"
}

# $agent_under: words before its name
# shellcheck disable=SC2086 # words
start_agent() {
	setpriv --reuid=doublelock --regid=doublelock --init-groups --no-new-privs \
		${agent_under:-} /usr/sbin/doublelockd >>"$work/agent.log" 2>&1 &
	agent_pid=$!
	until_true socat -u OPEN:/dev/null UNIX-CONNECT:/run/doublelock/agent.sock || die "doublelockd did not start"
}

# CPU that the agent's threads have used so far, in ms
agent_ms() { cat "/proc/$agent_pid"/task/*/schedstat | awk '{ ns += $1 } END { print ns / 1e6 }'; }

# The other end of the webhook: it keeps what is signed rightly, one event per line.
received=$work/received
start_receiver() {
	if [ ! -f $etc/webhook.secret ]; then
		echo "whsec_$(head -c 32 /dev/urandom | base64)" >$etc/webhook.secret
		chown root:doublelock $etc/webhook.secret
		chmod 640 $etc/webhook.secret
	fi
	: >"$work/receiver.log"
	"$B/tests/receiver" --secret $etc/webhook.secret --out "$received" --port 8088 \
		>>"$work/receiver.log" 2>&1 &
	receiver_pid=$!
	until_true grep -q listening "$work/receiver.log" || die "the receiver did not start"
}

# All that is on record has arrived.
ids_recorded() { doublelock events --json 2>>"$work/events.log" | jq -r .id | sort; }
ids_received() { jq -r .id "$received" | sort -u; }
all_received() { [ "$(ids_recorded)" = "$(ids_received)" ]; }

# stop PID: and waits until it has ended; its exit code is in $ended
stop() {
	ended=0
	[ -n "${1:-}" ] || return 0
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null || ended=$?
}

# What PAM modules say goes to the system's log; here it is a file, one message per line.
start_log() {
	socat -u UNIX-RECV:/dev/log,mode=666 "OPEN:$work/syslog.log,creat,append" &
	until_true test -S /dev/log || die "no log"
}
syslog() { sed 's/<[0-9]*>/\n/g' "$work/syslog.log" | sed '/^$/d'; }

# register USER CA: the certificate that the CA gave to the user
register() {
	doublelock cert add "$1" "$pki/$2/$1.pem" >>"$work/register.log" 2>&1 ||
		die "$1's certificate could not be registered"
}

# --- logging in ---------------------------------------------------------------------------

# code_of SECRET [STEPS]: what an authenticator shows now, or so many steps from now
code_of() {
	oathtool --totp --base32 --now "@$(($(date +%s) + ${2:-0} * 30))" "$1" 2>/dev/null ||
		oathtool --totp --base32 \
			--now "$(date -u -d "@$(($(date +%s) + ${2:-0} * 30))" '+%F %T UTC')" "$1"
}

# enroll USER [OPTION...]: prints the secret of a new token
enroll() {
	doublelock enroll --json "$@" </dev/null 2>>"$work/enroll.log" | jq -er .secret
}

# The ssh client asks this program for everything that it would ask a person. While somebody
# is asked, $work/meanwhile happens, if it is there.
make_askpass() {
	cat >"$work/askpass" <<-'END'
		#!/bin/sh
		printf '%s\n' "$1" >>"$ASKED"
		[ ! -x "${ASKED%/*}/meanwhile" ] || "${ASKED%/*}/meanwhile"
		printf '%s\n' "$CODE"
	END
	chmod 700 "$work/askpass"
}

# ssh_login USER KEY [CODE]: tries once, from the address $from and with the OpenSSH certificate
# $certificate where those are set. Afterwards $login is in or out, $prompts counts what was
# asked, and $asked holds its words.
ssh_login() {
	[ -x "$work/askpass" ] || make_askpass
	: >"$work/asked"
	# shellcheck disable=SC2016 # the other side says who it is
	whoami='echo "in as $(id -un)"'
	login=out
	words=$(ASKED=$work/asked CODE=${3:-} SSH_ASKPASS=$work/askpass SSH_ASKPASS_REQUIRE=force \
		timeout 30 ssh -F none -p "$port" -i "$2" -o IdentitiesOnly=yes \
		-o UserKnownHostsFile="$work/known_hosts" -o GlobalKnownHostsFile=none \
		-o StrictHostKeyChecking=yes -o NumberOfPasswordPrompts=1 -o LogLevel=ERROR \
		-o PreferredAuthentications=publickey,keyboard-interactive ${from:+-b "$from"} \
		${certificate:+-o CertificateFile="$certificate"} \
		"$1@127.0.0.1" "$whoami" </dev/null 2>>"$work/ssh.log")
	[ "$words" != "in as $1" ] || login=in
	prompts=$(wc -l <"$work/asked")
	asked=$(cat "$work/asked")
}

# last_reason USER: of the newest decision about the user
last_reason() {
	doublelock events --user "$1" --json 2>>"$work/events.log" |
		jq -rs 'map(select(.reason != "")) | last | .reason'
}

trap 'exit 130' INT TERM
