/* SPDX-License-Identifier: MIT */
/* digest.c - SHA-256 by OpenSSL. It knows nothing of what is digested. */
#include "core/digest.h"

#include <errno.h>

#include <openssl/evp.h>

static void
context_cleanup(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

int
dlk_digest(const struct dlk_bytes *part, size_t n, uint8_t *ret_digest)
{
	__attribute__((cleanup(context_cleanup))) EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;

	for (size_t i = 0; i < n && good; i++) {
		uint8_t length[8];
		dlk_put_be64(length, part[i].n);
		good = EVP_DigestUpdate(context, length, sizeof(length)) == 1 &&
		       EVP_DigestUpdate(context, part[i].p, part[i].n) == 1;
	}
	return good && EVP_DigestFinal_ex(context, ret_digest, NULL) == 1 ? 0 : -ENOMEM;
}

int
dlk_digest_plain(struct dlk_bytes octets, uint8_t *ret_digest)
{
	return EVP_Digest(octets.p, octets.n, ret_digest, NULL, EVP_sha256(), NULL) == 1
		   ? 0
		   : -ENOMEM;
}
