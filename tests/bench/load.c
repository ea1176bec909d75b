/* SPDX-License-Identifier: MIT */
/*
 * load.c - requests over connections that stay, one at a time on each: over TLS with a client
 * certificate, which common programs for this do not have, or over a unix socket with a header
 * whose values come from standard input, one for each request.
 *
 *   load tls PORT CA CERTIFICATE KEY PATH CONNECTIONS SECONDS
 *   load unix SOCKET HEADER PATH CONNECTIONS SECONDS|0 [ROUNDS] <VALUES
 *
 * Prints what was answered 200 per second, how many were answered otherwise or not at all, the
 * median and the 99th percentile of the time to an answer in microseconds, how many were
 * answered 200, and how many were not answered. With SECONDS 0 it ends when every value was
 * sent ROUNDS times.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define ROOM      16384
#define MOST      1024
#define SLOTS     200000 /* of 10 us each */
#define SLOT_NS   10000
#define VALUE_MAX 8192

struct conn {
	int fd;
	SSL *ssl;
	char out[ROOM], in[ROOM];
	size_t n_out, sent, n_in;
	int64_t began;
	bool waiting; /* for an answer */
};

static struct {
	const char *path, *header;
	char **value;
	size_t n_values, next, most; /* most: values to send in all, 0 for no end */
	int64_t end;
	int epoll;
	struct conn conn[MOST];
	size_t n_conns, n_open;
	uint64_t good, bad, dropped;
	uint32_t slot[SLOTS];
} load;

static void
die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool
is_over(int64_t now)
{
	return load.most ? load.next >= load.most : now >= load.end;
}

static void
end(struct conn *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	c->fd = -1;
	load.n_open--;
}

static ssize_t
transfer(struct conn *c, void *p, size_t n, bool out)
{
	if (!c->ssl)
		return out ? send(c->fd, p, n, MSG_NOSIGNAL) : recv(c->fd, p, n, 0);
	int r = out ? SSL_write(c->ssl, p, (int)n) : SSL_read(c->ssl, p, (int)n);
	if (r > 0)
		return r;
	int why = SSL_get_error(c->ssl, r);
	errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
	return why == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static void
next_request(struct conn *c)
{
	int64_t now = now_ns();

	c->waiting = false;
	if (is_over(now)) {
		end(c);
		return;
	}
	int n = load.n_values > 0
		    ? snprintf(c->out, ROOM, "GET %s HTTP/1.1\r\nHost: a\r\n%s: %s\r\n\r\n",
			  load.path, load.header, load.value[load.next++ % load.n_values])
		    : snprintf(c->out, ROOM, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", load.path);
	if (n < 0 || n >= ROOM)
		die("a value is too long");
	c->n_out = (size_t)n;
	c->sent = c->n_in = 0;
	c->began = now;
	c->waiting = true;
}

/* 1: whole, 0: more has to come, -1: no HTTP */
static int
look(struct conn *c, int *ret_status)
{
	size_t length = 0;

	c->in[c->n_in] = '\0';
	const char *behind = strstr(c->in, "\r\n\r\n");
	if (!behind)
		return c->n_in + 1 < ROOM ? 0 : -1;
	const char *field = strcasestr(c->in, "\r\nContent-Length:");
	if (field && field < behind)
		length = strtoul(field + 17, NULL, 10);
	if (sscanf(c->in, "HTTP/1.1 %d", ret_status) != 1)
		return -1;
	return c->n_in >= (size_t)(behind + 4 - c->in) + length;
}

static void
count(const struct conn *c, int status)
{
	int64_t slot = (now_ns() - c->began) / SLOT_NS;

	load.slot[slot < SLOTS ? slot : SLOTS - 1]++;
	if (status == 200)
		load.good++;
	else
		load.bad++;
}

static void
go_on(struct conn *c)
{
	int status = 0;

	while (c->fd >= 0) {
		ssize_t n = 0;

		while (c->sent < c->n_out) {
			n = transfer(c, c->out + c->sent, c->n_out - c->sent, true);
			if (n < 0 && errno == EAGAIN)
				return;
			if (n <= 0)
				break;
			c->sent += (size_t)n;
		}
		if (c->sent == c->n_out)
			n = transfer(c, c->in + c->n_in, ROOM - 1 - c->n_in, false);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n > 0)
			c->n_in += (size_t)n;
		int whole = n > 0 ? look(c, &status) : -1;
		if (whole < 0) {
			load.bad += c->waiting;
			load.dropped += c->waiting;
			end(c);
		} else if (whole > 0) {
			count(c, status);
			next_request(c);
		}
	}
}

static void
add(int fd, SSL_CTX *tls)
{
	struct conn *c = &load.conn[load.n_conns++];
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };

	c->fd = fd;
	if (tls) {
		c->ssl = SSL_new(tls);
		if (!c->ssl || SSL_set_fd(c->ssl, fd) != 1 || SSL_connect(c->ssl) != 1)
			die("handshake");
	}
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
	    epoll_ctl(load.epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll");
	load.n_open++;
}

static int
connect_tcp(const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		die("connect");
	return fd;
}

static int
connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die(path);
	return fd;
}

