#!/bin/sh
# SPDX-License-Identifier: MIT
# on_authselect - the profile for authselect, rendered by authselect itself and then asked for
# logins, with and without its features: whether the code comes after the password, and nothing
# leads past it. Runs on a machine of a Debian that has authselect.
# shellcheck source=tests/e2e/lib.sh disable=SC2154,SC2086
. "$(dirname "$0")/../e2e/lib.sh"
mkdir -p "$work" /usr/share/authselect/vendor
cp -R /t/authselect /usr/share/authselect/vendor/doublelock
apt-get install -qq -y --no-install-recommends /t/new/*.deb >"$work/apt.log" 2>&1 ||
	die "the packages do not install"
pki_usual
printf '[service door]\ncertificate = none\n' >$etc/conf.d/door.conf
doublelock init >"$work/init.log" 2>&1 || die "no record"
account alice
echo alice:right | chpasswd
secret=$(enroll alice --hotp) || die "no token"
counter=-1

# render FILE FEATURE...: what authselect makes of that file, as the stack of the service
render() {
	file=$1
	shift
	authselect test doublelock "$@" "--$file" 2>"$work/authselect.log" |
		grep -E '^-?(auth|account|password|session)' >/etc/pam.d/door
}
# try PASSWORD CODE: appends "in" or "out" to $tried; CODE is right, or a wrong one
try() {
	code=$2
	if [ "$code" = right ]; then
		counter=$((counter + 1))
		code=$(oathtool --hotp --base32 --counter $counter "$secret")
	fi
	if printf '%s\n%s\n' "$1" "$code" | pamtester door alice authenticate >>"$work/pam.log" 2>&1; then
		tried="$tried in"
	else
		tried="$tried out"
	fi
}

like "$(authselect list)" 'doublelock' "authselect knows the profile"
is "$(authselect list-features doublelock | sort | tr '\n' ' ')" \
	"with-doublelock with-faillock with-mkhomedir without-nullok " "and its features"
for file in system-auth password-auth; do
	render $file
	is "$(grep -c doublelock /etc/pam.d/door)" 0 "$file without the feature names no module of ours"
	tried=
	try right 0
	try wrong 0
	is "$tried" " in out" "$file: the password alone decides"
	for more in '' with-faillock without-nullok 'with-faillock without-nullok with-mkhomedir'; do
		render $file with-doublelock $more
		tried=
		try right right
		try right 000000
		try wrong right
		counter=$((counter - 1)) # which nobody was asked for, or nobody took
		is "$tried" " in out out" \
			"$file with-doublelock $more: password and code, and neither alone"
		doublelock user unlock alice >/dev/null
		faillock --user alice --reset
	done
done
for file in smartcard-auth fingerprint-auth; do
	render $file
	tried=
	try right right
	is "$tried" " out" "$file lets nobody in"
done
finish
