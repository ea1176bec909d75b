/* SPDX-License-Identifier: MIT */
/*
 * outwire.c - one table of what may be said, and a reader and a writer that follow it. What
 * any of it means is not known here.
 */
#include "agent/outwire.h"

#include <errno.h>
#include <string.h>

#include "base/sshwire.h"
#include "wire/codec.h"

enum letters { ANY, NO_NUL, PRINTABLE };

struct text {
	size_t least, most;
	enum letters letters;
};
/* Numbers are from 0 on. */
struct shape {
	bool outward;
	size_t n_numbers, n_texts;
	int64_t most[DLK_OUT_NUMBERS];
	struct text text[DLK_OUT_TEXTS];
};

#define URL                                                                                   \
	{                                                                                     \
		1, DLK_OUT_URL_MAX, NO_NUL                                                    \
	}
#define SAID                                                                                  \
	{                                                                                     \
		1, DLK_OUT_TEXT_MAX, NO_NUL                                                   \
	}
#define TOKEN                                                                                 \
	{                                                                                     \
		1, 255, PRINTABLE                                                             \
	}
#define REASON                                                                                \
	{                                                                                     \
		1, DLK_OUT_WORDS, PRINTABLE                                                   \
	}
#define TIMES (INT64_C(1) << 40)

static const struct shape shapes[DLK_OUT_LAST + 1] = {
	[DLK_OUT_FILE] = { false, 1, 1, { DLK_OUT_FILES - 1 },
	    { { 0, DLK_OUT_FILE_MAX, ANY } } },
	[DLK_OUT_FETCH] = { false, 2, 1, { TIMES, 1 }, { URL } },
	[DLK_OUT_EVENT] = { false, 1, 5, { DLK_OUT_EVENTS_MAX - 1 },
	    { URL, TOKEN, TOKEN, TOKEN, { 1, DLK_OUT_BODY_MAX, NO_NUL } } },
	[DLK_OUT_CARRY] = { false, 0, 0, { 0 }, { { 0 } } },
	[DLK_OUT_OPEN] = { false, 0, 5, { 0 },
	    { URL, SAID, SAID, { 0, DLK_OUT_TEXT_MAX, NO_NUL }, { 0, 256, ANY } } },
	[DLK_OUT_SEARCH] = { false, 0, 1, { 0 }, { SAID } },
	[DLK_OUT_READY] = { true, 1, 0, { 255 }, { { 0 } } },
	[DLK_OUT_DATA] = { true, 0, 1, { 0 }, { { 1, DLK_OUT_DATA_MAX, ANY } } },
	[DLK_OUT_FETCHED] = { true, 2, 0, { 1, TIMES }, { { 0 } } },
	[DLK_OUT_RESULT] = { true, 3, 1, { DLK_OUT_EVENTS_MAX - 1, 1, TIMES },
	    { { 0, DLK_OUT_WORDS, PRINTABLE } } },
	[DLK_OUT_ENTRY] = { true, 0, 2, { 0 },
	    { { 0, DLK_OUT_USER_MAX, NO_NUL }, { 0, DLK_OUT_DER_MAX, ANY } } },
	[DLK_OUT_DONE] = { true, 0, 0, { 0 }, { { 0 } } },
	[DLK_OUT_FAILED] = { true, 0, 1, { 0 }, { REASON } },
};

static bool
may_be_text(const struct text *shape, struct dlk_bytes text)
{
	if (text.n < shape->least || text.n > shape->most)
		return false;
	if (shape->letters == ANY)
		return true;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == 0 ||
		    (shape->letters == PRINTABLE && (text.p[i] < 0x20 || text.p[i] > 0x7e)))
			return false;
	return true;
}

static bool
may_be(const struct dlk_out_message *message)
{
	const struct shape *shape = &shapes[message->kind];

	for (size_t i = 0; i < shape->n_numbers; i++)
		if (message->number[i] < 0 || message->number[i] > shape->most[i])
			return false;
	for (size_t i = 0; i < shape->n_texts; i++)
		if (!may_be_text(&shape->text[i], message->text[i]))
			return false;
	return true;
}

static int
add_number(struct dlk_buf *frame, int64_t number)
{
	uint8_t octets[8];

	dlk_put_be64(octets, (uint64_t)number);
	return dlk_buf_add(
	    frame, frame->n + sizeof(octets), DLK_BYTES(octets, sizeof(octets)));
}

int
dlk_out_encode(const struct dlk_out_message *message, struct dlk_buf *frame)
{
	uint8_t head[DLK_WIRE_HEADER] = { 'D', 'L', 'K', DLK_WIRE_VERSION };
	size_t begin = frame->n, limit = begin + DLK_WIRE_MAX;

	if (message->kind < DLK_OUT_FILE || message->kind > DLK_OUT_LAST || !may_be(message))
		return -EINVAL;
	const struct shape *shape = &shapes[message->kind];
	int r = dlk_buf_add(frame, limit, DLK_BYTES(head, sizeof(head)));
	if (r == 0)
		r = dlk_ssh_add_octet(frame, limit, (uint8_t)message->kind);
	for (size_t i = 0; r == 0 && i < shape->n_numbers; i++)
		r = add_number(frame, message->number[i]);
	for (size_t i = 0; r == 0 && i < shape->n_texts; i++)
		r = dlk_ssh_add_string(frame, limit, message->text[i]);
	if (r == 0)
		dlk_put_be32(
		    frame->p + begin + 4, (uint32_t)(frame->n - begin - DLK_WIRE_HEADER));
	else
		frame->n = begin;
	return r;
}

static bool
take_number(struct dlk_bytes *in, int64_t *ret_number)
{
	struct dlk_bytes octets;

	if (!dlk_ssh_take(in, 8, &octets))
		return false;
	*ret_number = (int64_t)dlk_get_be64(octets.p);
	return true;
}

int
dlk_out_decode(struct dlk_bytes frame, bool outward, struct dlk_out_message *ret_message)
{
	struct dlk_out_message made = { .kind = DLK_OUT_LAST };
	struct dlk_bytes head;
	uint8_t kind;

	if (!dlk_ssh_take(&frame, DLK_WIRE_HEADER, &head) ||
	    !dlk_ssh_take_octet(&frame, &kind) || kind < DLK_OUT_FILE || kind > DLK_OUT_LAST)
		return -EBADMSG;
	const struct shape *shape = &shapes[kind];
	made.kind = (enum dlk_out)kind;
	for (size_t i = 0; i < shape->n_numbers; i++)
		if (!take_number(&frame, &made.number[i]))
			return -EBADMSG;
	for (size_t i = 0; i < shape->n_texts; i++)
		if (!dlk_ssh_take_string(&frame, &made.text[i]))
			return -EBADMSG;
	if (frame.n > 0 || shape->outward != outward || !may_be(&made))
		return -EBADMSG;
	*ret_message = made;
	return 0;
}
