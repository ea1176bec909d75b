/* SPDX-License-Identifier: MIT */
/*
 * pubkey.c - is the public key one that means something? OpenSSL reads an RSA key with
 * exponent 1 and does not look at the point of a leaf's EC key. How large a key has to be is
 * path.h's rule.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "core/certdata.h"
#include "core/der.h"

#define RSA_OCTETS_MAX (8192 / 8 + 1) /* with the zero in front */

static enum dlk_reason
weak(const struct dlk_cert *cert, const char *what, struct dlk_finding *finding)
{
	return dlk_find(
	    finding, DLK_STAGE_PARSE, DLK_R_WEAK_KEY, "%s: its key %s", cert->label, what);
}

/* The octets of the key itself: SubjectPublicKeyInfo's BIT STRING without its count. */
static bool
key_octets(const struct dlk_cert *cert, struct dlk_bytes *ret)
{
	struct dlk_bytes in = cert->spki, spki, algorithm;

	if (!dlk_der_expect(&in, DLK_DER_SEQUENCE, &spki) ||
	    !dlk_der_expect(&spki, DLK_DER_SEQUENCE, &algorithm) ||
	    !dlk_der_expect(&spki, DLK_DER_BIT_STRING, ret) || spki.n != 0 || ret->n < 2 ||
	    ret->p[0] != 0)
		return false;
	*ret = DLK_BYTES(ret->p + 1, ret->n - 1);
	return true;
}

static bool
is_odd_positive(struct dlk_bytes integer)
{
	return integer.n > 0 && integer.p[0] < 0x80 && (integer.p[integer.n - 1] & 1);
}

/* Two large primes made the modulus, so no small one divides it. */
static bool
has_small_factor(struct dlk_bytes modulus)
{
	static const BN_ULONG primes[] = { 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47,
		53, 59, 61, 67, 71, 73, 79, 83, 89, 97 };
	BIGNUM *n = BN_bin2bn(modulus.p, (int)modulus.n, NULL);
	bool found = !n;

	for (size_t i = 0; i < sizeof(primes) / sizeof(*primes) && !found; i++)
		found = BN_mod_word(n, primes[i]) == 0;
	BN_free(n);
	return found;
}

/* NULL, or what some leave out (RFC 3279 section 2.3.1). RSASSA-PSS has some, which OpenSSL
 * reads. */
static bool
rsa_parameters_ok(const struct dlk_cert *cert)
{
	struct dlk_bytes in = cert->spki, spki, algorithm, oid, null;

	return dlk_der_expect(&in, DLK_DER_SEQUENCE, &spki) &&
	       dlk_der_expect(&spki, DLK_DER_SEQUENCE, &algorithm) &&
	       dlk_der_expect(&algorithm, DLK_DER_OID, &oid) &&
	       (algorithm.n == 0 ||
		   (dlk_der_expect(&algorithm, DLK_DER_NULL, &null) && algorithm.n == 0));
}

/* RFC 8017 section 3.1: n odd, e odd and from 3 to n-1. */
static const char *
rsa_fault(struct dlk_bytes octets)
{
	struct dlk_bytes key, n, e;

	if (!dlk_der_strict(octets) || !dlk_der_expect(&octets, DLK_DER_SEQUENCE, &key) ||
	    octets.n != 0 || !dlk_der_expect(&key, DLK_DER_INTEGER, &n) ||
	    !dlk_der_expect(&key, DLK_DER_INTEGER, &e) || key.n != 0)
		return "is no RSA key (RFC 8017 section A.1.1)";
	if (!is_odd_positive(n) || n.n < 64)
		return "has an RSA modulus that is even, negative or tiny";
	if (n.n > RSA_OCTETS_MAX)
		return "has an RSA modulus of more than 8192 bits: it costs too much to check";
	if (has_small_factor(n))
		return "has an RSA modulus that a small number divides";
	if (!is_odd_positive(e) || (e.n == 1 && e.p[0] < 3) || e.n > 8)
		return "has an RSA exponent that is even, negative, 1 or longer than 64 bits";
	return NULL;
}

static bool
curve_is_known(EVP_PKEY *key)
{
	static const int known[] = { NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1,
		NID_brainpoolP256r1, NID_brainpoolP384r1, NID_brainpoolP512r1 };
	char name[64] = "";
	int nid;

	if (EVP_PKEY_get_utf8_string_param(
		key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof(name), NULL) != 1)
		return false;
	nid = OBJ_txt2nid(name);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (nid == known[i])
			return true;
	return false;
}

/* The curve is named by its OID (RFC 5480 section 2.1.1), never written out. */
static bool
curve_is_named(const struct dlk_cert *cert)
{
	struct dlk_bytes in = cert->spki, spki, algorithm, oid, curve;

	return dlk_der_expect(&in, DLK_DER_SEQUENCE, &spki) &&
	       dlk_der_expect(&spki, DLK_DER_SEQUENCE, &algorithm) &&
	       dlk_der_expect(&algorithm, DLK_DER_OID, &oid) &&
	       dlk_der_expect(&algorithm, DLK_DER_OID, &curve) && algorithm.n == 0;
}

static const char *
ec_fault(const struct dlk_cert *cert, EVP_PKEY *key, struct dlk_bytes octets)
{
	EVP_PKEY_CTX *ctx;
	int sound;

	if (!curve_is_named(cert) || !curve_is_known(key))
		return "is on a curve that is written out or not accepted (P-256, P-384, "
		       "P-521, "
		       "brainpoolP256r1 to P512r1)";
	if (octets.p[0] != 0x04 && octets.p[0] != 0x02 && octets.p[0] != 0x03)
		return "is the point at infinity or in the hybrid form (RFC 5480 section 2.2)";
	ctx = EVP_PKEY_CTX_new(key, NULL);
	sound = ctx ? EVP_PKEY_public_check_quick(ctx) : 0;
	EVP_PKEY_CTX_free(ctx);
	return sound == 1 ? NULL : "is a point that does not lie on its curve";
}

enum dlk_reason
dlk_pubkey_check(const struct dlk_cert *cert, struct dlk_finding *finding)
{
	EVP_PKEY *key = X509_get0_pubkey(cert->x509);
	struct dlk_bytes octets;
	const char *fault = NULL;

	if (!key || !key_octets(cert, &octets))
		return weak(cert, "is of a kind that OpenSSL does not read", finding);
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		fault = rsa_parameters_ok(cert)
			    ? rsa_fault(octets)
			    : "has parameters, and RSA has none (RFC 3279 section 2.3.1)";
		break;
	case EVP_PKEY_RSA_PSS:
		fault = rsa_fault(octets);
		break;
	case EVP_PKEY_EC:
		fault = ec_fault(cert, key, octets);
		break;
	case EVP_PKEY_ED25519:
	case EVP_PKEY_ED448:
		break;
	default:
		fault = "is of a kind that is not accepted (RSA, EC, Ed25519, Ed448)";
	}
	return fault ? weak(cert, fault, finding) : DLK_R_OK;
}
