# shellcheck shell=sh disable=SC2034,SC2154 # what is set here others use; work and top are of lib.sh
# SPDX-License-Identifier: MIT
# guide.sh - a guide of docs/guides as it is written: the indented lines of its numbered steps
# are read from the file and run in order, where $tree is. Sourced after lib.sh; $guide is set.

tree=$work/tree
mkdir -p "$tree"

# step_of STEP, commands STEP, lines STEP: the indented lines of that step, those of them which are
# for the shell of this machine, and those which are for doublelock.conf
step_of() { sed -n "/^## $1\./,/^## [^$1]/p" "$guide" | sed -n 's/^    //p'; }
commands() { step_of "$1" | sed '/^\[/,$d' | grep -v '^laptop\$'; }
lines() { step_of "$1" | sed -n '/^\[/,$p'; }
# where configuration stands in here documents: all but the laptop's, and what ssh says there
whole() { step_of "$1" | grep -vE '^(laptop\$|\()'; }

# What a person does at `enroll`: scans the secret, and types the code that it gives.
secret_shown() { sed -n 's/^ *secret  *//p' "$1" | grep .; }
answer() { # COMMANDS LOG
	grep -qE 'enroll [a-z]+$' "$1" || return
	until_true secret_shown "$2" >/dev/null
	code_of "$(secret_shown "$2")"
}

# follow STEP [whole]: its commands are run
follow() {
	log=$work/step$1.log
	"${2:-commands}" "$1" >"$work/step$1"
	: >"$log"
	[ -s "$work/step$1" ] || echo 'no commands' >>"$log"
	# shellcheck disable=SC2094 # what is shown there is typed here
	answer "$work/step$1" "$log" | (cd "$tree" && sh -e -x "$work/step$1") >>"$log" 2>&1
	is "$?$(grep -x 'no commands' "$log")" 0 "${guide##*/}, step $1"
}

# what systemd does on a machine of its own, noted in /run/systemctl
without_systemd() {
	mkdir -p /run/sshd /run/bin
	printf '#!/bin/sh\necho "$@" >>/run/systemctl\n' >/run/bin/systemctl
	chmod 755 /run/bin/systemctl
	PATH=/run/bin:$PATH
	rm -f /etc/ssh/sshd_config.d/*
}

# sshd with /etc/ssh/sshd_config, as the system starts it
start_real_sshd() {
	mkdir -p /run/sshd
	ssh-keygen -q -A
	echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)" \
		>"$work/known_hosts"
	penalties=
	/usr/sbin/sshd -t -o PerSourcePenalties=no 2>/dev/null &&
		penalties='-o PerSourcePenalties=no'
	: >"$work/sshd.log"
	# shellcheck disable=SC2086 # words
	(with_module /usr/sbin/sshd -D -e -p "$port" -o LogLevel=VERBOSE $penalties) \
		2>>"$work/sshd.log" &
	sshd_pid=$!
	until_true grep -q 'Server listening on 0' "$work/sshd.log" || die "sshd did not start"
}

# A CA of the guide's example.com, its files as they come from there.
ca_of_the_guide() {
	domain=example.com
	pki_root root
	pki_issuing issuing root
	cp "$pki/root/ca.pem" "$tree/root.pem"
	cp "$pki/issuing/ca.pem" "$tree/issuing.pem"
	cp "$pki/root/crl.pem" "$tree/root.crl"
	cp "$pki/issuing/crl.pem" "$tree/issuing.crl"
}
certificate_of() { # USER
	pki_client issuing "$1"
	cp "$pki/issuing/$1.pem" "$tree/$1.pem"
}
