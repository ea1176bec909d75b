/* SPDX-License-Identifier: MIT */
/* No uid takes all places; with every one taken, whoever comes waits until somebody goes. */
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

static char dir[] = "/tmp/doublelock-test-XXXXXX";
static char where[64];
static pid_t server;

static void
greet(struct dlk_http *http, struct evhttp_request *request, const struct dlk_peer *peer,
    void *arg)
{
	(void)arg;
	dlk_http_answer(http, request,
	    peer->uid == geteuid() || peer->uid == OTHER ? 200 : 403, "text/plain",
	    dlk_bytes_str("hello"));
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

/* The rest of the places, by root; nobody else can have them. */
static void
fill(int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fd[i] = come(0);
		say(fd[i]);
		assert_true(hears(fd[i], 20000));
	}
	int last = come(0);
	say(last);
	assert_false(hears(last, 100));
	close(fd[0]);
	assert_true(hears(last, 20000));
	fd[0] = last;
	for (size_t i = 0; i < n; i++) {
		say(fd[i]);
		assert_true(hears(fd[i], 20000));
		close(fd[i]);
	}
}

static void
places_are_shared_and_waited_for(void **state)
{
	int fd[SHARE], rest[PLACES - SHARE];
	uid_t uid = geteuid() == 0 ? OTHER : geteuid();
	char octet;

	(void)state;
	for (size_t i = 0; i < SHARE; i++) {
		fd[i] = come(uid);
		say(fd[i]);
		assert_true(hears(fd[i], 20000));
	}
	int more = come(uid);
	assert_true(recv(more, &octet, 1, 0) <= 0);
	close(more);
	if (geteuid() == 0)
		fill(rest, PLACES - SHARE);
	/* those that have a place keep it */
	for (size_t i = 0; i < SHARE; i++) {
		say(fd[i]);
		assert_true(hears(fd[i], 20000));
		close(fd[i]);
	}
	int again = come(uid);
	say(again);
	assert_true(hears(again, 20000));
	close(again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_shared_and_waited_for),
	};
	return cmocka_run_group_tests_name("conns", tests, set_up, tear_down);
}
