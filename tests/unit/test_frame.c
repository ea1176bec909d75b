/* SPDX-License-Identifier: MIT */
/* Frames pass a socket whole or not at all, and no peer can make us wait beyond a deadline. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "wire/frame.h"

static const uint8_t small[] = { 'D', 'L', 'K', DLK_WIRE_VERSION, 0, 0, 0, 3, 'a', 'b', 'c' };

static int64_t
soon(void)
{
	return dlk_monotonic_ms() + 30000;
}

static void
pair(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
}

static void
frames_come_one_at_a_time(void **state)
{
	DLK_AUTO_BUF in = { 0 };
	int fd[2];

	(void)state;
	pair(fd);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    dlk_frame_send(fd[0], DLK_BYTES(small, sizeof(small)), soon()), 0);
	for (size_t i = 1; i <= 2; i++) {
		assert_int_equal(dlk_frame_receive(fd[1], soon(), &in), 0);
		assert_int_equal(in.n, i * sizeof(small));
	}
	assert_memory_equal(in.p + sizeof(small), small, sizeof(small));
	dlk_fd_close(&fd[0]);
	assert_int_equal(dlk_frame_end(fd[1], soon()), 0);
	assert_int_equal(dlk_frame_receive(fd[1], soon(), &in), -EPIPE);
	dlk_fd_close(&fd[1]);
}

static void
the_largest_passes(void **state)
{
	DLK_AUTO_BUF in = { 0 };
	uint8_t *large = calloc(1, DLK_WIRE_MAX);
	int fd[2], status;

	(void)state;
	memcpy(large, small, DLK_WIRE_HEADER);
	dlk_put_be32(large + 4, DLK_WIRE_MAX - DLK_WIRE_HEADER);
	pair(fd);
	pid_t child = fork();
	if (child == 0)
		_exit(dlk_frame_send(fd[0], DLK_BYTES(large, DLK_WIRE_MAX), soon()) != 0);
	assert_int_equal(dlk_frame_receive(fd[1], soon(), &in), 0);
	assert_int_equal(in.n, DLK_WIRE_MAX);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	free(large);
	dlk_fd_close(&fd[0]);
	dlk_fd_close(&fd[1]);
}

/* What the peer sends, and then ends or stays silent; how that is answered. */
static const struct {
	const char *name, *octets;
	size_t n;
	bool ends;
	int error;
} peers[] = {
	{ "nothing and ends", "", 0, true, -EPIPE },
	{ "half a header and ends", "DLK", 3, true, -EPIPE },
	{ "half a frame and ends", "DLK\1\0\0\0\2x", 9, true, -EPIPE },
	{ "nothing and stays", "", 0, false, -ETIMEDOUT },
	{ "half a frame and stays", "DLK\1\0\0\0\2x", 9, false, -ETIMEDOUT },
	{ "something else", "HTTP/1.1", 8, false, -EPROTO },
	{ "another version", "DLK\2\0\0\0\0", 8, false, -EPROTO },
	{ "too long", "DLK\1\0\7\xff\xf9", 8, false, -EMSGSIZE },
	{ "4 GiB", "DLK\1\xff\xff\xff\xff", 8, false, -EMSGSIZE },
};

static void
bad_peers_are_left(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		DLK_AUTO_BUF in = { 0 };
		int fd[2];

		pair(fd);
		assert_int_equal(write(fd[0], peers[i].octets, peers[i].n), peers[i].n);
		if (peers[i].ends)
			dlk_fd_close(&fd[0]);
		int error = dlk_frame_receive(fd[1], dlk_monotonic_ms() + 20, &in);
		if (error != peers[i].error)
			fail_msg("%s: %d", peers[i].name, error);
		assert_int_equal(in.n, 0);
		dlk_fd_close(&fd[0]);
		dlk_fd_close(&fd[1]);
	}
}

static void
sending_ends_too(void **state)
{
	uint8_t *large = calloc(1, DLK_WIRE_MAX);
	int fd[2];

	(void)state;
	pair(fd);
	/* nobody reads: more than the socket holds */
	int error = 0;
	for (int i = 0; i < 64 && error == 0; i++)
		error = dlk_frame_send(
		    fd[0], DLK_BYTES(large, DLK_WIRE_MAX), dlk_monotonic_ms() + 20);
	assert_int_equal(error, -ETIMEDOUT);
	dlk_fd_close(&fd[1]);
	/* and no SIGPIPE */
	assert_int_equal(
	    dlk_frame_send(fd[0], DLK_BYTES(small, sizeof(small)), soon()), -EPIPE);
	free(large);
	dlk_fd_close(&fd[0]);
}

static void
an_end_is_an_end(void **state)
{
	int fd[2];

	(void)state;
	pair(fd);
	assert_int_equal(dlk_frame_end(fd[1], dlk_monotonic_ms() + 20), -ETIMEDOUT);
	assert_int_equal(write(fd[0], "x", 1), 1);
	assert_int_equal(dlk_frame_end(fd[1], soon()), -EBADMSG);
	dlk_fd_close(&fd[0]);
	dlk_fd_close(&fd[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_one_at_a_time),
		cmocka_unit_test(the_largest_passes),
		cmocka_unit_test(bad_peers_are_left),
		cmocka_unit_test(sending_ends_too),
		cmocka_unit_test(an_end_is_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
