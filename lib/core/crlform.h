/* SPDX-License-Identifier: MIT */
/* crlform.h - the form of a compiled list, for those who write it and who search it. */
#ifndef DLK_CORE_CRLFORM_H
#define DLK_CORE_CRLFORM_H

#include <endian.h>
#include <string.h>

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
#define CRLFORM_MAGIC        "DLKCRL\r\2"
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

/* Inline, as they are done once for each entry: a million times for a long list. */

static inline uint64_t
dlk_crlform_word(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return le64toh(word);
}

static inline uint64_t
dlk_crlform_stir(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
	return sum << 29 | sum >> 35;
}

/* What nearly all serial numbers are as long as is copied without asking memcpy(). */
static inline void
dlk_crlform_copy(uint8_t *to, const uint8_t *from, size_t n)
{
	if (n >= 16 && n <= 32) {
		memcpy(to, from, 16);
		memcpy(to + n - 16, from + n - 16, 16);
	} else if (n >= 8 && n < 16) {
		memcpy(to, from, 8);
		memcpy(to + n - 8, from + n - 8, 8);
	} else {
		memcpy(to, from, n);
	}
}

static inline size_t
dlk_crlform_key_n(unsigned issuer, struct dlk_bytes serial)
{
	return (issuer > 0 ? 3 : 1) + serial.n;
}

/* What an entry begins with: length of the serial number, its issuer (0 is the list's own),
 * the number. Returns the octets of it, dlk_crlform_key_n() or at most CRLFORM_KEY_MOST. */
static inline size_t
dlk_crlform_key(unsigned issuer, struct dlk_bytes serial, uint8_t *out)
{
	size_t head = dlk_crlform_key_n(issuer, serial) - serial.n;

	out[0] = (uint8_t)serial.n;
	if (issuer > 0) {
		out[0] |= CRLFORM_OTHER_ISSUER;
		dlk_put_be16(out + 1, (uint16_t)issuer);
	}
	dlk_crlform_copy(out + head, serial.p, serial.n);
	return head + serial.n;
}

/* All of the serial number counts: what differs may stand at either end. */
static inline uint32_t
dlk_crlform_bucket(unsigned issuer, struct dlk_bytes serial, uint32_t buckets)
{
	uint64_t hash = (uint64_t)issuer << 8 | serial.n;

	if (serial.n < 8) {
		for (size_t i = 0; i < serial.n; i++)
			hash = hash << 8 | serial.p[i];
		hash = dlk_crlform_stir(hash, 0);
	} else {
		for (size_t i = 0; i + 8 < serial.n; i += 8)
			hash = dlk_crlform_stir(hash, dlk_crlform_word(serial.p + i));
		hash = dlk_crlform_stir(hash, dlk_crlform_word(serial.p + serial.n - 8));
	}
	hash = dlk_crlform_stir(hash ^ hash >> 32, 0);
	return (uint32_t)(hash >> 32) & (buckets - 1);
}

size_t dlk_crlform_aligned(size_t n);
/* Of a piece: its place, the first 8 octets of its head as they are, its entries with the
 * zeros that fill them up, which need not be there yet; whole words are read in any case.
 * Against damage, not against forgery. */
uint64_t dlk_crlform_sum(uint32_t where, uint64_t head, const uint8_t *entries, size_t n);
/* SHA-256 of the summed head and of the tail. */
bool dlk_crlform_digest(
    const uint8_t *head, struct dlk_bytes tail, uint8_t ret_digest[CRLFORM_DIGEST]);

#endif
