/* SPDX-License-Identifier: MIT */
/*
 * crlimage.c - opens a compiled list where it lies, and searches it. What it touches it checks
 * first. It knows no file, and not whether the list is to be believed.
 */
#include "core/crlimage.h"

#include <errno.h>
#include <string.h>

#include "core/crlform.h"

/* The tail is what the head says it is, and has the digest that the head has. */
static bool
whole_and_sound(struct dlk_bytes whole, uint64_t tail)
{
	const uint8_t *head = whole.p;
	uint8_t digest[CRLFORM_DIGEST];
	uint64_t size = tail + (uint64_t)dlk_get_be32(head + CRLFORM_BUCKETS) * 4;

	for (size_t i = 0; i < PARTS; i++)
		size += dlk_get_be32(head + CRLFORM_PARTS_AT + 4 * i);
	if (tail < CRLFORM_HEAD || tail > whole.n || size != whole.n)
		return false;
	return dlk_crlform_digest(
		   head, DLK_BYTES(whole.p + tail, whole.n - (size_t)tail), digest) &&
	       memcmp(digest, head + CRLFORM_HEAD_SUMMED, sizeof(digest)) == 0;
}

int
dlk_crlimage_open(struct dlk_bytes whole, struct dlk_crlimage *ret_image)
{
	const uint8_t *head = whole.p, *at;

	if (whole.n < CRLFORM_HEAD || memcmp(head, CRLFORM_MAGIC, 8) != 0 ||
	    dlk_get_be64(head + CRLFORM_SIZE) != whole.n)
		return -EBADMSG;
	uint64_t tail = dlk_get_be64(head + CRLFORM_TAIL);
	uint32_t buckets = dlk_get_be32(head + CRLFORM_BUCKETS);
	if (buckets == 0 || buckets > CRLFORM_BUCKETS_MOST || (buckets & (buckets - 1)) != 0 ||
	    !whole_and_sound(whole, tail))
		return -EBADMSG;
	*ret_image = (struct dlk_crlimage){ .whole = whole,
		.tail = (size_t)tail,
		.directory = whole.p + tail,
		.buckets = buckets,
		.entries = dlk_get_be64(head + CRLFORM_ENTRIES),
		.this_update = (int64_t)dlk_get_be64(head + CRLFORM_THIS_UPDATE),
		.next_update = (int64_t)dlk_get_be64(head + CRLFORM_NEXT_UPDATE),
		.entry_issuers =
		    (dlk_get_be32(head + CRLFORM_FLAGS) & CRLFORM_ENTRY_ISSUERS) != 0 };
	struct dlk_bytes *part[PARTS] = { &ret_image->issuer, &ret_image->algorithm,
		&ret_image->extensions, &ret_image->signature, &ret_image->digest,
		&ret_image->names };
	at = whole.p + tail + (size_t)buckets * 4;
	for (size_t i = 0; i < PARTS; i++) {
		*part[i] = DLK_BYTES(at, dlk_get_be32(head + CRLFORM_PARTS_AT + 4 * i));
		at += part[i]->n;
	}
	return 0;
}

/* How much an entry revokes: where a list has a serial number twice, the worse one holds. */
static unsigned
weight(uint8_t reason)
{
	return reason == DLK_CRL_REASON_REMOVE ? 1 : reason == DLK_CRL_REASON_HOLD ? 2 : 3;
}

/* False where the entries do not add up to what the piece says it has. */
static bool
search(struct dlk_bytes entries, struct dlk_bytes key, unsigned *heaviest,
    struct dlk_crl_hit *hit)
{
	const uint8_t *p = entries.p, *end = entries.p + entries.n;
	uint8_t last = key.p[key.n - 1];

	while (p < end) {
		size_t n = (size_t)1 + (*p & CRLFORM_OTHER_ISSUER ? 2 : 0) +
			   (*p & CRLFORM_SERIAL_MOST);
		if ((size_t)(end - p) < n + CRLFORM_VALUE)
			return false;
		if (p[n - 1] == last && n == key.n && memcmp(p, key.p, n) == 0 &&
		    weight(p[n]) > *heaviest) {
			*heaviest = weight(p[n]);
			hit->reason = p[n];
			hit->date = dlk_get_be32(p + n + 1);
		}
		p += n + CRLFORM_VALUE;
	}
	return true;
}

/* The piece at this place (units of CRLFORM_ALIGN); false where there is no sound one. */
static bool
open_piece(const struct dlk_crlimage *image, uint32_t where, struct dlk_bytes *ret_entries,
    uint32_t *ret_next)
{
	uint64_t at = (uint64_t)where * CRLFORM_ALIGN;

	if (at < CRLFORM_HEAD || at + CRLFORM_PIECE_HEAD > image->tail)
		return false;
	const uint8_t *piece = image->whole.p + at;
	uint32_t used = dlk_get_be32(piece + 4);
	if (used > CRLFORM_PIECE - CRLFORM_PIECE_HEAD ||
	    dlk_crlform_aligned(CRLFORM_PIECE_HEAD + used) > image->tail - at ||
	    dlk_get_be64(piece + 8) != dlk_crlform_sum(where, dlk_crlform_word(piece),
					   piece + CRLFORM_PIECE_HEAD,
					   dlk_crlform_aligned(used)))
		return false;
	*ret_entries = DLK_BYTES(piece + CRLFORM_PIECE_HEAD, used);
	*ret_next = dlk_get_be32(piece);
	return true;
}

int
dlk_crlimage_find(const struct dlk_crlimage *image, unsigned issuer, struct dlk_bytes serial,
    struct dlk_crl_hit *ret_hit)
{
	struct dlk_bytes entries;
	unsigned heaviest = 0;
	uint32_t next;
	uint8_t key[CRLFORM_KEY_MOST];

	if (serial.n > CRLFORM_SERIAL_MOST || serial.n == 0)
		return -EBADMSG;
	size_t n = dlk_crlform_key(issuer, serial, key);
	uint32_t bucket = dlk_crlform_bucket(issuer, serial, image->buckets);
	uint32_t where = dlk_get_be32(image->directory + (size_t)bucket * 4);
	while (where != 0) {
		/* chains lead to the front, so that each of them ends */
		if (!open_piece(image, where, &entries, &next) || next >= where ||
		    !search(entries, DLK_BYTES(key, n), &heaviest, ret_hit))
			return -EBADMSG;
		where = next;
	}
	return heaviest > 0;
}

bool
dlk_crlimage_sound(const struct dlk_crlimage *image)
{
	struct dlk_bytes entries;
	uint32_t where, next;

	for (uint32_t bucket = 0; bucket < image->buckets; bucket++) {
		where = dlk_get_be32(image->directory + (size_t)bucket * 4);
		for (; where != 0; where = next)
			if (!open_piece(image, where, &entries, &next) || next >= where)
				return false;
	}
	return true;
}
