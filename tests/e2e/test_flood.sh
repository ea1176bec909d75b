#!/bin/sh
# SPDX-License-Identifier: MIT
# test_flood - handshakes from everywhere and connections that say nothing, while a gateway goes
# on asking: it loses no answer, and not much time.
. "$(dirname "$0")/lib.sh"

at=127.0.0.1:8444
install_doublelock
pki_usual
pki_client issuing alice
make_tls
pki_publish
account alice
configure_edge1 $at web
doublelock enroll alice --json </dev/null >"$work/enroll.log" 2>&1 # the record
# ASan keeps what was freed for a while: no more of it than this counts for growth
ASAN_OPTIONS=quarantine_size_mb=1:thread_local_quarantine_size_kb=64
export ASAN_OPTIONS
start_agent

header="X-SSL-Client-Cert: $(jq -rn --rawfile c "$pki/issuing/alice.pem" '$c|@uri')"
# ask NUMBER: one connection, one request after another; status and seconds of each
ask() {
	curl -s --max-time 60 --cert "$pki/issuing/edge1.pem" --key "$pki/issuing/edge1.key" \
		--cacert "$pki/root/ca.pem" -H "$header" -o /dev/null \
		-w '%{http_code} %{time_total}\n' "https://$at/v1/auth/nginx/web/[1-$1]"
}
# the slowest but one of a hundred, in milliseconds
slow() { cut -d' ' -f2 "$1" | sort -n | awk '{ t[NR] = $1 } END { printf "%.1f\n", 1000 * t[int(NR * 0.99)] }'; }
allowed() { grep -c '^200 ' "$1"; }
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$agent_pid/status"; }

ask 2000 >"$work/quiet"
is "$(allowed "$work/quiet")" 2000 "a gateway asks while it is quiet"
before=$(resident)

nice -n 19 "$B/tests/e2e/flood" 127.0.0.1 8444 >"$work/flood.out" 2>&1 &
flood_pid=$!
until_true grep -q going "$work/flood.out" || die "there is no flood"
ask 10000 >"$work/flooded"
is "$(allowed "$work/flooded")" 10000 "and gets each answer in a flood of handshakes"
quiet=$(slow "$work/quiet") loud=$(slow "$work/flooded")
# so that a machine that has other things to do does not make this fail
is "$(echo "$quiet $loud" | awk '{ print $2 <= 2 * $1 + 50 }')" 1 "in time: of 100 answers 99 within $quiet ms before, $loud ms now"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do ask 1; done >"$work/new"
is "$(allowed "$work/new")" 20 "its new connections are taken as well"
after=$(resident)
[ "$after" -le $((before + 32768)) ]
is $? 0 "the agent does not grow: $before kB before, $after kB now"
is "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket /run/doublelock/agent.sock http://agent/healthz)" \
	200 "nor are those of this machine kept waiting"
stop "$flood_pid"
echo "# $(tail -n 1 "$work/flood.out")"
is "$(kill -0 "$agent_pid" && echo there)" there "the agent has outlived it"
stop "$agent_pid"
finish
