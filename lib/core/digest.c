/* SPDX-License-Identifier: MIT */
/* digest.c - SHA-256 by OpenSSL. It knows nothing of what is digested. */
#include "core/digest.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/evp.h>

struct dlk_digester {
	EVP_MD_CTX *context;
	EVP_MD *sha256;
};

int
dlk_digester_new(struct dlk_digester **ret_digester)
{
	struct dlk_digester *digester = calloc(1, sizeof(*digester));

	if (!digester)
		return -ENOMEM;
	digester->context = EVP_MD_CTX_new();
	digester->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!digester->context || !digester->sha256) {
		dlk_digester_free(digester);
		return -ENOMEM;
	}
	*ret_digester = digester;
	return 0;
}

void
dlk_digester_free(struct dlk_digester *digester)
{
	if (!digester)
		return;
	EVP_MD_CTX_free(digester->context);
	EVP_MD_free(digester->sha256);
	free(digester);
}

static int
run(EVP_MD_CTX *context, const EVP_MD *sha256, const struct dlk_bytes *part, size_t n,
    uint8_t *ret_digest)
{
	bool good = context && EVP_DigestInit_ex(context, sha256, NULL) == 1;

	for (size_t i = 0; i < n && good; i++) {
		uint8_t length[8];
		dlk_put_be64(length, part[i].n);
		good = EVP_DigestUpdate(context, length, sizeof(length)) == 1 &&
		       EVP_DigestUpdate(context, part[i].p, part[i].n) == 1;
	}
	return good && EVP_DigestFinal_ex(context, ret_digest, NULL) == 1 ? 0 : -ENOMEM;
}

int
dlk_digester_run(
    struct dlk_digester *digester, const struct dlk_bytes *part, size_t n, uint8_t *ret_digest)
{
	return run(digester->context, digester->sha256, part, n, ret_digest);
}

static void
context_cleanup(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

int
dlk_digest(const struct dlk_bytes *part, size_t n, uint8_t *ret_digest)
{
	__attribute__((cleanup(context_cleanup))) EVP_MD_CTX *context = EVP_MD_CTX_new();

	return run(context, EVP_sha256(), part, n, ret_digest);
}

int
dlk_digest_plain(struct dlk_bytes octets, uint8_t *ret_digest)
{
	return EVP_Digest(octets.p, octets.n, ret_digest, NULL, EVP_sha256(), NULL) == 1
		   ? 0
		   : -ENOMEM;
}
