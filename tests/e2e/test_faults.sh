#!/bin/sh
# SPDX-License-Identifier: MIT
# test_faults - what is broken on this machine lets nobody in, tells the operator so in one line,
# and loses nothing: with the fault gone the same login works.
. "$(dirname "$0")/lib.sh"

# tells CODE PATTERN NAME COMMAND...: ends so, with one line on standard error that says so
tells() {
	wanted=$1 pattern=$2 name=$3
	shift 3
	words=$("$@" 2>&1 >/dev/null </dev/null)
	code=$?
	if [ "$code" -eq "$wanted" ] && [ "$(printf '%s\n' "$words" | wc -l)" -eq 1 ] &&
		printf '%s\n' "$words" | grep -qE -e "$pattern"; then
		ok "$name"
	else
		not_ok "$name"
		printf '#   ended with %s, not %s: %s\n' "$code" "$wanted" "$words"
	fi
}

# A login with a good certificate is refused, and the log has one line of ours that says why.
shut() { # PATTERN NAME
	: >"$work/syslog.log"
	login_by_pam 000000
	until_true grep -q pam_doublelock "$work/syslog.log"
	said=$(syslog | grep pam_doublelock)
	if [ "${told%%,*}" = "0 of 1" ] && [ "$(printf '%s\n' "$said" | wc -l)" -eq 1 ] &&
		printf '%s\n' "$said" | grep -qE -e "$1"; then
		ok "$2"
	else
		not_ok "$2"
		printf '#   %s: %s\n' "$told" "$said"
	fi
}

# Past sshd's AuthorizedKeysCommand, which would refuse before: straight to PAM.
login_by_pam() { # CODE
	told=$(printf '%s\n' "$info" | "$B/tests/e2e/pamlogin" sshd alice "$1" 1 2>>"$work/pam.log")
}

good() { # NAME
	login_by_pam "$(oathtool --hotp --base32 --counter "$counter" "$secret")"
	counter=$((counter + 1))
	is "$told" "1 of 1, 1 prompts, Success" "$1"
}

install_doublelock
pki_usual
configure </dev/null
pki_client issuing alice
account alice
register alice issuing
info="publickey $(ssh-keygen -y -f "$pki/issuing/alice.key.ssh")"
cert=$pki/issuing/alice.pem
secret=$(enroll alice --hotp) counter=0
start_log
good "before anything is broken"

# --- configuration --------------------------------------------------------------------------
echo 'colour = blue' >>$etc/doublelock.conf
tells 3 '^doublelock: /etc/doublelock/doublelock.conf:6: colour: ' "an unknown key" \
	doublelock cert list
shut 'fault-config.*doublelock.conf:6: colour: ' "a login with an unknown key in the configuration"
configure </dev/null
chmod 666 $etc/doublelock.conf
tells 3 '/etc/doublelock/doublelock.conf: .*writable' "a configuration that anybody may write" \
	doublelock cert list
chmod 644 $etc/doublelock.conf
mv $etc/doublelock.conf $etc/away
tells 3 '/etc/doublelock/doublelock.conf: No such file' "no configuration" doublelock cert list
shut 'fault-config.*/etc/doublelock/doublelock.conf' "a login without configuration"
mv $etc/away $etc/doublelock.conf

# --- trust ----------------------------------------------------------------------------------
judge() { doublelock verify --user alice --service sshd "$cert"; }
judged() { # PATTERN NAME: it could not be judged, and why
	like "$(judge; echo "exit $?")" "^refuse fault-config$" "$2"
	like "$(judge 2>&1)" "$1" "$2, and which one"
}
chmod 000 $etc/trust.d
judged '/etc/doublelock/trust.d: Permission denied' "a trust.d that cannot be read"
shut 'fault-config.*trust.d' "a login with it"
chmod 777 $etc/trust.d
judged '/etc/doublelock/trust.d: .*(owner|mode|writ)' "a trust.d that anybody may write"
shut 'fault-config.*trust.d' "a login with it"
chmod 755 $etc/trust.d
mv $etc/trust.d/root.pem "$work/"
judged '/etc/doublelock/trust.d: .*no ' "an empty trust.d"
shut 'fault-config.*trust.d' "a login with it"
echo 'no certificate' >$etc/trust.d/root.pem
judged '/etc/doublelock/trust.d/root.pem: ' "a trust.d with something else in it"
mv "$work/root.pem" $etc/trust.d/root.pem
good "trust is back"

