#!/bin/sh
# SPDX-License-Identifier: MIT
# test_outward - what leaves this machine leaves by a process of its own, which has no key and no
# state; it may be killed at any time, and what it did is done again.
# shellcheck disable=SC2317 # until_true calls them
. "$(dirname "$0")/lib.sh"

reason() { doublelock verify --json "$pki/issuing/$1.pem" 2>>"$work/verify.log" | jq -r .reason; }
is_reason() { [ "$(reason "$1")" = "$2" ]; }
# named COMM: the processes that are called so, as far as the kernel keeps the name
named() {
	for comm in /proc/[0-9]*/comm; do
		pid=${comm#/proc/}
		[ "$(cat "$comm" 2>/dev/null)" != "$1" ] || echo "${pid%/comm}"
	done
}
outward() { named doublelock-outw | head -n 1; }
is_out() { [ -n "$(outward)" ]; }
is_other() { is_out && [ "$(outward)" != "$1" ]; }
nobody_is_left() { [ -z "$(named doublelock-outw)$(named doublelock-keep)$(named doublelockd)" ]; }
says() { grep -c "$1" "$work/agent.log"; }
asked() { [ "$(cat "$work/asked.log" 2>/dev/null | wc -l)" -ge "$1" ]; }
field() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }

# A server that sends half of a list, and the rest when $work/go is there.
cat >"$work.half" <<'END'
#!/bin/sh
echo asked >>"$work/asked.log"
size=$(wc -c <"$list") half=$(($(wc -c <"$list") / 2))
printf 'HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n' "$size"
head -c "$half" "$list"
while [ ! -e "$work/go" ]; do
	sleep 0.02
	[ -d "$work" ] || exit 1
done
tail -c +"$((half + 1))" "$list"
END
chmod 755 "$work.half"
start_half() {
	export list="$pki/issuing/crl.pem" work
	socat TCP-LISTEN:8093,bind=127.0.0.1,fork,reuseaddr "EXEC:$work.half" \
		2>>"$work/half.log" &
	half_pid=$!
}

install_doublelock
pki_usual
pki_client issuing alice
account alice
rm $etc/crl.d/issuing.pem
start_receiver # writes the secret
stop "$receiver_pid"
usual() {
	configure <<-END
		[revocation]
		url = http://127.0.0.1:8093/issuing.crl
		[webhook]
		url = http://127.0.0.1:8088/events
		secret-file = $etc/webhook.secret
	END
}
usual
enroll alice >"$work/enrolled" # an event, for the webhook

# killed in the middle of a download
start_half
configure <<-END
	[revocation]
	url = http://127.0.0.1:8093/issuing.crl
END
start_agent
until_true asked 1
until_true is_out
first=$(outward)
is "$(field "$first" NoNewPrivs) $(field "$first" Seccomp) $(field "$first" Uid | tr -s '\t' ' ' | cut -d' ' -f2)" \
	"1 2 $(id -u doublelock)" "who fetches is bound, and the agent's user"
is "$(find "/proc/$first/fd" -lname "$state/*" -o -lname "$etc/*" | wc -l)" 0 "and has no file of ours open"
is "$(tr '\0' ' ' <"/proc/$first/cmdline")" "doublelock-outward " "nothing stands in its arguments"
is "$(tr '\0' ' ' <"/proc/$first/environ")" "" "or in the environment that it was given"
is "$(grep -cE 'lib(curl|ldap)' "/proc/$agent_pid/maps")" 0 "the agent has no library that speaks with the world"
like "$(grep -cE 'lib(curl|ldap)' "/proc/$first/maps")" '^[1-9]' "that one has"
is "$(cat "/proc/$agent_pid/task"/*/status | sed -n 's/^Seccomp:[[:space:]]*//p' | sort -u)" 2 \
	"no thread of the agent is unbound"
is "$(reason alice)" revocation-unknown "half a list is none"
kill -9 "$first"
until_true is_other "$first" || until_true is_other "$first"
is "$?" 0 "killed, it is started again"
until_true asked 2
is "$(says 'downloads: doublelock-outward has ended: it is started again')" 1 "which is said once"
is "$(reason alice)" revocation-unknown "still half a list"
touch "$work/go"
until_true is_reason alice ok
is "$(reason alice)" ok "and what it did is done again"
is "$(find $state/crl -name '*.new' | wc -l)" 0 "nothing is left of the first half"
until_true test -z "$(outward)" || ! is_out
stop "$agent_pid"
until_true nobody_is_left
is "$ended: $?" "0: 0" "it ends with the agent"

