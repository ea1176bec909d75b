/* SPDX-License-Identifier: MIT */
/*
 * outwire.h - what goes between the agent and doublelock-outward (docs/PROTOCOL.md "The way
 * out"): one frame (wire/frame.h), an octet that says what it is, and the numbers and texts
 * that this kind has. Decoding takes exactly what encoding makes.
 */
#ifndef DLK_AGENT_OUTWIRE_H
#define DLK_AGENT_OUTWIRE_H

#include "base/bytes.h"

#define DLK_OUT_PROTOCOL 1
#define DLK_OUT_NUMBERS  3
#define DLK_OUT_TEXTS    5

#define DLK_OUT_FILE_MAX   500000 /* octets of a file of TLS */
#define DLK_OUT_URL_MAX    4095
#define DLK_OUT_WORDS      511   /* of a failure, printable */
#define DLK_OUT_DATA_MAX   65536 /* of a file that is fetched, at once */
#define DLK_OUT_BODY_MAX   40000 /* of an event */
#define DLK_OUT_TEXT_MAX   4095  /* what the configuration says of a directory */
#define DLK_OUT_USER_MAX   255
#define DLK_OUT_DER_MAX    65536
#define DLK_OUT_EVENTS_MAX 8 /* under way at once */

enum dlk_out {
	/* from the agent */
	DLK_OUT_FILE = 1, /* which one (enum dlk_out_file); its content, for what follows */
	DLK_OUT_FETCH,    /* since (0: in every case), anywhere (0 or 1); URL */
	DLK_OUT_EVENT,    /* index; URL, id, time, signature, body */
	DLK_OUT_CARRY,    /* the events */
	DLK_OUT_OPEN,     /* a directory: URL, base, user, bind DN (or empty), password */
	DLK_OUT_SEARCH,   /* filter */
	/* from doublelock-outward */
	DLK_OUT_READY,   /* protocol */
	DLK_OUT_DATA,    /* octets */
	DLK_OUT_FETCHED, /* 1, or 0 where nothing was modified; modified (0: not known) */
	DLK_OUT_RESULT,  /* index, delivered, seconds to wait; words where it was not */
	DLK_OUT_ENTRY, /* user (empty: the entry has none), certificate (or none that fits) */
	DLK_OUT_DONE,
	DLK_OUT_FAILED, /* words */
	DLK_OUT_LAST = DLK_OUT_FAILED
};
enum dlk_out_file { DLK_OUT_CA = 1, DLK_OUT_CERTIFICATE, DLK_OUT_KEY, DLK_OUT_FILES };

struct dlk_out_message {
	enum dlk_out kind;
	int64_t number[DLK_OUT_NUMBERS];
	struct dlk_bytes text[DLK_OUT_TEXTS]; /* borrowed */
};

/* Appends a frame. 0, -ENOMEM; -EINVAL for what decoding would refuse. */
int dlk_out_encode(const struct dlk_out_message *message, struct dlk_buf *frame);
/* One whole frame; the texts are borrowed from it. `outward`: it is said to come from
 * doublelock-outward, and else from the agent. 0 or -EBADMSG. */
int dlk_out_decode(struct dlk_bytes frame, bool outward, struct dlk_out_message *ret_message);

#endif
