/* SPDX-License-Identifier: MIT */
/* crlfile.c - takes the PEM off CRLs, in pieces. It knows nothing of what is in them. */
#include "core/crlfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#define RAW_ROOM  ((size_t)64 * 1024)
#define TEXT_ROOM ((size_t)16 * 1024) /* digits that wait to be decoded; divisible by 4 */
#define LINE_MOST ((size_t)4096)

static const char begin_line[] = "-----BEGIN X509 CRL-----";
static const char end_line[] = "-----END X509 CRL-----";

struct dlk_crlfile {
	struct dlk_octet_source raw;
	uint8_t buf[RAW_ROOM];
	size_t at, have;
	bool ended;
	bool begun; /* the first look at the file is done */
	bool der;
	bool in_block;
	bool bad; /* the block */
	uint8_t text[TEXT_ROOM + LINE_MOST];
	size_t text_n;
	bool padded; /* an = was seen: nothing may follow */
	uint8_t octets[TEXT_ROOM + LINE_MOST];
	size_t octets_at, octets_n;
};

int
dlk_crlfile_new(const struct dlk_octet_source *raw, struct dlk_crlfile **ret_file)
{
	struct dlk_crlfile *file = calloc(1, sizeof(*file));

	if (!file)
		return -ENOMEM;
	file->raw = *raw;
	*ret_file = file;
	return 0;
}

void
dlk_crlfile_free(struct dlk_crlfile *file)
{
	free(file);
}

void
dlk_crlfile_cleanup(struct dlk_crlfile **file)
{
	dlk_crlfile_free(*file);
}

static int
fill(struct dlk_crlfile *f)
{
	memmove(f->buf, f->buf + f->at, f->have - f->at);
	f->have -= f->at;
	f->at = 0;
	while (f->have < RAW_ROOM && !f->ended) {
		size_t n = 0;
		int r = f->raw.read(f->raw.ctx, f->buf + f->have, RAW_ROOM - f->have, &n);
		if (r < 0)
			return r;
		f->have += n;
		f->ended = n == 0;
	}
	return 0;
}

/* What was buffered first, and then straight from the source. */
static int
read_der(void *ctx, uint8_t *buf, size_t room, size_t *ret_n)
{
	struct dlk_crlfile *f = ctx;
	size_t n = f->have - f->at < room ? f->have - f->at : room;

	if (n == 0)
		return f->raw.read(f->raw.ctx, buf, room, ret_n);
	memcpy(buf, f->buf + f->at, n);
	f->at += n;
	*ret_n = n;
	return 0;
}

/* 1 and a line without what ends it, 0 at the end. A line that is too long is cut: it is no
 * line of PEM, and its rest is none either. */
static int
next_line(struct dlk_crlfile *f, struct dlk_bytes *ret_line)
{
	if (f->have - f->at < LINE_MOST && !f->ended) {
		int r = fill(f);
		if (r < 0)
			return r;
	}
	size_t n = f->have - f->at < LINE_MOST ? f->have - f->at : LINE_MOST;
	const uint8_t *p = f->buf + f->at, *end = n > 0 ? memchr(p, '\n', n) : NULL;
	if (n == 0)
		return 0;
	n = end ? (size_t)(end - p) : n;
	f->at += n + (end != NULL);
	while (n > 0 && (p[n - 1] == '\r' || p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	*ret_line = DLK_BYTES(p, n);
	return 1;
}

static bool
digits_ok(struct dlk_bytes text)
{
	uint8_t wrong = 0;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		bool letter = (uint8_t)((c | 0x20) - 'a') < 26;
		bool digit = (uint8_t)(c - '0') < 10;
		wrong |= !(letter | digit | (c == '+') | (c == '/'));
	}
	return !wrong;
}

/* Decodes all full groups that wait; at the end of the block all has to be full. */
static bool
decode(struct dlk_crlfile *f, bool end)
{
	size_t n = f->text_n / 4 * 4, padding = 0;

	if (end && f->text_n != n)
		return false;
	f->octets_at = f->octets_n = 0;
	if (n == 0)
		return true;
	while (padding < 2 && f->text[n - 1 - padding] == '=')
		padding++;
	int decoded = EVP_DecodeBlock(f->octets, f->text, (int)n);
	if (decoded < 0)
		return false;
	f->octets_n = (size_t)decoded - padding;
	memmove(f->text, f->text + n, f->text_n - n);
	f->text_n -= n;
	return true;
}

static bool
take_line(struct dlk_crlfile *f, struct dlk_bytes line)
{
	size_t padding = 0;

	while (padding < 2 && padding < line.n && line.p[line.n - 1 - padding] == '=')
		padding++;
	if ((f->padded && line.n > 0) || !digits_ok(DLK_BYTES(line.p, line.n - padding)))
		return false;
	memcpy(f->text + f->text_n, line.p, line.n);
	f->text_n += line.n;
	f->padded = padding > 0;
	return true;
}

static bool
is_line(struct dlk_bytes line, const char *text)
{
	return dlk_bytes_equal(line, dlk_bytes_str(text));
}

/* Lines until there is enough to decode, or the block ends. */
static int
more(struct dlk_crlfile *f)
{
	struct dlk_bytes line = { 0 };
	int r = 1;

	while (f->text_n < TEXT_ROOM && (r = next_line(f, &line)) == 1) {
		if (is_line(line, end_line)) {
			f->in_block = false;
			break;
		}
		if (!take_line(f, line))
			return -EBADMSG;
	}
	if (r < 0)
		return r;
	/* a block without its end is cut off */
	return r == 1 && decode(f, !f->in_block) ? 0 : -EBADMSG;
}

static int
read_pem(void *ctx, uint8_t *buf, size_t room, size_t *ret_n)
{
	struct dlk_crlfile *f = ctx;

	while (f->octets_at == f->octets_n && f->in_block) {
		int r = f->bad ? -EBADMSG : more(f);
		f->bad = r == -EBADMSG;
		if (r < 0)
			return r;
	}
	size_t n = f->octets_n - f->octets_at < room ? f->octets_n - f->octets_at : room;
	memcpy(buf, f->octets + f->octets_at, n);
	f->octets_at += n;
	*ret_n = n;
	return 0;
}

static int
next_block(struct dlk_crlfile *f, struct dlk_octet_source *ret_list)
{
	struct dlk_bytes line;
	int r;

	while ((r = next_line(f, &line)) == 1)
		if (is_line(line, begin_line)) {
			f->in_block = true;
			f->bad = f->padded = false;
			f->text_n = f->octets_at = f->octets_n = 0;
			*ret_list = (struct dlk_octet_source){ .read = read_pem, .ctx = f };
			return 1;
		}
	return r;
}

int
dlk_crlfile_next(struct dlk_crlfile *file, struct dlk_octet_source *ret_list)
{
	if (!file->begun) {
		int r = fill(file);
		if (r < 0)
			return r;
		file->begun = true;
		/* no text has such a second octet, and no signed list is shorter */
		file->der = file->have > 1 && file->buf[0] == 0x30 && file->buf[1] >= 0x80;
		if (file->der) {
			*ret_list = (struct dlk_octet_source){ .read = read_der, .ctx = file };
			return 1;
		}
	}
	return file->der ? 0 : next_block(file, ret_list);
}
