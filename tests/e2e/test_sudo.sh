#!/bin/sh
# SPDX-License-Identifier: MIT
# test_sudo - sudo and su with a forwarded agent: the user logs in to a real sshd with ssh -A, and
# there the agent on their own side proves the certificate's key. sudo keeps no variable for it.
. "$(dirname "$0")/lib.sh"

install_doublelock
load_into_all
# the tree may lie below /tmp
install -m 755 "$B/tests/e2e/touch.so" /usr/local/lib/touch.so
mount -t tmpfs -o mode=1777 e2e /tmp # where sshd puts the sockets of forwarded agents
pki_usual
configure <<-END
	[service sudo]
	certificate = ssh-agent
	otp = required
	[service su]
	certificate = ssh-agent
	subject = ruser
	otp = none
END
for service in sudo su; do
	printf '%s\n' 'auth required pam_doublelock.so' 'account required pam_permit.so' \
		'session required pam_permit.so' >/etc/pam.d/$service
done
printf '%s\n' 'Defaults timestamp_timeout=0' 'ALL ALL=(ALL) ALL' >/etc/sudoers.d/e2e
algorithms='rsa P-256 P-384 P-521 ed25519'
for algorithm in $algorithms; do
	user=$(echo "u$algorithm" | tr -d - | tr P p)
	account "$user"
	pki_client issuing "$user" "$algorithm"
	register "$user" issuing
done
account mallory
pki_client issuing mallory
start_log

# Where the user works: an sshd that lets in by a key that has nothing to do with certificates.
ssh-keygen -q -t ed25519 -N '' -f "$work/login_key"
# shellcheck disable=SC2034 # start_sshd has it
sshd_more=$(printf '%s\n' 'Match all' 'AuthenticationMethods publickey' \
	'AuthorizedKeysCommand none' "AuthorizedKeysFile $work/login_key.pub")
start_sshd
chmod 755 /run/sandbox /run/sandbox/tmp "$work"

# The user's own machine: an agent with these keys.
agent=$work/agent.sock
own_agent_pid=''
agent_with() {
	stop "$own_agent_pid"
	rm -f "$agent"
	with_nothing ssh-agent -D -a "$agent" >>"$work/ssh-agent.log" 2>&1 &
	own_agent_pid=$!
	until_true test -S "$agent" || die "no ssh-agent"
	for key in "$@"; do
		SSH_AUTH_SOCK=$agent ssh-add -q ${add_options:-} "$key" 2>>"$work/ssh-add.log" ||
			die "ssh-add $key failed"
	done
}
with_nothing() { exec env -u LD_PRELOAD "$@"; }

# there USER COMMAND: on the other machine, with the agent forwarded
there() {
	SSH_AUTH_SOCK=$agent timeout 100 ssh -F none ${forward--A} -p "$port" -i "$work/login_key" \
		-o IdentitiesOnly=yes -o UserKnownHostsFile="$work/known_hosts" \
		-o GlobalKnownHostsFile=none -o StrictHostKeyChecking=yes -o LogLevel=ERROR \
		-o BatchMode=yes "$1@127.0.0.1" "$2" </dev/null 2>>"$work/ssh.log"
}
# sudo_there USER [CODE]: who they are then, and why
sudo_there() {
	echo "$(there "$1" "echo '${2:-}' | sudo -S -p '' id -un"): $(last_reason "$1")"
}
key_of() { echo "$pki/issuing/$1.key.ssh"; }
last() { # USER FIELD
	doublelock events --user "$1" --json 2>>"$work/events.log" |
		jq -rs "map(select(.reason != \"\")) | last | .$2"
}

for algorithm in $algorithms; do
	user=$(echo "u$algorithm" | tr -d - | tr P p)
	secret=$(enroll "$user")
	agent_with "$(key_of mallory)" "$(key_of "$user")"
	is "$(sudo_there "$user" "$(code_of "$secret")"), $(last "$user" possession)" \
		"root: ok, ssh-agent" "$algorithm: a forwarded agent and a code"
done

