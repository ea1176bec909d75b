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

sed -i 's/^MaxStartups.*/MaxStartups 10:30:100/' "$work/sshd_config"
doctor
like "$said" "^warning +sshd: maxstartups begins with 10" "few places for those who look for a code"
like "$said" "^ +MaxStartups 100:30:200$" "and the line to change"
heal
echo 'LoginGraceTime 20' >>"$work/sshd_config"
doctor
like "$said" "^warning +sshd: logingracetime is 20" "little time to find a code"
heal
echo 'LoginGraceTime 0' >>"$work/sshd_config"
doctor
like "$said" "^warning +sshd: logingracetime is 0" "connections that wait for ever"
like "$code $said" "^0 (.|$)*" "none of which is critical"
heal

# PAM
printf 'auth sufficient pam_unix.so\nauth include common-auth\nauth required pam_doublelock.so\n' >/etc/pam.d/sshd
cp /etc/pam.d/common-auth "$work/common-auth"
echo 'auth sufficient pam_sss.so' >/etc/pam.d/common-auth
doctor
cp "$work/common-auth" /etc/pam.d/common-auth
like "$said" "^critical +pam.d/sshd: somebody gets in without us: sshd:1 pam_unix.so succeeds$" \
	"sufficient in the stack"
like "$said" "^critical +pam.d/sshd: .*, common-auth:1 pam_sss.so succeeds$" \
	"sufficient under include: each way is named"
heal
printf 'auth [success=1 default=ignore] pam_unix.so\nauth required pam_doublelock.so\nauth required pam_permit.so\n' >/etc/pam.d/sshd
ill "pam.d/sshd: somebody gets in without us: sshd:1 pam_unix.so succeeds, sshd:3 pam_permit.so succeeds$" \
	"a jump over us"
printf 'auth required pam_permit.so\n' >/etc/pam.d/sshd
ill "pam.d/sshd: its auth stack does not ask us" "a stack that only permits"
{ cat "$work/good.pam" && echo 'session required pam_env.so user_readenv=1'; } >/etc/pam.d/sshd
doctor
like "$said" "^warning +pam.d/sshd: sshd:4 pam_env.so reads ~/.pam_environment" \
	"an environment that users write"
heal
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
printf '[revocation]\nexport = %s/export\n' $state >>$etc/doublelock.conf
doctor
like "$said" '^warning +export: .*/crl.pem: No such file' "what gateways are to read is not there"
doublelock crl refresh >"$work/refreshed" 2>&1
doctor
is "$(printf '%s\n' "$said" | grep -c ' export: ')" 0 "but then it is"
chmod 700 $state
doctor
like "$said" "^warning +export: $state keeps others" "a directory above that nobody can pass"
chmod 711 $state
rm -r $state/export
heal
# shellcheck disable=SC2119
pki_openssl issuing ca -gencrl -crl_lastupdate 20200101000000Z -crl_nextupdate 20200108000000Z \
	-out "$work/old.pem"
install -m 644 "$work/old.pem" $etc/crl.d/issuing.pem
ill "crl: .*issuing.pem.* is stale since 2020-01-08" "a list that is stale"
pki_crl issuing -crlhours 1
install -m 644 "$pki/issuing/crl.pem" $etc/crl.d/issuing.pem
doctor
is "$code" 0 "a fresh list of an hour"
pki_client issuing soon P-256 -days 3
account soon
register soon issuing
doctor
like "$said" "^warning +certificates: the last certificate of 'soon' ends" "a certificate that ends soon"

# an anchor that ends soon, and one that has ended
for days in 10 0; do
	openssl req -x509 -new -key "$pki/root/ca.key" -subj /CN=ending -days $days \
		-addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign,cRLSign \
		-out $etc/trust.d/ending$days.pem 2>>"$work/pki.log"
done
chmod 644 $etc/trust.d/*
doctor
like "$said" '^warning +trust: .*ending.* expires ' "an anchor that ends soon"
rm $etc/trust.d/ending*.pem

# the webhook: nobody listens there
echo "whsec_$(head -c 32 /dev/urandom | base64)" >$etc/webhook.secret
chown root:doublelock $etc/webhook.secret
chmod 640 $etc/webhook.secret
printf '[webhook]\nurl = http://127.0.0.1:8088/\nsecret-file = %s\n' $etc/webhook.secret >>$etc/doublelock.conf
doctor
like "$code $said" '^0 (.|$)*' "a receiver that is away is not critical"
like "$said" '^warning +webhook: http://127.0.0.1:8088/ cannot be reached: .*8088' "but named"
start_receiver
doctor
is "$(printf '%s\n' "$said" | grep -c 'cannot be reached')" 0 "one that listens is reached"
heal

# services whose users prove their key to us
proving() {
	cat >>$etc/doublelock.conf <<-END
		[service sudo]
		certificate = ssh-agent
		[service login]
		certificate = token
	END
	for service in sudo login; do
		printf 'auth required pam_doublelock.so\n' >/etc/pam.d/$service
	done
}
proving
doctor
is "$(printf '%s\n' "$said" | grep -cE '^(critical|warning) +service (sudo|login):')" 0 \
	"all is there that they need"
chmod a-x /usr/libexec/doublelock/doublelock-prove
ill 'service sudo: .*/doublelock-prove: ' "nobody has an agent sign"
chmod a+x /usr/libexec/doublelock/doublelock-prove
proving
userdel doublelock-token
ill 'service login: there is no user doublelock-token' "nobody asks cards"
useradd --system --user-group --no-create-home --shell /usr/sbin/nologin doublelock-token
proving
rm -f /etc/pkcs11/modules/*.module /usr/share/p11-kit/modules/[!p]*.module
doctor
like "$said" '^warning +service login: p11-kit has no module' "nothing reads cards"
heal

# what somebody else could replace
chmod o+w /usr/libexec/doublelock/doublelock-helper
ill "paths: somebody else can change /usr/libexec/doublelock/doublelock-helper" "the judge itself"
chmod o-w /usr/libexec/doublelock/doublelock-helper

# the kernel's word on the clock, spoken by a stand-in
for synchronised in no yes; do
	said=$(SYNCHRONISED=$synchronised LD_PRELOAD="$asan $B/tests/e2e/clock.so" \
		doublelock doctor --sshd-config "$work/sshd_config" 2>&1)
	is "$synchronised $(printf '%s\n' "$said" | grep -c "^warning *clock: the kernel's clock is not synchronised")" \
		"$synchronised $([ $synchronised = no ] && echo 1 || echo 0)" "the clock: $synchronised"
done

like "$(doublelock doctor --accept-clock)" '^decisions go on from' "--accept-clock"
is "$(doublelock doctor --nonsense >/dev/null 2>&1; echo $?)" 2 "usage"
finish
