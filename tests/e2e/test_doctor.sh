#!/bin/sh
# SPDX-License-Identifier: MIT
# test_doctor - a machine that is in order, and then everything that takes a lock away, one by
# one: each is found, named, and told what to change.
. "$(dirname "$0")/lib.sh"

install_doublelock
pki_usual
configure </dev/null
account alice
pki_client issuing alice
register alice issuing
enroll alice >/dev/null
start_sshd
cp $etc/doublelock.conf "$work/good.conf"
cp /etc/pam.d/sshd "$work/good.pam"
cp "$work/sshd_config" "$work/good.sshd"

# doctor: its exit code in $code, its words in $said
doctor() {
	said=$(doublelock doctor --sshd-config "$work/sshd_config" 2>&1)
	code=$?
}
heal() {
	cp "$work/good.conf" $etc/doublelock.conf
	cp "$work/good.pam" /etc/pam.d/sshd
	cp "$work/good.sshd" "$work/sshd_config"
}
# ill PATTERN NAME: it is critical, and named
ill() {
	doctor
	like "$code $said" "^1 (.|$)*" "$2: exit 1"
	like "$said" "^critical +$1" "$2: named"
	heal
}

doctor
is "$code" 0 "a machine in order"
like "$said" 'nothing critical was found' "and it says so"
like "$(doublelock doctor --json --sshd-config "$work/sshd_config")" '"good": ?true' "as JSON"

# sshd
sed -i 's/^KbdInteractiveAuthentication.*/KbdInteractiveAuthentication no/; s/^AuthenticationMethods.*/AuthenticationMethods publickey/' "$work/sshd_config"
ill "sshd: kbdinteractiveauthentication is 'no'" "no keyboard-interactive"
sed -i 's/^AuthenticationMethods.*/AuthenticationMethods publickey publickey,keyboard-interactive/' "$work/sshd_config"
ill "sshd: authenticationmethods has 'publickey'" "an alternative with one lock"
sed -i 's/^AuthenticationMethods.*//' "$work/sshd_config"
ill "sshd: authenticationmethods has 'any'" "any method"
sed -i 's/^UsePAM.*/UsePAM no/' "$work/sshd_config"
ill "sshd: usepam is 'no'" "no PAM"
sed -i 's/^AuthorizedKeysCommand .*/AuthorizedKeysCommand none/; s/^AuthorizedKeysCommandUser.*//' "$work/sshd_config"
ill "sshd: authorizedkeyscommand is 'none'" "keys that are not ours"
sed -i 's/^AuthorizedKeysFile.*/AuthorizedKeysFile .ssh\/authorized_keys/' "$work/sshd_config"
doctor
like "$said" "^warning +sshd: authorizedkeysfile" "keys of the users' own"
heal
printf 'Match User bob\n\tAuthenticationMethods publickey\n' >>"$work/sshd_config"
doctor
like "$said" "^warning +sshd: Match blocks" "Match blocks"
heal

# PAM
printf 'auth sufficient pam_unix.so\nauth required pam_doublelock.so\n' >/etc/pam.d/sshd
ill "pam.d/sshd: somebody gets in without us: sshd:1 pam_unix.so succeeds" "sufficient before us"
printf 'auth include common-auth\nauth [success=ok default=ignore] pam_doublelock.so\n' >/etc/pam.d/sshd
ill "pam.d/sshd: somebody gets in without us" "default=ignore"
printf '@include common-auth\n' >/etc/pam.d/sshd
ill "pam.d/sshd: its auth stack does not ask us" "a stack without us"
rm /etc/pam.d/sshd
ill "pam.d/sshd: \[service sshd\] is configured, and its stack cannot be read" "no stack at all"
printf 'auth required pam_doublelock.so\nauth required pam_doublelock.so\n' >/etc/pam.d/sshd
doctor
like "$said" "^warning +pam.d/sshd: pam_doublelock.so stands in it more than once" "twice in a stack"
heal
printf 'auth required pam_doublelock.so\n' >/etc/pam.d/other-service
doctor
like "$said" "^warning +pam.d/other-service: it asks us, and there is no" "a service that is not configured"
rm /etc/pam.d/other-service
cat >>$etc/doublelock.conf <<-END
	mode = observe
	observe-until = 2099-01-01
END
ill "pam.d/sshd: \[service sshd\] only observes, and no other module" "a trial with nothing beside it"

# the configuration, lists of revocation, the record
echo nonsense >>$etc/doublelock.conf
ill "config: $etc/doublelock.conf:[0-9]+:" "a configuration with a line that is none"
sed -i '/rule/d' $etc/doublelock.conf
ill "policy: no rule says whom" "no rule"
mv $etc/crl.d "$work/crl.d"
ill "crl: there is no CRL" "no CRL"
mv "$work/crl.d" $etc/crl.d
chmod o+w $etc/trust.d
ill "config: .*trust.d" "trust.d that anybody can write to"
chmod o-w $etc/trust.d
mkdir -m 777 /run/open
cp $etc/trust.d/root.pem /run/open/
printf '[trust]\nanchors = /run/open/root.pem\n' >>$etc/doublelock.conf
ill "paths: somebody else can change /run/open/root.pem" "a directory above that anybody can write to"
mv $etc/seal.key "$work/seal.key"
ill "record: .*seal.key" "no sealing key"
mv "$work/seal.key" $etc/seal.key
printf '[revocation]\nmode = prefer\ngrace = 1h\n' >>$etc/doublelock.conf
doctor
is "$code" 0 "relaxations are not critical"
like "$said" '^warning +policy: relaxations are in force: prefer grace' "but named"
heal
pki_crl issuing -crlhours 1
install -m 644 "$pki/issuing/crl.pem" $etc/crl.d/issuing.pem
doctor
is "$code" 0 "a fresh list of an hour"
pki_client issuing soon P-256 -days 3
account soon
register soon issuing
doctor
like "$said" "^warning +certificates: the last certificate of 'soon' ends" "a certificate that ends soon"

like "$(doublelock doctor --accept-clock)" '^decisions go on from' "--accept-clock"
is "$(doublelock doctor --nonsense >/dev/null 2>&1; echo $?)" 2 "usage"
finish
