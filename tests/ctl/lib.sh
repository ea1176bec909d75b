# shellcheck shell=sh disable=SC2034,SC2154 # what is set here others use
# SPDX-License-Identifier: MIT
# lib.sh - a configuration in a directory of its own, and a PKI; sourced first. As root the
# script starts itself again as whose the sources are, or as nobody where they are root's, because
# root would become the user `doublelock`.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=${here%/tests/ctl}
B=${B:-build}
case $B in
/*) ;;
*) B=$top/$B ;;
esac
if [ "$(id -u)" -eq 0 ]; then
	uid=$(stat -c %u "$top") gid=$(stat -c %g "$top")
	[ "$uid" -ne 0 ] || uid=65534 gid=65534
	exec setpriv --reuid="$uid" --regid="$gid" --clear-groups "$0" "$@"
fi
umask 022
work=$(mktemp -d) || exit 1
trap 'rm -rf "${work:?}"' EXIT
trap 'exit 130' INT TERM
HOME=$work
etc=$work/etc pki=$work/pki me=$(id -un)
export HOME
mkdir -p "$etc/trust.d" "$etc/intermediates.d" "$etc/crl.d" "$etc/certs.d" "$work/state"
. "$top/tests/e2e/pki.sh"

die() {
	echo "$*" >&2
	exit 1
}

count=0 failures=0
is() { # GOT WANTED NAME
	count=$((count + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $count - $3"
		return
	fi
	failures=$((failures + 1))
	printf 'not ok %s - %s\n#   got: %s\n#   not: %s\n' "$count" "$3" "$1" "$2"
}
like() { # GOT PATTERN NAME
	if printf '%s\n' "$1" | grep -qE -e "$2"; then
		is yes yes "$3"
	else
		is "$1" "(like) $2" "$3"
	fi
}
finish() {
	echo "1..$count"
	[ "$failures" -eq 0 ]
}

# run ARGUMENTS...: the command line; $out is what it printed, $err what it said, $code its exit
run() {
	code=0
	out=$(timeout 60 "$B/doublelock" "$@" 2>"$work/err" </dev/null) || code=$?
	err=$(cat "$work/err")
}
# ctl SUBJECT [VERB] ARGUMENTS...: with the configuration, which stands last
ctl() { run "$@" --config "$etc/doublelock.conf"; }
first() { printf '%s\n' "$out" | head -n 1; }

configure() {
	cat >"$etc/doublelock.conf" - <<-END
		[identity]
		rule = san-email:%u@example.test
		[service sshd]
		certificate = sshd
		otp = required
		[state]
		store = sqlite:$work/state/state.db
		seal-key = $etc/seal.key
	END
}