# up256 goes on
secret=$(enroll up256 --label second)
is "$(sudo_there up256 000000)" ": no-certificate" "the agent has no key of this user"
agent_with "$(key_of mallory)"
is "$(sudo_there up256 000000)" ": no-certificate" "or somebody else's"
agent_with "$(key_of up256)"
is "$(sudo_there up256 000000)" ": otp-wrong" "a wrong code is one as everywhere"
forward=-a
is "$(sudo_there up256 000000)" ": possession-unproven" "no agent is forwarded"
like "$(last up256 detail)" 'no SSH agent: .*SSH_AUTH_SOCK' "and that is what is on record"
unset forward
SSH_AUTH_SOCK=$agent ssh-add -q -D 2>>"$work/ssh-add.log"
is "$(sudo_there up256 000000)" ": no-certificate" "an agent without keys"
add_options=-c agent_with "$(key_of up256)"
is "$(sudo_there up256 000000)" ": possession-unproven" "a key whose owner does not confirm"
like "$(last up256 detail)" 'has the key and did not sign' "is told apart"
agent_with "$(key_of up256)"
is "$(sudo_there up256 "$(code_of "$secret")")" "root: ok" "and after all of that it works"

# A key that is bound to destinations never signs for us. The agent does not show it where it may
# not be used; shows it where it may be used to go on; and knows nothing of the way where it is
# asked without ssh in between.
ssh-keygen -q -t ed25519 -N '' -f "$work/elsewhere_key"
{
	cat "$work/known_hosts"
	echo "elsewhere.test $(cut -d' ' -f1,2 "$work/elsewhere_key.pub")"
} >"$work/hosts"
bound_to() { # DESTINATION...: up256's key, for these alone
	add_options="-H $work/hosts $(printf -- '-h %s ' "$@")" agent_with "$(key_of up256)"
}
bound_to "up256@[127.0.0.1]:$port"
is "$(sudo_there up256 000000)" ": no-certificate" "a key that is bound to logins here"
like "$(last up256 detail)" 'has neither the key of a registered certificate' "is not shown here"
bound_to "[127.0.0.1]:$port" "[127.0.0.1]:$port>up256@elsewhere.test"
is "$(sudo_there up256 000000)" ": possession-unproven" "one that may be used to go on from here"
like "$(last up256 detail)" 'has the key and did not sign' "is shown, and does not sign"

# security keys: their certificate is of the key that they hold
mkdir -m 755 /run/sk
for kind in ecdsa-sk:P-256 ed25519-sk:ed25519; do
	user=u$(echo "${kind%:*}" | tr -d -)
	account "$user"
	pki_client issuing "$user" "${kind#*:}"
	register "$user" issuing
	secret=$(enroll "$user")
	install -m 600 "$pki/issuing/$user.key" /run/sk/key.pem
	touch /run/sk/touched
	ssh-keygen -q -t "${kind%:*}" -w /usr/local/lib/touch.so -N '' -f "$work/$user" \
		>>"$work/ssh-keygen.log" 2>&1 || die "ssh-keygen -t ${kind%:*} failed"
	add_options='-S /usr/local/lib/touch.so' agent_with "$(key_of mallory)" "$work/$user"
	is "$(sudo_there "$user" "$(code_of "$secret")")" "root: ok" "${kind%:*}, touched"
	rm /run/sk/touched
	is "$(sudo_there "$user" 000000)" ": possession-unproven" "${kind%:*}, not touched"
	like "$(last "$user" detail)" 'nobody touched the security key' "is refused for that"
done

# carried, registered nowhere
account wanderer
pki_client issuing wanderer
secret=$(enroll wanderer)
cat "$pki/issuing/wanderer.pem" "$pki/issuing/ca.pem" >"$work/chain.pem"
cp "$(key_of wanderer)" "$work/carried"
doublelock ssh-carry --cert "$work/chain.pem" --key "$work/carried" --user wanderer \
	-o "$work/carried-cert.pub" >>"$work/carry.log" 2>&1 || die "ssh-carry failed"
agent_with "$work/carried"
is "$(sudo_there wanderer "$(code_of "$secret")")" "root: ok" "a carried certificate"

