/* SPDX-License-Identifier: MIT */
/* hmac.c - one keyed hash over several runs of bytes. What is signed, the caller knows. */
#include "core/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <errno.h>

static EVP_MAC_CTX *
begin(const struct dlk_secret *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM parameter[] = { OSSL_PARAM_construct_utf8_string(
				       OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end() };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac);
	if (ctx && EVP_MAC_init(ctx, key->b, key->n, parameter) != 1) {
		EVP_MAC_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

int
dlk_hmac_sha256(
    const struct dlk_secret *key, const struct dlk_bytes *part, size_t n, uint8_t *ret_mac)
{
	EVP_MAC_CTX *ctx = begin(key);
	size_t made = 0;
	bool good = ctx != NULL;

	for (size_t i = 0; good && i < n; i++)
		good = EVP_MAC_update(ctx, part[i].p, part[i].n) == 1;
	good = good && EVP_MAC_final(ctx, ret_mac, &made, DLK_HMAC_SIZE) == 1;
	EVP_MAC_CTX_free(ctx);
	return good && made == DLK_HMAC_SIZE ? 0 : -EIO;
}
