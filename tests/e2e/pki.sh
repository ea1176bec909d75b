# shellcheck shell=sh disable=SC2154 # pki, work and etc are of lib.sh
# SPDX-License-Identifier: MIT
# pki.sh - a throw-away PKI by the openssl program, below $pki: one folder per CA with ca.pem,
# ca.key and crl.pem, and NAME.pem and NAME.key for what it issued.

pki_config() {
	mkdir -p "$pki"
	cat >"$pki/openssl.cnf" <<-'END'
		[ca]
		default_ca = this
		[this]
		database = $ENV::CA/index
		serial = $ENV::CA/serial
		crlnumber = $ENV::CA/crlnumber
		certificate = $ENV::CA/ca.pem
		private_key = $ENV::CA/ca.key
		new_certs_dir = $ENV::CA/issued
		default_md = sha256
		default_crl_days = 7
		policy = any
		unique_subject = no
		crl_extensions = crl
		[any]
		commonName = supplied
		[req]
		distinguished_name = dn
		prompt = no
		[dn]
		[crl]
		authorityKeyIdentifier = keyid:always
		[root]
		basicConstraints = critical,CA:true
		keyUsage = critical,keyCertSign,cRLSign
		subjectKeyIdentifier = hash
		[issuing]
		basicConstraints = critical,CA:true,pathlen:0
		keyUsage = critical,keyCertSign,cRLSign
		subjectKeyIdentifier = hash
		authorityKeyIdentifier = keyid:always
		[client]
		basicConstraints = critical,CA:false
		keyUsage = critical,digitalSignature
		extendedKeyUsage = clientAuth
		subjectKeyIdentifier = hash
		authorityKeyIdentifier = keyid:always
		subjectAltName = email:$ENV::EMAIL
		[middle]
		basicConstraints = critical,CA:true
		keyUsage = critical,keyCertSign,cRLSign
		subjectKeyIdentifier = hash
		authorityKeyIdentifier = keyid:always
		[fat-issuing]
		basicConstraints = critical,CA:true,pathlen:0
		keyUsage = critical,keyCertSign,cRLSign
		subjectKeyIdentifier = hash
		authorityKeyIdentifier = keyid:always
		nsComment = $ENV::COMMENT
		[server]
		basicConstraints = critical,CA:false
		keyUsage = critical,digitalSignature
		extendedKeyUsage = serverAuth
		subjectAltName = IP:127.0.0.1,DNS:vpn.example.com
	END
}

# pki_openssl CA COMMAND...: with the variables that the configuration names
pki_openssl() {
	CA=$pki/$1 COMMENT=${comment:-none} EMAIL=${email:-nobody@example.test} OPENSSL_CONF=$pki/openssl.cnf \
		openssl_quiet "$@"
}
openssl_quiet() {
	shift
	openssl "$@" >>"$work/pki.log" 2>&1 || die "openssl $1 failed"
}

# pki_key FILE [ALGORITHM]: P-256, or as named: rsa, rsa4096, P-384, P-521, ed25519
pki_key() {
	(
		umask 077
		case ${2:-P-256} in
		rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1" ;;
		rsa4096) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out "$1" ;;
		ed25519) openssl genpkey -algorithm ED25519 -out "$1" ;;
		*) openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:${2:-P-256}" -out "$1" ;;
		esac
	) >>"$work/pki.log" 2>&1 || die "no key"
}

# pki_ssh_key FILE: the key as ssh reads it. Clients before 9.6 do not know PKCS #8 of Ed25519, so
# that one is written as OpenSSH does (PROTOCOL.key).
pki_ssh_key() {
	if ! openssl pkey -in "$1" -noout -text 2>/dev/null | grep -q '^ED25519'; then
		ln -f "$1" "$1.ssh"
		return
	fi
	pki_seed=$(openssl pkey -in "$1" -outform DER | tail -c 32 | pki_hex)
	pki_public=$(openssl pkey -in "$1" -pubout -outform DER | tail -c 32 | pki_hex)
	pki_name=0000000b7373682d65643235353139 # ssh-ed25519
	pki_none=000000046e6f6e65               # none
	{
		echo '-----BEGIN OPENSSH PRIVATE KEY-----'
		{
			printf 'openssh-key-v1\000'
			pki_octets "$pki_none$pki_none" 00000000 00000001 \
				"00000033$pki_name 00000020$pki_public" 00000088 \
				"0102030401020304$pki_name 00000020$pki_public" \
				"00000040$pki_seed$pki_public" 00000000 0102030405
		} | base64 -w 70
		echo '-----END OPENSSH PRIVATE KEY-----'
	} >"$1.ssh"
	chmod 600 "$1.ssh"
}
pki_hex() { od -An -v -tx1 | tr -d ' \n'; }
pki_octets() { env printf "$(printf '%s' "$*" | tr -d ' ' | sed 's/../\\x&/g')"; }

