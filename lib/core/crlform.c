/* SPDX-License-Identifier: MIT */
/* crlform.c - what writer and reader of a compiled list have in common. */
#include "core/crlform.h"

#include <endian.h>
#include <string.h>

#include <openssl/evp.h>

size_t
dlk_crlform_key(unsigned issuer, struct dlk_bytes serial, uint8_t *out)
{
	size_t head = issuer > 0 ? 3 : 1;

	out[0] = (uint8_t)serial.n;
	if (issuer > 0) {
		out[0] |= CRLFORM_OTHER_ISSUER;
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
uint32_t
dlk_crlform_bucket(unsigned issuer, struct dlk_bytes serial, uint32_t buckets)
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

size_t
dlk_crlform_aligned(size_t n)
{
	return (n + CRLFORM_ALIGN - 1) / CRLFORM_ALIGN * CRLFORM_ALIGN;
}

uint64_t
dlk_crlform_sum(uint32_t where, const uint8_t *piece, size_t used)
{
	uint64_t a = where, b = load(piece);
	size_t n = dlk_crlform_aligned(CRLFORM_PIECE_HEAD + used);

	for (size_t i = CRLFORM_PIECE_HEAD; i < n; i += CRLFORM_ALIGN) {
		a = stir(a, load(piece + i));
		b = stir(b, load(piece + i + 8));
	}
	a = stir(a ^ b >> 32, b);
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
