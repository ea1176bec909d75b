/* SPDX-License-Identifier: MIT */
/* No uid takes all places, nor all memory; with every place taken, whoever has most gives up
 * the one that was idle for longest. */
#include <poll.h>
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
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "agent/conns.h"
#include "agent/http.h"

#define DESCRIPTORS 200
#define PLACES      (DESCRIPTORS - DLK_CONNS_SPARE)
#define SHARE       (PLACES * DLK_CONNS_SHARE / 100)
#define OTHER       12345
#define THIRD       12346

static char dir[] = "/tmp/doublelock-test-XXXXXX";
static char where[64];
static pid_t server;

static void
greet(struct dlk_http *http, const struct dlk_http_request *request,
    const struct dlk_peer *peer, void *arg)
{
	(void)arg;
	dlk_http_answer(http, request->conn,
	    peer->uid == geteuid() || peer->uid == OTHER || peer->uid == THIRD ? 200 : 403,
	    "text/plain", dlk_bytes_str("hello"));
}

static void
serve(struct dlk_listeners *listeners)
{
	static const struct dlk_route route = { "/", DLK_HTTP_GET, false, false, greet, NULL };
	const struct rlimit limit = { DESCRIPTORS, DESCRIPTORS };
	struct event_base *base = event_base_new();
	struct dlk_http *http;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || !base ||
	    dlk_http_new(base, listeners, &route, 1, &http) < 0)
		_exit(1);
	(void)event_base_dispatch(base);
	_exit(0);
}

static int
set_up(void **state)
{
	char *text[] = { where };
	const struct dlk_strings strings = { text, 1 };
	struct dlk_listeners listeners = { 0 };
	struct dlk_finding finding;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(where, sizeof(where), "unix:%s/s", dir);
	assert_int_equal(dlk_listen_open(&strings, &listeners, &finding), 0);
	server = fork();
	assert_true(server >= 0);
	if (server == 0)
		serve(&listeners);
	close(listeners.fd[0]);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)kill(server, SIGKILL);
	(void)waitpid(server, NULL, 0);
	(void)unlink(where + 5);
	(void)rmdir(dir);
	return 0;
}

static int
come(uid_t uid)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(address.sun_path, where + 5, strlen(where + 5) + 1);
	if (uid != geteuid())
		assert_int_equal(seteuid(uid), 0);
	int r = connect(fd, (struct sockaddr *)&address, sizeof(address));
	if (getuid() != geteuid())
		assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(r, 0);
	return fd;
}

static void
say(int fd)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

	assert_int_equal(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL),
	    (ssize_t)sizeof(request) - 1);
}

static bool
hears(int fd, int patience_ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char answer[512] = "";

	if (poll(&ready, 1, patience_ms) != 1)
		return false;
	assert_true(recv(fd, answer, sizeof(answer) - 1, 0) > 0);
	assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
	return true;
}

static void
serve_all(const int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		say(fd[i]);
		assert_true(hears(fd[i], 20000));
	}
}

static void
close_all(const int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fd[i]);
}

static void
come_all(uid_t uid, int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fd[i] = come(uid);
		serve_all(&fd[i], 1);
	}
}

/* Within 20 s it is; a peer that was cut short hears of that as well. */
static void
is_closed(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char octet;

	assert_int_equal(poll(&ready, 1, 20000), 1);
	assert_true(recv(fd, &octet, 1, 0) <= 0);
}

static uid_t
somebody(void)
{
	return geteuid() == 0 ? OTHER : geteuid();
}

static void
one_uid_has_its_share_and_no_more(void **state)
{
	int fd[SHARE];

	(void)state;
	come_all(somebody(), fd, SHARE);
	for (int i = 0; i < 3; i++) {
		int more = come(somebody());
		is_closed(more);
		close(more);
	}
	if (geteuid() == 0) {
		int third = come(THIRD);
		serve_all(&third, 1);
		close(third);
	}
	/* those that have a place keep it */
	serve_all(fd, SHARE);
	close_all(fd, SHARE);
	int again = come(somebody());
	serve_all(&again, 1);
	close(again);
}

static void
where_all_are_taken_the_one_with_most_gives_way(void **state)
{
	int fd[SHARE], rest[PLACES - SHARE], third[2];

	(void)state;
	if (geteuid() != 0)
		skip();
	come_all(OTHER, fd, SHARE);
	come_all(0, rest, PLACES - SHARE);
	serve_all(fd, 1); /* now the second one was idle for longest */
	come_all(THIRD, third, 2);
	is_closed(fd[1]);
	is_closed(fd[2]);
	serve_all(fd, 1);
	serve_all(fd + 3, SHARE - 3);
	serve_all(rest, PLACES - SHARE);
	serve_all(third, 2);
	close_all(fd, SHARE);
	close_all(rest, PLACES - SHARE);
	close_all(third, 2);
}

/* Half requests hold places as well, and those give way too. */
static void
half_requests_keep_nobody_out(void **state)
{
	int fd[SHARE], rest[PLACES - SHARE], third, n_gone = 0;

	(void)state;
	if (geteuid() != 0)
		skip();
	come_all(OTHER, fd, SHARE);
	for (size_t i = 0; i < SHARE; i++)
		assert_int_equal(send(fd[i], "GET / HT", 8, MSG_NOSIGNAL), 8);
	come_all(0, rest, PLACES - SHARE);
	third = come(THIRD);
	serve_all(&third, 1);
	for (size_t i = 0; i < SHARE; i++) {
		if (send(fd[i], "TP/1.1\n\n", 8, MSG_NOSIGNAL) == 8)
			assert_true(hears(fd[i], 20000));
		else
			n_gone++;
	}
	assert_int_equal(n_gone, 1);
	close_all(fd, SHARE);
	close_all(rest, PLACES - SHARE);
	close(third);
}

/* The most that a request may have, but for the last octet. False where it was cut short. */
static bool
say_much(int fd)
{
	static char room[DLK_HTTP_BODY_MAX - 1];
	char head[128];
	int n = snprintf(head, sizeof(head), "POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n",
	    DLK_HTTP_BODY_MAX);
	size_t sent = 0;

	assert_int_equal(send(fd, head, (size_t)n, MSG_NOSIGNAL), n);
	while (sent < sizeof(room)) {
		ssize_t r = send(fd, room + sent, sizeof(room) - sent, MSG_NOSIGNAL);
		if (r <= 0)
			return false;
		sent += (size_t)r;
	}
	return true;
}

static void
memory_has_its_share_too(void **state)
{
	const size_t most = DLK_CONN_OCTETS_OF_ONE / DLK_HTTP_BODY_MAX;
	int fd[SHARE];
	size_t n = 0;
	bool whole = true;

	(void)state;
	while (whole && n < SHARE) {
		fd[n] = come(somebody());
		whole = say_much(fd[n++]);
	}
	assert_false(whole);
	assert_in_range(n, most / 2, most + 1);
	if (geteuid() == 0) {
		int third = come(THIRD);
		serve_all(&third, 1);
		close(third);
	}
	close_all(fd, n);
	fd[0] = come(somebody());
	serve_all(fd, 1);
	close(fd[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_uid_has_its_share_and_no_more),
		cmocka_unit_test(where_all_are_taken_the_one_with_most_gives_way),
		cmocka_unit_test(half_requests_keep_nobody_out),
		cmocka_unit_test(memory_has_its_share_too),
	};
	return cmocka_run_group_tests_name("conns", tests, set_up, tear_down);
}
