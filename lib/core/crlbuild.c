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

#define PER_BUCKET   256 /* entries, about */
#define ENTRY_USUAL  36  /* octets in a list */
#define NAMES_MOST   1024
#define NAMES_ROOM   ((size_t)1024 * 1024)
#define OUT_ROOM     ((size_t)256 * 1024)
#define WAITING      32 /* entries */
#define WAITING_MOST 40 /* octets of one that waits */
#define ENTRIES_ROOM (CRLFORM_PIECE - CRLFORM_PIECE_HEAD)
#define HUGE_PAGE    ((size_t)2 * 1024 * 1024)

/* An entry on its way to its bucket. All pieces together are more than a processor has near
 * at hand: each is asked for when its entry is read, and written to a little later. */
struct waiting {
	uint32_t bucket;
	uint32_t n;
	uint8_t octets[WAITING_MOST];
};

/* Of each bucket the entries of the piece that is being filled. */
struct build {
	const struct dlk_octet_target *target;
	uint8_t *out;
	size_t out_n;
	uint64_t size; /* octets handed to append or waiting in `out` */
	uint8_t *piece;
	uint32_t *last; /* of each bucket: place of its newest piece; 0 none */
	uint16_t *used;
	uint32_t buckets;
	unsigned issuer; /* that holds for the entries now */
	struct dlk_buf names;
	unsigned n_names;
	size_t n_waiting;
	struct waiting waiting[WAITING];
};

static int
flush(struct build *b)
{
	int r =
	    b->out_n > 0 ? b->target->append(b->target->ctx, DLK_BYTES(b->out, b->out_n)) : 0;

	b->out_n = 0;
	return r;
}

static int
put(struct build *b, struct dlk_bytes what)
{
	b->size += what.n;
	while (what.n > 0) {
		size_t n = OUT_ROOM - b->out_n < what.n ? OUT_ROOM - b->out_n : what.n;
		memcpy(b->out + b->out_n, what.p, n);
		b->out_n += n;
		what = DLK_BYTES(what.p + n, what.n - n);
		int r = b->out_n == OUT_ROOM ? flush(b) : 0;
		if (r < 0)
			return r;
	}
	return 0;
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
	uint64_t word, sum;
	int r = n > OUT_ROOM - b->out_n ? flush(b) : 0;
	uint8_t *out = b->out + b->out_n;

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
	return r;
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
	b->out = malloc(OUT_ROOM);
	b->piece = alloc_pieces((size_t)b->buckets * CRLFORM_PIECE);
	b->last = calloc(b->buckets, sizeof(*b->last));
	b->used = calloc(b->buckets, sizeof(*b->used));
	if (!b->out || !b->piece || !b->last || !b->used)
		return -ENOMEM;
	return put(b, DLK_BYTES(head, CRLFORM_HEAD));
}

/* The number of a name among those met so far, a new one where it is new. */
__attribute__((noinline)) static int
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
		return;
	}
	for (size_t i = 0; i < CRLFORM_PIECE; i += 64)
		__builtin_prefetch(piece + i, 1);
}

static inline int
place(struct build *b, uint32_t bucket, const uint8_t *octets, size_t n)
{
	uint8_t *piece = b->piece + (size_t)bucket * CRLFORM_PIECE;

	if (b->used[bucket] + n > ENTRIES_ROOM) {
		int r = put_piece(b, bucket);
		if (r < 0)
			return r;
	}
	dlk_crlform_copy(piece + b->used[bucket], octets, n);
	b->used[bucket] = (uint16_t)(b->used[bucket] + n);
	return 0;
}

static int
place_waiting(struct build *b)
{
	int r = 0;

	for (size_t i = 0; i < b->n_waiting && r == 0; i++)
		r = place(b, b->waiting[i].bucket, b->waiting[i].octets, b->waiting[i].n);
	b->n_waiting = 0;
	return r;
}

static inline size_t
encode(unsigned issuer, const struct dlk_crl_entry *entry, uint8_t *out)
{
	size_t n = dlk_crlform_key(issuer, entry->serial, out);
	/* before 1970 and after 2106 a date is not kept: it is shown, never judged */
	uint32_t date =
	    htobe32((uint64_t)entry->date <= UINT32_MAX ? (uint32_t)entry->date : 0);

	out[n] = entry->reason;
	memcpy(out + n + 1, &date, sizeof(date));
	return n + CRLFORM_VALUE;
}

__attribute__((noinline)) static int
add_odd(struct build *b, const struct dlk_crl_entry *entry)
{
	uint8_t octets[CRLFORM_KEY_MOST + CRLFORM_VALUE];
	int r = 0;

	if (entry->issuer.n > 0)
		r = enter_issuer(b, entry->issuer);
	if (r < 0 || entry->serial.n > CRLFORM_SERIAL_MOST)
		return r;
	uint32_t bucket = dlk_crlform_bucket(b->issuer, entry->serial, b->buckets);
	return place(b, bucket, octets, encode(b->issuer, entry, octets));
}

static int
add_entry(void *ctx, const struct dlk_crl_entry *entry)
{
	struct build *b = ctx;
	struct waiting *w = &b->waiting[b->n_waiting];

	if (entry->issuer.n > 0 || b->issuer > 0 ||
	    entry->serial.n > WAITING_MOST - 1 - CRLFORM_VALUE)
		return add_odd(b, entry);
	w->bucket = dlk_crlform_bucket(0, entry->serial, b->buckets);
	w->n = (uint32_t)encode(0, entry, w->octets);
	ask_for(b->piece + (size_t)w->bucket * CRLFORM_PIECE, b->used[w->bucket], w->n);
	return ++b->n_waiting == WAITING ? place_waiting(b) : 0;
}

static int
put_pieces(struct build *b)
{
	int r = place_waiting(b);

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
		r = flush(b);
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
	const struct dlk_crl_sink sink = { .begin = begin, .entry = add_entry, .ctx = &b };
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
