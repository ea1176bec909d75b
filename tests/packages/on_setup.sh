#!/bin/sh
# SPDX-License-Identifier: MIT
# on_setup - the first five minutes on a fresh machine: the packages, 'doublelock setup' with
# all that it would ask as options, and a login through the machine's own sshd. Then the change
# is put back, and the packages go.
# shellcheck source=tests/e2e/lib.sh disable=SC2154,SC2086
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/own_sshd.sh"
mkdir -p "$work" /run/sshd

# the CA's part, and the machine's
pki_root root
pki_issuing issuing root
pki_client issuing alice
account alice
groupadd --system breakglass
before=$(logins)

begin=$(date +%s)
cd /t/new || die "no packages"
apt-get install -qq -y --no-install-recommends ./doublelock_*.deb ./libpam-doublelock_*.deb \
	>"$work/apt.log" 2>&1
is "$?" 0 "the packages install"
doublelock setup --ca "$pki/root/ca.pem" --ca "$pki/issuing/ca.pem" \
	--crl "$pki/root/crl.pem" --crl "$pki/issuing/crl.pem" \
	--sample "$pki/issuing/alice.pem" --rule san-email:%u@example.test \
	--services ssh --admin alice --break-glass breakglass --yes --json \
	>"$work/setup.json" 2>"$work/setup.log"
is "$?" 0 "setup ends well"
is "$(jq -r 'select(.step == "doctor").answer.findings[] | select(.severity == "critical").what' \
	"$work/setup.json")" "" "doctor has nothing critical"
start_own_sshd
key=$pki/issuing/alice.key.ssh
secret=$(jq -r 'select(.step == "enroll").answer.secret' "$work/setup.json")
ssh_login alice "$key" 000000
is "$login: $(last_reason alice)" "out: otp-wrong" "a wrong code"
ssh_login alice "$key" "$(code_of "$secret")"
is "$login, asked: $asked" "in, asked: (alice@127.0.0.1) Verification code: " \
	"certificate and code let in"
echo "# $(($(date +%s) - begin)) seconds from the packages to the first login"
is "$(doublelock doctor >"$work/doctor.log"; echo $?)" 0 "doctor is green afterwards"

# nobody confirmed: back to what was there, by hand here
rm -f /etc/ssh/sshd_config.d/port.conf
doublelock setup rollback >>"$work/setup.log" 2>&1
is "$?: $(logins)" "0: $before" "put back: every login as it was"
apt-get purge -qq -y doublelock libpam-doublelock >>"$work/apt.log" 2>&1
is "$(traces)" "" "purge leaves nothing"
finish
