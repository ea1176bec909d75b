#!/bin/sh
# SPDX-License-Identifier: MIT
# test_guide - docs/guides/ssh-bastion.md, as it is written: the commands of its steps are read
# from the file and run in order. Only what a CA and a laptop do is done here.
. "$(dirname "$0")/lib.sh"

guide=$top/docs/guides/ssh-bastion.md
. "$top/tests/e2e/guide.sh"

# The sources as somebody has them who has just built them; the programs are not built again.
cp -r "$top/packaging" "$tree/"
# shellcheck disable=SC2016 # make's own
printf 'all:\n\ninstall:\n\t$(MAKE) -C %s B=%s install\n' "$top" "$B" >"$tree/Makefile"

mkdir -p $etc
ca_of_the_guide
certificate_of alice
account alice
without_systemd

for step in 1 2 3 4 5 6; do follow $step; done
like "$(cat "$work/step5.log")" '^accept ok$' "alice's certificate is accepted"
is "$(cat /run/systemctl)" "reload ssh" "sshd is told to read its files again"

start_real_sshd
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
