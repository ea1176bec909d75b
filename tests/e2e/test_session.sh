#!/bin/sh
# SPDX-License-Identifier: MIT
# test_session - that a session begins and ends is an event, beside the login that it comes from.
# What becomes of that keeps nobody out.
. "$(dirname "$0")/lib.sh"

install_doublelock
load_into_all
pki_usual
configure <<-END
	[service sudo]
	certificate = none
	otp = required
END
pki_client issuing alice
pki_publish
account alice
register alice issuing
secret=$(enroll alice)
printf '%s\n' 'auth required pam_doublelock.so' 'account required pam_permit.so' \
	'session optional pam_env.so user_readenv=1' \
	'session required pam_doublelock.so' >/etc/pam.d/sshd
cat >/run/home/alice/.pam_environment <<-'END'
	SSH_AUTH_INFO_0 OVERRIDE="publickey ssh-ed25519 FORGED"
	SSH_CONNECTION OVERRIDE="198.51.100.66 1 192.0.2.1 22"
END
start_log
start_sshd

# event TYPE FILTER: of the newest event of that type
event() {
	doublelock events --json | jq -rs --arg type "doublelock.$1" \
		"map(select(.type == \$type)) | last | $2"
}
count_of() { doublelock events --json | jq -rs --arg type "doublelock.$1" \
	'map(select(.type == $type)) | length'; }
has_closed() { [ "$(count_of session.closed)" = "$1" ]; }

ssh_login alice "$pki/issuing/alice.key.ssh" "$(code_of "$secret")"
is "$login: $(last_reason alice)" "in: ok" "alice is in"
until_true has_closed 1
is "$(event session.opened .detail)" "login $(event decision.allowed .id)" \
	"the session that opened names its login"
is "$(event session.closed .detail)" "login $(event decision.allowed .id)" \
	"and so does the one that closed"
is "$(event session.opened '"\(.user) \(.service) \(.source) \(.reason)"')" \
	"alice sshd 127.0.0.1 " "with user, service and where from"
is "$(event session.opened .fingerprint)" "$(event decision.allowed .fingerprint)" \
	"and the certificate, not what ~/.pam_environment says"
is "$(doublelock events --json | grep -cE 'FORGED|198\.51\.100\.66')" 0 \
	"nothing of the user's environment is on record"

ssh_login alice "$pki/issuing/alice.key.ssh" 000000
is "$login: $(last_reason alice)" "out: otp-wrong" "a wrong code"
is "$(count_of session.opened)" 1 "opens no session"

# sudo judges and opens in one process
printf '%s\n' 'auth required pam_doublelock.so' 'account required pam_permit.so' \
	'session optional pam_doublelock.so' >/etc/pam.d/sudo
echo 'alice ALL=(ALL) ALL' >/etc/sudoers.d/alice
is "$(code_of "$secret" 1 | setpriv --reuid="$(id -u alice)" --regid="$(id -g alice)" \
	--clear-groups sudo -S -p '' id -u 2>>"$work/sudo.log")" 0 "sudo by code"
until_true has_closed 2
is "$(event session.opened '"\(.service) \(.user) \(.detail)"')" \
	"sudo root login $(event decision.allowed .id) of alice" \
	"its session, which is root's, names whose login it was"

# A record that cannot be written keeps nobody in or out: here between login and session
printf '%s\n' 'auth required pam_doublelock.so' 'account required pam_permit.so' \
	"session optional pam_exec.so /bin/mv $state/state.db $state/away" \
	'session required pam_doublelock.so' >/etc/pam.d/sshd
ssh_login alice "$pki/issuing/alice.key.ssh" "$(code_of "$(enroll alice --label second)")"
mv "$state/away" "$state/state.db"
is "$login" in "a session that cannot be noted is a session"
like "$(syslog)" 'session of alice not noted: fault-store: ' "and the log says so"
finish