# by the agent, which makes the challenge then and hears its answer
echo 'auth required pam_doublelock.so agent=/run/doublelock/module.sock' >/etc/pam.d/sudo
printf '%s\n' 'account required pam_permit.so' 'session required pam_permit.so' >>/etc/pam.d/sudo
start_agent
until_true test -S /run/doublelock/module.sock
secret=$(enroll up256 --label third)
agent_with "$(key_of up256)"
is "$(sudo_there up256 "$(code_of "$secret")"), $(last up256 possession)" "root: ok, ssh-agent" \
	"doublelockd judges as well"
agent_with "$(key_of mallory)"
is "$(sudo_there up256 000000)" ": no-certificate" "and refuses"
stop "$agent_pid"
printf '%s\n' 'auth required pam_doublelock.so' 'account required pam_permit.so' \
	'session required pam_permit.so' >/etc/pam.d/sudo

# su asks for the certificate of who asks, not of root
agent_with "$(key_of up384)"
is "$(there up384 'su -c "id -un" </dev/null')" root "su with subject=ruser"
is "$(last up384 user): $(last up384 detail)" "up384: accepted, to act for root" \
	"is on record as theirs"
is "$(there up521 'su -c "id -un" </dev/null'): $(last_reason up521)" ": no-certificate" \
	"somebody else's agent opens nothing by it"

# sockets that the user can name and that are no agent of theirs, without ssh in between
local_sudo() { # USER SOCKET
	echo "$(setpriv --reuid="$1" --regid="$(id -g "$1")" --clear-groups env -i \
		PATH=/usr/bin:/bin ${2:+SSH_AUTH_SOCK="$2"} timeout 100 \
		sudo -S -p '' id -un </dev/null 2>>"$work/sudo.log"): $(last_reason "$1")"
}
agent_with "$(key_of up256)"
chmod 666 "$agent"
is "$(local_sudo up256 "$agent")" ": possession-unproven" "another user's agent"
like "$(last up256 detail)" 'leads to a process of another user' "is not asked"
is "$(local_sudo up256 "$work")" ": possession-unproven" "a directory is no agent"
is "$(local_sudo up256 "relative/path")" ": possession-unproven" "nor a path that is not whole"
like "$(last up256 detail)" 'leads to no agent that answers' "and says so"
mkdir -m 777 /tmp/own
setpriv --reuid=up256 --regid="$(id -g up256)" --clear-groups \
	socat UNIX-LISTEN:/tmp/own/silent,fork SYSTEM:'sleep 1000' &
silent_pid=$!
until_true test -S /tmp/own/silent
is "$(local_sudo up256 /tmp/own/silent)" ": possession-unproven" "an agent that never answers"
like "$(last up256 detail)" 'did not answer in time' "is not waited for"
stop "$silent_pid"
install -o up256 -m 600 "$(key_of up256)" /tmp/own/key
install -m 644 "$work/hosts" /tmp/own/hosts
as_up256() { setpriv --reuid=up256 --regid="$(id -g up256)" --clear-groups "$@"; }
as_up256 env -u LD_PRELOAD ssh-agent -D -a /tmp/own/agent >>"$work/ssh-agent.log" 2>&1 &
local_pid=$!
until_true test -S /tmp/own/agent || die "no ssh-agent"
SSH_AUTH_SOCK=/tmp/own/agent as_up256 ssh-add -q -H /tmp/own/hosts -h "[127.0.0.1]:$port" \
	/tmp/own/key 2>>"$work/ssh-add.log" || die "ssh-add -h failed"
is "$(local_sudo up256 /tmp/own/agent)" ": possession-unproven" "a key that is bound, without ssh in between"
like "$(last up256 detail)" 'has the key and did not sign' "is shown, and does not sign"
stop "$local_pid"

# revoked between two calls, and the agent still has the key
agent_with "$(key_of up521)"
secret=$(enroll up521 --label second)
is "$(sudo_there up521 "$(code_of "$secret")")" "root: ok" "before it is revoked"
pki_revoke issuing up521
pki_publish
is "$(sudo_there up521 "$(code_of "$secret" 1)")" ": revoked" "and after that"
like "$(syslog | grep 'doublelock-prove\[' | tail -n 1)" 'doublelock-prove\[[0-9]+\]: ' \
	"what the prover has to say is in the log"
finish
