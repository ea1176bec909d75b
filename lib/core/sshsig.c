/* SPDX-License-Identifier: MIT */
/*
 * sshsig.c - takes the signature of an agent or a token apart, as far as OpenSSL needs it.
 * Which key has to have signed, and what, is the caller's to say; SHA-1 is not here at all.
 */
#include "core/sshsig.h"

#include <errno.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/sshwire.h"
#include "base/text.h"

#define DATA_MAX   1024
#define SK_PRESENT 0x01        /* somebody touched the security key */
#define RSA_MAX    (16384 / 8) /* OpenSSH takes no longer modulus */
#define HALF_MAX   66          /* octets of r or s under P-521 */

static enum dlk_reason
unproven(struct dlk_finding *finding, const char *why)
{
	return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_POSSESSION_UNPROVEN,
	    "the signature of the challenge: %s", why);
}

static enum dlk_reason
malformed(struct dlk_finding *finding)
{
	return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_CERTIFICATE_MALFORMED,
	    "what was shown as a key is not one of SSH's");
}

static bool
take_type(struct dlk_bytes blob, struct dlk_sshkey *key)
{
	struct dlk_bytes type;

	if (!dlk_ssh_take_string(&blob, &type) || type.n == 0 || type.n > DLK_SSHKEY_TYPE_MAX)
		return false;
	for (size_t i = 0; i < type.n; i++)
		if (type.p[i] <= 0x20 || type.p[i] >= 0x7f)
			return false;
	memcpy(key->type, type.p, type.n);
	return true;
}

enum dlk_reason
dlk_sshsig_shown(struct dlk_bytes blob, struct dlk_sshkey *ret_key,
    struct dlk_buf *application, struct dlk_finding *finding)
{
	DLK_AUTO_SSHKEY made = { .type = "" };
	struct dlk_bytes fields, of;
	const char *plain;
	int r;

	if (!take_type(blob, &made))
		return malformed(finding);
	if (dlk_ssh_split_sk(blob, &plain, &fields, &of)) {
		(void)dlk_text_copy(made.type, sizeof(made.type), plain);
		r = dlk_ssh_add_string(&made.blob, DLK_EVIDENCE_MAX, dlk_bytes_str(plain));
		if (r == 0)
			r = dlk_buf_add(&made.blob, DLK_EVIDENCE_MAX, fields);
		if (r == 0)
			r = dlk_buf_add(application, DLK_EVIDENCE_MAX, of);
	} else if (strncmp(made.type, "sk-", 3) == 0) {
		return malformed(finding);
	} else {
		r = dlk_buf_add(&made.blob, DLK_EVIDENCE_MAX, blob);
	}
	if (r != 0)
		return malformed(finding);
	*ret_key = made;
	made = (struct dlk_sshkey){ .type = "" };
	return DLK_R_OK;
}

int
dlk_sshsig_data(const char *space, const uint8_t *hash, struct dlk_buf *buf)
{
	int r = dlk_buf_add(buf, DATA_MAX, dlk_bytes_str("SSHSIG"));

	if (r == 0)
		r = dlk_ssh_add_string(buf, DATA_MAX, dlk_bytes_str(space));
	if (r == 0)
		r = dlk_ssh_add_string(buf, DATA_MAX, DLK_BYTES(NULL, 0)); /* reserved */
	if (r == 0)
		r = dlk_ssh_add_string(buf, DATA_MAX, dlk_bytes_str("sha256"));
	return r ? r : dlk_ssh_add_string(buf, DATA_MAX, DLK_BYTES(hash, DLK_SHA256_SIZE));
}

/* Which algorithm of signature a key may have, and how OpenSSL calls its digest. */
static const struct algorithm {
	const char *name, *key, *group, *digest;
	const char *sk; /* the same by a security key */
} algorithms[] = {
	{ "rsa-sha2-256", "RSA", NULL, "SHA256", NULL },
	{ "rsa-sha2-512", "RSA", NULL, "SHA512", NULL },
	{ "ecdsa-sha2-nistp256", "EC", "prime256v1", "SHA256", NULL },
	{ "ecdsa-sha2-nistp384", "EC", "secp384r1", "SHA384", NULL },
	{ "ecdsa-sha2-nistp521", "EC", "secp521r1", "SHA512", NULL },
	{ "ssh-ed25519", "ED25519", NULL, NULL, NULL },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", "EC", "prime256v1", "SHA256", "sk" },
	{ "sk-ssh-ed25519@openssh.com", "ED25519", NULL, NULL, "sk" },
};

static bool
is_in_group(EVP_PKEY *key, const char *group)
{
	char name[64];

	return !group || (EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) == 1 &&
			     strcmp(name, group) == 0);
}

static const struct algorithm *
find_algorithm(struct dlk_bytes name, EVP_PKEY *key, bool sk)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++) {
		const struct algorithm *a = &algorithms[i];

		if (dlk_bytes_equal(name, dlk_bytes_str(a->name)) && (a->sk != NULL) == sk &&
		    EVP_PKEY_is_a(key, a->key) && is_in_group(key, a->group))
			return a;
	}
	return NULL;
}

static bool
holds(EVP_PKEY *key, const char *digest, struct dlk_bytes signature, struct dlk_bytes data)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx &&
		    EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL) == 1 &&
		    EVP_DigestVerify(ctx, signature.p, signature.n, data.p, data.n) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

