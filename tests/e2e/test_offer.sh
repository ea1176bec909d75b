#!/bin/sh
# SPDX-License-Identifier: MIT
# test_offer - the two doors of AuthorizedKeysCommand: the agent, and a process that judges by
# itself where no agent answers. Both say the same; neither is needed by the other.
. "$(dirname "$0")/lib.sh"

install_doublelock
pki_usual
configure <<-'END'
	[service sshd user:near]
	from = 127.0.0.0/8,2001:db8::/32
	restrict = yes
END
for user in alice bob near carl; do
	account $user
	pki_client issuing $user
done
pki_publish
for user in alice bob near; do
	register $user issuing
done
secret=$(enroll alice --hotp)
cat "$pki/issuing/carl.pem" "$pki/issuing/ca.pem" >"$work/carl.pem"
doublelock ssh-carry --cert "$work/carl.pem" --key "$pki/issuing/carl.key.ssh" --user carl \
	--lifetime 1h >>"$work/carry.log" 2>&1 || die "nothing to carry"
start_log

judge=/usr/libexec/doublelock/doublelock-keys socket=/run/doublelock/module.sock
for user in alice bob near; do
	ssh-keygen -y -f "$pki/issuing/$user.key.ssh" | cut -d' ' -f1,2 >"$work/$user.key"
done
cut -d' ' -f1,2 "$pki/issuing/carl.key.ssh-cert.pub" >"$work/carl.key"

# offered USER [KEY-OF]: what sshd's command prints, and its exit code in $code; as sshd starts it
offered() {
	code=0
	# shellcheck disable=SC2046 # two words
	setpriv --reuid=doublelock --regid=doublelock --clear-groups /usr/sbin/doublelock \
		ssh-keys "$1" $(cat "$work/${2:-$1}.key") 2>>"$work/offered.log" || code=$?
	echo "exit $code"
}
all_lines() { for user in alice near carl bob; do offered $user; done; }
# How often the last line in the log that is about our socket was said.
said() { syslog | grep -c "ssh-keys: $socket: $1"; }

# --- the agent answers: there is nobody else
start_agent
chmod a-x $judge
by_agent=$(all_lines)
like "$by_agent" '^expiry-time="[0-9]{14}Z?" ecdsa-sha2-nistp256 AAAA' "the agent offers a key"
like "$by_agent" '^restrict,pty,from="127.0.0.0/8,2001:db8::/32",expiry-time="[0-9]{14}Z?" ecdsa' "with its networks, and restricted"
like "$by_agent" '^expiry-time="[0-9]{14}Z?",cert-authority,principals="carl" ecdsa-sha2-nistp256 AAAA' \
	"and a carried one by its own key"
is "$(echo "$by_agent" | grep -c '^exit 0$')" 4 "none is a fault"
is "$(offered alice bob): $(last_reason alice)" "exit 0: no-certificate" "a key of somebody else"
start_sshd
before=$(doublelock events --user alice --json | grep -c decision.offered)
ssh_login alice "$pki/issuing/alice.key.ssh" "$(oathtool --hotp --base32 -c 0 "$secret")"
is "$login: $(last_reason alice)" "in: ok" "sshd lets in whom the agent has offered"
is "$(($(doublelock events --user alice --json | grep -c decision.offered) - before))" 1 \
	"which sshd asks twice, and is one event"
doublelock events --user alice --json >"$work/alice.json"
is "$(jq -rs 'map(select(.type == "doublelock.decision.offered")) | last |
	"\(.entrance) \(.possession) \(.caller)"' "$work/alice.json")" \
	"authorized-keys none uid:$(id -u doublelock)" "an offer, of nobody's proven key"

# --- another configuration is not the agent's to judge by
code=0
# shellcheck disable=SC2046
doublelock ssh-keys --config $etc/doublelock.conf alice $(cat "$work/alice.key") 2>>"$work/offered.log" || code=$?
is $code 3 "--config is for the judge alone, who is not there"

