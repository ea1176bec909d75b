/* SPDX-License-Identifier: MIT */
/*
 * echo serve PORT: sends each datagram back.
 * echo watch ADDRESS PORT: sends one every 5 ms until SIGTERM, and then says how many came
 * back and how long the slowest one took, in milliseconds; what is still missing by then
 * counts as slow as it is old. A first line says when the first one has come back.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVERY_NS 5000000L
#define MOST     1000000

static volatile sig_atomic_t ending;
static int64_t sent_at[MOST];

static void
end(int signal)
{
	(void)signal;
	ending = 1;
}

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int
serve(int fd)
{
	struct sockaddr_in from;
	char buffer[2048];

	while (!ending) {
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(
		    fd, buffer, sizeof(buffer), 0, (struct sockaddr *)(void *)&from, &size);
		if (n > 0)
			(void)sendto(fd, buffer, (size_t)n, 0,
			    (const struct sockaddr *)(const void *)&from, size);
	}
	return 0;
}

struct tally {
	uint32_t sent, back;
	int64_t worst;
};

static void
hear(int fd, struct tally *t)
{
	uint32_t number;

	while (recv(fd, &number, sizeof(number), MSG_DONTWAIT) == (ssize_t)sizeof(number)) {
		if (number >= t->sent || sent_at[number] == 0)
			continue;
		int64_t took = now_ns() - sent_at[number];
		sent_at[number] = 0;
		if (t->back++ == 0) {
			puts("begun");
			(void)fflush(stdout);
			t->worst = 0; /* the first one may have waited for a route */
		} else if (took > t->worst) {
			t->worst = took;
		}
	}
}

static int
watch(int fd)
{
	struct tally t = { 0 };
	int64_t next = now_ns();

	while (!ending && t.sent < MOST) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = next - now_ns();
		if (left <= 0) {
			sent_at[t.sent] = now_ns();
			if (send(fd, &t.sent, sizeof(t.sent), MSG_DONTWAIT) < 0)
				sent_at[t.sent] = 0;
			t.sent++;
			next += EVERY_NS;
			continue;
		}
		struct timespec wait = { .tv_nsec = left };
		(void)ppoll(&p, 1, &wait, NULL);
		hear(fd, &t);
	}
	(void)usleep(50000);
	hear(fd, &t);
	for (uint32_t i = 0; i < t.sent && t.back > 0; i++)
		if (sent_at[i] && now_ns() - sent_at[i] > t.worst)
			t.worst = now_ns() - sent_at[i];
	printf("sent %u back %u worst %.1f ms\n", t.sent, t.back, (double)t.worst / 1e6);
	return t.back > 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = end };
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool serves = argc == 3 && strcmp(argv[1], "serve") == 0;

	if (fd < 0 || (!serves && (argc != 4 || strcmp(argv[1], "watch") != 0)))
		return 2;
	(void)sigaction(SIGTERM, &action, NULL);
	address.sin_port = htons((uint16_t)atoi(argv[argc - 1]));
	if (serves)
		return bind(fd, (struct sockaddr *)(void *)&address, sizeof(address)) < 0
			   ? 1
			   : serve(fd);
	if (inet_pton(AF_INET, argv[2], &address.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)(void *)&address, sizeof(address)) < 0)
		return 1;
	return watch(fd);
}
