#!/bin/sh
# SPDX-License-Identifier: MIT
# What the command line gives up when root runs it, and what it refuses to anybody else.
. "$(dirname "$0")/lib.sh"

# as USER COMMAND...: $code and $out
as() {
	code=0
	out=$(setpriv --reuid="$1" --regid="$(id -g "$1")" --clear-groups -- \
		sh -c 'shift; exec "$@" 2>&1' - "$@" </dev/null) || code=$?
}
root() {
	code=0
	out=$("$@" 2>&1 </dev/null) || code=$?
}

install_doublelock
pki_usual
pki_client issuing alice
account alice
account mallory
configure </dev/null
rm -f "$etc/seal.key"
leaf=$pki/issuing/alice.pem

enroll alice >"$work/secret"
is "$(stat -c '%U:%G %a' "$etc/seal.key")" "root:doublelock 640" "root makes the sealing key"
is "$(stat -c '%U %a' "$state/state.db")" "doublelock 600" "and user doublelock the record"
register alice issuing
is "$(stat -c '%U %a' "$etc/certs.d/alice" "$etc/certs.d/alice"/*.pem | tr '\n' ' ')" \
	"root 755 root 644 " "a registered certificate is root's"

# a file that root alone reads, judged by a process that is no longer root
mkdir -m 700 "$work/private"
cp "$leaf" "$work/private/leaf.pem"
root doublelock verify --user alice "$work/private/leaf.pem"
is "$code $(echo "$out" | head -n 1)" "0 accept ok" "root may judge a file of its own"
ids() { awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"; }
mkfifo "$work/follow"
doublelock events --follow --json >"$work/follow" 2>&1 </dev/null &
follower=$!
exec 3<"$work/follow"
read -r line <&3
like "$line" '"type":"doublelock.token.enrolled"' "events are followed"
is "$(ids $follower Uid) $(ids $follower Gid)" "$(id -u doublelock) $(id -g doublelock)" \
	"by a process that has become doublelock"
is "$(grep -E '^(Uid|Gid|Groups|NoNewPrivs):' /proc/$follower/status | tr -s '\t ' ' ' |
	grep -cE "(: $(id -u doublelock)| $(id -g doublelock)| 1)( .*)?$")" 4 \
	"with all its ids, one group and no new privileges"
doublelock enroll alice --label second --json >/dev/null 2>&1 </dev/null
until_true read -r line <&3
while [ "${line#*second}" = "$line" ] && read -r line <&3; do :; done
like "$line" '"token":"second"' "and a new one arrives"
stop $follower
exec 3<&-

root doublelock enroll alice --label shown --no-confirm --png "$work/private/qr.png"
is "$code $(stat -c '%U %a' "$work/private/qr.png")" "0 root 600" "a QR code is for root alone"

as mallory doublelock enroll mallory --json
is "$code" 3 "nobody else enrols"
like "$out" "run this as root" "and is told what to do"
as mallory doublelock why alice
is "$code" 3 "or reads the record"
as mallory doublelock ssh-keys alice
is "$code" 3 "or asks for keys"
as mallory doublelock cert add alice "$etc/trust.d/root.pem"
is "$code $(echo "$out" | grep -c "registering is root's")" "3 1" "or registers a certificate"
as doublelock doublelock cert add alice "$etc/trust.d/root.pem"
is "$code $(echo "$out" | grep -c "registering is root's")" "3 1" "not even the judge's user"
as doublelock doublelock seal rotate
like "$code $out" "^3 .*root's" "who does not change the sealing key either"
as doublelock doublelock why alice
is "$code" 0 "but reads the record"
is "$(wc -l <"$etc/seal.key")" 1 "the key is as it was"

# a directory that doublelock could write would let a taken judge register certificates
chown doublelock "$etc/certs.d/alice"
root doublelock ssh-keys alice
is "$code" 3 "certs.d of somebody else is a fault"
root doublelock cert list alice
like "$code $out" "^3 .*certs.d/alice: its owner or mode" "that is named"
chown root "$etc/certs.d/alice"
chmod 666 "$etc/doublelock.conf"
root doublelock verify --check-config
like "$code $out" "^3 .*doublelock.conf: .*owner or mode" "so is a configuration that anybody can write"
chmod 644 "$etc/doublelock.conf"
install -d -o mallory "$work/mallory"
cp "$etc/doublelock.conf" "$work/mallory/own.conf"
chown mallory "$work/mallory/own.conf"
root doublelock verify --config "$work/mallory/own.conf" "$leaf"
is "$code $(echo "$out" | head -n 1)" "3 refuse fault-config" "root believes no configuration of a user"

root doublelock seal rotate
is "$code $(stat -c '%U:%G %a' "$etc/seal.key")" "0 root:doublelock 640" "the sealing key is changed by root"
root doublelock status
is "$code" 0 "and everything is in place"

configure <<-END
	[webhook]
	url = http://127.0.0.1:8088/events
	secret-file = $etc/webhook.secret
END
start_receiver
start_agent
root doublelock webhook test
like "$code $out" "^0 event .* was delivered to http://127.0.0.1:8088/events" "an event is sent to see whether it arrives"
stop "$receiver_pid"
root doublelock webhook test
like "$code $out" "^1 .*8088/events: " "and it is said why it does not"
root doublelock webhook list --json
is "$(echo "$out" | jq -r '.[] | select(.type | endswith("test")).attempts > 0')" true "it waits then"
stop "$agent_pid"
finish