# the agent is killed in the middle of one
rm "$work/go"
find $state/crl -type f -delete
: >"$work/asked.log"
start_agent
until_true asked 1
is "$(named doublelock-outw | wc -l) $(named doublelock-keep | wc -l)" "1 1" "a download is under way"
kill -9 "$agent_pid"
wait "$agent_pid" 2>/dev/null
until_true nobody_is_left
is "$?" 0 "killed, the agent leaves nobody behind"
touch "$work/go"

# killed in the middle of a delivery: somebody who takes events and never answers
usual
socat -u TCP-LISTEN:8088,bind=127.0.0.1,fork,reuseaddr "OPEN:$work/silent.log,creat,append" 2>>"$work/half.log" &
silent_pid=$!
: >"$work/agent.log"
start_agent
count_posts() { grep -ao 'POST /events' "$work/silent.log" | wc -l; }
posted() { [ "$(count_posts)" -ge "$1" ]; }
until_true posted 1
until_true is_reason alice ok # who fetches has gone
one() { [ "$(named doublelock-outw | wc -l)" = 1 ]; }
until_true one
carrier=$(outward) before=$(count_posts)
is "$(cat "/proc/$carrier/environ" "/proc/$carrier/cmdline" | grep -ac "$(cut -c7-30 $etc/webhook.secret)")" 0 \
	"the secret is in no argument and no environment of who delivers"
kill -9 "$carrier"
until_true posted $((before + 1)) || until_true posted $((before + 1))
is "$?" 0 "what was under way goes out once more"
is "$(says 'webhook: doublelock-outward has ended: it is started again')" 1 "which is said once"
is "$(doublelock webhook list --json | jq -r '[.[].attempts] | max')" 0 \
	"and is no try of the receiver's"
stop "$silent_pid"
start_receiver
patience=60 # a receiver that did not answer is left alone for a while
until_true all_received
is "$(ids_received)" "$(ids_recorded)" "everything on record arrives, signed"
is "$(grep -c '^401' "$work/receiver.log")" 0 "by the agent's hand"
patience=10

# a receiver of whom nothing is heard for a while is not kept waiting for
kill -HUP "$agent_pid"
enroll alice --label second >"$work/enrolled"
until_true all_received
is "$(ids_received)" "$(ids_recorded)" "and after a reload"
stop "$agent_pid"
until_true nobody_is_left
is "$?" 0 "nobody is left"

# without it
mv /usr/libexec/doublelock/doublelock-outward "$work/away"
: >"$work/agent.log"
enroll alice --label third >"$work/enrolled"
start_agent
until_true grep -q 'webhook: doublelock-outward has ended' "$work/agent.log"
like "$(cat "$work/agent.log")" 'libexec/doublelock/doublelock-outward: No such file' "that it is missing is said"
like "$(printf 'GET /healthz HTTP/1.0\r\n\r\n' | socat -t 5 - UNIX-CONNECT:/run/doublelock/agent.sock | head -n 1)" \
	' 200 ' "and who asks the agent is answered all the same"
mv "$work/away" /usr/libexec/doublelock/doublelock-outward
patience=70
until_true all_received
is "$(ids_received)" "$(ids_recorded)" "until it is back"
patience=10

# without who starts it
kill -9 "$(named doublelock-keep)"
ended=0
wait "$agent_pid" || ended=$?
is "$ended: $(says 'has ended, and so does the agent')" "3: 1" "without its keeper the agent ends, and says why"
until_true nobody_is_left
is "$?" 0 "nobody is left"
start_agent

# what an agent takes that has nothing to do
healthy() { printf 'GET /healthz HTTP/1.0\r\n\r\n' | socat -t 5 - UNIX-CONNECT:/run/doublelock/agent.sock | grep -q " 200 "; }
until_true healthy
idle=$(field "$agent_pid" VmRSS | tr -dc 0-9)
echo "# idle: RSS $idle KiB"
[ -n "$asan" ] || {
	[ "$idle" -lt 12288 ] && little=little || little="$idle KiB"
	is "$little" little "an idle agent takes less than 12 MB"
}
stop "$agent_pid"
stop "$half_pid"
finish
