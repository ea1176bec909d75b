/* SPDX-License-Identifier: MIT */
/* What a judge gives up is gone, and what it was started with does not matter. */
#include <errno.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/securebits.h>

#include "agent/sandbox.h"

/* Each in a process of its own, which ends with the number of what did not hold. */
static void
in_child(int (*what)(void))
{
	int status;

	pid_t pid = fork();
	if (pid == 0)
		_exit(what());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int
start_badly_and_reset(void)
{
	struct rlimit none = { 0 }, now;
	struct sigaction action;
	sigset_t all, blocked;

	getrlimit(RLIMIT_FSIZE, &none);
	none.rlim_cur = 0;
	setrlimit(RLIMIT_FSIZE, &none);
	getrlimit(RLIMIT_NOFILE, &none);
	none.rlim_cur = 4;
	setrlimit(RLIMIT_NOFILE, &none);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGTERM, SIG_IGN);
	signal(SIGALRM, SIG_IGN);
	umask(0);
	if (dlk_sandbox_reset() != 0)
		return 1;
	getrlimit(RLIMIT_FSIZE, &now);
	if (now.rlim_cur != now.rlim_max || now.rlim_cur == 0)
		return 2;
	getrlimit(RLIMIT_NOFILE, &now);
	if (now.rlim_cur < 256)
		return 3;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	if (sigismember(&blocked, SIGTERM) || sigismember(&blocked, SIGALRM))
		return 4;
	sigaction(SIGTERM, NULL, &action);
	if (action.sa_handler != SIG_DFL)
		return 5;
	sigaction(SIGPIPE, NULL, &action);
	if (action.sa_handler != SIG_IGN)
		return 6;
	if (umask(0) != 077)
		return 7;
	char here[2];
	return getcwd(here, sizeof(here)) && strcmp(here, "/") == 0 ? 0 : 8;
}

static void
what_it_was_started_with_does_not_matter(void **state)
{
	(void)state;
	in_child(start_badly_and_reset);
}

static int
become_judge(void)
{
	const struct passwd *judge = getpwnam(DLK_USER);
	gid_t groups[64];
	uid_t uid = judge->pw_uid;
	gid_t gid = judge->pw_gid;
	bool was_root = geteuid() == 0;

	if (dlk_sandbox_become(DLK_USER) != 0)
		return 1;
	if (getuid() != uid || geteuid() != uid || getgid() != gid || getegid() != gid)
		return 2;
	if (was_root && (getgroups(64, groups) != 1 || groups[0] != gid))
		return 3;
	if (setuid(0) == 0 || setgid(0) == 0)
		return 4;
	/* for good: the same again finds nothing to do, another one is refused */
	if (dlk_sandbox_become(DLK_USER) != 0 || dlk_sandbox_become("daemon") != -EPERM)
		return 5;
	return 0;
}

static int
become_nobody_real(void)
{
	if (dlk_sandbox_become("no.such.account") != -ENOENT)
		return 1;
	return dlk_sandbox_become("root") == -EPERM ? 0 : 2;
}

/* A program whose capabilities survive the change of its uid could come back. */
static int
become_with_capabilities(void)
{
	if (geteuid() != 0)
		return 0; /* has none to keep */
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) != 0)
		return 1;
	return dlk_sandbox_become(DLK_USER) == -EPERM ? 0 : 2;
}

static void
there_is_no_way_back(void **state)
{
	(void)state;
	in_child(become_judge);
	in_child(become_nobody_real);
	in_child(become_with_capabilities);
}

static int
harden(void)
{
	struct rlimit core;

	if (dlk_sandbox_harden() != 0)
		return 1;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 2;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 3;
	getrlimit(RLIMIT_CORE, &core);
	return core.rlim_cur == 0 ? 0 : 4;
}

static void
nothing_is_left_for_others_to_read(void **state)
{
	(void)state;
	in_child(harden);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_was_started_with_does_not_matter),
		cmocka_unit_test(there_is_no_way_back),
		cmocka_unit_test(nothing_is_left_for_others_to_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
