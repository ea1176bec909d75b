#!/bin/sh
# SPDX-License-Identifier: MIT
# test_exceptions - who is treated in another way, through a real sshd: an account of automation
# by certificate alone from its network, a group by code alone, a system account that is listed,
# people who share an account, logins that are remembered, and a trial that judges nobody.
. "$(dirname "$0")/lib.sh"

install_doublelock
pki_usual
for user in robot glass alice ops nobox; do
	account $user
	[ $user = ops ] || pki_client issuing $user
done
groupadd breakglass
usermod -a -G breakglass glass
useradd --no-log-init --system --create-home --home-dir /run/home/sysop --shell /bin/sh sysop
pki_client issuing sysop
sshd_more='Match Group breakglass
			AuthenticationMethods keyboard-interactive'

rules() {
	cat <<-END
		remember = 8h
		[service sshd user:robot]
		otp = none
		remember = 0s
		from = 127.0.0.8/29
		[service sshd group:breakglass]
		certificate = none
	END
}
rules | configure
pki_publish
for user in robot alice nobox sysop; do register $user issuing; done
doublelock init >"$work/init.log" 2>&1
start_sshd
last() { # FIELD USER
	doublelock events --user "$2" --json 2>>"$work/events.log" |
		jq -rs "map(select(.reason != \"\")) | last | .$1"
}
key() { echo "$pki/issuing/$1.key.ssh"; }
tried() { # USER KEY CODE WANTED NAME: in or out, after so many prompts, why
	ssh_login "$1" "$2" "$3"
	is "$login, $prompts asked: $(last_reason "$1")" "$4" "$5"
}

# --- certificate alone, from one network ----------------------------------------------------
from=127.0.0.9
tried robot "$(key robot)" '' "in, 0 asked: ok" "an account of automation, from its network"
is "$(last policy robot)" "service sshd user:robot" "the event names the exception"
tried nobox "$(key nobox)" 000000 "out, 1 asked: not-enrolled" "others need a code there"
from=127.0.0.2
ssh_login robot "$(key robot)"
is "$login, $prompts asked" "out, 0 asked" "not from another address, as sshd was told"
like "$(cat "$work/sshd.log")" 'robot with correct key but not from a permitted host' \
	"which sshd has in its log"
ssh_login robot "$(key alice)"
is "$login, $prompts asked" "out, 0 asked" "nor with somebody else's certificate"
from=''
# an sshd that would not ask first: the address is judged once more, at 192.0.2.7
told=$(ssh-keygen -y -f "$(key robot)" | sed 's/^/publickey /' |
	"$B/tests/e2e/pamlogin" sshd robot '' 1 2>>"$work/pam.log")
is "$told: $(last_reason robot)" \
	"0 of 1, 0 prompts, Authentication failure: possession-unproven" "PAM is asked with the address"
like "$(last detail robot)" "\[service sshd user:robot\] from does not hold .*192\.0\.2\.7" \
	"and the event says why"

# --- code alone -----------------------------------------------------------------------------
secret=$(enroll glass --hotp)
tried glass "$(key glass)" "$(oathtool --hotp -b -c 0 "$secret")" "in, 1 asked: ok" \
	"a break-glass group, by code alone"
is "$(last policy glass)" "service sshd group:breakglass" "the event names the exception"
tried glass "$(key glass)" "$(oathtool --hotp -b -c 0 "$secret")" "out, 1 asked: otp-replayed" \
	"its codes open once, and none is remembered"
is "$(doublelock user show glass | grep -ci locked)" 0 "and nobody can lock it out"

# --- system accounts ------------------------------------------------------------------------
secret=$(enroll sysop --hotp)
tried sysop "$(key sysop)" "$(oathtool --hotp -b -c 0 "$secret")" "out, 0 asked: no-identity" \
	"a system account is not named by a certificate"
like "$(last detail sysop)" 'system account' "and it is said why"
{
	rules
	printf '[lockout]\nsystem-users = sysop\n'
} | configure
tried sysop "$(key sysop)" "$(oathtool --hotp -b -c 0 "$secret")" "in, 1 asked: ok" \
	"unless it is listed"

