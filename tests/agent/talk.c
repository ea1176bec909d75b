/* SPDX-License-Identifier: MIT */
/* talk.c - see talk.h. */
#include "tests/agent/talk.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

#define PATIENCE_MS 20000

void
talk_say(int fd, const struct dlk_buf *octets)
{
	for (size_t at = 0; at < octets->n;) {
		ssize_t n = send(fd, octets->p + at, octets->n - at, MSG_NOSIGNAL);
		assert_true(n > 0);
		at += (size_t)n;
	}
}

bool
talk_hear(int fd, void *out, size_t n)
{
	for (size_t at = 0; at < n;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
		ssize_t got = recv(fd, (uint8_t *)out + at, n - at, 0);
		if (got <= 0)
			return false;
		at += (size_t)got;
	}
	return true;
}

bool
talk_is_hung_up(int fd)
{
	uint8_t octet;

	return !talk_hear(fd, &octet, 1);
}

void
talk_add(struct dlk_buf *buf, struct dlk_bytes what)
{
	assert_int_equal(dlk_buf_add(buf, TALK_ROOM, what), 0);
}
