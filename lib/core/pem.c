/* SPDX-License-Identifier: MIT */
/*
 * pem.c - base64 by OpenSSL, with the leniency of its decoder taken out; PEM is written here
 * and read where certificates and lists are.
 */
#include "core/pem.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#define TEXT_MAX    (1024 * 1024)
#define LINE_OCTETS 48 /* 64 characters, RFC 7468 section 2 */

static bool
is_digit(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '+' || c == '/';
}

int
dlk_base64_encode(struct dlk_bytes in, struct dlk_buf *buf)
{
	if (in.n == 0)
		return 0;
	if (in.n > TEXT_MAX)
		return -EMSGSIZE;
	int r = dlk_buf_reserve(buf, buf->n + 4 * ((in.n + 2) / 3) + 1);
	if (r < 0)
		return r;
	int n = EVP_EncodeBlock(buf->p + buf->n, in.p, (int)in.n);
	if (n < 0)
		return -EINVAL;
	buf->n += (size_t)n;
	return 0;
}

int
dlk_base64_decode(struct dlk_bytes text, struct dlk_buf *buf)
{
	size_t padding = 0;

	if (text.n == 0 || text.n % 4 != 0)
		return -EINVAL;
	if (text.n > TEXT_MAX)
		return -EMSGSIZE;
	while (padding < 2 && text.p[text.n - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < text.n - padding; i++)
		if (!is_digit(text.p[i]))
			return -EINVAL;
	int r = dlk_buf_reserve(buf, buf->n + text.n / 4 * 3);
	if (r < 0)
		return r;
	int n = EVP_DecodeBlock(buf->p + buf->n, text.p, (int)text.n);
	if (n < 0)
		return -EINVAL;
	buf->n += (size_t)n - padding;
	return 0;
}

int
dlk_pem_certificate(struct dlk_bytes der, struct dlk_buf *buf)
{
	int r = dlk_buf_add(buf, TEXT_MAX, dlk_bytes_str("-----BEGIN CERTIFICATE-----\n"));

	for (size_t at = 0; r == 0 && at < der.n; at += LINE_OCTETS) {
		size_t n = der.n - at < LINE_OCTETS ? der.n - at : LINE_OCTETS;
		r = dlk_base64_encode(DLK_BYTES(der.p + at, n), buf);
		if (r == 0)
			r = dlk_buf_add(buf, TEXT_MAX, dlk_bytes_str("\n"));
	}
	if (r == 0)
		r = dlk_buf_add(buf, TEXT_MAX, dlk_bytes_str("-----END CERTIFICATE-----\n"));
	return r;
}
