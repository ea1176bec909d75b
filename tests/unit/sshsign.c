/* SPDX-License-Identifier: MIT */
#include "sshsign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/ec.h>

#include "base/sshwire.h"
#include "core/sshkey.h"

#define SK_ED25519 "sk-ssh-ed25519@openssh.com"
#define SK_ECDSA   "sk-ecdsa-sha2-nistp256@openssh.com"

static void
put(struct dlk_buf *buf, struct dlk_bytes what)
{
	assert_int_equal(dlk_ssh_add_string(buf, SIZE_MAX / 2, what), 0);
}

static const char *
usual(const struct ssh_signer *s)
{
	static char type[64];
	DLK_AUTO_SSHKEY plain = { 0 };

	if (s->algorithm)
		return s->algorithm;
	if (s->application)
		return EVP_PKEY_is_a(s->key, "EC") ? SK_ECDSA : SK_ED25519;
	if (EVP_PKEY_is_a(s->key, "RSA"))
		return "rsa-sha2-512";
	assert_int_equal(dlk_sshkey_of_key(s->key, &plain, NULL), DLK_R_OK);
	return strcpy(type, plain.type);
}

void
ssh_blob(const struct ssh_signer *s, struct dlk_buf *blob)
{
	DLK_AUTO_SSHKEY plain = { 0 };

	assert_int_equal(dlk_sshkey_of_key(s->key, &plain, NULL), DLK_R_OK);
	struct dlk_bytes rest = dlk_bytes_of(&plain.blob), type;
	assert_true(dlk_ssh_take_string(&rest, &type));
	put(blob, s->application ? dlk_bytes_str(usual(s)) : type);
	assert_int_equal(dlk_buf_add(blob, SIZE_MAX / 2, rest), 0);
	if (s->application)
		put(blob, dlk_bytes_str(s->application));
}

static const char *
digest_of(const char *algorithm)
{
	static const char *const digests[][2] = {
		{ "ssh-rsa", "SHA1" },
		{ "rsa-sha2-256", "SHA256" },
		{ "rsa-sha2-512", "SHA512" },
		{ "ecdsa-sha2-nistp256", "SHA256" },
		{ "ecdsa-sha2-nistp384", "SHA384" },
		{ "ecdsa-sha2-nistp521", "SHA512" },
		{ SK_ECDSA, "SHA256" },
	};

	for (size_t i = 0; i < sizeof(digests) / sizeof(*digests); i++)
		if (strcmp(algorithm, digests[i][0]) == 0)
			return digests[i][1];
	return NULL;
}

static void
raw(EVP_PKEY *key, const char *digest, struct dlk_bytes data, struct dlk_buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t octets[1024];
	size_t n = sizeof(octets);

	assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL), 1);
	assert_int_equal(EVP_DigestSign(ctx, octets, &n, data.p, data.n), 1);
	EVP_MD_CTX_free(ctx);
	assert_int_equal(dlk_buf_add(out, SIZE_MAX / 2, DLK_BYTES(octets, n)), 0);
}

static ECDSA_SIG *
pair_of(const struct dlk_buf *der)
{
	const uint8_t *p = der->p;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &p, (long)der->n);

	assert_non_null(pair);
	return pair;
}

static void
put_mpint(struct dlk_buf *buf, const BIGNUM *number)
{
	uint8_t octets[80] = { 0 };
	int n = BN_bn2bin(number, octets + 1);
	bool high = octets[1] & 0x80;

	put(buf, DLK_BYTES(octets + !high, (size_t)n + high));
}

/* What stands in the signature behind the algorithm's name. */
static void
sign_bare(EVP_PKEY *key, const char *digest, struct dlk_bytes data, struct dlk_buf *out)
{
	DLK_AUTO_BUF der = { 0 };

	raw(key, digest, data, EVP_PKEY_is_a(key, "EC") ? &der : out);
	if (der.n == 0)
		return;
	ECDSA_SIG *pair = pair_of(&der);
	put_mpint(out, ECDSA_SIG_get0_r(pair));
	put_mpint(out, ECDSA_SIG_get0_s(pair));
	ECDSA_SIG_free(pair);
}

static void
hash(struct dlk_bytes what, uint8_t *ret)
{
	assert_int_equal(EVP_Digest(what.p, what.n, ret, NULL, EVP_sha256(), NULL), 1);
}

void
ssh_sign(const struct ssh_signer *s, struct dlk_bytes data, struct dlk_buf *sig)
{
	DLK_AUTO_BUF bare = { 0 };
	const char *algorithm = usual(s);
	uint8_t by_sk[32 + 5 + 32] = { 0 };

	if (s->application) {
		hash(dlk_bytes_str(s->application), by_sk);
		by_sk[32] = s->untouched ? 0 : 1;
		by_sk[36] = 7; /* the counter */
		hash(data, by_sk + 37);
		data = DLK_BYTES(by_sk, sizeof(by_sk));
	}
	sign_bare(s->key, digest_of(algorithm), data, &bare);
	put(sig, dlk_bytes_str(s->claimed ? s->claimed : algorithm));
	put(sig, dlk_bytes_of(&bare));
	if (s->application)
		assert_int_equal(dlk_buf_add(sig, SIZE_MAX / 2, DLK_BYTES(by_sk + 32, 5)), 0);
}

void
token_sign(EVP_PKEY *key, struct dlk_bytes data, struct dlk_buf *sig)
{
	DLK_AUTO_BUF der = { 0 };
	uint8_t octets[2 * 66];

	if (!EVP_PKEY_is_a(key, "EC")) {
		raw(key, EVP_PKEY_is_a(key, "RSA") ? "SHA256" : NULL, data, sig);
		return;
	}
	int half = (EVP_PKEY_get_bits(key) + 7) / 8;
	raw(key, "SHA256", data, &der);
	ECDSA_SIG *pair = pair_of(&der);
	BN_bn2binpad(ECDSA_SIG_get0_r(pair), octets, half);
	BN_bn2binpad(ECDSA_SIG_get0_s(pair), octets + half, half);
	ECDSA_SIG_free(pair);
	assert_int_equal(
	    dlk_buf_add(sig, SIZE_MAX / 2, DLK_BYTES(octets, 2 * (size_t)half)), 0);
}
