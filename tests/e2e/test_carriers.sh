#!/bin/sh
# SPDX-License-Identifier: MIT
# test_carriers - every way to present a certificate with every kind of key: let in, refused where
# nobody trusts the CA, let in again, and refused once it is revoked. All of it without the agent,
# which has only been there to read the directory, and for users whose ~/.pam_environment speaks
# of somebody else's key and SSH agent.
#
# What else there is of each stands in scripts of their own:
#              registered  dropped    ldap            carried       x509          agent          token
#   code       test_login  as those   test_ldap       test_carry    test_carry    test_sudo      test_token
#   others'    test_login             test_ldap       test_carry    test_carry    test_sudo      test_token
#   sk keys    -           -          -               -             -             test_sudo      -
#   oversized  here        here       test_directory  test_carry    here          test_prove     test_token
#   hostile    test_first             test_ldap       test_carry    test_carry    test_prove     test_token
#   fuzzed     fuzz_cert   fuzz_cert  fuzz_cert       fuzz_carrier  fuzz_sshx509  fuzz_sshagent  fuzz_proof
. "$(dirname "$0")/lib.sh"

install_doublelock
pki_usual
. "$top/tests/e2e/hsm.sh"
. "$top/tests/e2e/slapd.sh"
install -m 755 "$B/tests/e2e/pamlogin" /usr/local/bin/pamlogin
mount -t tmpfs -o mode=1777 e2e /tmp
configure_ldap
sed -i 's/^otp = required/otp = none/' $etc/doublelock.conf
cat >>$etc/doublelock.conf <<-END
	[service sudo]
	certificate = ssh-agent
	otp = none
	[service login]
	certificate = token
	otp = none
END
for service in sshd sudo login; do
	printf '%s\n' 'auth required pam_env.so user_readenv=1' 'auth required pam_doublelock.so' \
		'account required pam_permit.so' 'session required pam_permit.so' >/etc/pam.d/$service
done
printf '%s\n' 'Defaults timestamp_timeout=0' 'ALL ALL=(ALL) ALL' >/etc/sudoers.d/e2e

carriers='registered dropped ldap carried x509 agent token'
algorithms='rsa P-256 P-384 P-521 ed25519'
user_of() { echo "$1-$2" | tr P p; } # CARRIER ALGORITHM
each() { # COMMAND: of all of them
	for carrier in $carriers; do
		for algorithm in $algorithms; do
			"$1" "$(user_of "$carrier" "$algorithm")"
		done
	done
}
x509_type() {
	case $algorithm in
	rsa) echo x509v3-rsa2048-sha256 ;;
	ed25519) echo x509v3-ssh-ed25519 ;;
	*) echo "x509v3-ecdsa-sha2-nistp${algorithm#P-}" ;;
	esac
}
as() { # USER COMMAND
	as_user=$1
	shift
	setpriv --reuid="$as_user" --regid="$(id -g "$as_user")" --clear-groups "$@"
}

begin() { # USER: whose certificate gets to where the carrier has it
	account "$1"
	pki_client issuing "$1" "$algorithm"
	case $carrier in
	registered) register "$1" issuing ;;
	dropped)
		install -d -m 755 "$etc/certs.d/$1"
		install -m 644 "$pki/issuing/$1.pem" "$etc/certs.d/$1/any name.pem"
		;;
	ldap) entry "$1" "$pki/issuing/$1.pem" >>"$work/entries" ;;
	carried)
		cat "$pki/issuing/$1.pem" "$pki/issuing/ca.pem" >"$work/carry.pem"
		doublelock ssh-carry --cert "$work/carry.pem" --key "$pki/issuing/$1.key.ssh" \
			--user "$1" >>"$work/carry.log" 2>&1 || die "ssh-carry failed"
		;;
	x509) x509_key "$(x509_type)" "$pki/issuing/$1.pem" "$pki/issuing/ca.pem" >"$work/$1.x509" ;;
	agent)
		register "$1" issuing
		install -d -o "$1" -m 700 "/tmp/$1"
		install -o "$1" -m 600 "$pki/issuing/$1.key.ssh" "/tmp/$1/key"
		as "$1" ssh-agent -a "/tmp/$1/agent" >>"$work/ssh-agent.log" 2>&1 ||
			die "no ssh-agent"
		SSH_AUTH_SOCK=/tmp/$1/agent as "$1" ssh-add -q "/tmp/$1/key" 2>>"$work/ssh-add.log" ||
			die "ssh-add failed"
		;;
	token)
		register "$1" issuing
		token "$1"
		key_onto "$1" "$pki/issuing/$1.key"
		certificate_onto "$1" "$pki/issuing/$1.pem"
		;;
	esac
	printf '%s OVERRIDE="%s"\n' SSH_AUTH_INFO_0 "publickey $(cut -d' ' -f1,2 "$pki/issuing/other.key.ssh.pub")" \
		SSH_AUTH_SOCK /tmp/agent-rsa/agent SSH_CONNECTION '192.0.2.1 1 192.0.2.1 1' \
		>"/run/home/$1/.pam_environment"
}

