/* SPDX-License-Identifier: MIT */
/*
 * der.h - the frame of DER (X.690 section 10): tags and lengths, strictly. What stands in
 * the frame OpenSSL reads; this refuses what OpenSSL's readers let through (BER).
 */
#ifndef DLK_CORE_DER_H
#define DLK_CORE_DER_H

#include "base/bytes.h"

enum {
	DLK_DER_BOOLEAN = 0x01,
	DLK_DER_INTEGER = 0x02,
	DLK_DER_BIT_STRING = 0x03,
	DLK_DER_OCTET_STRING = 0x04,
	DLK_DER_NULL = 0x05,
	DLK_DER_OID = 0x06,
	DLK_DER_ENUMERATED = 0x0a,
	DLK_DER_UTC_TIME = 0x17,
	DLK_DER_GENERALIZED_TIME = 0x18,
	DLK_DER_SEQUENCE = 0x30,
	DLK_DER_SET = 0x31,
	DLK_DER_CONTEXT_0 = 0xa0
};
#define DLK_DER_HEAD_MOST 6 /* octets of a tag and its length */

/* Reads a tag and a definite, shortest length below 2^32 off the front of `in`. True where
 * they are whole; the content need not be there yet. */
bool dlk_der_head(struct dlk_bytes in, uint8_t *ret_tag, size_t *ret_head, size_t *ret_n);
/* Takes one element off the front: *ret_whole with its head, *ret_content without; either may
 * be NULL. False, with nothing taken, where the front is no whole element. */
bool dlk_der_take(struct dlk_bytes *in, uint8_t *ret_tag, struct dlk_bytes *ret_whole,
    struct dlk_bytes *ret_content);
/* The same for an element that has to have this tag. */
bool dlk_der_expect(struct dlk_bytes *in, uint8_t tag, struct dlk_bytes *ret_content);
/* Content octets of an INTEGER: present, and no octet more than needed. */
bool dlk_der_integer_ok(struct dlk_bytes content);
/* A run of whole elements, strict to the bottom: lengths, BOOLEAN, INTEGER, OID, strings in
 * one piece, and the order of a SET OF, which has to have elements. An empty run is one. */
bool dlk_der_strict(struct dlk_bytes in);
/* One Extension: SEQUENCE of OID, BOOLEAN TRUE or nothing, OCTET STRING, and no more. */
struct dlk_der_extension {
	struct dlk_bytes oid, value; /* contents */
	bool critical;
};
bool dlk_der_extension(struct dlk_bytes *in, struct dlk_der_extension *ret_extension);
/* One to DLK_DER_EXTENSIONS_MOST well-formed extensions, none twice. */
#define DLK_DER_EXTENSIONS_MOST 64
bool dlk_der_extensions_ok(struct dlk_bytes in);
/* UTCTime or GeneralizedTime as RFC 5280 section 4.1.2.5 writes them: seconds, and Z. */
bool dlk_der_time(uint8_t tag, struct dlk_bytes content, int64_t *ret_time);

#endif
