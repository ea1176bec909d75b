#!/bin/sh
# SPDX-License-Identifier: MIT
# test_guide - docs/guides/ssh-bastion.md, as it is written: the commands of its steps are read
# from the file and run in order. Only what a CA and a laptop do is done here.
. "$(dirname "$0")/lib.sh"

guide=$top/docs/guides/ssh-bastion.md
mkdir -p "$work"

# commands STEP, lines STEP: the indented lines of that step which are for the shell of the
# bastion, and those which are for doublelock.conf
step_of() { sed -n "/^## $1\./,/^## [^$1]/p" "$guide" | sed -n 's/^    //p'; }
commands() { step_of "$1" | sed '/^\[/,$d' | grep -v '^laptop\$'; }
lines() { step_of "$1" | sed -n '/^\[/,$p'; }

# What a person does at `enroll`: scans the secret, and types the code that it gives.
secret_shown() { sed -n 's/^ *secret  *//p' "$1" | grep .; }
answer() { # COMMANDS LOG
	grep -q enroll "$1" || return
	until_true secret_shown "$2" >/dev/null
	code_of "$(secret_shown "$2")"
}

# follow STEP: its commands are run where the sources are
follow() {
	log=$work/step$1.log
	commands "$1" >"$work/step$1"
	: >"$log"
	# shellcheck disable=SC2094 # what is shown there is typed here
	answer "$work/step$1" "$log" | (cd "$tree" && sh -e -x "$work/step$1") >>"$log" 2>&1
	is "$?" 0 "step $1"
}

# The sources as somebody has them who has just built them; the programs are not built again.
tree=$work/tree
mkdir -p "$tree"
cp -r "$top/packaging" "$tree/"
# shellcheck disable=SC2016 # make's own
printf 'all:\n\ninstall:\n\t$(MAKE) -C %s B=%s install\n' "$top" "$B" >"$tree/Makefile"

# the CA's part
domain=example.com
mkdir -p $etc
pki_root root
pki_issuing issuing root
pki_client issuing alice
cp "$pki/root/ca.pem" "$tree/root.pem"
cp "$pki/issuing/ca.pem" "$tree/issuing.pem"
cp "$pki/root/crl.pem" "$tree/root.crl"
cp "$pki/issuing/crl.pem" "$tree/issuing.crl"
cp "$pki/issuing/alice.pem" "$tree/alice.pem"
account alice

# what systemd does on a machine of its own
mkdir -p /run/sshd /run/bin
cat >/run/bin/systemctl <<-'END'
	#!/bin/sh
	echo "$@" >>/run/systemctl
END
chmod 755 /run/bin/systemctl
PATH=/run/bin:$PATH
rm -f /etc/ssh/sshd_config.d/*

for step in 1 2 3 4 5 6; do follow $step; done
like "$(cat "$work/step5.log")" '^accept ok$' "alice's certificate is accepted"
is "$(cat /run/systemctl)" "reload ssh" "sshd is told to read its files again"

# sshd with /etc/ssh/sshd_config, as the system starts it
ssh-keygen -q -A
echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)" >"$work/known_hosts"
penalties=
/usr/sbin/sshd -t -o PerSourcePenalties=no 2>/dev/null && penalties='-o PerSourcePenalties=no'
# shellcheck disable=SC2086 # words
(with_module /usr/sbin/sshd -D -e -p "$port" -o LogLevel=VERBOSE $penalties) 2>"$work/sshd.log" &
until_true grep -q 'Server listening on 0' "$work/sshd.log" || die "sshd did not start"
secret=$(secret_shown "$work/step5.log")
ssh_login alice "$pki/issuing/alice.key.ssh" 000000
is "$login: $(last_reason alice)" "out: otp-wrong" "a wrong code"
ssh_login alice "$pki/issuing/alice.key.ssh" "$(code_of "$secret" 1)"
is "$login, asked: $asked" "in, asked: (alice@127.0.0.1) Verification code: " \
	"step 7, the first login, with the last lines of the guide's own files"

follow 8
lines 8 >>$etc/doublelock.conf
doublelock verify --check-config >"$work/check.log" 2>&1
is "$?" 0 "the configuration is right after step 8"

# someone leaves
fingerprint=$(doublelock cert list alice --json | jq -r '.[0].fingerprint')
doublelock cert remove alice "$fingerprint" >"$work/remove.log" 2>&1
ssh_login alice "$pki/issuing/alice.key.ssh" "$(code_of "$secret" 1)"
is "$login after $prompts prompts" "out after 0 prompts" "a certificate that was removed"
finish
