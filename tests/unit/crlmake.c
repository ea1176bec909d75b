/* SPDX-License-Identifier: MIT */
/* crlmake.c - puts CRLs together from hexadecimal. */
#include "crlmake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#define ECDSA_SHA256 "300a06082a8648ce3d040302"
#define MOST         ((size_t)256 * 1024 * 1024)

static void
add(struct dlk_buf *buf, struct dlk_bytes what)
{
	assert_int_equal(dlk_buf_add(buf, MOST, what), 0);
}

static void
add_hex(struct dlk_buf *buf, const char *hex)
{
	size_t n = strlen(hex) / 2;
	uint8_t *octets = malloc(n + 1);

	assert_non_null(octets);
	assert_int_equal(dlk_unhex(hex, octets, n), 0);
	add(buf, DLK_BYTES(octets, n));
	free(octets);
}

static void
add_element(struct dlk_buf *buf, uint8_t tag, struct dlk_bytes content)
{
	uint8_t head[6] = { tag, (uint8_t)content.n };
	size_t n = 2;

	if (content.n >= 0x80) {
		size_t octets = content.n < 0x100       ? 1
				: content.n < 0x10000   ? 2
				: content.n < 0x1000000 ? 3
							: 4;
		head[1] = (uint8_t)(0x80 | octets);
		for (size_t i = 0; i < octets; i++)
			head[2 + i] = (uint8_t)(content.n >> 8 * (octets - 1 - i));
		n = 2 + octets;
	}
	add(buf, DLK_BYTES(head, n));
	add(buf, content);
}

static char *
hex_of(struct dlk_bytes octets)
{
	char *text = malloc(2 * octets.n + 1);

	assert_non_null(text);
	dlk_hex(octets, text);
	return text;
}

char *
der_hex(unsigned tag, ...)
{
	DLK_AUTO_BUF content = { 0 };
	DLK_AUTO_BUF whole = { 0 };
	const char *part;
	va_list parts;

	va_start(parts, tag);
	while ((part = va_arg(parts, const char *)))
		add_hex(&content, part);
	va_end(parts);
	add_element(&whole, (uint8_t)tag, dlk_bytes_of(&content));
	return hex_of(dlk_bytes_of(&whole));
}

char *
extension_hex(const char *oid, bool critical, const char *value)
{
	char *octets = der_hex(0x04, value, NULL);
	char *whole = der_hex(0x30, oid, critical ? "0101ff" : "", octets, NULL);

	free(octets);
	return whole;
}

char *
crl_entry_hex(const char *serial, const char *extensions)
{
	char *number = der_hex(0x02, serial, NULL);
	char *list = *extensions ? der_hex(0x30, extensions, NULL) : strdup("");
	char *whole = der_hex(0x30, number, "170d3236303130313030303030305a", list, NULL);

	free(number);
	free(list);
	return whole;
}

static const char *
or_else(const char *given, const char *usual)
{
	return given ? given : usual;
}

static void
sign(struct dlk_buf *whole, struct dlk_bytes tbs, EVP_PKEY *key)
{
	uint8_t bits[1024] = { 0, 1, 2, 3, 4 };
	size_t n = 100;

	if (key) {
		bool pure = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();
		n = sizeof(bits) - 1;
		assert_int_equal(
		    EVP_DigestSignInit(ctx, NULL, pure ? NULL : EVP_sha256(), NULL, key), 1);
		assert_int_equal(EVP_DigestSign(ctx, bits + 1, &n, tbs.p, tbs.n), 1);
		EVP_MD_CTX_free(ctx);
	}
	add_element(whole, 0x03, DLK_BYTES(bits, n + 1));
}

static void
finish(struct dlk_buf *ret, const struct crl_recipe *r, struct dlk_bytes tbs_content)
{
	DLK_AUTO_BUF tbs = { 0 };
	DLK_AUTO_BUF content = { 0 };

	add_element(&tbs, 0x30, tbs_content);
	add(&content, dlk_bytes_of(&tbs));
	add_hex(&content, or_else(r->outer_algorithm, or_else(r->algorithm, ECDSA_SHA256)));
	sign(&content, dlk_bytes_of(&tbs), r->key);
	add_hex(&content, or_else(r->behind, ""));
	add_element(ret, 0x30, dlk_bytes_of(&content));
}