# --- several people, one account ------------------------------------------------------------
for person in one two; do
	pki_key "$pki/issuing/ops-$person.key"
	pki_ssh_key "$pki/issuing/ops-$person.key"
	pki_sign issuing ops "$pki/issuing/ops-$person.key" "$pki/issuing/ops-$person.pem" client -days 30
	doublelock cert add ops "$pki/issuing/ops-$person.pem" >>"$work/register.log" 2>&1
done
one=$(enroll ops --hotp --label one --bind "$pki/issuing/ops-one.pem")
two=$(enroll ops --hotp --label two --bind "$pki/issuing/ops-two.pem")
tried ops "$(key ops-two)" "$(oathtool --hotp -b -c 0 "$one")" "out, 1 asked: otp-wrong" \
	"one person's code with another person's certificate"
tried ops "$(key ops-one)" "$(oathtool --hotp -b -c 0 "$one")" "in, 1 asked: ok" \
	"which did not use it up"
tried ops "$(key ops-two)" "$(oathtool --hotp -b -c 0 "$two")" "in, 1 asked: ok" "the other person"
is "$(last token ops)" two "whose token is in the event"

# --- a counter that went ahead --------------------------------------------------------------
tried ops "$(key ops-one)" '' "in, 0 asked: ok" "remembered: no code"
from=127.0.0.3
tried ops "$(key ops-one)" "$(oathtool --hotp -b -c 200 "$one")" "out, 1 asked: otp-wrong" \
	"two hundred presses too many"
printf '%s\n%s\n' "$(oathtool --hotp -b -c 201 "$one")" "$(oathtool --hotp -b -c 202 "$one")" |
	doublelock token resync ops --label one >"$work/resync.log" 2>&1
is "$?" 0 "two codes in a row find the counter"
tried ops "$(key ops-one)" "$(oathtool --hotp -b -c 202 "$one")" "out, 1 asked: otp-replayed" \
	"they are used up by it"
tried ops "$(key ops-one)" "$(oathtool --hotp -b -c 203 "$one")" "in, 1 asked: ok" "and the next opens"
from=''

# --- remembered logins ----------------------------------------------------------------------
secret=$(enroll alice --hotp) counter=0
code() { code=$(oathtool --hotp -b -c $counter "$secret"); counter=$((counter + 1)); }
full() { # NAME
	code
	tried alice "$(key alice)" "$code" "in, 1 asked: ok" "$1"
}
full "a full login"
tried alice "$(key alice)" '' "in, 0 asked: ok" "for a while no code is asked for"
like "$(last detail alice)" 'remembered' "and the event says so"
from=127.0.0.2
tried alice "$(key alice)" 000000 "out, 1 asked: otp-wrong" "from another address it is"
from=''
enroll alice --hotp --label spare >/dev/null
full "asked again after a new token"
doublelock token remove --label spare alice >"$work/remove.log" 2>&1
full "and after one was removed"
tried alice "$(key alice)" '' "in, 0 asked: ok" "remembered again"
from=127.0.0.2
for i in 1 2 3 4 5; do ssh_login alice "$(key alice)" 00000$i; done
from=''
tried alice "$(key alice)" '' "out, 0 asked: locked-out" "a lockout of the key ends it"
doublelock user unlock alice >"$work/unlock.log" 2>&1
full "after the unlock a code is asked for"
pki_revoke issuing alice
pki_publish
tried alice "$(key alice)" '' "out, 0 asked: revoked" "and so does revocation"

# --- a trial --------------------------------------------------------------------------------
{
	printf 'mode = observe\nobserve-until = %s\n' "$(date -u -d '+1 day' +%F)"
	rules
} | configure
ssh_login nobox "$(key nobox)" 000000
is "$login: $(last type nobox) $(last_reason nobox)" \
	"out: doublelock.decision.observed not-enrolled" "observe alone lets nobody in"
printf 'auth required pam_permit.so\n' >>/etc/pam.d/sshd
ssh_login nobox "$(key nobox)" 000000
is "$login: $(last type nobox) $(last_reason nobox)" \
	"in: doublelock.decision.observed not-enrolled" "the rest of the stack does, and it is on record"
{
	printf 'mode = observe\nobserve-until = %s\n' "$(date -u -d '-1 day' +%F)"
	rules
} | configure
ssh_login nobox "$(key nobox)" 000000
is "$login: $(last type nobox) $(last_reason nobox)" \
	"out: doublelock.decision.refused not-enrolled" "a trial that is over is none"
finish
