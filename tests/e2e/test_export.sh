#!/bin/sh
# SPDX-License-Identifier: MIT
# test_export - what others read: lists of revocation for gateways, keys for sshd to refuse.
# shellcheck disable=SC2317 # until_true calls them
. "$(dirname "$0")/lib.sh"
out=$state/export

refresh() { words=$(doublelock crl refresh 2>&1) || words="$words (exit $?)"; }
lists() { grep -c BEGIN "$out/crl.pem"; }
# by openssl alone, with what was exported
judged() {
	openssl verify -CAfile "$pki/root/ca.pem" -untrusted "$pki/issuing/ca.pem" \
		-crl_check_all -CRLfile "$out/crl.pem" "$pki/issuing/$1.pem" 2>&1 |
		grep -oE 'OK|certificate revoked|unable to get certificate CRL' | head -n 1
}
judged_is() { [ "$(judged "$1")" = "$2" ]; }
as_nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@" 2>>"$work/nobody.log"; }
key_is() { # NAME revoked|ok
	was=none
	ssh-keygen -q -k -f "$work/krl" "$out/revoked-keys" >>"$work/query.log" 2>&1 || return 1
	ssh-keygen -Q -f "$work/krl" "$work/$1.pub" >>"$work/query.log" 2>&1 && was=ok || was=revoked
	[ "$was" = "$2" ]
}
publish() { # CA: as an operator does
	install -m 644 "$pki/$1/crl.pem" $etc/crl.d/aside
	mv $etc/crl.d/aside $etc/crl.d/"$1".pem
}
key_of() { ssh-keygen -y -f "$pki/issuing/$1.key.ssh" >"$work/$1.pub"; }

install_doublelock
pki_usual
configure </dev/null
for user in alice bob; do
	pki_client issuing $user
	account $user
	register $user issuing
	key_of $user
done
refresh
is "$(test -e "$out"; echo $?)" 1 "nothing is exported unless somebody asks for it"

configure <<-END
	[service web]
	certificate = gateway
	otp = none
	vouch = 0
	[revocation]
	export = $out
END
refresh
is "$(lists)" 2 "both lists are in one file"
is "$(find "$out/x509crl" -name '*.pem' | wc -l)" 2 "and each in a file of its own"
is "$(judged alice)" OK "OpenSSL takes them"
is "$(stat -c '%U %a' "$out" "$out/crl.pem" "$out/x509crl" "$out/revoked-keys" | tr '\n' ,)" \
	"doublelock 755,doublelock 644,doublelock 755,doublelock 644," "for everybody to read"
is "$(as_nobody cat "$out/crl.pem" | cmp - "$out/crl.pem" && as_nobody cat "$out/revoked-keys" |
	grep -c '^#')" 1 "which somebody without rights does"
is "$(as_nobody ls "$state" | wc -l; as_nobody cat "$state/state.db" | wc -c)" "0
0" "and sees nothing else of the state"
is "$(find "$out" -name '.*aside*')" "" "nothing is left beside them"
key_is bob ok
is "$was" ok "no key is revoked"

before=$(stat -c %i "$out/crl.pem" "$out/revoked-keys")
refresh
is "$(stat -c %i "$out/crl.pem" "$out/revoked-keys")" "$before" "what has not changed is not written"

# somebody leaves
pki_revoke issuing bob
publish issuing
refresh
is "$(lists) $(judged bob), $(judged alice)" "2 certificate revoked, OK" "the newer list takes its place"
key_is bob revoked
is "$was" revoked "ssh-keygen says that the key is revoked"
key_is alice ok
is "$was" ok "and nobody else's"
like "$(grep -v '^#' "$out/revoked-keys")" "^ecdsa-sha2-nistp256 [A-Za-z0-9+/=]+ bob [0-9a-f]{64}$" \
	"with whose it was"
is "$(stat -c %i "$out/crl.pem" | grep -c "^$(echo "$before" | head -n 1)$")" 0 "the file is another one"

