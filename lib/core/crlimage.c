/* SPDX-License-Identifier: MIT */
/*
 * crlimage.c - the form of a compiled list, written and searched. It knows no file, and not
 * whether the list is to be believed.
 *
 *     head | pieces of buckets | directory, issuer, algorithm, extensions, signature, digest,
 *                                names of certificateIssuers
 *
 * Entries are spread over buckets by a hash of issuer and serial number, so that the order
 * in which a CA lists them does not matter and nothing has to be sorted. A bucket is a chain
 * of pieces, each written as soon as it is full: one pass, and memory for one piece per
 * bucket. Head and tail have a SHA-256, each piece has a sum of its own.
 */
#include "core/crlimage.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "core/der.h"

#define MAGIC        "DLKCRL\r\1"
#define HEAD         128
#define HEAD_SUMMED  80 /* the SHA-256 follows */
#define DIGEST       32
#define PIECE        512
#define PIECE_HEAD   16
#define ALIGN        16
#define BUCKETS_MOST 4096
#define PER_BUCKET   256 /* entries, about */
#define ENTRY_USUAL  36  /* octets in a list */
#define NAMES_MOST   1024
#define NAMES_ROOM   ((size_t)1024 * 1024)
#define SERIAL_MOST  127 /* longer ones belong to no certificate that is accepted */
#define OUT_ROOM     ((size_t)128 * 1024)
#define OTHER_ISSUER 0x80 /* in the octet of the length: two octets of issuer follow */
#define KEY_MOST     (1 + 2 + SERIAL_MOST)
#define VALUE        5 /* reason, date */

enum { FLAG_ENTRY_ISSUERS = 1 };
enum {
	PART_ISSUER,
	PART_ALGORITHM,
	PART_EXTENSIONS,
	PART_SIGNATURE,
	PART_DIGEST,
	PART_NAMES,
	PARTS
};

/* What an entry begins with: the length of its serial number, its issuer, the number. `out`
 * has KEY_MOST. */
static size_t
put_key(unsigned issuer, struct dlk_bytes serial, uint8_t *out)
{
	size_t head = issuer > 0 ? 3 : 1;

	out[0] = (uint8_t)serial.n;
	if (issuer > 0) {
		out[0] |= OTHER_ISSUER;
		dlk_put_be16(out + 1, (uint16_t)issuer);
	}
	memcpy(out + head, serial.p, serial.n);
	return head + serial.n;
}

static uint64_t
load(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return le64toh(word);
}

static uint64_t
stir(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
	return sum << 29 | sum >> 35;
}

/* All of the serial number counts: what differs may stand at either end. */
static uint32_t
bucket_of(unsigned issuer, struct dlk_bytes serial, uint32_t buckets)
{
	uint64_t hash = (uint64_t)issuer << 8 | serial.n;

	if (serial.n < 8) {
		for (size_t i = 0; i < serial.n; i++)
			hash = hash << 8 | serial.p[i];
		hash = stir(hash, 0);
	} else {
		for (size_t i = 0; i + 8 < serial.n; i += 8)
			hash = stir(hash, load(serial.p + i));
		hash = stir(hash, load(serial.p + serial.n - 8));
	}
	hash = stir(hash ^ hash >> 32, 0);
	return (uint32_t)(hash >> 32) & (buckets - 1);
}

static size_t
aligned(size_t n)
{
	return (n + ALIGN - 1) / ALIGN * ALIGN;
}

/* Of a piece: its place, its head before the sum, its entries with what fills them up.
 * Against damage, not against forgery. */
static uint64_t
sum_of(uint32_t where, const uint8_t *piece, size_t used)
{
	uint64_t a = where, b = load(piece);
	size_t n = aligned(PIECE_HEAD + used);

	for (size_t i = PIECE_HEAD; i < n; i += ALIGN) {
		a = stir(a, load(piece + i));
		b = stir(b, load(piece + i + 8));
	}
	a = stir(a ^ b >> 32, b);
	return a ^ a >> 29;
}

