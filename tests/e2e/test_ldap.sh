#!/bin/sh
# SPDX-License-Identifier: MIT
# test_ldap - certificates that a directory supplies, by a real slapd: read by the agent ahead of
# any login, over TLS alone, kept while the server is away, and judged like every other.
. "$(dirname "$0")/lib.sh"

install_doublelock
pki_usual
for user in alice bob carol frank; do
	pki_client issuing $user
	account $user
done
pki_revoke issuing frank
pki_publish
pki_root alien

. "$top/tests/e2e/slapd.sh"
{
	entry alice "$pki/issuing/alice.pem"
	entry bob "$pki/issuing/alice.pem" # the directory says so, and the certificate does not
	entry frank "$pki/issuing/frank.pem"
	entry nobody ''
	for i in $(seq 250); do entry "user$i" "$pki/issuing/carol.pem"; done
	# an entry whose name no account has
	entry 'Not An Account' "$pki/issuing/carol.pem"
} >"$work/entries"
people "$work/entries"
# As doctor and status see it
doctor_says() { doublelock doctor 2>&1 | grep -E "$1"; }

configure_ldap
start_sshd
start_slapd
start_agent
until_true cached 253
is "$(count_cached)" 253 "all entries are read, page by page"
is "$(find $cache -user doublelock -name alice -type d | wc -l)" 1 "and kept as the judge's own"
like "$(cat "$work/agent.log")" '1 values left out: the entry has no account' "one that is no account's"
like "$(doublelock status)" 'ldap +.*253 certificates of 253 users' "status counts them"

for user in alice bob carol frank; do enroll $user >"$work/$user.secret"; done
code() { code_of "$(cat "$work/$1.secret")" "${2:-0}"; }
ssh_login alice "$pki/issuing/alice.key.ssh" "$(code alice)"
is "$login after $prompts prompt: $(last_reason alice)" "in after 1 prompt: ok" \
	"a certificate that only the directory has"
ssh_login bob "$pki/issuing/alice.key.ssh" "$(code bob)"
is "$login: $(last_reason bob)" "out: user-mismatch" "the directory says whose it is, the rules do not"
ssh_login frank "$pki/issuing/frank.key.ssh" "$(code frank)"
is "$login: $(last_reason frank)" "out: revoked" "one that is revoked"
ssh_login carol "$pki/issuing/carol.key.ssh" "$(code carol)"
is "$login: $(last_reason carol)" "out: no-certificate" "one that the directory has of others alone"

# what is added and removed there is so here at the next look
entry carol "$pki/issuing/carol.pem" >"$ldap/carol.ldif"
as_admin ldapadd -f "$ldap/carol.ldif"
until_true test -d $cache/carol
ssh_login carol "$pki/issuing/carol.key.ssh" "$(code carol)"
is "$login: $(last_reason carol)" "in: ok" "added to the directory"
as_admin ldapdelete uid=carol,ou=people,dc=example,dc=test
# shellcheck disable=SC2317 # until_true calls it
carol_is_gone() { [ ! -e $cache/carol ]; }
until_true carol_is_gone
ssh_login carol "$pki/issuing/carol.key.ssh" "$(code carol 1)"
is "$login: $(last_reason carol)" "out: no-certificate" "removed from the directory"

# the server is away, and then the agent
stop "$slapd_pid"
until_true grep -q 'the certificates that were read last stay' "$work/agent.log"
is "$(count_cached)" 253 "without the server the cache stays"
like "$(doctor_says ldap)" '^warning +ldap: .*cannot be read' "doctor says so"
like "$(doublelock status)" 'ldap +.*253 certificates.*last try' "and status"
stop "$agent_pid"
ssh_login alice "$pki/issuing/alice.key.ssh" "$(code alice 1)"
is "$login: $(last_reason alice)" "in: ok" "a login needs neither server nor agent"

# TLS: StartTLS, and a server that is not known
start_slapd
configure_ldap 'ldap = ldap://127.0.0.1:3389'
rm -rf "${cache:?}"
: >"$work/agent.log"
start_agent
until_true cached 253
is "$(count_cached)" 253 "ldap:// begins TLS itself"
stop "$agent_pid"
install -m 644 "$pki/alien/ca.pem" $etc/alien.pem
for url in ldap://127.0.0.1:3389 ldaps://127.0.0.1:3636; do
	rm -rf "${cache:?}"
	: >"$work/agent.log"
	configure_ldap "ldap = $url" "ldap-ca = $etc/alien.pem"
	start_agent
	until_true grep -q "$url: .*: the certificates that were read last stay" "$work/agent.log"
	is "$?: $(find $cache -name '*.pem' 2>/dev/null | wc -l)" "0: 0" "$url: a server of another CA is not asked"
	stop "$agent_pid"
done
echo wrong-password >$etc/ldap.password
: >"$work/agent.log"
configure_ldap
start_agent
until_true grep -q 'Invalid credentials' "$work/agent.log"
is "$?: $(grep -c wrong-password "$work/agent.log")" "0: 0" "a wrong password is said, and not which"
stop "$agent_pid"
chmod 644 $etc/ldap.password
: >"$work/agent.log"
start_agent
until_true grep -q 'ldap.password: ' "$work/agent.log"
is "$?" 0 "a password that everybody can read is not used"
stop "$agent_pid"
chmod 640 $etc/ldap.password
echo the-password >$etc/ldap.password

# a server that takes connections and never answers holds up nobody
configure_ldap
start_agent
until_true cached 253
stop "$agent_pid"
stop "$slapd_pid"
socat -u TCP-LISTEN:3636,bind=127.0.0.1,fork,reuseaddr OPEN:/dev/null,wronly &
silent_pid=$!
until_true socat -u OPEN:/dev/null TCP:127.0.0.1:3636
: >"$work/agent.log"
enroll alice --label second >"$work/alice.secret"
start_agent
ssh_login alice "$pki/issuing/alice.key.ssh" "$(code alice)"
is "$login: $(grep -c 'read last stay' "$work/agent.log")" "in: 0" "a login while the server is waited for"
until_true grep -q '127.0.0.1:3636: .*: the certificates that were read last stay' "$work/agent.log"
is "$?" 0 "which has an end"
stop "$agent_pid"
is "$ended" 0 "and so has the agent"
stop "$silent_pid"
start_slapd

# by name: those who have tokens, and nobody else
rm -rf "${cache:?}"
configure_ldap 'ldap-filter = (&(objectClass=inetOrgPerson)(uid=%u))'
start_agent
until_true cached 3
is "$(cd $cache && echo *)" "alice bob frank" "with %u those are asked for who are enrolled"
stop "$agent_pid"

# without [certificates] ldap the cache is nobody's
configure </dev/null
ssh_login alice "$pki/issuing/alice.key.ssh" "$(code alice 2)"
is "$login: $(last_reason alice)" "out: no-certificate" "not configured any more: not used any more"
finish
