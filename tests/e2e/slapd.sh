# shellcheck shell=sh disable=SC2154,SC2034 # what lib.sh has, and what others use
# SPDX-License-Identifier: MIT
# slapd.sh - a directory over TLS, which a real slapd is; sourced behind pki_usual.
pki_key "$pki/root/server.key"
pki_sign root 127.0.0.1 "$pki/root/server.key" "$pki/root/server.pem" server -days 30

ldap=$work/ldap
mkdir -p "$ldap/db"
cat "$pki/root/ca.pem" >"$ldap/ca.pem"
cat >"$ldap/slapd.conf" <<-END
	include /etc/ldap/schema/core.schema
	include /etc/ldap/schema/cosine.schema
	include /etc/ldap/schema/inetorgperson.schema
	modulepath /usr/lib/ldap
	moduleload back_mdb
	pidfile $ldap/pid
	TLSCACertificateFile $ldap/ca.pem
	TLSCertificateFile $pki/root/server.pem
	TLSCertificateKeyFile $pki/root/server.key
	disallow bind_anon
	database mdb
	directory $ldap/db
	suffix dc=example,dc=test
	rootdn cn=admin,dc=example,dc=test
	rootpw the-password
END
# entry UID FILE: whose certificate is in PEM
entry() {
	printf 'dn: uid=%s,ou=people,dc=example,dc=test\nobjectClass: inetOrgPerson\ncn: %s\nsn: %s\nuid: %s\n' \
		"$1" "$1" "$1" "$1"
	[ -z "$2" ] || printf 'userCertificate;binary:: %s\n' \
		"$(openssl x509 -in "$2" -outform DER | base64 -w 0)"
	echo
}
# people ENTRIES: what is in it, to begin with
people() {
	{
		printf 'dn: dc=example,dc=test\nobjectClass: dcObject\nobjectClass: organization\no: x\ndc: example\n\n'
		printf 'dn: ou=people,dc=example,dc=test\nobjectClass: organizationalUnit\nou: people\n\n'
		cat "$1"
	} >"$ldap/people.ldif"
	slapadd -f "$ldap/slapd.conf" -l "$ldap/people.ldif" >"$work/slapadd.log" 2>&1 || die "slapadd failed"
}

slapd_pid=''
start_slapd() {
	/usr/sbin/slapd -d 0 -f "$ldap/slapd.conf" -h "ldap://127.0.0.1:3389 ldaps://127.0.0.1:3636" \
		>>"$work/slapd.log" 2>&1 &
	slapd_pid=$!
	until_true socat -u OPEN:/dev/null TCP:127.0.0.1:3389 || die "slapd did not start"
}
as_admin() {
	LDAPTLS_CACERT=$ldap/ca.pem "$@" -x -H ldaps://127.0.0.1:3636 \
		-D cn=admin,dc=example,dc=test -w the-password >>"$work/ldap.log" 2>&1
}

echo the-password >$etc/ldap.password
chown root:doublelock $etc/ldap.password
chmod 640 $etc/ldap.password
install -m 644 "$ldap/ca.pem" $etc/ldap-ca.pem
# configure_ldap [LINE...]: a later line of a key takes the place of the usual one
configure_ldap() {
	{
		echo '[certificates]'
		for line in "$@" 'ldap = ldaps://127.0.0.1:3636' \
			'ldap-base = ou=people,dc=example,dc=test' "ldap-ca = $etc/ldap-ca.pem" \
			'ldap-bind-dn = cn=admin,dc=example,dc=test' \
			"ldap-password-file = $etc/ldap.password" 'ldap-refresh = 1s'; do
			echo "$line"
		done | awk -F' = ' '!seen[$1]++'
	} | configure
}
cache=$state/ldap
count_cached() { find $cache -name '*.pem' | wc -l; }
cached() { [ "$(count_cached)" = "$1" ]; }