/* SHA-256 over two runs. */
static bool
digest_two(struct dlk_bytes a, struct dlk_bytes b, uint8_t ret_digest[DIGEST])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		    EVP_DigestUpdate(ctx, a.p, a.n) == 1 &&
		    EVP_DigestUpdate(ctx, b.p, b.n) == 1 &&
		    EVP_DigestFinal_ex(ctx, ret_digest, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

/* A bucket's piece that is being filled: next, used, sum, entries. */
struct build {
	const struct dlk_octet_target *target;
	uint8_t *out;
	size_t out_n;
	uint64_t size; /* octets handed to append or waiting in `out` */
	uint8_t *piece;
	uint32_t *last; /* of each bucket: its newest piece, in units of ALIGN; 0 none */
	uint16_t *used;
	uint32_t buckets;
	unsigned issuer; /* that holds for the entries now */
	struct dlk_buf names;
	unsigned n_names;
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

static int
put_piece(struct build *b, uint32_t bucket)
{
	uint8_t *piece = b->piece + (size_t)bucket * PIECE;
	size_t n = aligned(PIECE_HEAD + b->used[bucket]);
	uint32_t where = (uint32_t)(b->size / ALIGN);

	memset(piece + PIECE_HEAD + b->used[bucket], 0, n - PIECE_HEAD - b->used[bucket]);
	dlk_put_be32(piece, b->last[bucket]);
	dlk_put_be32(piece + 4, b->used[bucket]);
	dlk_put_be64(piece + 8, sum_of(where, piece, b->used[bucket]));
	b->last[bucket] = where;
	b->used[bucket] = 0;
	return put(b, DLK_BYTES(piece, n));
}

static int
begin(void *ctx, size_t list_size)
{
	struct build *b = ctx;
	size_t about = list_size / ENTRY_USUAL / PER_BUCKET;
	static const uint8_t head[HEAD];

	b->buckets = 1;
	while (b->buckets < BUCKETS_MOST && b->buckets <= about)
		b->buckets *= 2;
	b->out = malloc(OUT_ROOM);
	b->piece = malloc((size_t)b->buckets * PIECE);
	b->last = calloc(b->buckets, sizeof(*b->last));
	b->used = calloc(b->buckets, sizeof(*b->used));
	if (!b->out || !b->piece || !b->last || !b->used)
		return -ENOMEM;
	return put(b, DLK_BYTES(head, HEAD));
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

static int
add_entry(void *ctx, const struct dlk_crl_entry *entry)
{
	struct build *b = ctx;
	int r;

	if (entry->issuer.n > 0 && (r = enter_issuer(b, entry->issuer)) < 0)
		return r;
	if (entry->serial.n > SERIAL_MOST)
		return 0;
	uint32_t bucket = bucket_of(b->issuer, entry->serial, b->buckets);
	if (b->used[bucket] + entry->serial.n + 3 + VALUE > PIECE - PIECE_HEAD) {
		r = put_piece(b, bucket);
		if (r < 0)
			return r;
	}
	uint8_t *at = b->piece + (size_t)bucket * PIECE + PIECE_HEAD + b->used[bucket];
	size_t n = put_key(b->issuer, entry->serial, at);
	at[n] = entry->reason;
	/* before 1970 and after 2106 a date is not kept: it is shown, never judged */
	dlk_put_be32(at + n + 1,
	    entry->date > 0 && entry->date <= UINT32_MAX ? (uint32_t)entry->date : 0);
	b->used[bucket] = (uint16_t)(b->used[bucket] + n + VALUE);
	return 0;
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
    const struct dlk_bytes part[PARTS], uint64_t tail, uint8_t head[HEAD])
{
	uint64_t size = tail + b->buckets * sizeof(uint32_t);

	memset(head, 0, HEAD);
	memcpy(head, MAGIC, 8);
	for (size_t i = 0; i < PARTS; i++) {
		dlk_put_be32(head + 56 + 4 * i, (uint32_t)part[i].n);
		size += part[i].n;
	}
	dlk_put_be64(head + 8, size);
	dlk_put_be64(head + 16, tail);
	dlk_put_be64(head + 24, parts->entries);
	dlk_put_be64(head + 32, (uint64_t)parts->this_update);
	dlk_put_be64(head + 40, (uint64_t)parts->next_update);
	dlk_put_be32(head + 48, b->buckets);
	dlk_put_be32(head + 52, parts->entry_issuers ? FLAG_ENTRY_ISSUERS : 0);
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
	uint8_t head[HEAD];
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
	if (!digest_two(DLK_BYTES(head, HEAD_SUMMED), dlk_bytes_of(&all), head + HEAD_SUMMED))
		return -ENOMEM;
	return b->target->rewrite(b->target->ctx, DLK_BYTES(head, HEAD));
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

/* The tail is what the head says it is, and has the digest that the head has. */
static bool
whole_and_sound(struct dlk_bytes whole, uint64_t tail)
{
	const uint8_t *head = whole.p;
	uint8_t digest[DIGEST];
	uint64_t size = tail + (uint64_t)dlk_get_be32(head + 48) * 4;

	for (size_t i = 0; i < PARTS; i++)
		size += dlk_get_be32(head + 56 + 4 * i);
	if (tail < HEAD || tail > whole.n || size != whole.n)
		return false;
	return digest_two(DLK_BYTES(head, HEAD_SUMMED),
		   DLK_BYTES(whole.p + tail, whole.n - (size_t)tail), digest) &&
	       memcmp(digest, head + HEAD_SUMMED, sizeof(digest)) == 0;
}

int
dlk_crlimage_open(struct dlk_bytes whole, struct dlk_crlimage *ret_image)
{
	const uint8_t *head = whole.p, *at;

	if (whole.n < HEAD || memcmp(head, MAGIC, 8) != 0 || dlk_get_be64(head + 8) != whole.n)
		return -EBADMSG;
	uint64_t tail = dlk_get_be64(head + 16);
	uint32_t buckets = dlk_get_be32(head + 48);
	if (buckets == 0 || buckets > BUCKETS_MOST || (buckets & (buckets - 1)) != 0 ||
	    !whole_and_sound(whole, tail))
		return -EBADMSG;
	*ret_image = (struct dlk_crlimage){ .whole = whole,
		.tail = (size_t)tail,
		.directory = whole.p + tail,
		.buckets = buckets,
		.entries = dlk_get_be64(head + 24),
		.this_update = (int64_t)dlk_get_be64(head + 32),
		.next_update = (int64_t)dlk_get_be64(head + 40),
		.entry_issuers = (dlk_get_be32(head + 52) & FLAG_ENTRY_ISSUERS) != 0 };
	struct dlk_bytes *part[PARTS] = { &ret_image->issuer, &ret_image->algorithm,
		&ret_image->extensions, &ret_image->signature, &ret_image->digest,
		&ret_image->names };
	at = whole.p + tail + (size_t)buckets * 4;
	for (size_t i = 0; i < PARTS; i++) {
		*part[i] = DLK_BYTES(at, dlk_get_be32(head + 56 + 4 * i));
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
		size_t n = (size_t)1 + (*p & OTHER_ISSUER ? 2 : 0) + (*p & SERIAL_MOST);
		if ((size_t)(end - p) < n + VALUE)
			return false;
		if (p[n - 1] == last && n == key.n && memcmp(p, key.p, n) == 0 &&
		    weight(p[n]) > *heaviest) {
			*heaviest = weight(p[n]);
			hit->reason = p[n];
			hit->date = dlk_get_be32(p + n + 1);
		}
		p += n + VALUE;
	}
	return true;
}

/* The piece at this place (units of ALIGN); false where there is no sound one. */
static bool
open_piece(const struct dlk_crlimage *image, uint32_t where, struct dlk_bytes *ret_entries,
    uint32_t *ret_next)
{
	uint64_t at = (uint64_t)where * ALIGN;

	if (at < HEAD || at + PIECE_HEAD > image->tail)
		return false;
	const uint8_t *piece = image->whole.p + at;
	uint32_t used = dlk_get_be32(piece + 4);
	if (used > PIECE - PIECE_HEAD || aligned(PIECE_HEAD + used) > image->tail - at ||
	    dlk_get_be64(piece + 8) != sum_of(where, piece, used))
		return false;
	*ret_entries = DLK_BYTES(piece + PIECE_HEAD, used);
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
	uint8_t key[KEY_MOST];

	if (serial.n > SERIAL_MOST || serial.n == 0)
		return -EBADMSG;
	size_t n = put_key(issuer, serial, key);
	uint32_t bucket = bucket_of(issuer, serial, image->buckets);
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
