/* SPDX-License-Identifier: MIT */
/*
 * touch.c - a security key for OpenSSH (PROTOCOL.u2f, SSH_SK_PROVIDER) that holds the one key
 * in /run/sk/key.pem, P-256 or Ed25519, so that a CA can certify it. It is touched where
 * /run/sk/touched is there.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define EXPORT  __attribute__((visibility("default")))
#define VERSION 0x000a0000
#define FAILED  (-1)
#define HASH    32

struct sk_option;
struct sk_enroll_response {
	uint8_t flags;
	uint8_t *public_key;
	size_t public_key_len;
	uint8_t *key_handle;
	size_t key_handle_len;
	uint8_t *signature;
	size_t signature_len;
	uint8_t *attestation_cert;
	size_t attestation_cert_len;
	uint8_t *authdata;
	size_t authdata_len;
};
struct sk_sign_response {
	uint8_t flags;
	uint32_t counter;
	uint8_t *sig_r;
	size_t sig_r_len;
	uint8_t *sig_s;
	size_t sig_s_len;
};

uint32_t sk_api_version(void);
int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t n_challenge,
    const char *application, uint8_t flags, const char *pin, struct sk_option **options,
    struct sk_enroll_response **ret);
int sk_sign(uint32_t alg, const uint8_t *data, size_t n, const char *application,
    const uint8_t *handle, size_t n_handle, uint8_t flags, const char *pin,
    struct sk_option **options, struct sk_sign_response **ret);
int sk_load_resident_keys(
    const char *pin, struct sk_option **options, void *ret, size_t *ret_n);

EXPORT int
sk_load_resident_keys(const char *pin, struct sk_option **options, void *ret, size_t *ret_n)
{
	(void)pin, (void)options, (void)ret, (void)ret_n;
	return FAILED;
}

EXPORT uint32_t
sk_api_version(void)
{
	return VERSION;
}

static EVP_PKEY *
read_key(void)
{
	FILE *in = fopen("/run/sk/key.pem", "r");
	EVP_PKEY *key = in ? PEM_read_PrivateKey(in, NULL, NULL, NULL) : NULL;

	if (in)
		fclose(in);
	return key;
}

static uint8_t *
copy(const void *octets, size_t n)
{
	uint8_t *copied = malloc(n);

	return copied ? memcpy(copied, octets, n) : NULL;
}

EXPORT int
sk_enroll(uint32_t alg, const uint8_t *challenge, size_t n_challenge, const char *application,
    uint8_t flags, const char *pin, struct sk_option **options,
    struct sk_enroll_response **ret)
{
	struct sk_enroll_response *r = calloc(1, sizeof(*r));
	EVP_PKEY *key = read_key();
	uint8_t octets[128];
	size_t n = sizeof(octets);

	(void)alg, (void)challenge, (void)n_challenge, (void)application, (void)pin;
	(void)options;
	if (!key || !r ||
	    !(EVP_PKEY_is_a(key, "EC") ? EVP_PKEY_get_octet_string_param(
					     key, OSSL_PKEY_PARAM_PUB_KEY, octets, n, &n)
				       : EVP_PKEY_get_raw_public_key(key, octets, &n)))
		return FAILED;
	EVP_PKEY_free(key);
	r->flags = flags;
	r->public_key = copy(octets, n);
	r->public_key_len = n;
	r->key_handle = copy("one", 3);
	r->key_handle_len = 3;
	r->signature = copy("none", 4);
	r->signature_len = 4;
	*ret = r;
	return 0;
}

static uint8_t *
number(const BIGNUM *from, size_t *ret_n)
{
	uint8_t octets[HASH];
	int n = BN_bn2bin(from, octets);

	*ret_n = (size_t)n;
	return copy(octets, (size_t)n);
}

static void
split(const uint8_t *der, size_t n, struct sk_sign_response *r)
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)n);

	r->sig_r = number(ECDSA_SIG_get0_r(pair), &r->sig_r_len);
	r->sig_s = number(ECDSA_SIG_get0_s(pair), &r->sig_s_len);
	ECDSA_SIG_free(pair);
}

EXPORT int
sk_sign(uint32_t alg, const uint8_t *data, size_t n, const char *application,
    const uint8_t *handle, size_t n_handle, uint8_t flags, const char *pin,
    struct sk_option **options, struct sk_sign_response **ret)
{
	struct sk_sign_response *r = calloc(1, sizeof(*r));
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *key = read_key();
	uint8_t what[HASH + 5 + HASH] = { 0 }, signature[256];
	size_t n_signature = sizeof(signature);

	(void)alg, (void)handle, (void)n_handle, (void)flags, (void)pin, (void)options;
	if (!key || !r || !ctx)
		return FAILED;
	r->flags = access("/run/sk/touched", F_OK) == 0;
	r->counter = 9;
	EVP_Digest(application, strlen(application), what, NULL, EVP_sha256(), NULL);
	what[HASH] = r->flags;
	what[HASH + 4] = (uint8_t)r->counter;
	EVP_Digest(data, n, what + HASH + 5, NULL, EVP_sha256(), NULL);
	if (EVP_DigestSignInit(
		ctx, NULL, EVP_PKEY_is_a(key, "EC") ? EVP_sha256() : NULL, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, signature, &n_signature, what, sizeof(what)) != 1)
		return FAILED;
	if (EVP_PKEY_is_a(key, "EC")) {
		split(signature, n_signature, r);
	} else {
		r->sig_r = copy(signature, n_signature);
		r->sig_r_len = n_signature;
	}
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	*ret = r;
	return 0;
}
