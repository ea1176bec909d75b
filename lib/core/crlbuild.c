/* SPDX-License-Identifier: MIT */
/*
 * crlbuild.c - compiles a list: writes the image while the list is read. It knows no file, and
 * not whether the list is to be believed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/crlform.h"
#include "core/crlimage.h"
#include "core/der.h"

#define PER_BUCKET  256 /* entries, about */
#define ENTRY_USUAL 36  /* octets in a list */
#define NAMES_MOST  1024
#define NAMES_ROOM  ((size_t)1024 * 1024)
/* Blocks that a file system writes with least ado. Whoever looks an entry up later has as much
 * in memory at a time as was written at a time. */
#define OUT_ROOM     ((size_t)64 * 1024)
#define ENTRIES_ROOM (CRLFORM_PIECE - CRLFORM_PIECE_HEAD)
#define HUGE_PAGE    ((size_t)2 * 1024 * 1024)

/* Of each bucket the entries of the piece that is being filled. */
struct build {
	const struct dlk_octet_target *target;
	uint8_t *out; /* a block of the file, and a piece that reaches into the next */
	size_t out_from, out_n;
	uint64_t size; /* octets handed to append or waiting in `out` */
	uint8_t *piece;
	uint32_t *last; /* of each bucket: place of its newest piece; 0 none */
	uint16_t *used;
	uint32_t buckets;
	unsigned issuer; /* that holds for the entries now */
	struct dlk_buf names;
	unsigned n_names;
};

/* Hands on what is whole, or with `all` everything. */
static int
flush(struct build *b, bool all)
{
	size_t n = all || b->out_n < OUT_ROOM ? b->out_n : OUT_ROOM;
	struct dlk_bytes what = DLK_BYTES(b->out + b->out_from, n - b->out_from);

	if (!all && n < OUT_ROOM)
		return 0;
	b->out_n -= n;
	b->out_from = 0;
	int r = what.n > 0 ? b->target->append(b->target->ctx, what) : 0;
	memcpy(b->out, b->out + n, b->out_n);
	return r;
}

static int
put(struct build *b, struct dlk_bytes what)
{
	int r = 0;

	b->size += what.n;
	while (what.n > 0 && r == 0) {
		size_t n = OUT_ROOM - b->out_n < what.n ? OUT_ROOM - b->out_n : what.n;
		memcpy(b->out + b->out_n, what.p, n);
		b->out_n += n;
		what = DLK_BYTES(what.p + n, what.n - n);
		r = flush(b, false);
	}
	return r;
}

/* Straight into `out`, and nothing is read that was written just now: a processor would wait
 * for it. */
static int
put_piece(struct build *b, uint32_t bucket)
{
	const uint8_t *entries = b->piece + (size_t)bucket * CRLFORM_PIECE;
	const uint32_t head[2] = { htobe32(b->last[bucket]), htobe32(b->used[bucket]) };
	size_t used = b->used[bucket], n = CRLFORM_PIECE_HEAD + dlk_crlform_aligned(used);
	uint32_t where = (uint32_t)(b->size / CRLFORM_ALIGN);
	uint8_t *out = b->out + b->out_n;
	uint64_t word, sum;

	memcpy(&word, head, sizeof(word));
	sum = htobe64(dlk_crlform_sum(where, le64toh(word), entries, used));
	memset(out + n - CRLFORM_ALIGN, 0, CRLFORM_ALIGN);
	memcpy(out, head, sizeof(head));
	memcpy(out + 8, &sum, sizeof(sum));
	memcpy(out + CRLFORM_PIECE_HEAD, entries, used);
	b->last[bucket] = where;
	b->used[bucket] = 0;
	b->out_n += n;
	b->size += n;
	return flush(b, false);
}

/* Written to at random: in pages of the usual size each write would look for its page. */
static uint8_t *
alloc_pieces(size_t n)
{
	if (n % HUGE_PAGE != 0)
		return malloc(n);
	uint8_t *pieces = aligned_alloc(HUGE_PAGE, n);
	if (pieces)
		(void)madvise(pieces, n, MADV_HUGEPAGE);
	return pieces;
}

