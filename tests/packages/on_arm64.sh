#!/bin/sh
# SPDX-License-Identifier: MIT
# on_arm64 - runs on the machine of tests/packages/arm64, which has the tree in /t/src: built
# with warnings as errors, and each unit test run. Another machine reads other octets: there
# char has no sign, and memory is looked at in another order.
set -u
cd /t/src || exit 2
cross=aarch64-linux-gnu
units=$(find tests/unit -name 'test_*.c' | sort | sed 's,tests/unit/\(.*\)\.c,build/tests/\1,')
# shellcheck disable=SC2086 # words
make -s -j"$(nproc)" WERROR=1 CC=$cross-gcc PKG_CONFIG=$cross-pkg-config all $units >/tmp/log 2>&1 || {
	tail -n 40 /tmp/log >&2
	exit 1
}
n=0 failed=0
count() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		failed=$((failed + 1))
		echo "not ok $n - $2"
		grep -v '^ok ' /tmp/out >&2
	fi
}
for program in build/doublelock build/doublelock-ctl build/doublelock-keys build/doublelock-helper build/doublelockd build/pam_doublelock.so; do
	od -An -tx1 -j18 -N2 "$program" >/tmp/out 2>&1 && grep -q 'b7 00' /tmp/out # EM_AARCH64
	count $? "$program is of arm64"
done
qemu-aarch64-static build/doublelock-ctl --version >/tmp/out 2>&1
count $? "and runs"
for unit in $units; do
	CMOCKA_MESSAGE_OUTPUT=TAP timeout 300 qemu-aarch64-static "$unit" >/tmp/out 2>&1 </dev/null &&
		grep -q '^1\.\.[1-9]' /tmp/out && ! grep -q '^not ok' /tmp/out
	count $? "$unit, $(grep -c '^ok ' /tmp/out) passed"
done
echo "1..$n"
[ "$failed" -eq 0 ]
