/* SPDX-License-Identifier: MIT */
/* bounds.c - the lists: files of the system alone. What they are for is libcurl's and
 * libldap's affair; what the configuration names comes as octets (files.h). */
#include "agent/outward/bounds.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "agent/calls.h"
#include "agent/landlock.h"
#include "agent/sandbox.h"
#include "agent/outwire.h"

static const char *const readable[] = {
	/* names of hosts, and where the usual resolvers put what they know */
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/host.conf",
	"/etc/gai.conf",
	"/etc/nsswitch.conf",
	"/etc/services",
	"/etc/protocols",
	"/etc/localtime",
	"/run/systemd/resolve",
	"/run/NetworkManager",
	"/run/resolvconf",
	"/run/nscd",
	/* whom the machine trusts */
	"/etc/ssl",
	"/etc/pki/tls",
	"/etc/pki/ca-trust",
	"/etc/ca-certificates",
	"/etc/gnutls",
	"/etc/crypto-policies",
	"/usr/share/ca-certificates",
	"/usr/share/crypto-policies",
	"/usr/share/pki",
	"/usr/local/share/ca-certificates",
	/* libraries that are loaded late */
	"/etc/ld.so.cache",
	"/etc/ld.so.preload",
	"/lib",
	"/lib64",
	"/usr/lib",
	"/usr/lib64",
	"/usr/local/lib",
	"/usr/share/zoneinfo",
	"/proc/self",
	"/proc/sys/crypto",
	"/dev/null",
	"/dev/random",
	"/dev/urandom",
};

static int
keep_files(void)
{
	DLK_AUTO_LANDLOCK landlock = { .ruleset = -1 };
	int r = dlk_landlock_open_outward(&landlock);

	for (size_t i = 0; r == 0 && i < sizeof(readable) / sizeof(readable[0]); i++)
		r = dlk_landlock_allow(&landlock, readable[i], DLK_LANDLOCK_READ);
	return r ? r : dlk_landlock_enter(&landlock);
}

/* The largest file is one in memory (files.h). */
static int
set_limits(void)
{
	const struct rlimit file = { 2 * DLK_OUT_FILE_MAX, 2 * DLK_OUT_FILE_MAX };
	const struct rlimit files = { 128, 128 };

	return setrlimit(RLIMIT_FSIZE, &file) == 0 && setrlimit(RLIMIT_NOFILE, &files) == 0
		   ? 0
		   : -errno;
}

/* Whoever stops a service tells all of its processes; this one ends as the agent does. */
static int
ignore_signals(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	return sigaction(SIGTERM, &ignore, NULL) == 0 &&
		       sigaction(SIGINT, &ignore, NULL) == 0 &&
		       sigaction(SIGHUP, &ignore, NULL) == 0
		   ? 0
		   : -errno;
}

int
dlk_bounds_enter(void)
{
	int r = dlk_sandbox_reset();

	if (r == 0)
		r = ignore_signals();
	if (r == 0)
		r = set_limits();
	if (r == 0)
		r = dlk_sandbox_harden();
	if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		r = -errno;
	if (r == 0)
		r = keep_files();
	return r ? r : dlk_calls_forbid(DLK_CALLS_OUTWARD);
}
