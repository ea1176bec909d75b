/* SPDX-License-Identifier: MIT */
/* frame.h - one frame over a stream socket, against a deadline. */
#ifndef DLK_WIRE_FRAME_H
#define DLK_WIRE_FRAME_H

#include "wire/codec.h"

int64_t dlk_monotonic_ms(void);
/* What a header announces, itself included. 0, -EPROTO, -EMSGSIZE. */
int dlk_frame_length(const uint8_t header[DLK_WIRE_HEADER], size_t *ret_length);
/* Deadlines are points of dlk_monotonic_ms(). 0, -ETIMEDOUT, -EPIPE, -errno; never SIGPIPE. */
int dlk_frame_send(int fd, struct dlk_bytes frame, int64_t deadline_ms);
/* Appends one frame; reads no octet behind it. -EPROTO, -EMSGSIZE, -EPIPE where it ended. */
int dlk_frame_receive(int fd, int64_t deadline_ms, struct dlk_buf *buf);
/* All `n` octets, of whatever else is spoken over a socket. */
int dlk_octets_receive(int fd, uint8_t *p, size_t n, int64_t deadline_ms);
/* 0 where the peer has nothing more to say and has ended its side; -EBADMSG otherwise. */
int dlk_frame_end(int fd, int64_t deadline_ms);

#endif