# sshd itself, whatever else would let the key in
mkdir "$work/keys"
cat "$work/alice.pub" "$work/bob.pub" >"$work/keys/all"
chmod 711 "$TMPDIR" "$work"
sshd_more="RevokedKeys $out/revoked-keys"
start_sshd
sed -i -e "s|^AuthorizedKeysFile.*|AuthorizedKeysFile $work/keys/all|" \
	-e 's/^AuthorizedKeysCommand.*//' -e 's/^AuthenticationMethods.*/AuthenticationMethods publickey/' \
	-e 's/^UsePAM.*/UsePAM no/' "$work/sshd_config"
echo 'StrictModes no' >>"$work/sshd_config"
stop "$sshd_pid"
: >"$work/sshd.log"
(exec /usr/sbin/sshd -D -e -f "$work/sshd_config") 2>>"$work/sshd.log" &
sshd_pid=$!
until_true grep -q 'Server listening' "$work/sshd.log" || die "sshd did not start"
usermod -p '*' alice
usermod -p '*' bob
ssh_login alice "$pki/issuing/alice.key.ssh"
is "$login" in "a key in authorized_keys opens"
ssh_login bob "$pki/issuing/bob.key.ssh"
is "$login" out "but not one that is revoked"
like "$(cat "$work/sshd.log")" "revoked by file $out/revoked-keys" "says sshd"
stop "$sshd_pid"

# what is not known is not taken away
head -c 300 "$pki/issuing/crl.pem" >$etc/crl.d/damaged.pem
mv $etc/crl.d/root.pem "$work/root.pem"
refresh
is "$(lists) $(judged bob)" "2 certificate revoked" "a file that cannot be read takes no list away"
mv "$work/root.pem" $etc/crl.d/root.pem
rm $etc/crl.d/damaged.pem
rm -r $etc/certs.d/bob
refresh
key_is bob revoked
is "$was" revoked "the key of a certificate that is not registered any more stays"
pki_sign issuing bob "$pki/issuing/bob.key" "$pki/issuing/bob.pem" client -days 30
register bob issuing
refresh
key_is bob ok
is "$was" ok "and goes when it has a good certificate"

# the agent
enroll alice >"$work/enrolled"
rm -r "$out"
start_agent
until_true judged_is alice OK
is "$(judged alice)" OK "the agent makes them"
pki_revoke issuing alice
publish issuing
until_true judged_is alice "certificate revoked"
is "$(judged alice)" "certificate revoked" "and keeps them fresh"
until_true key_is alice revoked
is "$was" revoked "keys as well"

# one that nobody has registered, met by a gateway
pki_client issuing carol
account carol
key_of carol
ask() { # as a gateway does
	jq -nc --rawfile c "$pki/issuing/carol.pem" '{certificate: $c, service: "web"}' >"$work/body"
	{
		printf 'POST /v1/check HTTP/1.0\r\nContent-Length: %d\r\n\r\n' \
			"$(wc -c <"$work/body")"
		cat "$work/body"
	} | socat -t 10 - UNIX-CONNECT:/run/doublelock/agent.sock | tail -n 1 | jq -r .reason
}
ask_is() { [ "$(ask)" = "$1" ]; }
is "$(ask)" ok "a certificate that is not registered"
pki_revoke issuing carol
publish issuing
until_true ask_is revoked
refresh
key_is carol revoked
is "$was" revoked "is known by its key once it was refused"
stop "$agent_pid"
is "$ended" 0 "it ends when it is told to"

# a list that does not cover all, and one that is over
cat >>"$pki/openssl.cnf" <<-'END'
	[partial]
	issuingDistributionPoint = critical,@narrow
	[narrow]
	onlyuser = TRUE
END
pki_crl issuing -crlexts partial
install -m 644 "$pki/issuing/crl.pem" $etc/crl.d/partial.pem
refresh
is "$(lists) $(judged alice)" "2 certificate revoked" "a list for users alone is left out"
rm $etc/crl.d/partial.pem
pki_crl issuing -crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z
publish issuing
refresh
is "$(lists)" 2 "a list that is over stays: a gateway without one might let everybody in"
like "$(doublelock crl status 2>&1)" "^STALE .*without an authority key identifier|^STALE " \
	"which status says"
finish
