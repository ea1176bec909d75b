#!/bin/sh
# SPDX-License-Identifier: MIT
# test_login - ssh with registered certificates: every kind of key, and every way to be refused.
# No agent runs: a login does not need one.
. "$(dirname "$0")/lib.sh"

install_doublelock
pki_usual
configure </dev/null
algorithms='rsa P-256 P-384 P-521 ed25519'
for algorithm in $algorithms; do
	user=$(echo "u$algorithm" | tr -d - | tr P p)
	pki_client issuing "$user" "$algorithm"
done
pki_client issuing mallory
pki_publish
start_sshd

for algorithm in $algorithms; do
	user=$(echo "u$algorithm" | tr -d - | tr P p)
	account "$user"
	register "$user" issuing
	secret=$(enroll "$user")
	ssh_login "$user" "$pki/issuing/$user.key.ssh" "$(code_of "$secret")"
	is "$login after $prompts prompt: $(last_reason "$user")" "in after 1 prompt: ok" \
		"$algorithm: certificate and code"
done

like "$(doublelock crl status)" '^ +needed by 5 registered certificates$' \
	"crl status knows who is judged by a list"

# up256 goes on: its step is used, the next one is still free
secret_of=$(enroll up256 --label second)
key=$pki/issuing/up256.key.ssh
ssh_login up256 "$key" ''
is "$login" out "an empty code is refused"
ssh_login up256 "$key" 'not a code'
is "$login: $(last_reason up256)" "out: otp-wrong" "words are no code"
ssh_login up256 "$pki/issuing/mallory.key.ssh" "$(code_of "$secret_of")"
is "$login after $prompts prompts" "out after 0 prompts" "a key without a certificate here"
ssh_login up256 "$pki/issuing/up384.key.ssh" "$(code_of "$secret_of")"
is "$login after $prompts prompts" "out after 0 prompts" "a key of somebody else"
ssh_login up256 "$key" "$(code_of "$secret_of")"
is "$login" in "the second token of a user, after all of that"

account mallory
register mallory issuing
ssh_login mallory "$pki/issuing/mallory.key.ssh" 123456
is "$login: $(last_reason mallory)" "out: not-enrolled" "a certificate alone is not enough"

# what sshd is told about a key ends when the first of certificate and CRLs does
like "$(doublelock ssh-keys up521)" '^expiry-time="[0-9]{14}Z?" ecdsa-sha2-nistp521 AAAA' \
	"sshd is told until when the key may be used"

# five wrong codes, and then the right one is late
for i in 1 2 3 4 5; do
	ssh_login up384 "$pki/issuing/up384.key.ssh" "00000$i"
done
secret=$(enroll up384 --label second)
ssh_login up384 "$pki/issuing/up384.key.ssh" "$(code_of "$secret")"
is "$login: $(last_reason up384)" "out: locked-out" "after five wrong codes"
ssh_login up521 "$pki/issuing/up521.key.ssh" 000000
is "$(last_reason up521)" otp-wrong "somebody else is not locked out"
doublelock user unlock up384 >"$work/unlock.log" 2>&1
ssh_login up384 "$pki/issuing/up384.key.ssh" "$(code_of "$secret")"
is "$login" in "unlocked by the operator"

# What was judged before the code was asked for is not what holds when it comes.
secret=$(enroll ued25519 --label second)
cat >"$work/meanwhile" <<-END
	#!/bin/sh
	rm -f $etc/certs.d/ued25519/*.pem
END
chmod 700 "$work/meanwhile"
ssh_login ued25519 "$pki/issuing/ued25519.key.ssh" "$(code_of "$secret")"
is "$login after $prompts prompt: $(last_reason ued25519)" "out after 1 prompt: no-certificate" \
	"a certificate that is taken out while its user looks for the code"
register ued25519 issuing
cp -a $etc/crl.d "$work/crl.d"
pki_revoke issuing ued25519
pki_publish
mv $etc/crl.d "$work/newer" && mv "$work/crl.d" $etc/crl.d
cat >"$work/meanwhile" <<-END
	#!/bin/sh
	cp $work/newer/* $etc/crl.d/
END
ssh_login ued25519 "$pki/issuing/ued25519.key.ssh" "$(code_of "$secret")"
is "$login after $prompts prompt: $(last_reason ued25519)" "out after 1 prompt: revoked" \
	"a certificate that is revoked while its user looks for the code"
rm "$work/meanwhile"

# revoked while the key is registered
pki_revoke issuing ursa
pki_publish
ssh_login ursa "$pki/issuing/ursa.key.ssh" 000000
is "$login after $prompts prompts: $(last_reason ursa)" "out after 0 prompts: revoked" \
	"a new CRL counts at once"
finish