static SSL_CTX *
client(const char *ca, const char *certificate, const char *key)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (!tls || SSL_CTX_load_verify_locations(tls, ca, NULL) != 1 ||
	    SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
		die("certificates");
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	return tls;
}

static void
read_values(void)
{
	static char line[VALUE_MAX];
	size_t room = 0;

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (load.n_values == room) {
			room = room ? 2 * room : 1024;
			load.value = reallocarray(load.value, room, sizeof(*load.value));
		}
		if (!load.value || !(load.value[load.n_values++] = strdup(line)))
			die("values");
	}
	if (load.n_values == 0)
		die("no values");
}

static double
percentile(unsigned percent)
{
	uint64_t all = 0, seen = 0;

	for (size_t i = 0; i < SLOTS; i++)
		all += load.slot[i];
	for (size_t i = 0; i < SLOTS; i++) {
		seen += load.slot[i];
		if (seen * 100 >= all * percent)
			return (double)(i + 1) * SLOT_NS / 1e3;
	}
	return 0;
}

static void
run(double seconds)
{
	struct epoll_event event[64];
	int64_t began = now_ns();

	load.end = began + (int64_t)(seconds * 1e9);
	for (size_t i = 0; i < load.n_conns; i++) {
		next_request(&load.conn[i]);
		go_on(&load.conn[i]);
	}
	while (load.n_open > 0) {
		int n = epoll_wait(load.epoll, event, 64, 30000);
		if (n <= 0)
			die("nobody answers");
		for (int i = 0; i < n; i++)
			go_on(event[i].data.ptr);
	}
	seconds = (double)(now_ns() - began) / 1e9;
	printf("%.0f %lu %.0f %.0f %lu %lu\n", (double)load.good / seconds,
	    (unsigned long)load.bad, percentile(50), percentile(99), (unsigned long)load.good,
	    (unsigned long)load.dropped);
}

int
main(int argc, char **argv)
{
	bool tls = argc == 9 && strcmp(argv[1], "tls") == 0;
	bool local = (argc == 7 || argc == 8) && strcmp(argv[1], "unix") == 0;

	if (!tls && !local) {
		fputs("usage: load tls PORT CA CERTIFICATE KEY PATH CONNECTIONS SECONDS\n"
		      "       load unix SOCKET HEADER PATH CONNECTIONS SECONDS [ROUNDS]\n",
		    stderr);
		return 2;
	}
	SSL_CTX *context = tls ? client(argv[3], argv[4], argv[5]) : NULL;
	int conns = atoi(tls ? argv[7] : argv[5]);
	double seconds = atof(tls ? argv[8] : argv[6]);
	if (conns < 1 || conns > MOST)
		die("connections");
	load.path = tls ? argv[6] : argv[4];
	load.header = tls ? NULL : argv[3];
	load.epoll = epoll_create1(0);
	if (local)
		read_values();
	if (seconds <= 0)
		load.most = load.n_values * (argc == 8 ? strtoul(argv[7], NULL, 10) : 1);
	for (int i = 0; i < conns; i++)
		add(tls ? connect_tcp(argv[2]) : connect_unix(argv[2]), context);
	run(seconds);
	SSL_CTX_free(context);
	return 0;
}
