/* SPDX-License-Identifier: MIT */
/*
 * sandbox.c - gives up what a process of ours does not need. Whoever started it (sudo, for
 * one, with the limits of the asking user) may have left anything in place.
 */
#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

#define FILES 4096 /* whoever needs more may still have them */

/* An inherited `ulimit -f 0` would keep failures from being counted. Where the hard limit
 * cannot be raised, the soft one goes up to it. */
static int
set_limit(__rlimit_resource_t what, rlim_t wanted)
{
	struct rlimit limit = { .rlim_cur = wanted, .rlim_max = wanted };

	if (setrlimit(what, &limit) == 0)
		return 0;
	if (getrlimit(what, &limit) != 0)
		return -errno;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	return setrlimit(what, &limit) == 0 ? 0 : -errno;
}

int
dlk_sandbox_allow_files(unsigned n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return -errno;
	if (limit.rlim_max < n)
		return set_limit(RLIMIT_NOFILE, n);
	limit.rlim_cur = n;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? 0 : -errno;
}

static int
reset_limits(void)
{
	static const struct {
		__rlimit_resource_t what;
		rlim_t wanted;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, RLIM_INFINITY },
		{ RLIMIT_CPU, RLIM_INFINITY },
		{ RLIMIT_AS, RLIM_INFINITY },
		{ RLIMIT_DATA, RLIM_INFINITY },
		{ RLIMIT_STACK, 8 * 1024 * 1024 },
		{ RLIMIT_NPROC, RLIM_INFINITY },
		{ RLIMIT_LOCKS, RLIM_INFINITY },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		int error = set_limit(limits[i].what, limits[i].wanted);

		if (error != 0)
			return error;
	}
	return dlk_sandbox_allow_files(FILES);
}

/* Everything to its default, but a closed peer and a full quota are errors of one call. */
static int
reset_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int signal = 1; signal <= SIGRTMAX; signal++)
		sigaction(signal, &action, NULL); /* SIGKILL and a few more cannot be set */
	action.sa_handler = SIG_IGN;
	if (sigaction(SIGPIPE, &action, NULL) != 0 || sigaction(SIGXFSZ, &action, NULL) != 0)
		return -errno;
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0 ? 0 : -errno;
}

int
dlk_sandbox_reset(void)
{
	int error = reset_limits();

	if (error == 0)
		error = reset_signals();
	if (error != 0)
		return error;
	umask(077);
	return chdir("/") == 0 ? 0 : -errno;
}

static int
is_all(uid_t uid, gid_t gid)
{
	uid_t u[3];
	gid_t g[3];

	if (getresuid(&u[0], &u[1], &u[2]) != 0 || getresgid(&g[0], &g[1], &g[2]) != 0)
		return -errno;
	for (int i = 0; i < 3; i++)
		if (u[i] != uid || g[i] != gid)
			return -EPERM;
	return 0;
}

/* One of these works where a capability or a saved id is left. */
static int
way_back_is_shut(uid_t uid, gid_t gid)
{
	gid_t groups[2];
	int error = is_all(uid, gid);

	if (error != 0)
		return error;
	if (setuid(0) == 0 || setreuid((uid_t)-1, 0) == 0 || setresuid(0, 0, 0) == 0 ||
	    setgid(0) == 0 || setgroups(0, NULL) == 0)
		return -EPERM;
	if (getgroups(2, groups) != 1 || groups[0] != gid)
		return -EPERM;
	return is_all(uid, gid);
}

int
dlk_sandbox_become(const char *user)
{
	const struct passwd *account;

	errno = 0;
	account = getpwnam(user);
	if (!account)
		return errno ? -errno : -ENOENT;
	uid_t uid = account->pw_uid;
	gid_t gid = account->pw_gid;
	if (geteuid() != 0)
		return is_all(uid, gid);
	if (uid == 0 || gid == 0)
		return -EPERM;
	if (setgroups(1, &gid) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return -errno;
	return way_back_is_shut(uid, gid);
}

int
dlk_sandbox_harden(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return -errno;
	return set_limit(RLIMIT_CORE, 0);
}
