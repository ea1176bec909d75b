# shellcheck shell=sh disable=SC2034,SC2154 # what is set here others use, and work is of lib.sh
# SPDX-License-Identifier: MIT
# own_sshd.sh - a machine's logins as they are, and its own sshd; sourced after lib.sh.

# Everything that our packages could have left behind, and the state of all logins.
traces() {
	find / -xdev \( -path /t -o -path /proc -o -path /dev -o -path /run -o -path /tmp \
		-o -path /var/log -o -path /var/lib/apt -o -path /var/cache/apt \) -prune \
		-o -iname '*doublelock*' -print
	grep -rl doublelock /etc --exclude=passwd --exclude=passwd- --exclude=group \
		--exclude=group- --exclude=shadow --exclude=shadow- --exclude=gshadow \
		--exclude=gshadow- 2>/dev/null
}
logins() { find /etc/pam.d /etc/ssh -type f -exec sha256sum {} + | sort; }

# The machine's own sshd with its own configuration, on a port of ours.
start_own_sshd() {
	printf 'Port %s\nListenAddress 127.0.0.1\nPerSourcePenaltyExemptList 127.0.0.1\n' "$port" \
		>/etc/ssh/sshd_config.d/port.conf
	/usr/sbin/sshd -t 2>/dev/null || sed -i /PerSource/d /etc/ssh/sshd_config.d/port.conf
	: >"$work/sshd.log"
	/usr/sbin/sshd -D -e 2>>"$work/sshd.log" &
	sshd_pid=$!
	until_true grep -q 'Server listening' "$work/sshd.log" || die "sshd did not start"
	echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)" \
		>"$work/known_hosts"
}
