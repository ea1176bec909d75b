/* SPDX-License-Identifier: MIT */
/* What is left to a judge, and to doublelock-prove, tried from within: each case in a process
 * of its own, which is confined for good. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <seccomp.h>

#include "agent/confine.h"
#include "agent/prove/confine.h"
#include "agent/sandbox.h"
#include "base/text.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

struct place {
	char dir[32], config[64], inside[80], linked[80], outside[64], state[64], store[80];
	struct dlk_settings *settings;
};

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* A configuration, a list that a link stands for, a file that is none of ours, a state. */
static int
set_up(void **state)
{
	const struct dlk_care care = { .owned = true, .owner = geteuid() };
	struct place *p = calloc(1, sizeof(*p));
	struct dlk_finding finding = { 0 };
	char path[96], text[256];

	assert_non_null(p);
	dlk_text_print(p->dir, sizeof(p->dir), "/tmp/confine.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	for (const char *const *name =
		 (const char *const[]){ "etc", "etc/crl.d", "state", "other", NULL };
	     *name; name++) {
		dlk_text_print(path, sizeof(path), "%s/%s", p->dir, *name);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	dlk_text_print(p->config, sizeof(p->config), "%s/etc/doublelock.conf", p->dir);
	dlk_text_print(p->inside, sizeof(p->inside), "%s/etc/crl.d/inside.crl", p->dir);
	dlk_text_print(p->linked, sizeof(p->linked), "%s/etc/crl.d/linked.crl", p->dir);
	dlk_text_print(p->outside, sizeof(p->outside), "%s/other/file", p->dir);
	dlk_text_print(p->state, sizeof(p->state), "%s/state", p->dir);
	dlk_text_print(p->store, sizeof(p->store), "%s/state.db", p->state);
	dlk_text_print(path, sizeof(path), "%s/other/elsewhere.crl", p->dir);
	dlk_text_print(text, sizeof(text), "[state]\nstore = sqlite:%s\n", p->store);
	write_file(p->config, text);
	write_file(p->inside, "crl");
	write_file(p->outside, "secret");
	write_file(path, "crl");
	assert_int_equal(symlink(path, p->linked), 0);
	assert_int_equal(dlk_settings_load(p->config, &care, &p->settings, &finding), 0);
	*state = p;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;
	char path[96];

	for (const char *const *name =
		 (const char *const[]){ "etc/doublelock.conf", "etc/crl.d/inside.crl",
		     "etc/crl.d/linked.crl", "etc/crl.d", "etc", "state/state.db", "state",
		     "other/file", "other/elsewhere.crl", "other", "", NULL };
	     *name; name++) {
		dlk_text_print(path, sizeof(path), "%s/%s", p->dir, *name);
		(void)remove(path);
	}
	dlk_settings_free(p->settings);
	free(p);
	return 0;
}

/* Runs the case in a child; 0 where it held, else the line that did not. */
typedef int within(const struct place *place);
#define HOLDS(condition)                                                                      \
	do {                                                                                  \
		if (!(condition))                                                             \
			return __LINE__;                                                      \
	} while (0)

static void
apart(void **state, within *work)
{
	int ended, line = 0, ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	pid_t child = fork();
	if (child == 0) {
		line = work(*state);
		_exit(send(ends[1], &line, sizeof(line), 0) == (ssize_t)sizeof(line) ? 0 : 1);
	}
	close(ends[1]);
	assert_int_equal(waitpid(child, &ended, 0), child);
	assert_int_equal(read(ends[0], &line, sizeof(line)), sizeof(line));
	close(ends[0]);
	assert_int_equal(ended, 0);
	if (line != 0)
		print_error("line %d does not hold\n", line);
	assert_int_equal(line, 0);
}

static int
opened(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int
made(int domain, int type)
{
	int fd = socket(domain, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static bool
has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
}

static int
only_its_files(const struct place *p)
{
	bool expected = has_landlock(), landlock;

	HOLDS(dlk_confine(p->config, p->settings, DLK_CONFINE_ONCE, &landlock) == 0);
	HOLDS(landlock == expected);
	HOLDS(opened(p->config, O_RDONLY) == 0);
	HOLDS(opened(p->inside, O_RDONLY) == 0);
	HOLDS(opened(p->linked, O_RDONLY) == 0);
	HOLDS(opened(p->store, O_RDWR | O_CREAT) == 0);
	HOLDS(opened("/etc/passwd", O_RDONLY) == 0);
	HOLDS(getpwnam("root") != NULL);
	if (!landlock)
		return 0;
	HOLDS(opened(p->outside, O_RDONLY) == -EACCES);
	HOLDS(opened(p->inside, O_WRONLY) == -EACCES);
	HOLDS(opened(p->config, O_WRONLY) == -EACCES);
	HOLDS(opened("/etc/shadow", O_RDONLY) == -EACCES);
	HOLDS(opened("/etc/hostname", O_RDONLY) == -EACCES);
	HOLDS(opened("/proc/1/status", O_RDONLY) == -EACCES);
	HOLDS(opened("/", O_RDONLY | O_DIRECTORY) == -EACCES);
	HOLDS(opened(p->dir, O_RDONLY | O_DIRECTORY) == -EACCES);
	HOLDS(mkdir("/tmp/confine", 0700) < 0 && errno == EACCES);
	HOLDS(unlink(p->outside) < 0 && errno == EACCES);
	return 0;
}

static int
no_network(const struct place *p)
{
	int pair[2];
	bool landlock;

	HOLDS(dlk_confine(p->config, p->settings, DLK_CONFINE_ONCE, &landlock) == 0);
	HOLDS(made(AF_UNIX, SOCK_STREAM) == 0);
	HOLDS(made(AF_UNIX, SOCK_DGRAM) == 0);
	HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	HOLDS(made(AF_INET, SOCK_STREAM) == -EPERM);
	HOLDS(made(AF_INET, SOCK_DGRAM) == -EPERM);
	HOLDS(made(AF_INET6, SOCK_STREAM) == -EPERM);
	HOLDS(made(AF_NETLINK, SOCK_RAW) == -EPERM);
	HOLDS(made(AF_PACKET, SOCK_RAW) == -EPERM);
	HOLDS(made(AF_VSOCK, SOCK_STREAM) == -EPERM);
	/* the kernel would cut this to AF_INET */
	HOLDS(syscall(SYS_socket, INT64_C(0x100000002), SOCK_STREAM, 0) < 0 && errno == EPERM);
	HOLDS(syscall(SYS_io_uring_setup, 4, NULL) < 0 && errno == EPERM);
	return 0;
}

static int
no_programs(const struct place *p)
{
	char *const arguments[] = { (char[]){ "true" }, NULL };
	bool landlock;

	HOLDS(dlk_confine(p->config, p->settings, DLK_CONFINE_ONCE, &landlock) == 0);
	HOLDS(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	HOLDS(execv("/bin/true", arguments) < 0 && errno == EPERM);
	HOLDS(unshare(CLONE_NEWUSER) < 0 && errno == EPERM);
	HOLDS(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) < 0 && errno == EPERM);
	HOLDS(syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS);
	/* and yet */
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	HOLDS(child > 0 && waitpid(child, NULL, 0) == child);
	return 0;
}

/* The agent's threads: another configuration may name other files to read. */
static int
one_that_stays(const struct place *p)
{
	bool landlock;

	HOLDS(dlk_confine(p->config, p->settings, DLK_CONFINE_STAYS, &landlock) == 0);
	HOLDS(opened(p->outside, O_RDONLY) == 0);
	HOLDS(opened(p->store, O_RDWR | O_CREAT) == 0);
	HOLDS(made(AF_INET, SOCK_STREAM) == -EPERM);
	if (landlock)
		HOLDS(opened(p->outside, O_WRONLY) == -EACCES);
	return 0;
}

static int
without_settings(const struct place *p)
{
	bool landlock;

	HOLDS(dlk_confine(p->config, NULL, DLK_CONFINE_ONCE, &landlock) == 0);
	HOLDS(opened(p->config, O_RDONLY) == 0);
	if (landlock)
		HOLDS(opened(p->store, O_RDWR | O_CREAT) == -EACCES);
	return 0;
}

/* Answers one call with an error, as an older kernel does; of some calls that alone whose
 * first argument this is. */
static int
answer_some(int call, unsigned n, struct scmp_arg_cmp first, uint32_t error)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	int r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(error), call, n, &first);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

static int
answer(int call, uint32_t error)
{
	return answer_some(call, 0, SCMP_A0(SCMP_CMP_EQ, 0), error);
}

static int
answer_where(int call, scmp_datum_t first, uint32_t error)
{
	return answer_some(call, 1, SCMP_A0(SCMP_CMP_EQ, first), error);
}

static int
an_old_kernel(const struct place *p)
{
	bool landlock = true;

	HOLDS(answer(SYS_landlock_create_ruleset, ENOSYS) == 0);
	HOLDS(dlk_confine(p->config, p->settings, DLK_CONFINE_ONCE, &landlock) == 0);
	HOLDS(!landlock);
	HOLDS(opened(p->outside, O_RDONLY) == 0);
	HOLDS(made(AF_INET, SOCK_STREAM) == -EPERM);
	return 0;
}

static int
an_old_container(const struct place *p)
{
	bool landlock = true;

	HOLDS(answer(SYS_landlock_create_ruleset, EPERM) == 0);
	HOLDS(dlk_confine(p->config, p->settings, DLK_CONFINE_ONCE, &landlock) == 0);
	HOLDS(!landlock);
	HOLDS(made(AF_INET, SOCK_STREAM) == -EPERM);
	return 0;
}

static int
landlock_that_fails(const struct place *p)
{
	bool landlock = true;

	HOLDS(answer(SYS_landlock_create_ruleset, EMFILE) == 0);
	HOLDS(dlk_confine(p->config, p->settings, DLK_CONFINE_ONCE, &landlock) == -EMFILE);
	return 0;
}

static int
no_filter(const struct place *p)
{
	bool landlock;

	HOLDS(answer(SYS_seccomp, EACCES) == 0);
	HOLDS(dlk_confine(p->config, p->settings, DLK_CONFINE_ONCE, &landlock) < 0);
	return 0;
}

static long
called(long call, long a, long b, long c)
{
	long r = syscall(call, a, b, c, 0L, 0L, 0L);

	return r < 0 ? -errno : r;
}

/* What doublelock-prove still does, and what somebody who has it would rather do. */
static int
what_a_prover_has(void)
{
	struct timespec now;
	struct ucred peer;
	socklen_t n = sizeof(peer);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *room = malloc(4 * 1024 * 1024);

	HOLDS(room != NULL && fd >= 0);
	memset(room, 1, 4 * 1024 * 1024);
	room = realloc(room, 9 * 1024 * 1024);
	HOLDS(room != NULL);
	free(room);
	HOLDS(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0);
	close(fd);
	HOLDS(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return 0;
}

static int
no_file_at_all(const struct place *p)
{
	struct stat st;
	char link[64];

	HOLDS(opened(p->outside, O_RDONLY) == -EPERM);
	HOLDS(opened(p->outside, O_WRONLY) == -EPERM);
	HOLDS(opened(p->store, O_RDWR | O_CREAT) == -EPERM);
	HOLDS(opened("/dev/null", O_RDONLY) == -EPERM);
	HOLDS(opened("/proc/self/environ", O_RDONLY) == -EPERM);
	HOLDS(opened("/", O_RDONLY | O_DIRECTORY) == -EPERM);
	HOLDS(opened("/", O_PATH) == -EPERM);
	HOLDS(called(SYS_openat2, AT_FDCWD, (long)p->outside, 0) == -EPERM);
	HOLDS(called(SYS_open_by_handle_at, AT_FDCWD, 0, 0) == -EPERM);
	HOLDS(stat(p->outside, &st) < 0 && errno == EPERM);
	HOLDS(readlink("/proc/self/exe", link, sizeof(link)) < 0 && errno == EPERM);
	HOLDS(unlink(p->outside) < 0 && errno == EPERM);
	HOLDS(mkdir("/tmp/confine", 0700) < 0 && errno == EPERM);
	return 0;
}

static int
no_other_process(void)
{
	char *const arguments[] = { (char[]){ "true" }, NULL };

	HOLDS(execv("/bin/true", arguments) < 0 && errno == EPERM);
	HOLDS(called(SYS_execveat, AT_FDCWD, (long)"/bin/true", (long)arguments) == -EPERM);
	HOLDS(called(SYS_clone, SIGCHLD, 0, 0) == -EPERM);
	HOLDS(called(SYS_clone3, 0, 0, 0) == -EPERM);
	HOLDS(called(SYS_ptrace, PTRACE_ATTACH, getppid(), 0) == -EPERM);
	HOLDS(called(SYS_ptrace, PTRACE_TRACEME, 0, 0) == -EPERM);
	HOLDS(called(SYS_process_vm_readv, getppid(), 0, 0) == -EPERM);
	HOLDS(called(SYS_pidfd_open, getppid(), 0, 0) == -EPERM);
	HOLDS(called(SYS_kill, getppid(), 0, 0) == -EPERM);
	HOLDS(called(SYS_tkill, getppid(), 0, 0) == -EPERM);
	HOLDS(called(SYS_prctl, PR_SET_DUMPABLE, 1, 0) == -EPERM);
	return 0;
}

static int
no_way_out(void)
{
	int pair[2];

	HOLDS(made(AF_INET, SOCK_STREAM) == -EPERM);
	HOLDS(made(AF_INET, SOCK_DGRAM) == -EPERM);
	HOLDS(made(AF_INET6, SOCK_STREAM) == -EPERM);
	HOLDS(made(AF_NETLINK, SOCK_RAW) == -EPERM);
	HOLDS(made(AF_PACKET, SOCK_RAW) == -EPERM);
	HOLDS(made(AF_VSOCK, SOCK_STREAM) == -EPERM);
	/* the kernel would cut this to AF_INET */
	HOLDS(called(SYS_socket, INT64_C(0x100000002), SOCK_STREAM, 0) == -EPERM);
	HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 && errno == EPERM);
	HOLDS(called(SYS_bind, 0, 0, 0) == -EPERM);
	HOLDS(called(SYS_listen, 0, 0, 0) == -EPERM);
	HOLDS(called(SYS_sendmsg, 0, 0, 0) == -EPERM);
	HOLDS(called(SYS_io_uring_setup, 4, 0, 0) == -EPERM);
	HOLDS(called(SYS_bpf, 0, 0, 0) == -EPERM);
	HOLDS(called(SYS_unshare, CLONE_NEWUSER, 0, 0) == -EPERM);
	/* nor code that was not in the program */
	HOLDS(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		  MAP_FAILED &&
	      errno == EPERM);
	HOLDS(called(SYS_mprotect, 0, 4096, PROT_READ) == -EPERM);
	return 0;
}

static int
a_taken_prover(const struct place *p)
{
	HOLDS(dlk_prove_confine() == 0);
	int line = what_a_prover_has();
	if (line == 0)
		line = no_file_at_all(p);
	if (line == 0)
		line = no_other_process();
	return line ? line : no_way_out();
}

static int
a_prover(const struct place *p)
{
	int line = a_taken_prover(p);

#ifdef __x86_64__ /* the same call by its other number */
	HOLDS(called(0x40000000 | SYS_openat, AT_FDCWD, (long)"/dev/null", 0) == -EPERM);
#endif
	return line;
}

/* Landlock is a second wall there and no more. */
static int
a_prover_on_an_old_kernel(const struct place *p)
{
	HOLDS(answer(SYS_landlock_create_ruleset, ENOSYS) == 0);
	return a_taken_prover(p);
}

static int
a_prover_without_filter(const struct place *p)
{
	(void)p;
	HOLDS(dlk_sandbox_harden() == 0);
	HOLDS(answer_where(SYS_prctl, PR_SET_SECCOMP, EINVAL) == 0);
	HOLDS(dlk_prove_confine() == -EINVAL);
	return 0;
}

#ifdef __x86_64__
/* getpid(), as programs of 32 bits ask for it */
static int
ended_by_old_call(bool confined)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		long number = 20;

		if (confined && dlk_prove_confine() != 0)
			_exit(9);
		__asm__ volatile("int $0x80"
				 : "+a"(number)
				 :
				 : "r8", "r9", "r10", "r11", "memory");
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
calls_of_another_architecture_end_it(void **state)
{
	(void)state;
	if (ended_by_old_call(false) != 0)
		skip(); /* this kernel has none */
	assert_int_equal(ended_by_old_call(true), SIGSYS);
}
#endif

#define CASE(name, work)                                                                      \
	static void name(void **state)                                                        \
	{                                                                                     \
		apart(state, work);                                                           \
	}
CASE(it_opens_nothing_but_its_files, only_its_files)
CASE(it_reaches_no_network, no_network)
CASE(it_starts_no_program, no_programs)
CASE(an_agent_reads_what_a_later_configuration_names, one_that_stays)
CASE(a_configuration_that_cannot_be_read_opens_nothing_else, without_settings)
CASE(without_landlock_the_rest_holds, an_old_kernel)
CASE(and_where_a_container_forbids_it, an_old_container)
CASE(landlock_that_cannot_be_had_is_an_error, landlock_that_fails)
CASE(a_filter_that_cannot_be_had_is_an_error, no_filter)
CASE(a_taken_prover_has_its_sockets_alone, a_prover)
CASE(and_without_landlock_as_well, a_prover_on_an_old_kernel)
CASE(a_prover_does_not_begin_without_its_filter, a_prover_without_filter)

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(it_opens_nothing_but_its_files),
		TEST(it_reaches_no_network),
		TEST(it_starts_no_program),
		TEST(an_agent_reads_what_a_later_configuration_names),
		TEST(a_configuration_that_cannot_be_read_opens_nothing_else),
		TEST(without_landlock_the_rest_holds),
		TEST(and_where_a_container_forbids_it),
		TEST(landlock_that_cannot_be_had_is_an_error),
		TEST(a_filter_that_cannot_be_had_is_an_error),
		TEST(a_taken_prover_has_its_sockets_alone),
		TEST(and_without_landlock_as_well),
		TEST(a_prover_does_not_begin_without_its_filter),
#ifdef __x86_64__
		cmocka_unit_test(calls_of_another_architecture_end_it),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