/* r and s as DER, which is what OpenSSL verifies. */
static bool
ecdsa_holds(EVP_PKEY *key, const char *digest, struct dlk_bytes r, struct dlk_bytes s,
    struct dlk_bytes data)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *first = BN_bin2bn(r.p, (int)r.n, NULL),
	       *second = BN_bin2bn(s.p, (int)s.n, NULL);
	uint8_t *der = NULL;
	bool good = false;

	if (pair && first && second && ECDSA_SIG_set0(pair, first, second) == 1) {
		first = second = NULL;
		int n = i2d_ECDSA_SIG(pair, &der);
		good = n > 0 && holds(key, digest, DLK_BYTES(der, (size_t)n), data);
	}
	BN_free(first);
	BN_free(second);
	ECDSA_SIG_free(pair);
	OPENSSL_free(der);
	return good;
}

/* RFC 4251 section 5, of a number that is not negative: one form for each. */
static bool
take_mpint(struct dlk_bytes *in, struct dlk_bytes *ret)
{
	if (!dlk_ssh_take_string(in, ret) || ret->n == 0 || ret->n > 1 + HALF_MAX ||
	    (ret->p[0] & 0x80))
		return false;
	return ret->p[0] != 0 || (ret->n > 1 && (ret->p[1] & 0x80));
}

static bool
ssh_ecdsa_holds(
    EVP_PKEY *key, const char *digest, struct dlk_bytes pair, struct dlk_bytes data)
{
	struct dlk_bytes r, s;

	return take_mpint(&pair, &r) && take_mpint(&pair, &s) && pair.n == 0 &&
	       ecdsa_holds(key, digest, r, s, data);
}

/* RFC 8332 section 3: leading zeros may be missing. */
static bool
rsa_holds(EVP_PKEY *key, const char *digest, struct dlk_bytes signature, struct dlk_bytes data)
{
	uint8_t padded[RSA_MAX] = { 0 };
	size_t n = (size_t)EVP_PKEY_get_size(key);

	if (n > sizeof(padded) || signature.n > n)
		return false;
	memcpy(padded + n - signature.n, signature.p, signature.n);
	return holds(key, digest, DLK_BYTES(padded, n), data);
}

static bool
signature_holds(const struct algorithm *a, EVP_PKEY *key, struct dlk_bytes signature,
    struct dlk_bytes data)
{
	if (strcmp(a->key, "EC") == 0)
		return ssh_ecdsa_holds(key, a->digest, signature, data);
	if (strcmp(a->key, "RSA") == 0)
		return rsa_holds(key, a->digest, signature, data);
	return holds(key, a->digest, signature, data);
}

static int
hash(struct dlk_bytes what, struct dlk_buf *buf)
{
	uint8_t octets[DLK_SHA256_SIZE];

	if (EVP_Digest(what.p, what.n, octets, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	return dlk_buf_add(buf, DATA_MAX, DLK_BYTES(octets, sizeof(octets)));
}

/* PROTOCOL.u2f: a security key signs hashes, its flags and its counter. */
static enum dlk_reason
sk_data(struct dlk_bytes application, struct dlk_bytes *tail, struct dlk_bytes data,
    struct dlk_buf *buf, struct dlk_finding *finding)
{
	struct dlk_bytes state;

	if (!dlk_ssh_take(tail, 5, &state))
		return unproven(finding, "it has not the flags and counter of a security key");
	if (!(state.p[0] & SK_PRESENT))
		return unproven(finding, "nobody touched the security key");
	if (hash(application, buf) != 0 || dlk_buf_add(buf, DATA_MAX, state) != 0 ||
	    hash(data, buf) != 0)
		return dlk_find(
		    finding, DLK_STAGE_PARSE, DLK_R_FAULT_INTERNAL, "out of memory");
	return DLK_R_OK;
}

enum dlk_reason
dlk_sshsig_verify(EVP_PKEY *key, struct dlk_bytes application, struct dlk_bytes signature,
    struct dlk_bytes data, struct dlk_finding *finding)
{
	DLK_AUTO_BUF signed_by_sk = { 0 };
	struct dlk_bytes name, octets;
	bool sk = application.n > 0;

	if (!dlk_ssh_take_string(&signature, &name) ||
	    !dlk_ssh_take_string(&signature, &octets))
		return unproven(finding, "it is not whole");
	if (dlk_bytes_equal(name, dlk_bytes_str("ssh-rsa")))
		return unproven(finding, "RSA with SHA-1, which is not accepted");
	const struct algorithm *algorithm = find_algorithm(name, key, sk);
	if (!algorithm)
		return unproven(finding, "its algorithm is not one of this key");
	if (sk) {
		enum dlk_reason reason =
		    sk_data(application, &signature, data, &signed_by_sk, finding);
		if (reason != DLK_R_OK)
			return reason;
		data = dlk_bytes_of(&signed_by_sk);
	}
	if (signature.n > 0)
		return unproven(finding, "something stands behind it");
	if (!signature_holds(algorithm, key, octets, data))
		return unproven(finding, "it is not one of this challenge by this key");
	return DLK_R_OK;
}

enum dlk_reason
dlk_sshsig_verify_bare(EVP_PKEY *key, struct dlk_bytes signature, struct dlk_bytes data,
    struct dlk_finding *finding)
{
	size_t half = signature.n / 2;
	bool good = false;

	if (signature.n == 0)
		return unproven(finding, "there is none");
	if (EVP_PKEY_is_a(key, "RSA"))
		good = holds(key, "SHA256", signature, data);
	else if (EVP_PKEY_is_a(key, "EC") && signature.n % 2 == 0 && half <= HALF_MAX)
		good = ecdsa_holds(key, "SHA256", DLK_BYTES(signature.p, half),
		    DLK_BYTES(signature.p + half, half), data);
	else if (EVP_PKEY_is_a(key, "ED25519"))
		good = holds(key, NULL, signature, data);
	return good ? DLK_R_OK
		    : unproven(
			  finding, "it is not one of this challenge by the certificate's key");
}
