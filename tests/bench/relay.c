/* SPDX-License-Identifier: MIT */
/*
 * relay PORT ADDRESS PORT MS: a link with a delay, for one client after the other: datagrams
 * that come to the first port go to the second one, from a port of that client's own, and what
 * comes back goes back, each so many milliseconds later. Where the kernel has no netem.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define UNDER_WAY 1024

struct datagram {
	int64_t at;
	bool back;
	size_t n;
	uint8_t octets[2048];
};

static struct datagram queue[UNDER_WAY];
static size_t first, n_queued;

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int
open_socket(const char *address, const char *port, bool connects)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1)
		return -1;
	const struct sockaddr *name = (const struct sockaddr *)(const void *)&at;
	return (connects ? connect(fd, name, sizeof(at)) : bind(fd, name, sizeof(at))) < 0
		   ? -1
		   : fd;
}

struct link {
	const char *address, *port;
	int client, server;
	struct sockaddr_in from;
};

/* What was still under way to or from the one before is lost. */
static void
meet(struct link *link, const struct sockaddr_in *from)
{
	if (from->sin_port == link->from.sin_port)
		return;
	(void)close(link->server);
	link->server = open_socket(link->address, link->port, true);
	link->from = *from;
	first = (first + n_queued) % UNDER_WAY;
	n_queued = 0;
}

/* What is too much is lost, as on any link. */
static void
take(struct link *link, bool back, int64_t delay)
{
	while (n_queued < UNDER_WAY) {
		struct datagram *d = &queue[(first + n_queued) % UNDER_WAY];
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(back ? link->server : link->client, d->octets,
		    sizeof(d->octets), 0, (struct sockaddr *)(void *)&from, &size);
		if (n < 0)
			return;
		d->at = now_ns() + delay;
		d->back = back;
		d->n = (size_t)n;
		if (!back)
			meet(link, &from);
		n_queued++;
	}
}

static void
give(const struct link *link)
{
	for (; n_queued > 0 && queue[first].at <= now_ns(); n_queued--) {
		const struct datagram *d = &queue[first];
		if (d->back)
			(void)sendto(link->client, d->octets, d->n, 0,
			    (const struct sockaddr *)(const void *)&link->from,
			    sizeof(link->from));
		else
			(void)send(link->server, d->octets, d->n, 0);
		first = (first + 1) % UNDER_WAY;
	}
}

int
main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	struct link link = { .address = argv[2], .port = argv[3] };
	link.client = open_socket("127.0.0.1", argv[1], false);
	link.server = open_socket(link.address, link.port, true);
	if (link.client < 0 || link.server < 0)
		return 2;
	for (int64_t delay = atoi(argv[4]) * INT64_C(1000000);;) {
		struct pollfd p[2] = { { .fd = link.client, .events = POLLIN },
			{ .fd = link.server, .events = POLLIN } };
		int64_t left = n_queued > 0 ? queue[first].at - now_ns() : 1000000000;
		struct timespec wait = { .tv_sec = left > 0 ? left / 1000000000 : 0,
			.tv_nsec = left > 0 ? left % 1000000000 : 0 };
		(void)ppoll(p, 2, &wait, NULL);
		take(&link, false, delay);
		take(&link, true, delay);
		give(&link);
	}
}