static void
add_front(struct dlk_buf *tbs, const struct crl_recipe *r)
{
	add_hex(tbs, or_else(r->version, "020101"));
	add_hex(tbs, or_else(r->algorithm, ECDSA_SHA256));
	add_hex(tbs, or_else(r->issuer, HEX_CN_CA));
	add_hex(tbs, or_else(r->this_update, "170d3236303130313030303030305a"));
	add_hex(tbs, or_else(r->next_update, "170d3237303130313030303030305a"));
}

static void
add_back(struct dlk_buf *tbs, const struct crl_recipe *r)
{
	/* CRLNumber 1 */
	const char *extensions = or_else(r->extensions, "300a0603551d140403020101");

	if (*extensions) {
		char *list = der_hex(0x30, extensions, NULL);
		char *outer = der_hex(0xa0, list, NULL);
		add_hex(tbs, outer);
		free(list);
		free(outer);
	}
	add_hex(tbs, or_else(r->behind_tbs, ""));
}

struct dlk_buf
crl_make(const struct crl_recipe *r)
{
	DLK_AUTO_BUF tbs = { 0 };
	struct dlk_buf whole = { 0 };
	char *entry = crl_entry_hex("01", "");
	const char *entries = or_else(r->entries, entry);

	add_front(&tbs, r);
	if (r->list) {
		add_hex(&tbs, r->list);
	} else if (*entries) {
		char *list = der_hex(0x30, entries, NULL);
		add_hex(&tbs, list);
		free(list);
	}
	add_back(&tbs, r);
	finish(&whole, r, dlk_bytes_of(&tbs));
	free(entry);
	return whole;
}

void
crl_big_serial(size_t i, size_t serial_n, uint8_t *ret_serial)
{
	uint64_t word = i;

	for (size_t at = 0; at < serial_n; at++) {
		if (at % 8 == 0) {
			word += 0x9e3779b97f4a7c15u;
			word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9u;
			word = (word ^ word >> 27) * 0x94d049bb133111ebu;
			word ^= word >> 31;
		}
		ret_serial[at] = (uint8_t)(word >> 8 * (at % 8));
	}
	/* positive, and as short as DER wants it */
	ret_serial[0] = (uint8_t)((ret_serial[0] & 0x3f) | 0x40);
}

struct dlk_buf
crl_make_many(const struct crl_recipe *r, size_t n, size_t serial_n)
{
	static const uint8_t reason[] = { 0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15,
		0x04, 0x03, 0x0a, 0x01, 0x01 };
	DLK_AUTO_BUF list = { 0 };
	DLK_AUTO_BUF tbs = { 0 };
	struct dlk_buf whole = { 0 };
	uint8_t entry[80] = { 0x30, 0, 0x02 };

	for (size_t i = 0; i < n; i++) {
		size_t at = 4 + serial_n;
		entry[3] = (uint8_t)serial_n;
		crl_big_serial(i, serial_n, entry + 4);
		memcpy(entry + at,
		    "\x17\x0d"
		    "260101000000Z",
		    15);
		at += 15;
		/* one in four has a reason */
		if (i % 4 == 0) {
			memcpy(entry + at, reason, sizeof(reason));
			at += sizeof(reason);
		}
		entry[1] = (uint8_t)(at - 2);
		add(&list, DLK_BYTES(entry, at));
	}
	add_front(&tbs, r);
	if (n > 0)
		add_element(&tbs, 0x30, dlk_bytes_of(&list));
	add_back(&tbs, r);
	finish(&whole, r, dlk_bytes_of(&tbs));
	return whole;
}

struct dlk_buf
crl_make_big(size_t n, size_t serial_n, EVP_PKEY *key)
{
	return crl_make_many(&(struct crl_recipe){ .key = key }, n, serial_n);
}