# --- who else may not ask it
# shellcheck disable=SC2046
said_to_bob=$(setpriv --reuid=bob --regid="$(id -g bob)" --clear-groups /usr/sbin/doublelock \
	ssh-keys alice $(cat "$work/alice.key") 2>&1)
is "$? $(echo "$said_to_bob" | grep -c ecdsa) $(last_reason alice)" "3 0 possession-unproven" \
	"a user of this machine is offered nothing"
chmod a+x $judge

# --- revoked, by both doors
pki_revoke issuing bob
pki_publish
# shellcheck disable=SC2317 # until_true calls it
unoffered() { [ "$(offered bob)" = "exit 0" ]; }
chmod a-x $judge
is "$(until_true unoffered && last_reason bob)" revoked "the agent offers no key that was revoked"
chmod a+x $judge
by_agent=$(all_lines)
stop "$agent_pid"
is "$(offered bob): $(last_reason bob)" "exit 0: revoked" "nor does the judge without it"

# --- no agent
is "$(all_lines)" "$by_agent" "without an agent the same is said, octet for octet"
is "$(said '')" 0 "and nothing of it in the log"
ssh_login alice "$pki/issuing/alice.key.ssh" "$(oathtool --hotp --base32 -c 1 "$secret")"
is "$login: $(last_reason alice)" "in: ok" "and a login works"

# --- an agent that hangs
start_agent
kill -STOP "$agent_pid"
is "$(offered near)" "$(echo "$by_agent" | sed -n 3,4p)" "an agent that hangs is not waited for"
is "$(said 'it did not answer in time; the key is judged without it')" 1 "and the log has a line"
kill -CONT "$agent_pid"
stop "$agent_pid"

# --- others in its place: pretend USER OCTETS, who says that to whoever comes
pretend() {
	rm -f $socket
	: >"$work/heard"
	chmod 666 "$work/heard"
	printf '%s' "$2" >"$work/pretended"
	cat >"$work/pretend" <<-END
		#!/bin/sh
		head -c 8 >>"$work/heard"
		cat "$work/pretended"
	END
	chmod 755 "$work" "$work/pretend"
	socat "UNIX-LISTEN:$socket,fork,mode=666,user=$1" \
		EXEC:"$work/pretend" 2>>"$work/pretend.log" &
	pretended_pid=$!
	until_true test -S $socket || die "no socket"
}
pretend doublelock 'SSH-2.0-nonsense'
is "$(offered near)" "$(echo "$by_agent" | sed -n 3,4p)" "an answer that is none changes nothing"
is "$(said 'its answer is not one')" 1 "and the log has a line"
stop "$pretended_pid"
pretend root 'DLK'
is "$(offered near)" "$(echo "$by_agent" | sed -n 3,4p)" "nor one that ends"
stop "$pretended_pid"
rm -f $socket
setpriv --reuid=bob --regid="$(id -g bob)" --clear-groups socat UNIX-LISTEN:/run/home/bob/s,fork,mode=666 \
	"OPEN:/run/home/bob/heard,creat,append" 2>>"$work/pretend.log" &
pretended_pid=$!
until_true test -S /run/home/bob/s || die "no socket"
mv /run/home/bob/s $socket
is "$(offered near)" "$(echo "$by_agent" | sed -n 3,4p)" "a socket of another user is none of the agent's"
is "$(said 'its owner or mode')" 1 "and the log has a line"
is "$(find /run/home/bob/heard -size +0 2>/dev/null)" "" "nothing was said to it"
stop "$pretended_pid"
rm -f $socket

# --- whoever shows a key over and over
printf '%s\n' '[agent]' 'rate = 1/s' >>$etc/doublelock.conf
start_agent
chmod a-x $judge
often=$(for user in alice alice alice alice alice alice alice alice alice alice; do offered $user; done)
is "$(echo "$often" | grep -c '^exit 0')" 10 "a key that is shown too often is no fault"
like "$(echo "$often" | grep -c ecdsa)" '^[2-9]$' "and not offered each time"
like "$(offered near)" 'ecdsa' "which is nothing to other keys"
chmod a+x $judge
stop "$agent_pid"
finish
