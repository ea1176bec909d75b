/* SPDX-License-Identifier: MIT */
/*
 * derstream.h - DER read front to back through a window of fixed size, and a part of it
 * digested on the way.
 */
#ifndef DLK_CORE_DERSTREAM_H
#define DLK_CORE_DERSTREAM_H

#include <openssl/evp.h>

#include "core/der.h"
#include "core/octets.h"

#define DLK_DER_PART_MOST ((size_t)64 * 1024) /* of an element that is taken whole */

/* All return 0; -EBADMSG where what comes is not what was asked for, or the source says so;
 * -EFBIG beyond 512 MiB; -errno. What is handed out stays until the next call. */
struct dlk_derstream {
	const struct dlk_octet_source *source;
	uint8_t *buf;
	size_t at, have; /* buf[at] is next, buf[have] is not there yet */
	uint64_t passed; /* octets before buf[0] */
	bool ended;      /* the source is */
	bool failed;     /* the source did */
	bool recording;
	size_t unrecorded;      /* of what is recorded, from here to `at` */
	EVP_MD_CTX *digest;     /* NULL: recorded into `message` */
	struct dlk_buf message; /* the recorded octets themselves */
};
int dlk_derstream_init(struct dlk_derstream *s, const struct dlk_octet_source *source);
void dlk_derstream_fini(struct dlk_derstream *s);

/* The place of the next octet. */
static inline uint64_t
dlk_derstream_place(const struct dlk_derstream *s)
{
	return s->passed + s->at;
}

/* What is in the window, of which at least `n` octets are there, or all that ever will be. */
int dlk_derstream_look(struct dlk_derstream *s, size_t n, struct dlk_bytes *ret_ahead);
bool dlk_derstream_next_is(const struct dlk_derstream *s, uint8_t tag);
/* Enters a constructed element: *ret_end is the place behind it. */
int dlk_derstream_enter(struct dlk_derstream *s, uint8_t tag, uint64_t *ret_end);
/* Takes an element of any tag. */
int dlk_derstream_take(struct dlk_derstream *s, uint8_t *ret_tag, struct dlk_bytes *ret_whole,
    struct dlk_bytes *ret_content);

/* Records from the next octet on. With which digest is said a little later, before the window
 * has to move; where it never is, the octets are kept. */
void dlk_derstream_record(struct dlk_derstream *s);
int dlk_derstream_digest_with(struct dlk_derstream *s, const EVP_MD *digest);
/* Ends with the octet before the next. *ret_n is 0 where there was no digest. */
int dlk_derstream_recorded(struct dlk_derstream *s, uint8_t *ret_digest, size_t *ret_n);

#endif
