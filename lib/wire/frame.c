/* SPDX-License-Identifier: MIT */
/* frame.c - moves one frame through a stream socket before its deadline. What stands in the
 * frame is the codec's affair; here only its header is read, for the length. */
#include "wire/frame.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

int64_t
dlk_monotonic_ms(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
wait_until(int fd, short events, int64_t deadline_ms)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events, .revents = 0 };
		int64_t left = deadline_ms - dlk_monotonic_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		int n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

/* One transfer went wrong: 0 where it is worth another try. */
static int
again(int fd, short events, int64_t deadline_ms)
{
	if (errno == EINTR)
		return 0;
	if (errno == EAGAIN)
		return wait_until(fd, events, deadline_ms);
	return errno == ECONNRESET ? -EPIPE : -errno;
}

int
dlk_frame_send(int fd, struct dlk_bytes frame, int64_t deadline_ms)
{
	while (frame.n > 0) {
		ssize_t n = send(fd, frame.p, frame.n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0) {
			int error = again(fd, POLLOUT, deadline_ms);

			if (error != 0)
				return error;
			continue;
		}
		frame.p += n;
		frame.n -= (size_t)n;
	}
	return 0;
}

int
dlk_octets_receive(int fd, uint8_t *p, size_t n, int64_t deadline_ms)
{
	while (n > 0) {
		ssize_t got = recv(fd, p, n, MSG_DONTWAIT);

		if (got == 0)
			return -EPIPE;
		if (got < 0) {
			int error = again(fd, POLLIN, deadline_ms);

			if (error != 0)
				return error;
			continue;
		}
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

int
dlk_frame_length(const uint8_t header[DLK_WIRE_HEADER], size_t *ret_length)
{
	if (header[0] != 'D' || header[1] != 'L' || header[2] != 'K' ||
	    header[3] != DLK_WIRE_VERSION)
		return -EPROTO;
	size_t fields = dlk_get_be32(header + 4);
	if (fields > DLK_WIRE_MAX - DLK_WIRE_HEADER)
		return -EMSGSIZE;
	*ret_length = DLK_WIRE_HEADER + fields;
	return 0;
}

int
dlk_frame_receive(int fd, int64_t deadline_ms, struct dlk_buf *buf)
{
	uint8_t header[DLK_WIRE_HEADER];
	size_t length = 0;
	int error = dlk_octets_receive(fd, header, sizeof(header), deadline_ms);

	if (error == 0)
		error = dlk_frame_length(header, &length);
	if (error == 0)
		error = dlk_buf_reserve(buf, buf->n + length);
	if (error == 0)
		error = dlk_octets_receive(fd, buf->p + buf->n + sizeof(header),
		    length - sizeof(header), deadline_ms);
	if (error != 0)
		return error;
	memcpy(buf->p + buf->n, header, sizeof(header));
	buf->n += length;
	return 0;
}

int
dlk_frame_end(int fd, int64_t deadline_ms)
{
	uint8_t octet;
	int error = dlk_octets_receive(fd, &octet, 1, deadline_ms);

	if (error == 0)
		return -EBADMSG;
	return error == -EPIPE ? 0 : error;
}
