/* SPDX-License-Identifier: MIT */
/* stream.c - the two ways to move octets behind one. It keeps none of them. */
#include "agent/stream.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

int
dlk_stream_init(int fd, SSL *ssl, struct dlk_stream *ret_stream)
{
	*ret_stream = (struct dlk_stream){ .fd = fd, .ssl = ssl, .shaken = !ssl };
	if (!ssl)
		return 0;
	SSL_set_accept_state(ssl);
	(void)SSL_set_mode(
	    ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return SSL_set_fd(ssl, fd) == 1 ? 0 : -ENOMEM;
}

void
dlk_stream_close(struct dlk_stream *stream)
{
	if (stream->ssl) {
		ERR_clear_error();
		if (stream->shaken && !stream->broken)
			(void)SSL_shutdown(stream->ssl);
		SSL_free(stream->ssl);
		ERR_clear_error();
	}
	if (stream->fd >= 0)
		close(stream->fd);
	*stream = (struct dlk_stream){ .fd = -1 };
}

/* Of what OpenSSL has returned that was no success. */
static int
error_of(struct dlk_stream *stream, int returned)
{
	int why = SSL_get_error(stream->ssl, returned);

	stream->wants_write = why == SSL_ERROR_WANT_WRITE;
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	if (why == SSL_ERROR_ZERO_RETURN)
		return -EPIPE;
	stream->broken = true;
	return -EPROTO;
}

int
dlk_stream_shake(struct dlk_stream *stream)
{
	ERR_clear_error();
	int r = SSL_do_handshake(stream->ssl);
	if (r != 1)
		return error_of(stream, r);
	stream->shaken = true;
	stream->wants_write = false;
	return 0;
}

static int
done(ssize_t n, size_t *ret_n)
{
	if (n > 0) {
		*ret_n = (size_t)n;
		return 0;
	}
	if (n == 0)
		return -EPIPE;
	return errno == EINTR ? -EAGAIN : -errno;
}

int
dlk_stream_read(struct dlk_stream *stream, uint8_t *room, size_t n, size_t *ret_n)
{
	if (!stream->ssl)
		return done(recv(stream->fd, room, n, MSG_DONTWAIT), ret_n);
	ERR_clear_error();
	stream->wants_write = false;
	int r = SSL_read(stream->ssl, room, n < INT_MAX ? (int)n : INT_MAX);
	return r > 0 ? done(r, ret_n) : error_of(stream, r);
}

int
dlk_stream_write(struct dlk_stream *stream, struct dlk_bytes octets, size_t *ret_n)
{
	if (!stream->ssl)
		return done(
		    send(stream->fd, octets.p, octets.n, MSG_NOSIGNAL | MSG_DONTWAIT), ret_n);
	ERR_clear_error();
	int r = SSL_write(stream->ssl, octets.p, octets.n < INT_MAX ? (int)octets.n : INT_MAX);
	return r > 0 ? done(r, ret_n) : error_of(stream, r);
}

bool
dlk_stream_has_more(const struct dlk_stream *stream)
{
	return stream->ssl && SSL_pending(stream->ssl) > 0;
}

void
dlk_stream_finish(struct dlk_stream *stream)
{
	if (stream->ssl && !stream->broken) {
		ERR_clear_error();
		(void)SSL_shutdown(stream->ssl);
	}
	(void)shutdown(stream->fd, SHUT_WR);
}
