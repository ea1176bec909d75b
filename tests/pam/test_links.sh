#!/bin/sh
# SPDX-License-Identifier: MIT
# test_links - what the module brings into sshd: two libraries, six entry points, and no call
# that ends, prints to, or changes the process that it is loaded into.
set -u
cd "$(dirname "$0")/../.." || exit 2
module=${B:-build}/pam_doublelock.so
n=0

same() { # NAME, WANTED, FOUND
	n=$((n + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		echo "# wanted: $2"
		echo "# found:  $3"
	fi
}

same "links libpam and libc" "libc.so.6 libpam.so.0" \
	"$(readelf -d "$module" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v san | sort | xargs)"
same "exports PAM's six functions" \
	"pam_sm_acct_mgmt pam_sm_authenticate pam_sm_chauthtok pam_sm_close_session pam_sm_open_session pam_sm_setcred" \
	"$(nm -D --defined-only "$module" | awk '$2 == "T" { print $3 }' | sort | xargs)"

for program in doublelock-ask doublelock; do
	same "$program links libc" "libc.so.6" \
		"$(readelf -d "${B:-build}/$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v san | sort | xargs)"
done

if [ -f "${B:-build}/openvpn-plugin-doublelock.so" ]; then
	same "the plugin of OpenVPN links libc" "libc.so.6" \
		"$(readelf -d "${B:-build}/openvpn-plugin-doublelock.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v san | sort | xargs)"
	same "and exports what OpenVPN calls" "client_constructor_v1 client_destructor_v1 close_v1 func_v3 min_version_required_v1 open_v3 select_initialization_point_v1" \
		"$(nm -D --defined-only "${B:-build}/openvpn-plugin-doublelock.so" | sed -n 's/.* T openvpn_plugin_//p' | sort | xargs)"
fi

# Sanitized it calls what it likes.
if ! nm -D -u "$module" | grep -q __asan; then
	same "calls nothing that its host would notice" "" "$(nm -D -u "$module" | awk '{ print $NF }' |
		sed 's/@.*//' | grep -E '^(_?exit|_Exit|quick_exit|abort|__assert.*|at_?exit|on_exit|.*printf_chk|printf|puts|putchar|perror|(secure_)?getenv|(set|put|unset|clear)env|environ|signal|sig(action|procmask|suspend|wait)|pthread_.*|fork|vfork|clone|system|popen|exec.*|setlocale|umask|f?chdir|chroot|set(re|res|fs|e)?[ug]id|setgroups|alarm|setitimer|setrlimit|prctl|unlink(at)?|rename(at)?|openlog|strtok|getpwnam)$' |
		grep -vE '^__v?snprintf_chk$' | xargs)"
fi
echo "1..$n"
