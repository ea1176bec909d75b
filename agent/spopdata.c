/* SPDX-License-Identifier: MIT */
/*
 * spopdata.c - one octet up to 239; else the low four bits there, and seven with each octet
 * behind it, as a number less what the octets before could say. So each number has one
 * spelling.
 */
#include "agent/spopdata.h"

#include <errno.h>
#include <string.h>

#define SHORT     240 /* the first octet of what takes more than one */
#define TYPE_MASK 0x0f
#define TRUE_FLAG 0x10

static int
get_octet(struct dlk_bytes *rest, uint8_t *ret_octet)
{
	if (rest->n == 0)
		return -EBADMSG;
	*ret_octet = rest->p[0];
	*rest = DLK_BYTES(rest->p + 1, rest->n - 1);
	return 0;
}

static int
get_octets(struct dlk_bytes *rest, uint64_t n, struct dlk_bytes *ret_octets)
{
	if (n > rest->n)
		return -EBADMSG;
	*ret_octets = DLK_BYTES(rest->p, (size_t)n);
	*rest = DLK_BYTES(rest->p + n, rest->n - (size_t)n);
	return 0;
}

int
dlk_spop_get_number(struct dlk_bytes *rest, uint64_t *ret_number)
{
	uint8_t octet;

	if (get_octet(rest, &octet) < 0)
		return -EBADMSG;
	uint64_t number = octet;
	bool more = octet >= SHORT;
	for (unsigned shift = 4; more; shift += 7) {
		if (get_octet(rest, &octet) < 0 || shift > 63)
			return -EBADMSG;
		uint64_t part = (uint64_t)octet << shift;
		if (part >> shift != octet || number + part < number)
			return -EBADMSG; /* more than 64 bits */
		number += part;
		more = octet >= 128;
	}
	*ret_number = number;
	return 0;
}

int
dlk_spop_get_string(struct dlk_bytes *rest, struct dlk_bytes *ret_string)
{
	uint64_t n;

	return dlk_spop_get_number(rest, &n) < 0 ? -EBADMSG : get_octets(rest, n, ret_string);
}

static int
get_content(struct dlk_bytes *rest, struct dlk_spop_value *value)
{
	switch (value->type) {
	case DLK_SPOP_NULL:
	case DLK_SPOP_BOOL:
		return 0;
	case DLK_SPOP_INT32:
	case DLK_SPOP_UINT32:
	case DLK_SPOP_INT64:
	case DLK_SPOP_UINT64:
		return dlk_spop_get_number(rest, &value->number);
	case DLK_SPOP_IPV4:
		return get_octets(rest, 4, &value->octets);
	case DLK_SPOP_IPV6:
		return get_octets(rest, 16, &value->octets);
	case DLK_SPOP_STRING:
	case DLK_SPOP_BINARY:
		return dlk_spop_get_string(rest, &value->octets);
	}
	return -EBADMSG;
}

int
dlk_spop_get_value(struct dlk_bytes *rest, struct dlk_spop_value *ret_value)
{
	struct dlk_spop_value value = { 0 };
	uint8_t octet;

	if (get_octet(rest, &octet) < 0 || (octet & TYPE_MASK) > DLK_SPOP_BINARY)
		return -EBADMSG;
	value.type = (enum dlk_spop_type)(octet & TYPE_MASK);
	value.truth = value.type == DLK_SPOP_BOOL && (octet & TRUE_FLAG);
	if (get_content(rest, &value) < 0)
		return -EBADMSG;
	*ret_value = value;
	return 0;
}

int
dlk_spop_put_octet(struct dlk_buf *buf, size_t limit, uint8_t octet)
{
	return dlk_buf_add(buf, limit, DLK_BYTES(&octet, 1));
}

int
dlk_spop_put_number(struct dlk_buf *buf, size_t limit, uint64_t number)
{
	uint8_t octets[10];
	size_t n = 0;

	if (number < SHORT) {
		octets[n++] = (uint8_t)number;
	} else {
		octets[n++] = (uint8_t)(number | SHORT);
		number = (number - SHORT) >> 4;
		for (; number >= 128; number = (number - 128) >> 7)
			octets[n++] = (uint8_t)(number | 128);
		octets[n++] = (uint8_t)number;
	}
	return dlk_buf_add(buf, limit, DLK_BYTES(octets, n));
}

static int
put_octets(struct dlk_buf *buf, size_t limit, struct dlk_bytes octets)
{
	int r = dlk_spop_put_number(buf, limit, octets.n);

	return r < 0 ? r : dlk_buf_add(buf, limit, octets);
}

int
dlk_spop_put_string(struct dlk_buf *buf, size_t limit, const char *text)
{
	return put_octets(buf, limit, dlk_bytes_str(text));
}

int
dlk_spop_put_value(struct dlk_buf *buf, size_t limit, const struct dlk_spop_value *value)
{
	bool truth = value->type == DLK_SPOP_BOOL && value->truth;
	int r =
	    dlk_spop_put_octet(buf, limit, (uint8_t)(value->type | (truth ? TRUE_FLAG : 0)));

	if (r < 0)
		return r;
	switch (value->type) {
	case DLK_SPOP_NULL:
	case DLK_SPOP_BOOL:
		return 0;
	case DLK_SPOP_INT32:
	case DLK_SPOP_UINT32:
	case DLK_SPOP_INT64:
	case DLK_SPOP_UINT64:
		return dlk_spop_put_number(buf, limit, value->number);
	case DLK_SPOP_IPV4:
	case DLK_SPOP_IPV6:
		return dlk_buf_add(buf, limit, value->octets);
	case DLK_SPOP_STRING:
	case DLK_SPOP_BINARY:
		return put_octets(buf, limit, value->octets);
	}
	return 0;
}
