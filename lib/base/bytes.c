/* SPDX-License-Identifier: MIT */
/* bytes.c - runs of bytes. It knows nothing of what they mean. */
#include "base/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct dlk_bytes
dlk_bytes_of(const struct dlk_buf *buf)
{
	return (struct dlk_bytes){ .p = buf->p, .n = buf->n };
}

struct dlk_bytes
dlk_bytes_str(const char *text)
{
	return text ? DLK_BYTES(text, strlen(text)) : (struct dlk_bytes){ 0 };
}

bool
dlk_bytes_equal(struct dlk_bytes a, struct dlk_bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
dlk_bytes_take(struct dlk_bytes *text, const char *word)
{
	size_t n = strlen(word);

	if (text->n < n || memcmp(text->p, word, n) != 0)
		return false;
	text->p += n;
	text->n -= n;
	return true;
}

int
dlk_buf_reserve(struct dlk_buf *buf, size_t room)
{
	if (room <= buf->room)
		return 0;
	/* Not realloc: it would leave a copy of a secret behind. */
	uint8_t *grown = malloc(room);
	if (!grown)
		return -ENOMEM;
	if (buf->n > 0)
		memcpy(grown, buf->p, buf->n);
	if (buf->p)
		explicit_bzero(buf->p, buf->room);
	free(buf->p);
	buf->p = grown;
	buf->room = room;
	return 0;
}

int
dlk_buf_add(struct dlk_buf *buf, size_t limit, struct dlk_bytes what)
{
	if (buf->n > limit || what.n > limit - buf->n)
		return -EMSGSIZE;
	size_t need = buf->n + what.n;
	if (need > buf->room) {
		size_t room = need < 256 ? 256 : need + need / 2;
		int r = dlk_buf_reserve(buf, room > limit ? limit : room);
		if (r < 0)
			return r;
	}
	if (what.n > 0)
		memcpy(buf->p + buf->n, what.p, what.n);
	buf->n = need;
	return 0;
}

void
dlk_buf_free(struct dlk_buf *buf)
{
	if (!buf)
		return;
	if (buf->p)
		explicit_bzero(buf->p, buf->room);
	free(buf->p);
	*buf = (struct dlk_buf){ 0 };
}

void
dlk_hex(struct dlk_bytes in, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < in.n; i++) {
		*out++ = digits[in.p[i] >> 4];
		*out++ = digits[in.p[i] & 15];
	}
	*out = '\0';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
dlk_unhex(const char *text, uint8_t *ret_octets, size_t n)
{
	if (strlen(text) != 2 * n)
		return -EINVAL;
	for (size_t i = 0; i < 2 * n; i++)
		if (hex_digit(text[i]) < 0)
			return -EINVAL;
	for (size_t i = 0; i < n; i++)
		ret_octets[i] =
		    (uint8_t)(hex_digit(text[2 * i]) * 16 + hex_digit(text[2 * i + 1]));
	return 0;
}

void
dlk_put_be16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

void
dlk_put_be32(uint8_t *p, uint32_t value)
{
	dlk_put_be16(p, (uint16_t)(value >> 16));
	dlk_put_be16(p + 2, (uint16_t)value);
}

void
dlk_put_be64(uint8_t *p, uint64_t value)
{
	dlk_put_be32(p, (uint32_t)(value >> 32));
	dlk_put_be32(p + 4, (uint32_t)value);
}

uint16_t
dlk_get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t
dlk_get_be32(const uint8_t *p)
{
	return (uint32_t)dlk_get_be16(p) << 16 | dlk_get_be16(p + 2);
}

uint64_t
dlk_get_be64(const uint8_t *p)
{
	return (uint64_t)dlk_get_be32(p) << 32 | dlk_get_be32(p + 4);
}
