/* SPDX-License-Identifier: MIT */
/*
 * spelling.c - from text to DER. It knows no header and no gateway, and does not look into
 * the certificate: the core reads that strictly.
 */
#include "agent/spelling.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "core/pem.h"

static const char begin[] = "-----BEGIN CERTIFICATE-----";
static const char end[] = "-----END CERTIFICATE-----";

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct dlk_bytes
skip_space(struct dlk_bytes text)
{
	while (text.n > 0 && is_space(text.p[0])) {
		text.p++;
		text.n--;
	}
	return text;
}

/* Base64 in which line ends may have become any white space. */
static int
decode_loose(struct dlk_bytes text, size_t limit, struct dlk_buf *buf)
{
	DLK_AUTO_BUF tight = { 0 };

	int r = dlk_buf_reserve(&tight, text.n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < text.n; i++)
		if (!is_space(text.p[i]))
			tight.p[tight.n++] = text.p[i];
	if (tight.n == 0)
		return -EINVAL;
	if (buf->n > limit || tight.n / 4 * 3 > limit - buf->n)
		return -EMSGSIZE;
	return dlk_base64_decode(dlk_bytes_of(&tight), buf);
}

int
dlk_spelling_decode(struct dlk_bytes text, size_t limit, struct dlk_buf *buf)
{
	text = skip_space(text);
	if (text.n == 0 || text.p[0] != '-')
		return decode_loose(text, limit, buf);
	for (; text.n > 0; text = skip_space(text)) {
		if (!dlk_bytes_take(&text, begin))
			return -EINVAL;
		const uint8_t *stop = memmem(text.p, text.n, end, strlen(end));
		if (!stop)
			return -EINVAL;
		size_t n = (size_t)(stop - text.p);
		int r = decode_loose(DLK_BYTES(text.p, n), limit, buf);
		if (r < 0)
			return r;
		text = DLK_BYTES(stop + strlen(end), text.n - n - strlen(end));
	}
	return 0;
}

int
dlk_spelling_unescape(struct dlk_bytes text, size_t limit, struct dlk_buf *buf)
{
	if (buf->n > limit)
		return -EMSGSIZE;
	int r = dlk_buf_reserve(buf, buf->n + text.n);
	if (r < 0)
		return r;
	size_t at = buf->n;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		if (c == '%') {
			char digits[3] = { 0 };
			if (text.n - i < 3)
				return -EINVAL;
			memcpy(digits, text.p + i + 1, 2);
			if (dlk_unhex(digits, &c, 1) < 0)
				return -EINVAL;
			i += 2;
		}
		if (at == limit)
			return -EMSGSIZE;
		buf->p[at++] = c;
	}
	buf->n = at;
	return 0;
}

int
dlk_spelling_address(const char *text, char *out, size_t size)
{
	uint8_t octets[16];
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, octets) == 1 &&
	    inet_ntop(family, octets, out, (socklen_t)size))
		return 0;
	out[0] = '\0';
	return -EINVAL;
}