# --- revocation -----------------------------------------------------------------------------
mkdir "$work/away"
mv $etc/crl.d/* "$work/away/"
like "$(judge | head -n 1)" '^refuse revocation-unknown$' "no CRL"
shut 'revocation-unknown' "a login without CRLs"
mv "$work"/away/* $etc/crl.d/
pki_crl issuing -crlsec 1 -crl_lastupdate 20200101000000Z -crl_nextupdate 20200102000000Z
install -m 644 "$pki/issuing/crl.pem" $etc/crl.d/issuing.pem
like "$(judge | head -n 1)" '^refuse crl-stale$' "a CRL from last year"
shut 'crl-stale' "a login with it"
pki_crl issuing
pki_publish

# --- state ----------------------------------------------------------------------------------
mv $state "$work/state"
tells 3 '/var/lib/doublelock/state.db: ' "no state directory" doublelock why alice
shut 'fault-store.*/var/lib/doublelock' "a login without it"
mv "$work/state" $state
mount --bind $state $state
mount -o remount,ro,bind $state
shut 'fault-store' "a login with a read-only state directory"
umount $state
mkdir "$work/copy"
cp -a $state/. "$work/copy/"
mount -t tmpfs -o size=1m,mode=700,uid="$(id -u doublelock)",gid="$(id -g doublelock)" full $state
cp -a "$work"/copy/. $state/
# whoever has a backup that was put back cannot know which codes were used since
restored() { # NAME
	login_by_pam "$(oathtool --hotp --base32 --counter "$counter" "$secret")"
	counter=$((counter + 1))
	like "$told" '^0 of 1, 1 prompts' "$1: a code that counts is not taken"
	like "$(doublelock why alice | tr '\n' ' ')" 'otp-wrong.*doctor --accept-restore' \
		"$1: and why says what to type"
	like "$(doublelock doctor)" 'critical +record: it came back from a backup' "$1: so does doctor"
	like "$(doublelock doctor --accept-restore)" '^recovery codes and tokens that count are taken' \
		"$1: somebody says that it is meant"
}
restored "a state directory from elsewhere"
dd if=/dev/zero of=$state/filler bs=4096 >/dev/null 2>&1
shut 'fault-store' "a login with a full disk"
like "$(doublelock status 2>&1)" '^FAULT +record +.*(full|No space)' "status, with a full disk"
rm $state/filler
good "room again: nothing was lost"
cp -a $state/. "$work/copy/"
umount $state
cp -a "$work"/copy/. $state/
restored "and back"

# --- sealing key ----------------------------------------------------------------------------
mv $etc/seal.key $etc/away
tells 3 '/etc/doublelock/seal.key: No such file' "no sealing key" doublelock why alice
shut 'fault-config.*seal.key' "a login without it"
echo "other:$(head -c 32 /dev/urandom | base64)" >$etc/seal.key
chown root:doublelock $etc/seal.key
chmod 640 $etc/seal.key
shut 'fault-.*put that key back' "a login with another sealing key"
mv $etc/away $etc/seal.key
chmod 644 $etc/seal.key
tells 3 '/etc/doublelock/seal.key: .*read' "a sealing key that anybody may read" doublelock why alice
chmod 640 $etc/seal.key
good "the sealing key is back"

# --- foreign bytes --------------------------------------------------------------------------
head -c 10485760 /dev/zero >"$work/big.pem"
tells 1 'certificate-malformed: .*larger' "a certificate of 10 MB" doublelock cert add alice "$work/big.pem"
{
	echo '-----BEGIN CERTIFICATE-----'
	echo 'bm8gY2VydGlmaWNhdGU='
	echo '-----END CERTIFICATE-----'
} >"$work/garbage.pem"
tells 1 'certificate-malformed: ' "PEM around garbage" doublelock cert add alice "$work/garbage.pem"
like "$(doublelock verify "$work/garbage.pem" | head -n 1)" '^refuse certificate-malformed$' \
	"the same, verified"
usual=$info
info="publickey ssh-rsa $(head -c 150000 /dev/zero | base64 -w 0)"
shut 'no-certificate|certificate-malformed|fault-' "SSH_AUTH_INFO_0 of 200 kB"
info=$(printf '%s\n%s' "$usual" "$usual")
shut 'possession-unproven|no-certificate|certificate-malformed' "two publickey lines"
info=$usual
like "$(doublelock why "$(printf 'al\033[2Jice')" 2>&1 | head -n 1)" \
	'^doublelock: a name is printable' "control characters in a name"
told=$(echo "$info" | "$B/tests/e2e/pamlogin" sshd "$(printf 'alice\nroot')" 000000 1)
like "$told" '^0 of 1, 0 prompts' "control characters in a name at a login"
is "$(syslog | grep -c 'root')" 0 "and none of it is in the log"
good "after all of that"
finish
