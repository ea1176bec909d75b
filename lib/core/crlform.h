/* SPDX-License-Identifier: MIT */
/* crlform.h - the form of a compiled list, for those who write it and who search it. */
#ifndef DLK_CORE_CRLFORM_H
#define DLK_CORE_CRLFORM_H

#include "base/bytes.h"

/*
 *     head | pieces of buckets | directory, issuer, algorithm, extensions, signature, digest,
 *                                names of certificateIssuers
 *
 * Entries are spread over buckets by a hash of issuer and serial number, so that the order
 * in which a CA lists them does not matter and nothing has to be sorted. A bucket is a chain
 * of pieces, each written as soon as it is full: one pass, and memory for one piece per
 * bucket. Head and tail have a SHA-256, each piece has a sum of its own. Numbers are
 * big-endian.
 */
#define CRLFORM_MAGIC        "DLKCRL\r\1"
#define CRLFORM_HEAD         128
#define CRLFORM_HEAD_SUMMED  80 /* the SHA-256 follows */
#define CRLFORM_DIGEST       32
#define CRLFORM_PIECE        512
#define CRLFORM_PIECE_HEAD   16 /* next piece, octets of entries, sum */
#define CRLFORM_ALIGN        16 /* places of pieces count in these */
#define CRLFORM_BUCKETS_MOST 4096
#define CRLFORM_SERIAL_MOST  127  /* longer ones belong to no certificate that is accepted */
#define CRLFORM_OTHER_ISSUER 0x80 /* in the octet of the length: two of issuer follow */
#define CRLFORM_KEY_MOST     (1 + 2 + CRLFORM_SERIAL_MOST)
#define CRLFORM_VALUE        5 /* reason, date */

/* Places in the head. */
enum {
	CRLFORM_SIZE = 8,
	CRLFORM_TAIL = 16,
	CRLFORM_ENTRIES = 24,
	CRLFORM_THIS_UPDATE = 32,
	CRLFORM_NEXT_UPDATE = 40,
	CRLFORM_BUCKETS = 48,
	CRLFORM_FLAGS = 52,
	CRLFORM_PARTS_AT = 56 /* the length of each part */
};
enum { CRLFORM_ENTRY_ISSUERS = 1 };
enum {
	PART_ISSUER,
	PART_ALGORITHM,
	PART_EXTENSIONS,
	PART_SIGNATURE,
	PART_DIGEST,
	PART_NAMES,
	PARTS
};

/* What an entry begins with: length of the serial number, its issuer (0 is the list's own),
 * the number. `out` has CRLFORM_KEY_MOST; returns the octets of it. */
size_t dlk_crlform_key(unsigned issuer, struct dlk_bytes serial, uint8_t *out);
uint32_t dlk_crlform_bucket(unsigned issuer, struct dlk_bytes serial, uint32_t buckets);
size_t dlk_crlform_aligned(size_t n);
/* Of a piece: its place, its head before the sum, its entries with what fills them up.
 * Against damage, not against forgery. */
uint64_t dlk_crlform_sum(uint32_t where, const uint8_t *piece, size_t used);
/* SHA-256 of the summed head and of the tail. */
bool dlk_crlform_digest(
    const uint8_t *head, struct dlk_bytes tail, uint8_t ret_digest[CRLFORM_DIGEST]);

#endif
