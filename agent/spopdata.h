/* SPDX-License-Identifier: MIT */
/*
 * spopdata.h - what SPOP frames are made of: numbers of variable length, strings and typed
 * values (HAProxy, doc/SPOE.txt section 3.1). Readers take off the front of `rest`: 0, or
 * -EBADMSG where it is not that. Writers append: 0, -EMSGSIZE, -ENOMEM.
 */
#ifndef DLK_AGENT_SPOPDATA_H
#define DLK_AGENT_SPOPDATA_H

#include "base/bytes.h"

enum dlk_spop_type {
	DLK_SPOP_NULL = 0,
	DLK_SPOP_BOOL,
	DLK_SPOP_INT32,
	DLK_SPOP_UINT32,
	DLK_SPOP_INT64,
	DLK_SPOP_UINT64,
	DLK_SPOP_IPV4,
	DLK_SPOP_IPV6,
	DLK_SPOP_STRING,
	DLK_SPOP_BINARY
};

struct dlk_spop_value {
	enum dlk_spop_type type;
	bool truth;              /* of a boolean */
	uint64_t number;         /* of the four integers; two's complement */
	struct dlk_bytes octets; /* of the rest; borrowed. An address is 4 or 16 */
};

int dlk_spop_get_number(struct dlk_bytes *rest, uint64_t *ret_number);
int dlk_spop_get_string(struct dlk_bytes *rest, struct dlk_bytes *ret_string);
int dlk_spop_get_value(struct dlk_bytes *rest, struct dlk_spop_value *ret_value);

int dlk_spop_put_octet(struct dlk_buf *buf, size_t limit, uint8_t octet);
int dlk_spop_put_number(struct dlk_buf *buf, size_t limit, uint64_t number);
int dlk_spop_put_string(struct dlk_buf *buf, size_t limit, const char *text);
int dlk_spop_put_value(struct dlk_buf *buf, size_t limit, const struct dlk_spop_value *value);

#endif
