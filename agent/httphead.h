/* SPDX-License-Identifier: MIT */
/*
 * httphead.h - a request of HTTP/1.0 or 1.1 (RFC 9112) out of the octets that have arrived.
 * Pure functions; a body has a Content-Length or is none.
 */
#ifndef DLK_AGENT_HTTPHEAD_H
#define DLK_AGENT_HTTPHEAD_H

#include "agent/profile.h"

#define DLK_HTTPHEAD_FIELDS 256

struct dlk_httphead {
	size_t n_head, n_body; /* octets; what comes behind them is another request */
	bool keep;             /* the connection may be used again */
	bool old;              /* HTTP/1.0 */
	bool expects;          /* 100-continue: the body comes when it was asked for */
	bool too_many;         /* fields; those behind the last that is here are not */
	/* After dlk_httphead_cut(), and until then without their NUL: */
	char *method, *path; /* the path as it was sent, without its query */
	struct dlk_header field[DLK_HTTPHEAD_FIELDS];
	size_t n;
	/* where the NULs go, and where values begin */
	char *method_end, *path_end;
	char *name_end[DLK_HTTPHEAD_FIELDS];
	char *value[DLK_HTTPHEAD_FIELDS], *value_end[DLK_HTTPHEAD_FIELDS];
};

#define DLK_HTTPHEAD_MORE  0
#define DLK_HTTPHEAD_WHOLE 1
/*
 * Borrows the octets and writes nothing into them. DLK_HTTPHEAD_MORE: the head has to arrive
 * yet. DLK_HTTPHEAD_WHOLE: `ret_head` is filled in; of the body nothing need be there. Else
 * the status with which to refuse: 400; 411, a body of some other framing; 413, a head of more
 * than `head_max` or a body of more than `body_max` octets. *seen is 0 at first, and spares
 * what has been looked at already.
 */
int dlk_httphead_read(uint8_t *octets, size_t n, size_t head_max, size_t body_max,
    size_t *seen, struct dlk_httphead *ret_head);
/* Makes strings of it, in place. A line that went on in the next one (RFC 9112 section 5.2)
 * has spaces there. */
void dlk_httphead_cut(struct dlk_httphead *head);

#endif
