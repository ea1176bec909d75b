#!/bin/sh
# SPDX-License-Identifier: MIT
# on_rpm - what the scriptlets of the RPM packages do, with Debian's rpm on a Debian machine:
# the account, state, an upgrade that keeps what was edited, an erasure that keeps state.
# shellcheck source=tests/e2e/lib.sh disable=SC2154,SC2086
. "$(dirname "$0")/../e2e/lib.sh"
mkdir -p "$work"

run_rpm() { rpm --force-debian --nodeps "$@" >>"$work/rpm.log" 2>&1; echo $?; }

is "$(run_rpm -i /t/rpm/doublelock-0*.x86_64.rpm /t/rpm/pam_doublelock-*.rpm \
	/t/rpm/doublelock-selinux-*.rpm)" 0 "the packages install"
is "$(getent passwd doublelock | cut -d: -f6,7)" /nonexistent:/usr/sbin/nologin "the account is made"
is "$(getent group doublelock-metrics | cut -d: -f1)" doublelock-metrics "and the group"
is "$(stat -c '%a %U' $state) $(stat -c '%a %U' $etc)" "711 doublelock 755 root" \
	"state is the judge's, configuration is root's"
is "$(rpm --force-debian --nodeps -V doublelock pam_doublelock 2>&1)" "" "every file is as it was packed"
is "$(stat -c %a /usr/lib64/security/pam_doublelock.so)" 755 "the module is an object"
pki_usual
is "$(doublelock init >/dev/null 2>&1; echo $?)" 0 "a record can be made"
echo '# mine' >>$etc/doublelock.conf
is "$(run_rpm -U --force /t/rpm/doublelock-0*.x86_64.rpm)" 0 "once more over it, as an upgrade"
is "$(tail -n 1 $etc/doublelock.conf)" "# mine" "what was edited stays"
is "$(doublelock status --json 2>/dev/null | head -c 1)" "{" "and the programs run"
is "$(run_rpm -e pam_doublelock doublelock-selinux doublelock)" 0 "the packages go"
is "$(test -s $state/state.db && test -s $etc/seal.key && echo kept)" kept "state and key stay"
is "$(tail -n 1 $etc/doublelock.conf.rpmsave)" "# mine" "so does what was edited"
is "$(find / -xdev \( -path /t -o -path $etc -o -path $state -o -path /tmp -o -path /proc \) -prune -o \
	-iname '*doublelock*' -print)" "" "and nothing else"
finish
