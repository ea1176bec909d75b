#!/bin/sh
# SPDX-License-Identifier: MIT
# test_events - no event is lost: not when nobody listens, not when the agent is killed, and not
# when it never ran. The receiver checks signatures by OpenSSL alone.
# shellcheck disable=SC2317 # until_true calls them
. "$(dirname "$0")/lib.sh"

install_doublelock
pki_usual
for user in alice bob; do
	pki_client issuing $user
	account $user
done
pki_revoke issuing bob
pki_publish
start_receiver # writes the secret
stop "$receiver_pid"
configure <<-END
	[webhook]
	url = http://127.0.0.1:8088/events
	secret-file = $etc/webhook.secret
END
for user in alice bob; do register $user issuing; done
start_sshd

secret=$(enroll alice)
ssh_login alice "$pki/issuing/alice.key.ssh" "$(code_of "$secret")"
is "$login" in "a login while no agent runs"
ssh_login bob "$pki/issuing/bob.key.ssh" 123456
is "$login: $(last_reason bob)" "out: revoked" "a refusal while no agent runs"

start_agent
# it listens before it has looked at anything
compiled() { [ "$(find $state/crl -type f | wc -l)" = 2 ]; }
until_true compiled
is "$(find $state/crl -type f | wc -l)" 2 "the agent has compiled both lists of revocation"
kill -9 "$agent_pid"
wait "$agent_pid" 2>/dev/null
ssh_login alice "$pki/issuing/alice.key.ssh" 000000
is "$login: $(last_reason alice)" "out: otp-wrong" "a refusal after the agent was killed"

start_receiver
start_agent
until_true all_received
is "$(ids_received)" "$(ids_recorded)" "everything on record has arrived"
kill -9 "$agent_pid"
wait "$agent_pid" 2>/dev/null
start_agent
ssh_login bob "$pki/issuing/bob.key.ssh" 123456
until_true all_received
is "$(ids_received)" "$(ids_recorded)" "and what happened after one more kill"
is "$(grep -c '^401' "$work/receiver.log")" 0 "each is signed as Standard Webhooks say"
is "$(jq -r 'select(.data.reason == "otp-wrong") | .subject + " " + .data.service' "$received" | sort -u)" \
	"alice sshd" "an event tells whom and where"

doublelock status >"$work/status.log" 2>&1
is "$?" 0 "status finds everything in place while the agent runs"

# what must be in no event, no log and no answer
ssh_login alice "$pki/issuing/alice.key.ssh" 777777
ssh_login 'Sommer2026!' "$pki/issuing/alice.key.ssh" 777777
until_true all_received
like "$(grep -c -e "$secret" -e 777777 -e 'Sommer2026' "$received" "$work/agent.log" | tr '\n' ' ')" \
	'received:0 .*agent.log:0' "no secret, no code, no password that was typed as a name"
stop "$agent_pid"
is "$ended" 0 "the agent ends when it is told to"
finish
