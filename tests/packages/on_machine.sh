#!/bin/sh
# SPDX-License-Identifier: MIT
# on_machine - the life of the packages on a fresh machine: installed, configured by the guide,
# logged in to, upgraded, removed, purged. Runs on a machine of tests/packages/machine, which
# has the packages in /t/old and /t/new, the guide's commands in /t/guide.sh and /t/away.sh.
# shellcheck source=tests/e2e/lib.sh disable=SC2154,SC2086
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/own_sshd.sh"
mkdir -p "$work"

install_packages() {
	apt-get install -qq -y --no-install-recommends "$@" >>"$work/apt.log" 2>&1
	echo $?
}

# While the code is asked for, the helper waits: how much is left to it?
make_curious_askpass() {
	cat >"$work/askpass" <<-'END'
		#!/bin/sh
		printf '%s\n' "$1" >>"$ASKED"
		for status in /proc/[0-9]*/status; do
			grep -q '^Name:.doublelock-help' "$status" && cat "$status" >"$ASKED.helper"
		done
		printf '%s\n' "$CODE"
	END
	chmod 700 "$work/askpass"
}
of_helper() { sed -n "s/^$1:[[:space:]]*//p" "$work/asked.helper"; }

# --- installed: nothing has changed for anybody

before=$(logins)
is "$(install_packages /t/old/*.deb)" 0 "the packages install"
is "$(logins)" "$before" "no stack and no sshd_config has changed"
is "$(stat -c '%a %U' $state) $(stat -c '%a %U' $etc)" "711 doublelock 755 root" \
	"state is the judge's, configuration is root's"
is "$(systemctl is-enabled doublelockd.service doublelockd.socket 2>/dev/null | tr '\n' ' ')" \
	"disabled disabled " "no daemon was enabled"

# --- configured, as the guide says

pki_root root
pki_issuing issuing root
pki_client issuing alice
mkdir -p "$work/site" /run/sshd # where sshd -t looks, and no sshd has run yet
cp "$pki/root/ca.pem" "$work/site/root.pem"
cp "$pki/issuing/ca.pem" "$work/site/issuing.pem"
cp "$pki/root/crl.pem" "$work/site/root.crl"
cp "$pki/issuing/crl.pem" "$work/site/issuing.crl"
cp "$pki/issuing/alice.pem" /t/old/*.deb "$work/site/"
echo alice,phone >"$work/site/users.csv"
account alice
cd "$work/site" || die "no directory"
guide() { sh -eux "$1" >>"$work/guide.log" 2>&1; echo $?; }
is "$(guide /t/guide.sh)" 0 "the commands of the guide run"
secret=$(cut -d, -f4 enrolled.csv)
is "$(guide /t/guide.sh) $(cut -d, -f3 enrolled.csv)" "0 present" "and once more, changing nothing"

# --- logged in to

start_own_sshd
make_curious_askpass
key=$pki/issuing/alice.key.ssh
ssh_login alice "$key" 000000
is "$login: $(last_reason alice)" "out: otp-wrong" "a wrong code"
is "$(of_helper NoNewPrivs) $(of_helper Seccomp)" "1 2" "the helper that waited was confined"
is "$(of_helper Uid | cut -f1)" "$(id -u doublelock)" "and not root"
code=$(code_of "$secret")
ssh_login alice "$key" "$code"
is "$login: $asked" "in: (alice@127.0.0.1) Verification code: " "certificate and code let in"
ssh_login alice "$key" "$code"
is "$login: $(last_reason alice)" "out: otp-replayed" "a used code does not"

# --- upgraded: what was enrolled, used and counted is still known

is "$(install_packages /t/new/*.deb)" 0 "an upgrade, without a question"
ssh_login alice "$key" "$code"
is "$login: $(last_reason alice)" "out: otp-replayed" "a code used before it stays used"
ssh_login alice "$key" "$(code_of "$secret" 1)"
is "$login" in "certificate and code let in after it"

# --- the profile for the common stacks, and away again

pam-auth-update --enable doublelock >>"$work/apt.log" 2>&1
like "$(grep -v '^#' /etc/pam.d/common-auth)" '^auth.*required.*pam_doublelock.so' \
	"the profile can be enabled"
stop "$sshd_pid"
is "$(guide /t/away.sh)" 0 "the commands that take it away run"
is "$(grep -rl doublelock /etc/pam.d)" "" "no stack names the module that has gone"
is "$(test -s $state/state.db && test -s $etc/seal.key && echo kept)" kept \
	"remove keeps state and key"
is "$(install_packages /t/new/*.deb) $(doublelock events --json | wc -l | grep -c '^[1-9]')" "0 1" \
	"installed again, the record is there"
apt-get purge -qq -y doublelock libpam-doublelock >>"$work/apt.log" 2>&1
rm -f /etc/ssh/sshd_config.d/port.conf /var/backups/pam.sshd
is "$(traces)" "" "purge leaves nothing"
is "$(logins)" "$before" "and every login as it was"
finish