static int
begin(void *ctx, size_t list_size)
{
	struct build *b = ctx;
	size_t about = list_size / ENTRY_USUAL / PER_BUCKET;
	static const uint8_t head[CRLFORM_HEAD];

	b->buckets = 1;
	while (b->buckets < CRLFORM_BUCKETS_MOST && b->buckets <= about)
		b->buckets *= 2;
	b->out_from = b->out_n = b->target->at % OUT_ROOM;
	b->out = malloc(OUT_ROOM + CRLFORM_PIECE);
	b->piece = alloc_pieces((size_t)b->buckets * CRLFORM_PIECE);
	b->last = calloc(b->buckets, sizeof(*b->last));
	b->used = calloc(b->buckets, sizeof(*b->used));
	if (!b->out || !b->piece || !b->last || !b->used)
		return -ENOMEM;
	return put(b, DLK_BYTES(head, CRLFORM_HEAD));
}

/* The number of a name among those met so far, a new one where it is new. */
static int
enter_issuer(struct build *b, struct dlk_bytes name)
{
	struct dlk_bytes names = dlk_bytes_of(&b->names), whole;
	uint8_t tag;

	for (unsigned i = 1; dlk_der_take(&names, &tag, &whole, NULL); i++)
		if (dlk_bytes_equal(whole, name)) {
			b->issuer = i;
			return 0;
		}
	if (b->n_names == NAMES_MOST)
		return -EFBIG;
	b->issuer = ++b->n_names;
	return dlk_buf_add(&b->names, NAMES_ROOM, name);
}

/* The place of an entry, or all of a piece that is about to be written out. Inline in any
 * case: a call that changes nothing the compiler would leave out. */
__attribute__((always_inline)) static inline void
ask_for(const uint8_t *piece, size_t used, size_t n)
{
	if (used + n <= ENTRIES_ROOM) {
		__builtin_prefetch(piece + used, 1);
		__builtin_prefetch(piece + used + n - 1, 1);
		return;
	}
	for (size_t i = 0; i < CRLFORM_PIECE; i += 64)
		__builtin_prefetch(piece + i, 1);
}

static inline size_t
size_of(unsigned issuer, const struct dlk_crl_entry *entry)
{
	return dlk_crlform_key_n(issuer, entry->serial) + CRLFORM_VALUE;
}

static inline int
place(struct build *b, uint32_t bucket, unsigned issuer, const struct dlk_crl_entry *entry)
{
	size_t n = size_of(issuer, entry);
	/* before 1970 and after 2106 a date is not kept: it is shown, never judged */
	uint32_t date =
	    htobe32((uint64_t)entry->date <= UINT32_MAX ? (uint32_t)entry->date : 0);

	if (b->used[bucket] + n > ENTRIES_ROOM) {
		int r = put_piece(b, bucket);
		if (r < 0)
			return r;
	}
	uint8_t *out = b->piece + (size_t)bucket * CRLFORM_PIECE + b->used[bucket];
	out += dlk_crlform_key(issuer, entry->serial, out);
	out[0] = entry->reason;
	memcpy(out + 1, &date, sizeof(date));
	b->used[bucket] = (uint16_t)(b->used[bucket] + n);
	return 0;
}

/* All pieces together are more than a processor has near at hand: each is asked for first,
 * and written to a little later. */
static int
add_entries(void *ctx, const struct dlk_crl_entry *entry, size_t n)
{
	struct build *b = ctx;
	uint32_t bucket[DLK_CRL_ENTRIES];
	unsigned issuer[DLK_CRL_ENTRIES];
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		if (entry[i].issuer.n > 0)
			r = enter_issuer(b, entry[i].issuer);
		issuer[i] = b->issuer;
		bucket[i] = dlk_crlform_bucket(issuer[i], entry[i].serial, b->buckets);
		ask_for(b->piece + (size_t)bucket[i] * CRLFORM_PIECE, b->used[bucket[i]],
		    size_of(issuer[i], &entry[i]));
	}
	for (size_t i = 0; i < n && r == 0; i++)
		if (entry[i].serial.n <= CRLFORM_SERIAL_MOST)
			r = place(b, bucket[i], issuer[i], &entry[i]);
	return r;
}

static int
put_pieces(struct build *b)
{
	int r = 0;

	for (uint32_t i = 0; i < b->buckets && r == 0; i++)
		if (b->used[i] > 0)
			r = put_piece(b, i);
	return r;
}

