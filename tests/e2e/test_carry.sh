#!/bin/sh
# SPDX-License-Identifier: MIT
# test_carry - ssh with a certificate that the client brings along: nothing is registered. Every
# kind of key, an agent, and every way to be refused.
. "$(dirname "$0")/lib.sh"

install_doublelock
pki_usual
pki_root alien
configure </dev/null

# carry USER CA KEY-OWNER [ssh-carry options]: KEY.ssh-cert.pub beside the key
carry() {
	carry_user=$1 carry_key=$pki/$2/$3.key.ssh
	cat "$pki/$2/$3.pem" "$pki/$2/ca.pem" >"$work/carry.pem"
	shift 3
	doublelock ssh-carry --cert "$work/carry.pem" --key "$carry_key" \
		--user "$carry_user" "$@" >>"$work/carry.log" 2>&1
}
# the intermediate comes from the client, too
rm -f $etc/intermediates.d/*

algorithms='rsa P-256 P-384 P-521 ed25519'
user_of() { echo "c$1" | tr -d - | tr P p; }
for algorithm in $algorithms; do
	pki_client issuing "$(user_of "$algorithm")" "$algorithm"
done
pki_client issuing eve
pki_client issuing frank
pki_client alien grace
pki_revoke issuing frank
pki_publish
rm -f $etc/intermediates.d/*
start_sshd

for algorithm in $algorithms; do
	user=$(user_of "$algorithm")
	account "$user"
	secret=$(enroll "$user")
	carry "$user" issuing "$user"
	ssh_login "$user" "$carry_key" "$(code_of "$secret")"
	is "$login after $prompts prompt: $(last_reason "$user")" "in after 1 prompt: ok" \
		"$algorithm: carried certificate and code"
done

account eve
user=cp256
secret=$(enroll $user --label second)
[ -n "$secret" ] || die "no token"
carry $user issuing eve
ssh_login $user "$carry_key" "$(code_of "$secret")"
is "$login after $prompts prompts: $(last_reason $user)" "out after 0 prompts: user-mismatch" \
	"a carried certificate of somebody else"
account frank
carry frank issuing frank
ssh_login frank "$carry_key" 123456
is "$login after $prompts prompts: $(last_reason frank)" "out after 0 prompts: revoked" \
	"a carried certificate that is revoked"
account grace
carry grace alien grace
ssh_login grace "$carry_key" 123456
is "$login after $prompts prompts: $(last_reason grace)" "out after 0 prompts: untrusted-issuer" \
	"a carried certificate of an unknown CA"

# somebody else's certificate, signed with one's own key: ssh-keygen signs whatever it is given
cat "$pki/issuing/cp256.pem" "$pki/issuing/ca.pem" >"$work/carry.pem"
stolen=$(openssl x509 -in "$pki/issuing/cp256.pem" -outform DER | base64 -w 0)
cp "$pki/issuing/eve.key.ssh" "$work/thief"
ssh-keygen -y -f "$work/thief" >"$work/thief.pub"
ssh-keygen -q -s "$work/thief" -I x -n cp256 -V +10m \
	-O "extension:x509-chain@doublelock=$stolen" "$work/thief.pub"
ssh_login cp256 "$work/thief" "$(code_of "$secret")"
is "$login after $prompts prompts: $(last_reason cp256)" \
	"out after 0 prompts: possession-unproven" "a certificate of another key than the carrier's"
# and one that another key signed
ssh-keygen -y -f "$pki/issuing/cp256.key.ssh" >"$work/owned.pub"
cp "$pki/issuing/cp256.key.ssh" "$work/owned"
ssh-keygen -q -s "$work/thief" -I x -n cp256 -V +10m \
	-O "extension:x509-chain@doublelock=$stolen" "$work/owned.pub"
ssh_login cp256 "$work/owned" "$(code_of "$secret")"
is "$login after $prompts prompts: $(last_reason cp256)" \
	"out after 0 prompts: certificate-malformed" "a carrier that another key has signed"
# a plain OpenSSH certificate without any chain
ssh-keygen -y -f "$work/owned" >"$work/owned.pub"
rm -f "$work/owned-cert.pub"
ssh-keygen -q -s "$work/owned" -I x -n cp256 -V +10m "$work/owned.pub"
ssh_login cp256 "$work/owned" "$(code_of "$secret")"
is "$login after $prompts prompts: $(last_reason cp256)" "out after 0 prompts: no-certificate" \
	"an OpenSSH certificate without a chain"
# the carrier's own principal and dates are sshd's to judge
carry eve issuing cp256
ssh_login cp256 "$carry_key" "$(code_of "$secret")"
is "$login after $prompts prompts" "out after 0 prompts" "a carrier made out to another login name"

eval "$(ssh-agent -s)" >/dev/null
ssh-add -q "$pki/issuing/cp256.key.ssh"
cat "$pki/issuing/cp256.pem" "$pki/issuing/ca.pem" >"$work/carry.pem"
doublelock ssh-carry --agent --cert "$work/carry.pem" --user cp256 \
	-o "$pki/issuing/cp256.key.ssh-cert.pub"
is "$?" 0 "the key may be an agent's"
ssh_login cp256 "$pki/issuing/cp256.key.ssh" "$(code_of "$secret")"
is "$login: $(last_reason cp256)" "in: ok" "a carrier that the agent has signed"
kill "$SSH_AGENT_PID"

# three CAs with RSA of 4096 bits, and nothing of them here but the root
ca_algorithm=rsa4096
pki_root rsa-root
pki_issuing rsa-middle rsa-root middle
pki_issuing rsa-issuing rsa-middle
ca_algorithm=
pki_client rsa-issuing ralph rsa4096
for ca in rsa-root rsa-middle rsa-issuing; do
	install -m 644 "$pki/$ca/crl.pem" "$etc/crl.d/$ca.pem"
done
install -m 644 "$pki/rsa-root/ca.pem" $etc/trust.d/rsa-root.pem
account ralph
secret_of_ralph=$(enroll ralph)
# carry_chain USER CA... : the client brings the user's and those of the CAs
carry_chain() {
	carry_user=$1 carry_key=$pki/$2/$1.key.ssh
	cat "$pki/$2/$1.pem" >"$work/chain.pem"
	shift
	for ca in "$@"; do cat "$pki/$ca/ca.pem" >>"$work/chain.pem"; done
	doublelock ssh-carry --cert "$work/chain.pem" --key "$carry_key" --user "$carry_user" \
		>>"$work/carry.log" 2>&1
}
carry_chain ralph rsa-issuing rsa-middle
ssh_login ralph "$carry_key" "$(code_of "$secret_of_ralph")"
is "$login after $prompts prompt: $(last_reason ralph)" "in after 1 prompt: ok" \
	"three deep with RSA-4096"
carry_chain ralph rsa-issuing
ssh_login ralph "$carry_key" "$(code_of "$secret_of_ralph" 1)"
is "$login: $(last_reason ralph)" "out: untrusted-issuer" "and not without the one in the middle"

# revoked between two logins, with nothing running that could be told
carry_chain ralph rsa-issuing rsa-middle
pki_revoke rsa-issuing ralph
install -m 644 "$pki/rsa-issuing/crl.pem" $etc/crl.d/rsa-issuing.pem
ssh_login ralph "$carry_key" "$(code_of "$secret_of_ralph" 1)"
is "$login after $prompts prompts: $(last_reason ralph)" "out after 0 prompts: revoked" \
	"revoked between two logins"

# an environment that the user has written does not speak for sshd
printf '%s\n' 'auth required pam_env.so user_readenv=1' 'auth required pam_doublelock.so' \
	'account required pam_unix.so' 'session required pam_env.so user_readenv=1' \
	'session required pam_unix.so' >/etc/pam.d/sshd
secret_of_eve=$(enroll eve)
printf 'SSH_AUTH_INFO_0 OVERRIDE="publickey %s"\n' "$(cut -d' ' -f1,2 "$pki/issuing/frank.key.ssh-cert.pub")" \
	>/run/home/eve/.pam_environment
carry eve issuing eve
ssh_login eve "$carry_key" "$(code_of "$secret_of_eve")"
is "$login: $(last_reason eve) $(doublelock events --user eve --json |
	jq -rs 'map(select(.reason == "ok")) | last | .subject')" "in: ok CN=eve" \
	".pam_environment with somebody else's key changes nothing"

# chains of 90 000 characters pass; what sshd could not hand over any more is refused here
comment=$(head -c 60000 /dev/zero | tr '\0' x)
pki_issuing fat root fat-issuing
comment=
pki_client fat fred
install -m 644 "$pki/fat/crl.pem" "$etc/crl.d/fat.pem"
account fred
cat "$pki/fat/fred.pem" "$pki/fat/ca.pem" >"$work/chain.pem"
# the same intermediate CA once more would be too much; a little one fills up
openssl req -x509 -new -key "$pki/root/ca.key" -subj "/CN=$(head -c 60 /dev/zero | tr '\0' f)" -days 30 \
	-addext "nsComment=$(head -c 5400 /dev/zero | tr '\0' y)" -addext basicConstraints=critical,CA:true \
	-addext keyUsage=critical,keyCertSign,cRLSign >>"$work/chain.pem" 2>>"$work/pki.log"
secret_of_fred=$(enroll fred)
doublelock ssh-carry --cert "$work/chain.pem" --key "$pki/fat/fred.key.ssh" \
	--user fred >>"$work/carry.log" 2>&1
carried=$(cut -d' ' -f2 "$pki/fat/fred.key.ssh-cert.pub" | wc -c)
like "$([ "$carried" -gt 118000 ] && [ "$carried" -lt 131072 ] && echo "$carried")" '^1[0-9]{5}$' \
	"a key of $carried characters, as large as an argument can be"
ssh_login fred "$pki/fat/fred.key.ssh" "$(code_of "$secret_of_fred")"
is "$login after $prompts prompt: $(last_reason fred)" "in after 1 prompt: ok" "opens"
cat "$pki/fat/ca.pem" >>"$work/chain.pem"
said=$(doublelock ssh-carry --cert "$work/chain.pem" --key "$pki/fat/fred.key.ssh" \
	--user fred 2>&1)
is "$?" 1 "a chain that is larger is refused"
like "$said" 'the chain is too long to be carried: 92000 octets of base64 at most' "and why"

# Match exec: what is printed works as it stands
is "$(doublelock ssh-carry --print-config --key "$pki/issuing/cp256.key.ssh" \
	--cert "$work/carry.pem" | grep -c 'ssh-carry\|CertificateFile\|IdentityFile')" 3 \
	"ssh_config's lines are printed"

# --- keys that are certificates (RFC 6187), as PKIX-SSH has them: its sshd asks the same command,
# and says to PAM what it saw

# x509_login USER KEY CODE: how many of one were let in, and how often a code was asked
x509_login() {
	printf 'publickey %s\n' "$2" | "$B/tests/e2e/pamlogin" sshd "$1" "$3" 1 2>>"$work/pamlogin.log"
}
for algorithm in $algorithms; do
	user=$(user_of "$algorithm")
	case $algorithm in
	rsa) type=x509v3-rsa2048-sha256 ;;
	ed25519) type=x509v3-ssh-ed25519 ;;
	*) type=x509v3-ecdsa-sha2-nistp${algorithm#P-} ;;
	esac
	key=$(x509_key "$type" "$pki/issuing/$user.pem" "$pki/issuing/ca.pem")
	# shellcheck disable=SC2086 # two words
	is "$(doublelock ssh-keys "$user" $key | sed 's/^expiry-time="[0-9]\{14\}Z*" //')" "$key" \
		"$type: the key is offered as it is, until the chain ends"
	secret=$(enroll "$user" --label "$type")
	like "$(x509_login "$user" "$key" "$(code_of "$secret")")" '^1 of 1, 1 prompts' \
		"and opens with a code"
done
key=$(x509_key x509v3-ecdsa-sha2-nistp256 "$pki/issuing/frank.pem" "$pki/issuing/ca.pem")
like "$(x509_login frank "$key" 000000): $(last_reason frank)" '^0 of 1, 0 prompts.*: revoked$' \
	"a key whose certificate is revoked"
key=$(x509_key x509v3-ssh-rsa "$pki/issuing/cp256.pem" "$pki/issuing/ca.pem")
like "$(x509_login cp256 "$key" 000000): $(last_reason cp256)" \
	'^0 of 1, 0 prompts.*: possession-unproven$' "a certificate of another kind of key"
key=$(x509_key x509v3-ecdsa-sha2-nistp256 "$pki/issuing/eve.pem" "$pki/issuing/ca.pem")
like "$(x509_login cp256 "$key" 000000): $(last_reason cp256)" \
	'^0 of 1, 0 prompts.*: user-mismatch$' "somebody else's"
like "$(x509_login cp256 "${key%????????}" 000000): $(last_reason cp256)" \
	'^0 of 1, 0 prompts.*: certificate-malformed$' "one that is cut"
secret=$(enroll cp256 --label third)

# 60 certificates are more than anybody needs
yes "$pki/issuing/cp256.pem" | head -n 60 | xargs cat >"$work/long.pem"
doublelock ssh-carry --cert "$work/long.pem" --key "$pki/issuing/cp256.key.ssh" --user cp256 \
	>"$work/long.log" 2>&1
is "$?" 1 "a chain of sixty is refused"

echo '[certificates]
carried = no' >>$etc/doublelock.conf
carry cp256 issuing cp256
ssh_login cp256 "$carry_key" "$(code_of "$secret" 1)"
is "$login after $prompts prompts: $(last_reason cp256)" "out after 0 prompts: no-certificate" \
	"[certificates] carried=no"
finish
