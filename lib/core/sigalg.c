/* SPDX-License-Identifier: MIT */
/* sigalg.c - signatures over what was digested elsewhere. It knows no list and no signer. */
#include "core/sigalg.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "core/der.h"

/* No parameters at all, or for RSA also NULL (RFC 4055 section 2.1, RFC 5758, RFC 8410). */
static bool
plain(const X509_ALGOR *algorithm, int key)
{
	int type;

	X509_ALGOR_get0(NULL, &type, NULL, algorithm);
	return type == V_ASN1_UNDEF || (type == V_ASN1_NULL && key == EVP_PKEY_RSA);
}

static bool
strong(int digest, int least)
{
	switch (digest) {
	case NID_sha224:
	case NID_sha3_224:
		return least <= DLK_SIGALG_SHA224;
	case NID_sha256:
	case NID_sha384:
	case NID_sha512:
	case NID_sha3_256:
	case NID_sha3_384:
	case NID_sha3_512:
		return true;
	default:
		return false;
	}
}

static int
digest_of(const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *object;

	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	return OBJ_obj2nid(object);
}

/* RFC 4055 section 3.1. The default of both digests is SHA-1. */
static bool
read_pss(const RSA_PSS_PARAMS *params, int least, struct dlk_sigalg *ret)
{
	X509_ALGOR *mask_digest;

	if (!params->hashAlgorithm || !params->maskGenAlgorithm ||
	    digest_of(params->maskGenAlgorithm) != NID_mgf1)
		return false;
	mask_digest = ASN1_TYPE_unpack_sequence(
	    ASN1_ITEM_rptr(X509_ALGOR), params->maskGenAlgorithm->parameter);
	if (!mask_digest)
		return false;
	int digest = digest_of(params->hashAlgorithm);
	int mask = digest_of(mask_digest);
	X509_ALGOR_free(mask_digest);
	ret->digest = EVP_get_digestbynid(digest);
	ret->mask = EVP_get_digestbynid(mask);
	ret->key = EVP_PKEY_RSA_PSS;
	ret->pss = true;
	ret->salt = params->saltLength ? (int)ASN1_INTEGER_get(params->saltLength) : 20;
	return strong(digest, least) && strong(mask, least) && ret->digest && ret->mask &&
	       ret->salt >= 0 && ret->salt <= 512 &&
	       !(params->saltLength && ret->salt == 20) && !params->trailerField;
}

static bool
read_algorithm(const X509_ALGOR *algorithm, int least, struct dlk_sigalg *ret)
{
	int digest, id = digest_of(algorithm);

	if (id == NID_rsassaPss) {
		RSA_PSS_PARAMS *params = ASN1_TYPE_unpack_sequence(
		    ASN1_ITEM_rptr(RSA_PSS_PARAMS), algorithm->parameter);
		bool good = params && read_pss(params, least, ret);
		RSA_PSS_PARAMS_free(params);
		return good;
	}
	if (id == NID_ED25519 || id == NID_ED448) {
		ret->key = id;
		return plain(algorithm, id);
	}
	if (OBJ_find_sigid_algs(id, &digest, &ret->key) != 1 || !strong(digest, least))
		return false;
	if (ret->key == NID_X9_62_id_ecPublicKey)
		ret->key = EVP_PKEY_EC;
	ret->digest = EVP_get_digestbynid(digest);
	return (ret->key == EVP_PKEY_RSA || ret->key == EVP_PKEY_EC) && ret->digest &&
	       plain(algorithm, ret->key);
}

bool
dlk_sigalg_read(struct dlk_bytes algorithm, int least, struct dlk_sigalg *ret_algorithm)
{
	struct dlk_sigalg found = { 0 };
	const uint8_t *at = algorithm.p;

	if (!dlk_der_strict(algorithm))
		return false;
	X509_ALGOR *parsed = d2i_X509_ALGOR(NULL, &at, (long)algorithm.n);
	bool good =
	    parsed && at == algorithm.p + algorithm.n && read_algorithm(parsed, least, &found);
	X509_ALGOR_free(parsed);
	if (good)
		*ret_algorithm = found;
	return good;
}

static bool
key_fits(const struct dlk_sigalg *algorithm, EVP_PKEY *key)
{
	int id = EVP_PKEY_get_base_id(key);

	/* a key that says rsaEncryption may sign with PSS too (RFC 4055 section 1.2) */
	return id == algorithm->key || (algorithm->pss && id == EVP_PKEY_RSA);
}

static bool
digest_holds(const struct dlk_sigalg *algorithm, EVP_PKEY_CTX *ctx, struct dlk_bytes what,
    struct dlk_bytes signature)
{
	if (EVP_PKEY_verify_init(ctx) != 1)
		return false;
	if (algorithm->pss && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) != 1)
		return false;
	if (EVP_PKEY_CTX_set_signature_md(ctx, algorithm->digest) != 1)
		return false;
	if (algorithm->pss && (EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, algorithm->salt) != 1 ||
				  EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, algorithm->mask) != 1))
		return false;
	return EVP_PKEY_verify(ctx, signature.p, signature.n, what.p, what.n) == 1;
}

static bool
message_holds(EVP_PKEY *key, struct dlk_bytes what, struct dlk_bytes signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestVerify(ctx, signature.p, signature.n, what.p, what.n) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

bool
dlk_sigalg_holds(const struct dlk_sigalg *algorithm, EVP_PKEY *key, struct dlk_bytes what,
    struct dlk_bytes signature)
{
	if (!key || !key_fits(algorithm, key))
		return false;
	if (!algorithm->digest)
		return message_holds(key, what, signature);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool good = ctx && digest_holds(algorithm, ctx, what, signature);
	EVP_PKEY_CTX_free(ctx);
	return good;
}
