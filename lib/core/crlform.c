/* SPDX-License-Identifier: MIT */
/* crlform.c - what writer and reader of a compiled list have in common. */
#include "core/crlform.h"

#include <openssl/evp.h>

size_t
dlk_crlform_aligned(size_t n)
{
	return (n + CRLFORM_ALIGN - 1) / CRLFORM_ALIGN * CRLFORM_ALIGN;
}

/* The word at `at`, zeros behind the n-th octet. */
static inline uint64_t
word_of(const uint8_t *p, size_t at, size_t n)
{
	if (at >= n)
		return 0;
	uint64_t word = dlk_crlform_word(p + at);
	return n - at >= 8 ? word : word & ~(UINT64_MAX << 8 * (n - at));
}

uint64_t
dlk_crlform_sum(uint32_t where, uint64_t head, const uint8_t *entries, size_t n)
{
	uint64_t a = where, b = head, c = where, d = head;
	size_t i = 0;

	for (; i + 32 <= n; i += 32) {
		a = dlk_crlform_stir(a, dlk_crlform_word(entries + i));
		b = dlk_crlform_stir(b, dlk_crlform_word(entries + i + 8));
		c = dlk_crlform_stir(c, dlk_crlform_word(entries + i + 16));
		d = dlk_crlform_stir(d, dlk_crlform_word(entries + i + 24));
	}
	if (i < n) {
		a = dlk_crlform_stir(a, word_of(entries, i, n));
		b = dlk_crlform_stir(b, word_of(entries, i + 8, n));
	}
	if (i + 16 < n) {
		c = dlk_crlform_stir(c, word_of(entries, i + 16, n));
		d = dlk_crlform_stir(d, word_of(entries, i + 24, n));
	}
	a = dlk_crlform_stir(a ^ b >> 32, b);
	a = dlk_crlform_stir(a ^ c >> 32, c);
	a = dlk_crlform_stir(a ^ d >> 32, d);
	return a ^ a >> 29;
}

bool
dlk_crlform_digest(
    const uint8_t *head, struct dlk_bytes tail, uint8_t ret_digest[CRLFORM_DIGEST])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		    EVP_DigestUpdate(ctx, head, CRLFORM_HEAD_SUMMED) == 1 &&
		    EVP_DigestUpdate(ctx, tail.p, tail.n) == 1 &&
		    EVP_DigestFinal_ex(ctx, ret_digest, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}