pki_folder() {
	[ -f "$pki/openssl.cnf" ] || pki_config
	mkdir -p "$pki/$1/issued"
	: >"$pki/$1/index"
	echo 1000 >"$pki/$1/serial"
	echo 01 >"$pki/$1/crlnumber"
	pki_key "$pki/$1/ca.key" "${ca_algorithm:-P-256}"
}

# pki_root CA
pki_root() {
	pki_folder "$1"
	pki_openssl "$1" req -x509 -new -key "$pki/$1/ca.key" -subj "/CN=$1" -days 3650 \
		-extensions root -out "$pki/$1/ca.pem"
	pki_crl "$1"
}

# pki_issuing CA UNDER [EXTENSIONS]
pki_issuing() {
	pki_folder "$1"
	pki_sign "$2" "$1" "$pki/$1/ca.key" "$pki/$1/ca.pem" "${3:-issuing}" -days 365
	pki_crl "$1"
}

# pki_sign CA NAME KEY OUT EXTENSIONS [openssl ca options]
pki_sign() {
	pki_ca=$1 pki_name=$2 pki_key=$3 pki_out=$4 pki_extensions=$5
	shift 5
	pki_openssl "$pki_ca" req -new -key "$pki_key" -subj "/CN=$pki_name" -out "$pki_out.csr"
	email=$pki_name@${domain:-example.test} pki_openssl "$pki_ca" ca -batch -notext -in "$pki_out.csr" \
		-out "$pki_out" -extensions "$pki_extensions" "$@"
}

# pki_client CA NAME [ALGORITHM] [openssl ca options]: NAME.pem and NAME.key, valid 30 days
pki_client() {
	pki_key "$pki/$1/$2.key" "${3:-P-256}"
	pki_ssh_key "$pki/$1/$2.key"
	pki_from=$1 pki_for=$2
	shift 2
	[ $# -eq 0 ] || shift
	[ $# -gt 0 ] || set -- -days 30
	pki_sign "$pki_from" "$pki_for" "$pki/$pki_from/$pki_for.key" \
		"$pki/$pki_from/$pki_for.pem" client "$@"
}

# pki_expired CA NAME: was valid in 2020
pki_expired() {
	pki_client "$1" "$2" P-256 -startdate 20200101000000Z -enddate 20210101000000Z
}

# pki_revoke CA NAME: and a new CRL
pki_revoke() {
	pki_openssl "$1" ca -revoke "$pki/$1/$2.pem" -crl_reason keyCompromise
	pki_crl "$1"
}

# pki_crl CA [openssl ca options]
pki_crl() {
	pki_crl_of=$1
	shift
	pki_openssl "$pki_crl_of" ca -gencrl -out "$pki/$pki_crl_of/crl.pem" "$@"
}

# Root, issuing CA and their CRLs, where Doublelock looks for them.
pki_usual() {
	pki_root root
	pki_issuing issuing root
	pki_publish
}

pki_publish() {
	install -m 644 "$pki/root/ca.pem" "$etc/trust.d/root.pem"
	install -m 644 "$pki/issuing/ca.pem" "$etc/intermediates.d/issuing.pem"
	install -m 644 "$pki/root/crl.pem" "$etc/crl.d/root.pem"
	install -m 644 "$pki/issuing/crl.pem" "$etc/crl.d/issuing.pem"
}

# keys that are certificates (RFC 6187)
u32() { printf '%08x' "$1"; }
string() { printf '%s%s' "$(u32 $((${#1} / 2)))" "$1"; } # of octets in hex
# x509_key TYPE FILE...: TYPE and base64, of certificates in PEM
x509_key() {
	x509_type=$1
	shift
	printf '%s ' "$x509_type"
	pki_octets "$(
		string "$(printf %s "$x509_type" | pki_hex)"
		u32 $#
		for file in "$@"; do
			string "$(openssl x509 -in "$file" -outform DER | pki_hex)"
		done
		u32 0
	)" | base64 -w 0
}
