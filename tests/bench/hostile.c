/* SPDX-License-Identifier: MIT */
/*
 * hostile.c - somebody of this machine who wants the agent to be slow for others.
 *
 *   hostile MODE SOCKET CONNECTIONS SECONDS
 *
 *   idle    as many connections as it gets, which say nothing
 *   again   the same, and comes again at once where it is turned away
 *   slow    an octet of a request every tenth of a second on each
 *   half    half of a request on each, and no more
 *   frame   half of a frame (docs/PROTOCOL.md), and no more
 *   spop    half of one of HAProxy's
 *   fcgi    half of a record of FastCGI
 *   large   a header of 1 MB on each, again and again
 *
 * Prints "ready" when each connection was made once, or three seconds have passed; and in the
 * end how many were made, and how many of them were closed by the other side.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LARGE (1024 * 1024)

enum mode { IDLE, AGAIN, SLOW, HALF, FRAME, SPOP, FCGI, BIG, MODES };
static const char *const modes[MODES] = { "idle", "again", "slow", "half", "frame", "spop",
	"fcgi", "large" };
static const char request[] = "GET /v1/auth/nginx/web HTTP/1.1\r\nHost: agent\r\n"
			      "X-SSL-Client-Cert: -----BEGIN%20CERTIFICATE-----%0AMIIB";
static const char frame[] = "DLK\1\0\0";
static const char spop[] = "\0\0\4\0\1\0\0\0\1";
static const char record[] = "\1\1\0\1\0\10\0\0\0\1";
#define READY_MS 3000

struct conn {
	int fd; /* -1: none */
	size_t sent;
	bool been; /* there once */
};

static struct {
	enum mode mode;
	struct sockaddr_un address;
	struct conn *conn;
	size_t n;
	int epoll;
	char *large;
	unsigned long made, closed, once;
} hostile;

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What is said before it waits for ever. */
static const char *
words(size_t *ret_n)
{
	switch (hostile.mode) {
	case SLOW:
		*ret_n = sizeof(request) - 1;
		return request;
	case HALF:
		*ret_n = (sizeof(request) - 1) / 2;
		return request;
	case FRAME:
		*ret_n = sizeof(frame) - 1;
		return frame;
	case SPOP:
		*ret_n = sizeof(spop) - 1;
		return spop;
	case FCGI:
		*ret_n = sizeof(record) - 1;
		return record;
	case BIG:
		*ret_n = LARGE;
		return hostile.large;
	case IDLE:
	case AGAIN:
	case MODES:
		break;
	}
	*ret_n = 0;
	return "";
}

static void
come(struct conn *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = c };

	c->sent = 0;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return;
	if (connect(c->fd, (const struct sockaddr *)&hostile.address,
		sizeof(hostile.address)) < 0 ||
	    epoll_ctl(hostile.epoll, EPOLL_CTL_ADD, c->fd, &event) < 0) {
		close(c->fd);
		c->fd = -1;
		return;
	}
	hostile.made++;
	hostile.once += !c->been;
	c->been = true;
}

static void
go(struct conn *c)
{
	close(c->fd);
	c->fd = -1;
	hostile.closed++;
}

static void
speak(struct conn *c)
{
	size_t n;
	const char *text = words(&n);

	if (c->fd < 0 || c->sent == n)
		return;
	ssize_t sent = send(c->fd, text + c->sent, hostile.mode == SLOW ? 1 : n - c->sent,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent > 0)
		c->sent += (size_t)sent;
	else if (sent < 0 && errno != EAGAIN)
		go(c);
}

/* The other side closes, or answers: then that is over. */
static void
listen_for(int ms)
{
	static char room[4096];
	struct epoll_event event[256];
	int n = epoll_wait(hostile.epoll, event, 256, ms);

	for (int i = 0; i < n; i++) {
		struct conn *c = event[i].data.ptr;
		ssize_t got = c->fd < 0 ? 1 : recv(c->fd, room, sizeof(room), MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			go(c);
	}
}

static volatile sig_atomic_t told_to_end;

static void
hear_end(int signal)
{
	(void)signal;
	told_to_end = 1;
}

static void
run(int64_t until)
{
	int64_t began = now_ms();
	bool ready = false;

	for (size_t i = 0; i < hostile.n; i++)
		come(&hostile.conn[i]);
	while (now_ms() < until && !told_to_end) {
		for (size_t i = 0; i < hostile.n; i++) {
			struct conn *c = &hostile.conn[i];
			if (c->fd < 0 && (hostile.mode != IDLE || !c->been))
				come(c);
			speak(c);
		}
		listen_for(ready ? 100 : 5);
		if (!ready && (hostile.once == hostile.n || now_ms() - began > READY_MS)) {
			ready = true;
			puts("ready");
			(void)fflush(stdout);
		}
	}
}

int
main(int argc, char **argv)
{
	struct rlimit limit = { 16384, 16384 };
	int mode = 0;

	while (argc == 5 && mode < MODES && strcmp(argv[1], modes[mode]) != 0)
		mode++;
	if (argc != 5 || mode == MODES ||
	    strlen(argv[2]) >= sizeof(hostile.address.sun_path)) {
		fputs("usage: hostile idle|again|slow|half|frame|spop|fcgi|large SOCKET "
		      "CONNECTIONS "
		      "SECONDS\n",
		    stderr);
		return 2;
	}
	(void)signal(SIGTERM, hear_end);
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	hostile.mode = (enum mode)mode;
	hostile.address.sun_family = AF_UNIX;
	memcpy(hostile.address.sun_path, argv[2], strlen(argv[2]) + 1);
	hostile.n = strtoul(argv[3], NULL, 10);
	hostile.conn = calloc(hostile.n, sizeof(*hostile.conn));
	hostile.epoll = epoll_create1(EPOLL_CLOEXEC);
	hostile.large = malloc(LARGE);
	if (!hostile.conn || hostile.epoll < 0 || !hostile.large)
		return 1;
	memset(hostile.large, 'x', LARGE);
	memcpy(hostile.large, request, sizeof(request) - 1);
	for (size_t i = 0; i < hostile.n; i++)
		hostile.conn[i].fd = -1;
	run(now_ms() + (int64_t)(atof(argv[4]) * 1000));
	printf("%lu %lu\n", hostile.made, hostile.closed);
	return 0;
}