static void
make_head(const struct build *b, const struct dlk_crl_parts *parts,
    const struct dlk_bytes part[PARTS], uint64_t tail, uint8_t head[CRLFORM_HEAD])
{
	uint64_t size = tail + b->buckets * sizeof(uint32_t);

	memset(head, 0, CRLFORM_HEAD);
	memcpy(head, CRLFORM_MAGIC, 8);
	for (size_t i = 0; i < PARTS; i++) {
		dlk_put_be32(head + CRLFORM_PARTS_AT + 4 * i, (uint32_t)part[i].n);
		size += part[i].n;
	}
	dlk_put_be64(head + CRLFORM_SIZE, size);
	dlk_put_be64(head + CRLFORM_TAIL, tail);
	dlk_put_be64(head + CRLFORM_ENTRIES, parts->entries);
	dlk_put_be64(head + CRLFORM_THIS_UPDATE, (uint64_t)parts->this_update);
	dlk_put_be64(head + CRLFORM_NEXT_UPDATE, (uint64_t)parts->next_update);
	dlk_put_be32(head + CRLFORM_BUCKETS, b->buckets);
	dlk_put_be32(head + CRLFORM_FLAGS, parts->entry_issuers ? CRLFORM_ENTRY_ISSUERS : 0);
}

static int
put_tail(struct build *b, const struct dlk_crl_parts *parts)
{
	const struct dlk_bytes part[PARTS] = {
		[PART_ISSUER] = dlk_bytes_of(&parts->issuer),
		[PART_ALGORITHM] = dlk_bytes_of(&parts->algorithm),
		[PART_EXTENSIONS] = dlk_bytes_of(&parts->extensions),
		[PART_SIGNATURE] = dlk_bytes_of(&parts->signature),
		[PART_DIGEST] = DLK_BYTES(parts->digest, parts->digest_n),
		[PART_NAMES] = dlk_bytes_of(&b->names),
	};
	DLK_AUTO_BUF all = { 0 };
	uint8_t head[CRLFORM_HEAD];
	uint64_t tail = b->size;
	size_t size = b->buckets * sizeof(uint32_t);

	for (size_t i = 0; i < PARTS; i++)
		size += part[i].n;
	int r = dlk_buf_reserve(&all, size);
	if (r < 0)
		return r;
	for (all.n = 0; all.n < b->buckets * sizeof(uint32_t); all.n += sizeof(uint32_t))
		dlk_put_be32(all.p + all.n, b->last[all.n / sizeof(uint32_t)]);
	for (size_t i = 0; i < PARTS && r == 0; i++)
		r = dlk_buf_add(&all, size, part[i]);
	if (r == 0)
		r = put(b, dlk_bytes_of(&all));
	if (r == 0)
		r = flush(b, true);
	if (r < 0)
		return r;
	make_head(b, parts, part, tail, head);
	if (!dlk_crlform_digest(head, dlk_bytes_of(&all), head + CRLFORM_HEAD_SUMMED))
		return -ENOMEM;
	return b->target->rewrite(b->target->ctx, DLK_BYTES(head, CRLFORM_HEAD));
}

static void
free_build(struct build *b)
{
	free(b->out);
	free(b->piece);
	free(b->last);
	free(b->used);
	dlk_buf_free(&b->names);
}

int
dlk_crlimage_compile(const struct dlk_octet_source *source,
    const struct dlk_octet_target *target, struct dlk_buf *ret_signed_part, uint64_t *ret_size,
    const char **ret_rule)
{
	DLK_AUTO_CRL_PARTS parts = { 0 };
	struct build b = { .target = target };
	const struct dlk_crl_sink sink = { .begin = begin, .entries = add_entries, .ctx = &b };
	int r = dlk_crl_scan(source, &sink, &parts, ret_rule);

	if (r == 0 && parts.signed_part.n > 0 && !ret_signed_part)
		r = -EOPNOTSUPP;
	if (r == 0)
		r = put_pieces(&b);
	if (r == 0)
		r = put_tail(&b, &parts);
	if (r == 0)
		*ret_size = b.size;
	if (r == 0 && ret_signed_part) {
		*ret_signed_part = parts.signed_part;
		parts.signed_part = (struct dlk_buf){ 0 };
	}
	free_build(&b);
	return r;
}
