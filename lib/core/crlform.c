/* SPDX-License-Identifier: MIT */
/* crlform.c - what writer and reader of a compiled list have in common. */
#include "core/crlform.h"

#include <openssl/evp.h>

size_t
dlk_crlform_aligned(size_t n)
{
	return (n + CRLFORM_ALIGN - 1) / CRLFORM_ALIGN * CRLFORM_ALIGN;
}

uint64_t
dlk_crlform_sum(uint32_t where, const uint8_t *piece, size_t used)
{
	size_t n = dlk_crlform_aligned(CRLFORM_PIECE_HEAD + used), i = CRLFORM_PIECE_HEAD;
	uint64_t a = where, b = dlk_crlform_word(piece), c = a, d = b;

	for (; i + 32 <= n; i += 32) {
		a = dlk_crlform_stir(a, dlk_crlform_word(piece + i));
		b = dlk_crlform_stir(b, dlk_crlform_word(piece + i + 8));
		c = dlk_crlform_stir(c, dlk_crlform_word(piece + i + 16));
		d = dlk_crlform_stir(d, dlk_crlform_word(piece + i + 24));
	}
	if (i < n) {
		a = dlk_crlform_stir(a, dlk_crlform_word(piece + i));
		b = dlk_crlform_stir(b, dlk_crlform_word(piece + i + 8));
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
