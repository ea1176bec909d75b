#!/bin/sh
# SPDX-License-Identifier: MIT
# test_killed - the agent is killed at its first write, sync or answer, at its second, and so on
# until it lives through a login: never a yes without its record, never a code that opens twice,
# and the record opens for the helper that comes after. (The helper itself: tests/pam/test_login.)
. "$(dirname "$0")/lib.sh"

install_doublelock
install -m 755 "$B/tests/pam/doublelockd-frail" /usr/local/sbin/doublelockd-frail
pki_usual
configure </dev/null
pki_client issuing alice
account alice
register alice issuing
info="publickey $(ssh-keygen -y -f "$pki/issuing/alice.key.ssh")"
printf 'auth required pam_doublelock.so agent=/run/doublelock/module.sock service=sshd\n' \
	>/etc/pam.d/sshd-agent
# of eight digits: two codes that are near each other are hardly ever the same
secret=$(enroll alice --hotp --digits 8)

log_in() { # SERVICE CODE
	echo "$info" | "$B/tests/e2e/pamlogin" "$1" alice "$2" 1 2>>"$work/pam.log"
}
gone() { ! kill -0 "$agent_pid"; }
# shellcheck disable=SC2317 # until_true calls it
up() { gone || socat -u OPEN:/dev/null UNIX-CONNECT:/run/doublelock/module.sock; }
oks() { doublelock events --user alice --json | jq -rs 'map(select(.reason == "ok")) | length'; }

n=0 killed=0 twice='' unrecorded='' told='' stuck=''
until [ "${told%%,*}" = "1 of 1" ] && ! gone 2>/dev/null; do
	[ $n -lt 200 ] || break
	echo $((n + 1)) >$etc/doublelock.conf.frail
	setpriv --reuid=doublelock --regid=doublelock --init-groups --no-new-privs \
		/usr/local/sbin/doublelockd-frail --config $etc/doublelock.conf >>"$work/agent.log" 2>&1 &
	agent_pid=$!
	until_true up
	before=$(oks)
	code=$(oathtool --hotp -d 8 -b -c $n "$secret")
	told=$(log_in sshd-agent "$code")
	after=$(oks)
	gone 2>/dev/null && killed=$((killed + 1))
	case $told in
	"1 of 1"*)
		[ "$after" = $((before + 1)) ] || unrecorded="$unrecorded $((n + 1))"
		yes=1
		;;
	*) yes=0 ;;
	esac
	# by a helper, which opens what the agent left
	for _ in 1 2; do
		case $(log_in sshd "$code") in
		"1 of 1"*) yes=$((yes + 1)) ;;
		*"Authentication failure") ;;
		*) stuck="$stuck $((n + 1))" ;;
		esac
	done
	[ $yes -le 1 ] || twice="$twice $((n + 1))"
	n=$((n + 1))
done
rm -f $etc/doublelock.conf.frail
is "$told" "1 of 1, 1 prompts, Success" "killed at $killed places, and then it lives"
is "$([ $killed -ge 10 ] && echo many)" many "these are all of a login"
is "$unrecorded" '' "never a yes without its record"
is "$twice" '' "never a code that opens twice"
is "$stuck" '' "and each time the record opens"
is "$([ "$(oks)" -le $n ] && echo so)" so "with no more logins on record than there were codes"
stop "$agent_pid"

# Killed with the verdict in its hand, and started again at once by whoever holds its socket, as
# systemd does: the login gets what is on record, and the code opens nothing else.
keep_agent() {
	perl -MSocket -MPOSIX=dup2 -e '
		$^F = 10;
		my ($path, $mark, @agent) = @ARGV;
		my ($stop, $pid, $s) = (0, 0);
		unlink $path;
		socket($s, PF_UNIX, SOCK_STREAM, 0) && bind($s, sockaddr_un($path)) &&
			chmod(0666, $path) && listen($s, 16) or die "$path: $!";
		dup2(fileno($s), 3) if fileno($s) != 3;
		$SIG{TERM} = sub { $stop = 1; kill TERM => $pid };
		$| = 1;
		until ($stop) {
			$pid = fork;
			if (!$pid) {
				@ENV{"LISTEN_FDS", "LISTEN_PID"} = (1, $$);
				exec @agent;
			}
			waitpid($pid, 0);
			print "ended by ", $? & 127, "\n";
			unlink $mark;
		}' /run/doublelock/module.sock $etc/doublelock.conf.frail \
		setpriv --reuid=doublelock --regid=doublelock --init-groups --no-new-privs \
		/usr/local/sbin/doublelockd-frail --config $etc/doublelock.conf \
		>"$work/keeper.out" 2>>"$work/agent.log" &
	agent_pid=$!
	until_true socat -u OPEN:/dev/null UNIX-CONNECT:/run/doublelock/module.sock
}
# the first answer asks for the code, the second one is the verdict
rounds=20 first='' again=''
: >"$work/ends"
for i in $(seq $rounds); do
	echo "answer 2" >$etc/doublelock.conf.frail
	keep_agent
	before=$(oks)
	code=$(oathtool --hotp -d 8 -b -c $n "$secret")
	first="$first$(log_in sshd-agent "$code");"
	again="$again$(log_in sshd-agent "$code");$(log_in sshd "$code");"
	[ "$(oks)" = $((before + 1)) ] || unrecorded="$unrecorded $i"
	stop "$agent_pid"
	head -n 1 "$work/keeper.out" >>"$work/ends"
	n=$((n + 1))
done
is "$(sort "$work/ends" | uniq -c | tr -s ' ')" " $rounds ended by 9" \
	"the agent is killed with the verdict in its hand, $rounds times"
is "$(echo "$first" | tr ';' '\n' | sort | uniq -c | tr -s ' ')" \
	" 1 
 $rounds 1 of 1, 1 prompts, Success" "who asked is told what is on record"
is "$unrecorded" '' "which is one login each time"
is "$(echo "$again" | tr ';' '\n' | sort -u | tr '\n' ';')" \
	";0 of 1, 1 prompts, Authentication failure;" "and the code opens nothing after it"
finish
