/* SPDX-License-Identifier: MIT */
/* What is left to the process that speaks with the world, tried from within; and that messages
 * are taken exactly as they are made. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/calls.h"
#include "agent/keeper.h"
#include "agent/landlock.h"
#include "agent/outward/bounds.h"
#include "agent/outward/files.h"
#include "agent/outwire.h"
#include "base/file.h"
#include "base/text.h"
#include "wire/codec.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

struct place {
	char dir[32], key[64], state[64];
};

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* A sealing key and a record, which this user may read and write. */
static int
set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	dlk_text_print(p->dir, sizeof(p->dir), "/tmp/outward.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	dlk_text_print(p->key, sizeof(p->key), "%s/seal.key", p->dir);
	dlk_text_print(p->state, sizeof(p->state), "%s/state.db", p->dir);
	write_file(p->key, "k1 secret");
	write_file(p->state, "record");
	*state = p;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;

	(void)remove(p->key);
	(void)remove(p->state);
	(void)remove(p->dir);
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

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0) {
		line = work(*state);
		_exit(write(ends[1], &line, sizeof(line)) == (ssize_t)sizeof(line) ? 0 : 1);
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
no_key_and_no_state(const struct place *p)
{
	HOLDS(dlk_bounds_enter() == 0);
	HOLDS(opened("/etc/hosts", O_RDONLY) == 0 || errno == ENOENT);
	HOLDS(opened("/dev/urandom", O_RDONLY) == 0);
	if (!has_landlock())
		return 0;
	HOLDS(opened(p->key, O_RDONLY) == -EACCES);
	HOLDS(opened(p->state, O_RDONLY) == -EACCES);
	HOLDS(opened(p->state, O_WRONLY) == -EACCES);
	HOLDS(opened(p->dir, O_RDONLY | O_DIRECTORY) == -EACCES);
	HOLDS(unlink(p->key) < 0 && errno == EACCES);
	HOLDS(rename(p->key, p->state) < 0 && errno == EACCES);
	HOLDS(mkdir("/tmp/outward", 0700) < 0 && errno == EACCES);
	HOLDS(opened("/etc/passwd", O_RDONLY) == -EACCES);
	HOLDS(opened("/etc/shadow", O_RDONLY) == -EACCES);
	HOLDS(opened("/etc/doublelock", O_RDONLY | O_DIRECTORY) < 0);
	HOLDS(opened("/var/lib/doublelock", O_RDONLY | O_DIRECTORY) < 0);
	HOLDS(opened("/proc/1/status", O_RDONLY) == -EACCES);
	return 0;
}

static int
no_program_and_no_process(const struct place *p)
{
	char *const arguments[] = { (char[]){ "true" }, NULL };

	(void)p;
	HOLDS(dlk_bounds_enter() == 0);
	HOLDS(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	HOLDS(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	HOLDS(execv("/bin/true", arguments) < 0 && errno == EPERM);
	HOLDS(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0) < 0 &&
	      errno == EPERM);
#ifndef __SANITIZE_ADDRESS__
	HOLDS(syscall(SYS_ptrace, 16, getppid(), 0, 0) < 0 && errno == EPERM);
#endif
	HOLDS(syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS);
	HOLDS(syscall(SYS_io_uring_setup, 4, NULL) < 0 && errno == EPERM);
	return 0;
}

static int
outwards_and_not_inwards(const struct place *p)
{
	const struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd;

	(void)p;
	HOLDS(dlk_bounds_enter() == 0);
	HOLDS(made(AF_INET, SOCK_STREAM) == 0);
	HOLDS(made(AF_INET, SOCK_DGRAM) == 0);
	HOLDS(made(AF_UNIX, SOCK_STREAM) == 0);
	HOLDS(made(AF_INET6, SOCK_STREAM) == 0 || errno == EAFNOSUPPORT);
	HOLDS(made(AF_PACKET, SOCK_RAW) == -EPERM);
	HOLDS(made(AF_VSOCK, SOCK_STREAM) == -EPERM);
	HOLDS(made(AF_ALG, SOCK_SEQPACKET) == -EPERM);
	HOLDS(syscall(SYS_socket, INT64_C(0x100000002), SOCK_STREAM, 0) < 0 && errno == EPERM);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	HOLDS(bind(fd, (const struct sockaddr *)&name, sizeof(name.sun_family)) == 0);
	HOLDS(listen(fd, 1) < 0 && errno == EPERM);
	HOLDS(accept(fd, NULL, NULL) < 0 && errno == EPERM);
	close(fd);
	return 0;
}

/* What the configuration names is read all the same, as octets that the agent has sent. */
static int
files_that_came_along(const struct place *p)
{
	struct dlk_out_files files = { 0 };
	DLK_AUTO_BUF back = { 0 };
	DLK_AUTO_FD fd = -1;
	char path[64];

	(void)p;
	HOLDS(dlk_bounds_enter() == 0);
	HOLDS(dlk_out_files_set(&files, DLK_OUT_CA, dlk_bytes_str("one")) == 0);
	HOLDS(dlk_out_files_set(&files, DLK_OUT_CA, dlk_bytes_str("two")) == 0);
	HOLDS(dlk_out_files_set(&files, DLK_OUT_FILES, dlk_bytes_str("x")) == -EBADMSG);
	HOLDS(dlk_out_files_set(&files, 0, dlk_bytes_str("x")) == -EBADMSG);
	HOLDS(dlk_out_files_path(&files, DLK_OUT_CA, &fd, path) == 0);
	HOLDS(dlk_file_read(path, 16, NULL, &back) == 0);
	HOLDS(dlk_bytes_equal(dlk_bytes_of(&back), dlk_bytes_str("two")));
	dlk_out_files_fini(&files);
	return 0;
}

/* The agent itself, once it has a keeper. */
static int
an_agent_reaches_nobody(const struct place *p)
{
	struct dlk_keeper *keeper = NULL;
	char octet;
	int fd;

	(void)p;
	HOLDS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	HOLDS(dlk_keeper_start("/bin/true", &keeper) == 0);
	HOLDS(dlk_calls_forbid(DLK_CALLS_LOCAL) == 0);
	HOLDS(dlk_landlock_forbid_tcp() == 0);
	HOLDS(made(AF_INET, SOCK_STREAM) == -EPERM);
	HOLDS(made(AF_INET6, SOCK_DGRAM) == -EPERM);
	HOLDS(made(AF_NETLINK, SOCK_RAW) == -EPERM);
	/* and yet it has a program started, whose end it sees */
	HOLDS(dlk_keeper_ask(keeper, &fd) == 0);
	HOLDS(read(fd, &octet, 1) == 0);
	close(fd);
	dlk_keeper_free(keeper);
	return 0;
}

/* Sockets that were there before: one that is connected is not connected anew. */
static int
no_tcp_by_an_old_socket(const struct place *p)
{
	struct sockaddr_storage there = { .ss_family = AF_UNSPEC };
	const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	socklen_t size = sizeof(there);
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct dlk_landlock version = { .ruleset = -1 };

	(void)p;
	HOLDS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	HOLDS(listening >= 0 && out >= 0 && listen(listening, 1) == 0);
	HOLDS(getsockname(listening, (struct sockaddr *)&there, &size) == 0);
	HOLDS(connect(out, (struct sockaddr *)&there, size) == 0);
	HOLDS(dlk_landlock_open(true, &version) == 0);
	dlk_landlock_fini(&version);
	HOLDS(dlk_landlock_forbid_tcp() == 0);
	int in = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	HOLDS(in >= 0);
	(void)connect(out, &nowhere, sizeof(nowhere));
	if (version.abi >= 4)
		HOLDS(connect(out, (struct sockaddr *)&there, size) < 0 && errno == EACCES);
	return 0;
}

#define CASE(name, work)                                                                      \
	static void name(void **state)                                                        \
	{                                                                                     \
		apart(state, work);                                                           \
	}
CASE(it_opens_neither_key_nor_state, no_key_and_no_state)
CASE(it_starts_no_program_and_looks_into_none, no_program_and_no_process)
CASE(it_goes_out_and_nobody_comes_in, outwards_and_not_inwards)
CASE(it_has_the_files_that_came_along, files_that_came_along)
CASE(the_agent_reaches_nobody_by_itself, an_agent_reaches_nobody)
CASE(not_by_sockets_that_were_there_either, no_tcp_by_an_old_socket)

/* ---- messages ---- */

static const struct dlk_out_message *
some_messages(size_t *ret_n)
{
	static struct dlk_out_message all[DLK_OUT_LAST];
	const struct dlk_bytes a = dlk_bytes_str("a"), none = dlk_bytes_str("");
	const struct dlk_out_message made[] = {
		{ DLK_OUT_FILE, { DLK_OUT_CA }, { a } },
		{ DLK_OUT_FETCH, { 7, 1 }, { a } },
		{ DLK_OUT_EVENT, { 7 }, { a, a, a, a, a } },
		{ DLK_OUT_CARRY, { 0 }, { none } },
		{ DLK_OUT_OPEN, { 0 }, { a, a, a, none, none } },
		{ DLK_OUT_SEARCH, { 0 }, { a } },
		{ DLK_OUT_READY, { DLK_OUT_PROTOCOL }, { none } },
		{ DLK_OUT_DATA, { 0 }, { a } },
		{ DLK_OUT_FETCHED, { 1, 1000 }, { none } },
		{ DLK_OUT_RESULT, { 0, 1, 30 }, { none } },
		{ DLK_OUT_ENTRY, { 0 }, { none, none } },
		{ DLK_OUT_DONE, { 0 }, { none } },
		{ DLK_OUT_FAILED, { 0 }, { a } },
	};

	memcpy(all, made, sizeof(made));
	*ret_n = sizeof(made) / sizeof(made[0]);
	return all;
}

static void
each_is_taken_as_it_is_made(void **state)
{
	struct dlk_out_message back;
	size_t n;
	const struct dlk_out_message *all = some_messages(&n);

	(void)state;
	assert_int_equal(n, DLK_OUT_LAST);
	for (size_t i = 0; i < n; i++) {
		DLK_AUTO_BUF frame = { 0 };
		bool outward = all[i].kind >= DLK_OUT_READY;
		assert_int_equal(dlk_out_encode(&all[i], &frame), 0);
		assert_int_equal(dlk_out_decode(dlk_bytes_of(&frame), outward, &back), 0);
		assert_int_equal(back.kind, all[i].kind);
		for (size_t j = 0; j < DLK_OUT_NUMBERS; j++)
			assert_int_equal(back.number[j], all[i].number[j]);
		for (size_t j = 0; j < DLK_OUT_TEXTS; j++)
			assert_true(dlk_bytes_equal(back.text[j], all[i].text[j]));
		/* nobody says what the other side says */
		assert_int_equal(
		    dlk_out_decode(dlk_bytes_of(&frame), !outward, &back), -EBADMSG);
		for (size_t cut = 0; cut < frame.n; cut++)
			assert_int_equal(
			    dlk_out_decode(DLK_BYTES(frame.p, cut), outward, &back), -EBADMSG);
		assert_int_equal(dlk_buf_add(&frame, DLK_WIRE_MAX, dlk_bytes_str("x")), 0);
		assert_int_equal(
		    dlk_out_decode(dlk_bytes_of(&frame), outward, &back), -EBADMSG);
	}
}

static void
what_is_out_of_bounds_is_neither_made_nor_taken(void **state)
{
	static char longest[DLK_OUT_DER_MAX + 2];
	const struct dlk_out_message rows[] = {
		{ DLK_OUT_FETCH, { -1, 0 }, { dlk_bytes_str("a") } },
		{ DLK_OUT_FETCH, { 0, 2 }, { dlk_bytes_str("a") } },
		{ DLK_OUT_FETCH, { 0, 0 }, { dlk_bytes_str("") } },
		{ DLK_OUT_FETCH, { 0, 0 }, { DLK_BYTES("a\0b", 3) } },
		{ DLK_OUT_RESULT, { DLK_OUT_EVENTS_MAX, 0, 0 }, { dlk_bytes_str("a") } },
		{ DLK_OUT_RESULT, { 0, 0, 0 }, { dlk_bytes_str("a\n") } },
		{ DLK_OUT_RESULT, { 0, 0, 0 }, { dlk_bytes_str("\x1b[2J") } },
		{ DLK_OUT_FAILED, { 0 }, { dlk_bytes_str("") } },
		{ DLK_OUT_FAILED, { 0 }, { DLK_BYTES(longest, DLK_OUT_WORDS + 1) } },
		{ DLK_OUT_ENTRY, { 0 },
		    { dlk_bytes_str(""), DLK_BYTES(longest, DLK_OUT_DER_MAX + 1) } },
		{ DLK_OUT_ENTRY, { 0 },
		    { DLK_BYTES(longest, DLK_OUT_USER_MAX + 1), dlk_bytes_str("") } },
		{ DLK_OUT_DATA, { 0 }, { DLK_BYTES(longest, DLK_OUT_DATA_MAX + 1) } },
		{ DLK_OUT_LAST + 1, { 0 }, { { NULL, 0 } } },
		{ 0, { 0 }, { { NULL, 0 } } },
	};
	DLK_AUTO_BUF frame = { 0 };
	struct dlk_out_message back;

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(dlk_out_encode(&rows[i], &frame), -EINVAL);
	assert_int_equal(frame.n, 0);
	/* the same on the other side: a number, and a letter, changed on the way */
	assert_int_equal(dlk_out_encode(&(struct dlk_out_message){ DLK_OUT_RESULT, { 0, 0, 0 },
					    { dlk_bytes_str("a") } },
			     &frame),
	    0);
	frame.p[DLK_WIRE_HEADER + 1] = 0x80;
	assert_int_equal(dlk_out_decode(dlk_bytes_of(&frame), true, &back), -EBADMSG);
	frame.p[DLK_WIRE_HEADER + 1] = 0;
	assert_int_equal(dlk_out_decode(dlk_bytes_of(&frame), true, &back), 0);
	frame.p[frame.n - 1] = '\n';
	assert_int_equal(dlk_out_decode(dlk_bytes_of(&frame), true, &back), -EBADMSG);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(it_opens_neither_key_nor_state),
		TEST(it_starts_no_program_and_looks_into_none),
		TEST(it_goes_out_and_nobody_comes_in),
		TEST(it_has_the_files_that_came_along),
		TEST(the_agent_reaches_nobody_by_itself),
		TEST(not_by_sockets_that_were_there_either),
		cmocka_unit_test(each_is_taken_as_it_is_made),
		cmocka_unit_test(what_is_out_of_bounds_is_neither_made_nor_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
