/* SPDX-License-Identifier: MIT */
/* stream.h - octets in and out of a socket that does not block, plain or by TLS. */
#ifndef DLK_AGENT_STREAM_H
#define DLK_AGENT_STREAM_H

#include <openssl/ssl.h>

#include "base/bytes.h"

struct dlk_stream {
	int fd;
	SSL *ssl;         /* NULL: plain */
	bool shaken;      /* of TLS: the handshake is over */
	bool wants_write; /* of TLS: what returned -EAGAIN waits until it can write */
	bool broken;      /* of TLS: nothing may be said any more */
};

/* Takes both. 0 or -ENOMEM; `ret_stream` is to be closed in each case. */
int dlk_stream_init(int fd, SSL *ssl, struct dlk_stream *ret_stream);
void dlk_stream_close(struct dlk_stream *stream);
/* 0: the handshake is over; -EAGAIN; -EPROTO. */
int dlk_stream_shake(struct dlk_stream *stream);
/* 0 and at least one octet; -EAGAIN; -EPIPE at the end; -errno. */
int dlk_stream_read(struct dlk_stream *stream, uint8_t *room, size_t n, size_t *ret_n);
/* Likewise. What was not written is written next, from wherever it lies then. */
int dlk_stream_write(struct dlk_stream *stream, struct dlk_bytes octets, size_t *ret_n);
/* Octets that are here and that no event tells of. */
bool dlk_stream_has_more(const struct dlk_stream *stream);
/* Nothing more is written; the peer may go on. */
void dlk_stream_finish(struct dlk_stream *stream);

#endif
