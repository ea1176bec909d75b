/* SPDX-License-Identifier: MIT */
/* derstream.c - a window over a stream of DER. It knows no ASN.1 type. */
#include "core/derstream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW      ((size_t)256 * 1024)
#define STREAM_MOST ((size_t)512 * 1024 * 1024)

int
dlk_derstream_init(struct dlk_derstream *s, const struct dlk_octet_source *source)
{
	*s = (struct dlk_derstream){ .source = source, .buf = malloc(WINDOW) };
	return s->buf ? 0 : -ENOMEM;
}

void
dlk_derstream_fini(struct dlk_derstream *s)
{
	EVP_MD_CTX_free(s->digest);
	dlk_buf_free(&s->message);
	free(s->buf);
}

static int
record_passed(struct dlk_derstream *s)
{
	struct dlk_bytes what = DLK_BYTES(s->buf + s->unrecorded, s->at - s->unrecorded);

	if (!s->recording)
		return 0;
	s->unrecorded = s->at;
	if (!s->digest)
		return dlk_buf_add(&s->message, STREAM_MOST, what);
	return EVP_DigestUpdate(s->digest, what.p, what.n) == 1 ? 0 : -ENOMEM;
}

/* Slides the window over what is done with and fills it. */
static int
slide(struct dlk_derstream *s)
{
	int r = record_passed(s);

	if (r < 0)
		return r;
	memmove(s->buf, s->buf + s->at, s->have - s->at);
	s->passed += s->at;
	s->have -= s->at;
	s->at = s->unrecorded = 0;
	while (s->have < WINDOW && !s->ended) {
		size_t n = 0;
		r = s->source->read(s->source->ctx, s->buf + s->have, WINDOW - s->have, &n);
		s->failed = r < 0;
		if (r < 0)
			return r;
		s->have += n;
		s->ended = n == 0;
	}
	return s->passed + s->have > STREAM_MOST ? -EFBIG : 0;
}

int
dlk_derstream_look(struct dlk_derstream *s, size_t n, struct dlk_bytes *ret_ahead)
{
	if (s->have - s->at < n && !s->ended) {
		int r = slide(s);
		if (r < 0)
			return r;
	}
	*ret_ahead = DLK_BYTES(s->buf + s->at, s->have - s->at);
	return 0;
}

bool
dlk_derstream_next_is(const struct dlk_derstream *s, uint8_t tag)
{
	return s->at < s->have && s->buf[s->at] == tag;
}

int
dlk_derstream_enter(struct dlk_derstream *s, uint8_t tag, uint64_t *ret_end)
{
	struct dlk_bytes ahead;
	uint8_t found;
	size_t head, n;
	int r = dlk_derstream_look(s, DLK_DER_HEAD_MOST, &ahead);

	if (r < 0)
		return r;
	if (!dlk_der_head(ahead, &found, &head, &n) || found != tag)
		return -EBADMSG;
	s->at += head;
	*ret_end = dlk_derstream_place(s) + n;
	return 0;
}

int
dlk_derstream_take(struct dlk_derstream *s, uint8_t *ret_tag, struct dlk_bytes *ret_whole,
    struct dlk_bytes *ret_content)
{
	struct dlk_bytes ahead;
	int r = dlk_derstream_look(s, DLK_DER_PART_MOST, &ahead);

	if (r < 0)
		return r;
	if (!dlk_der_take(&ahead, ret_tag, ret_whole, ret_content) ||
	    ret_whole->n > DLK_DER_PART_MOST)
		return -EBADMSG;
	s->at += ret_whole->n;
	return 0;
}

void
dlk_derstream_record(struct dlk_derstream *s)
{
	s->recording = true;
	s->unrecorded = s->at;
}

int
dlk_derstream_digest_with(struct dlk_derstream *s, const EVP_MD *digest)
{
	/* what has left the window already is not there to be digested */
	if (s->message.n > 0)
		return -EBADMSG;
	s->digest = EVP_MD_CTX_new();
	return s->digest && EVP_DigestInit_ex(s->digest, digest, NULL) == 1 ? 0 : -ENOMEM;
}

int
dlk_derstream_recorded(struct dlk_derstream *s, uint8_t *ret_digest, size_t *ret_n)
{
	unsigned n = 0;
	int r = record_passed(s);

	s->recording = false;
	if (r == 0 && s->digest && EVP_DigestFinal_ex(s->digest, ret_digest, &n) != 1)
		r = -ENOMEM;
	*ret_n = n;
	return r;
}
