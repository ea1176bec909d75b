/* SPDX-License-Identifier: MIT */
/* octets.h - where a stream of octets comes from and goes to, and both in memory. */
#ifndef DLK_CORE_OCTETS_H
#define DLK_CORE_OCTETS_H

#include "base/bytes.h"

/* *ret_n octets, at most `room`; none at the end. 0 or -errno; -EBADMSG where the stream
 * itself is damaged. */
struct dlk_octet_source {
	int (*read)(void *ctx, uint8_t *buf, size_t room, size_t *ret_n);
	void *ctx;
};
/* Octets in order, and then other ones in place of the first. 0 or -errno. */
struct dlk_octet_target {
	uint64_t at; /* of a file, where the first one comes to lie */
	int (*append)(void *ctx, struct dlk_bytes what);
	int (*rewrite)(void *ctx, struct dlk_bytes first);
	void *ctx;
};

struct dlk_octets_left {
	struct dlk_bytes left;
};
struct dlk_octet_source dlk_octets_source(struct dlk_octets_left *octets);

/* Zeroed memory is empty; p is for free(). For what is no secret and may be long. */
struct dlk_octets_grown {
	uint8_t *p;
	size_t n, room;
};
struct dlk_octet_target dlk_octets_target(struct dlk_octets_grown *octets);

#endif
