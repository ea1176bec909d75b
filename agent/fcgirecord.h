/* SPDX-License-Identifier: MIT */
/*
 * fcgirecord.h - the records of FastCGI 1.0 (FastCGI Specification, sections 3 to 5 and 8),
 * as an application reads and writes them. Pure functions.
 */
#ifndef DLK_AGENT_FCGIRECORD_H
#define DLK_AGENT_FCGIRECORD_H

#include "base/bytes.h"

#define DLK_FCGI_HEAD       8
#define DLK_FCGI_RECORD_MAX (DLK_FCGI_HEAD + 65535 + 255)
#define DLK_FCGI_AUTHORIZER 2 /* role */

enum dlk_fcgi_type {
	DLK_FCGI_BEGIN_REQUEST = 1,
	DLK_FCGI_ABORT_REQUEST,
	DLK_FCGI_END_REQUEST,
	DLK_FCGI_PARAMS,
	DLK_FCGI_STDIN,
	DLK_FCGI_STDOUT,
	DLK_FCGI_STDERR,
	DLK_FCGI_DATA,
	DLK_FCGI_GET_VALUES,
	DLK_FCGI_GET_VALUES_RESULT,
	DLK_FCGI_UNKNOWN_TYPE
};

/* Of an END_REQUEST. */
enum dlk_fcgi_status {
	DLK_FCGI_COMPLETE = 0,
	DLK_FCGI_CANT_MULTIPLEX,
	DLK_FCGI_OVERLOADED,
	DLK_FCGI_UNKNOWN_ROLE
};

struct dlk_fcgi_head {
	unsigned type; /* of enum dlk_fcgi_type, or any other octet */
	unsigned id;   /* of the request; 0: of none */
	size_t content, padding;
};
/* 0 or -EBADMSG. */
int dlk_fcgi_head_parse(const uint8_t octets[DLK_FCGI_HEAD], struct dlk_fcgi_head *ret_head);

struct dlk_fcgi_begin {
	unsigned role;
	bool keep; /* the connection, for further requests */
};
int dlk_fcgi_begin_parse(struct dlk_bytes content, struct dlk_fcgi_begin *ret_begin);

/* Takes a name and its value off the front. 0 or -EBADMSG. */
int dlk_fcgi_get_pair(
    struct dlk_bytes *rest, struct dlk_bytes *ret_name, struct dlk_bytes *ret_value);

/* Appended to `buf`: 0, -EMSGSIZE or -ENOMEM, and then nothing is. `text` has up to 65535
 * octets, and is the whole of the answer. */
int dlk_fcgi_put_stdout(struct dlk_buf *buf, unsigned id, struct dlk_bytes text);
int dlk_fcgi_put_end(struct dlk_buf *buf, unsigned id, enum dlk_fcgi_status status);
/* To GET_VALUES with this content. -EBADMSG where it is no list. */
int dlk_fcgi_put_values(struct dlk_buf *buf, struct dlk_bytes asked);
int dlk_fcgi_put_unknown(struct dlk_buf *buf, unsigned type);

#endif