enter() { # USER: $login is in or out
	case $carrier in
	x509)
		said=$(printf 'publickey %s\n' "$(cat "$work/$1.x509")" |
			with_module /usr/local/bin/pamlogin sshd "$1" none 1 2>>"$work/pamlogin.log")
		;;
	token)
		said=$(PIN=$pin with_module /usr/local/bin/pamlogin login "$1" none 1 \
			</dev/null 2>>"$work/pamlogin.log")
		;;
	agent)
		said=$(as "$1" env -i PATH=/usr/bin:/bin SSH_AUTH_SOCK="/tmp/$1/agent" timeout 100 \
			sudo -S -p '' id -un </dev/null 2>>"$work/sudo.log")
		;;
	*) ssh_login "$1" "$pki/issuing/$1.key.ssh" && return ;;
	esac
	case $said in
	'1 of 1, '* | root) login=in ;;
	*) login=out ;;
	esac
}
wanted=
try() { # USER
	login=out
	enter "$1"
	is "$login: $(last_reason "$1")" "$wanted" "$1: $wanted"
}

pki_client issuing other
ssh-keygen -y -f "$pki/issuing/other.key.ssh" >"$pki/issuing/other.key.ssh.pub"
: >"$work/entries"
each begin
people "$work/entries"
doublelock enroll "$(user_of registered rsa)" --json </dev/null >"$work/enroll.log" 2>&1 # the record
start_sshd
start_slapd
start_agent
until_true cached 5
is "$(count_cached)" 5 "the directory has been read"
stop "$agent_pid"
stop "$slapd_pid"
load_into_all # slapd stands still with ASan in it

wanted="in: ok"
each try
mv $etc/trust.d/root.pem "$work/root.pem"
pki_root alien
install -m 644 "$pki/alien/ca.pem" $etc/trust.d/alien.pem
wanted="out: untrusted-issuer"
each try
mv "$work/root.pem" $etc/trust.d/root.pem
wanted="in: ok"
every=$algorithms algorithms=ed25519
each try
algorithms=$every
# Certificates of 120 kB, whose owner is right: one that is too large is none, and takes nothing
# from those beside it.
big() { # USER: has one more
	pki_sign issuing "$1" "$pki/issuing/$1.key" "$work/$1.big.pem" big-client -days 30
}
cat >>"$pki/openssl.cnf" <<-'END'
	[big-client]
	keyUsage = critical,digitalSignature
	extendedKeyUsage = clientAuth
	subjectAltName = email:$ENV::EMAIL
	authorityKeyIdentifier = keyid:always
	nsComment = $ENV::COMMENT
	nsBaseUrl = $ENV::COMMENT
END
algorithm=rsa
for carrier in dropped registered x509; do
	user=$(user_of $carrier rsa)
	comment=$(head -c 60000 /dev/zero | tr '\0' x) big "$user"
	wanted='in: ok'
	case $carrier in
	dropped) install -m 644 "$work/$user.big.pem" "$etc/certs.d/$user/big.pem" ;;
	registered)
		said=$(doublelock cert add "$user" "$work/$user.big.pem" 2>&1)
		is "$?" 1 "a certificate of 120 kB is not registered"
		like "$said" 'certificate-malformed: the certificate is longer than 65536 octets' "and why"
		;;
	x509)
		cp "$work/$user.x509" "$work/kept.x509"
		x509_key "$(x509_type)" "$work/$user.big.pem" "$pki/issuing/ca.pem" >"$work/$user.x509"
		wanted='out: certificate-malformed'
		;;
	esac
	try "$user"
done
mv "$work/kept.x509" "$work/$user.x509"

revoke() { pki_openssl issuing ca -revoke "$pki/issuing/$1.pem" -crl_reason keyCompromise; }
each revoke
pki_crl issuing
pki_publish
wanted="out: revoked"
each try
finish
