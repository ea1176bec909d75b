/* SPDX-License-Identifier: MIT */
/* pki.c - writes certificates. It knows no rule that they might break. */
#include "tests/unit/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/conf.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "core/pem.h"

#define DER_MAX (1024 * 1024)
#define HALF    (182 * PKI_DAY)

EVP_PKEY *
pki_key(enum pki_kind kind, unsigned n)
{
	static EVP_PKEY *made[PKI_KINDS][PKI_KEYS];

	assert_true(n < PKI_KEYS);
	if (made[kind][n])
		return made[kind][n];
	switch (kind) {
	case PKI_P256:
		made[kind][n] = EVP_EC_gen("P-256");
		break;
	case PKI_P384:
		made[kind][n] = EVP_EC_gen("P-384");
		break;
	case PKI_P521:
		made[kind][n] = EVP_EC_gen("P-521");
		break;
	case PKI_ED25519:
		made[kind][n] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	case PKI_RSA:
		made[kind][n] = EVP_RSA_gen(2048);
		break;
	case PKI_RSA_1024:
		made[kind][n] = EVP_RSA_gen(1024);
		break;
	case PKI_KINDS:
		break;
	}
	assert_non_null(made[kind][n]);
	return made[kind][n];
}

void
pki_add(struct dlk_buf *der, const void *octets, size_t n)
{
	if (n > 0)
		assert_int_equal(dlk_buf_add(der, DER_MAX, DLK_BYTES(octets, n)), 0);
}

void
pki_wrap(struct dlk_buf *der, size_t at, uint8_t tag)
{
	size_t n = der->n - at;
	uint8_t head[6] = { tag, (uint8_t)n };
	size_t size = 2;

	if (n >= 0x80) {
		size_t octets = n > 0xffff ? 3 : n > 0xff ? 2 : 1;

		head[1] = (uint8_t)(0x80 + octets);
		for (size_t i = 0; i < octets; i++)
			head[2 + i] = (uint8_t)(n >> (8 * (octets - 1 - i)));
		size = 2 + octets;
	}
	pki_add(der, head, size);
	memmove(der->p + at + size, der->p + at, n);
	memcpy(der->p + at, head, size);
}

void
pki_element(struct dlk_buf *der, uint8_t tag, const void *octets, size_t n)
{
	size_t at = der->n;

	pki_add(der, octets, n);
	pki_wrap(der, at, tag);
}

void
pki_oid(struct dlk_buf *der, const char *dotted)
{
	ASN1_OBJECT *object = OBJ_txt2obj(dotted, 1);

	assert_non_null(object);
	pki_element(der, 0x06, OBJ_get0_data(object), OBJ_length(object));
	ASN1_OBJECT_free(object);
}

static void
add_attribute(struct dlk_buf *der, const char *text, const char *end)
{
	static const struct {
		const char *name, *oid;
		uint8_t tag;
	} known[] = { { "CN=", "2.5.4.3", 0x0c }, { "O=", "2.5.4.10", 0x0c },
		{ "OU=", "2.5.4.11", 0x0c }, { "C=", "2.5.4.6", 0x13 },
		{ "UID=", "0.9.2342.19200300.100.1.1", 0x0c },
		{ "E=", "1.2.840.113549.1.9.1", 0x16 } };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		size_t n = strlen(known[i].name), at = der->n;

		if (strncmp(text, known[i].name, n) != 0)
			continue;
		pki_oid(der, known[i].oid);
		pki_element(der, known[i].tag, text + n, (size_t)(end - text) - n);
		pki_wrap(der, at, 0x30);
		return;
	}
	fail_msg("no such attribute: %s", text);
}

void
pki_name(struct dlk_buf *der, const char *text)
{
	size_t whole = der->n, rdn;

	while (*text) {
		const char *end = strchrnul(text, '/');

		rdn = der->n;
		add_attribute(der, text, end);
		pki_wrap(der, rdn, 0x31);
		text = *end ? end + 1 : end;
	}
	pki_wrap(der, whole, 0x30);
}

static void
add_time(struct dlk_buf *der, int64_t when)
{
	char text[DLK_SERIAL_MAX + 12];
	time_t seconds = (time_t)when;
	struct tm tm;

	assert_non_null(gmtime_r(&seconds, &tm));
	bool utc = tm.tm_year >= 50 && tm.tm_year < 150;
	assert_true(strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm) > 0);
	const char *from = utc ? text + 2 : text;
	pki_element(der, utc ? 0x17 : 0x18, from, strlen(from));
}

static EVP_PKEY *
key_of(const struct pki_spec *spec)
{
	return spec->key ? spec->key : pki_key(PKI_P256, 0);
}

static EVP_PKEY *
signer_of(const struct pki_spec *spec)
{
	return spec->signer ? spec->signer : key_of(spec->by ? spec->by : spec);
}

static void
add_subject(struct dlk_buf *der, const struct pki_spec *spec)
{
	if (spec->subject_der.n > 0)
		pki_add(der, spec->subject_der.p, spec->subject_der.n);
	else
		pki_name(der, spec->subject);
}

static void
add_algorithm(struct dlk_buf *der, const struct pki_spec *spec)
{
	static const char *const ecdsa[] = { "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3",
		"1.2.840.10045.4.3.4", "1.2.840.10045.4.1" };
	static const char *const rsa[] = { "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12",
		"1.2.840.113549.1.1.13", "1.2.840.113549.1.1.5" };
	static const char *const digests[] = { "SHA256", "SHA384", "SHA512", "SHA1" };
	int kind = EVP_PKEY_get_base_id(signer_of(spec));
	size_t at = der->n, d = 0;

	while (spec->digest && strcmp(digests[d], spec->digest) != 0)
		assert_true(++d < 4);
	if (spec->algorithm)
		pki_oid(der, spec->algorithm);
	else if (kind == EVP_PKEY_ED25519)
		pki_oid(der, "1.3.101.112");
	else
		pki_oid(der, kind == EVP_PKEY_RSA ? rsa[d] : ecdsa[d]);
	if (!spec->algorithm && kind == EVP_PKEY_RSA)
		pki_element(der, 0x05, NULL, 0);
	pki_wrap(der, at, 0x30);
}

/* What OpenSSL's configuration says, by its own code. */
static void
add_conf(struct dlk_buf *der, const struct pki_extension *extension)
{
	ASN1_OBJECT *object = OBJ_txt2obj(extension->oid, 1);
	X509V3_CTX ctx;
	X509_EXTENSION *made;

	CONF *conf = NCONF_new(NULL); /* policies ask for one */
	X509V3_set_ctx(&ctx, NULL, NULL, NULL, NULL, 0);
	X509V3_set_nconf(&ctx, conf);
	char *text = strdup(extension->conf);
	made = X509V3_EXT_nconf_nid(conf, &ctx, OBJ_obj2nid(object), text);
	if (!made)
		fail_msg("%s=%s", extension->oid, extension->conf);
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(made);
	pki_element(
	    der, 0x04, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
	X509_EXTENSION_free(made);
	ASN1_OBJECT_free(object);
	NCONF_free(conf);
	free(text);
}

static void
add_extensions(struct dlk_buf *der, const struct pki_spec *spec)
{
	size_t whole = der->n;

	for (size_t i = 0; i < PKI_EXTENSIONS && spec->extension[i].oid; i++) {
		const struct pki_extension *extension = &spec->extension[i];
		size_t at = der->n;

		pki_oid(der, extension->oid);
		if (extension->critical)
			pki_element(der, 0x01, "\xff", 1);
		if (extension->conf)
			add_conf(der, extension);
		else
			pki_element(der, 0x04, extension->octets, extension->n);
		pki_wrap(der, at, 0x30);
	}
	if (der->n == whole || spec->no_extensions) {
		der->n = whole;
		return;
	}
	pki_wrap(der, whole, 0x30);
	pki_wrap(der, whole, 0xa3);
}

static void
add_spki(struct dlk_buf *der, const struct pki_spec *spec)
{
	uint8_t *spki = NULL;
	int n;

	if (spec->spki.n > 0) {
		pki_add(der, spec->spki.p, spec->spki.n);
		return;
	}
	n = i2d_PUBKEY(key_of(spec), &spki);
	assert_true(n > 0);
	pki_add(der, spki, (size_t)n);
	OPENSSL_free(spki);
}

static void
add_tbs(struct dlk_buf *der, const struct pki_spec *spec)
{
	uint8_t serial[2] = { (uint8_t)((spec->serial >> 8) & 0x7f), (uint8_t)spec->serial };
	size_t whole = der->n, at, n = spec->serial > 0x7f ? 2 : 1;

	if (spec->version || spec->version_n == SIZE_MAX)
		pki_add(der, spec->version, spec->version ? spec->version_n : 0);
	else
		pki_add(der, "\xa0\x03\x02\x01\x02", 5);
	if (spec->serial == 0)
		serial[1] = 1;
	if (spec->serial_octets)
		pki_element(der, 0x02, spec->serial_octets, spec->serial_n);
	else
		pki_element(der, 0x02, serial + 2 - n, n);
	add_algorithm(der, spec);
	if (spec->issuer)
		pki_name(der, spec->issuer);
	else
		add_subject(der, spec->by ? spec->by : spec);
	at = der->n;
	add_time(der, spec->not_before ? spec->not_before : PKI_NOW - HALF);
	add_time(der, spec->not_after ? spec->not_after : PKI_NOW + HALF);
	pki_wrap(der, at, 0x30);
	add_subject(der, spec);
	add_spki(der, spec);
	add_extensions(der, spec);
	pki_wrap(der, whole, 0x30);
}

static void
add_signature(struct dlk_buf *der, const struct pki_spec *spec, size_t tbs)
{
	EVP_PKEY *key = signer_of(spec);
	const char *digest = spec->digest ? spec->digest : "SHA256";
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t signature[1024] = { 0 };
	size_t n = sizeof(signature) - 1;

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
		digest = NULL;
	assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL), 1);
	assert_int_equal(
	    EVP_DigestSign(ctx, signature + 1, &n, der->p + tbs, der->n - tbs), 1);
	EVP_MD_CTX_free(ctx);
	if (spec->bad_signature)
		signature[n - 2] ^= 0x40;
	struct pki_spec outside = *spec;
	if (spec->other_algorithm_outside)
		outside.digest = "SHA512";
	add_algorithm(der, &outside);
	pki_element(der, 0x03, signature, n + 1);
}

void
pki_make(const struct pki_spec *spec, struct dlk_buf *der)
{
	size_t at = der->n;

	add_tbs(der, spec);
	add_signature(der, spec, at);
	pki_wrap(der, at, 0x30);
}

struct dlk_cert *
pki_cert(const struct pki_spec *spec)
{
	DLK_AUTO_BUF der = { 0 };
	struct dlk_finding finding = { 0 };
	struct dlk_cert *cert = NULL;

	pki_make(spec, &der);
	if (dlk_cert_parse(dlk_bytes_of(&der), &cert, &finding) != DLK_R_OK)
		fail_msg("%s: %s", dlk_reason_str(finding.reason), finding.detail);
	return cert;
}

void
pki_pem(const struct pki_spec *spec, struct dlk_buf *pem)
{
	DLK_AUTO_BUF der = { 0 };

	pki_make(spec, &der);
	assert_int_equal(dlk_pem_certificate(dlk_bytes_of(&der), pem), 0);
}

static struct pki_extension *
place_of(struct pki_spec *spec, const char *oid)
{
	for (size_t i = 0; i < PKI_EXTENSIONS; i++)
		if (!spec->extension[i].oid || strcmp(spec->extension[i].oid, oid) == 0)
			return &spec->extension[i];
	fail_msg("too many extensions");
	return NULL;
}

void
pki_set(struct pki_spec *spec, const char *oid, bool critical, const char *conf)
{
	*place_of(spec, oid) =
	    (struct pki_extension){ .oid = oid, .critical = critical, .conf = conf };
}

void
pki_set_octets(
    struct pki_spec *spec, const char *oid, bool critical, const void *octets, size_t n)
{
	*place_of(spec, oid) = (struct pki_extension){
		.oid = oid, .critical = critical, .octets = octets, .n = n
	};
}

void
pki_unset(struct pki_spec *spec, const char *oid)
{
	struct pki_extension *at = place_of(spec, oid),
			     *end = spec->extension + PKI_EXTENSIONS;

	memmove(at, at + 1, (size_t)(end - at - 1) * sizeof(*at));
	end[-1] = (struct pki_extension){ 0 };
}

struct pki_spec
pki_ca(const char *subject, const struct pki_spec *by, EVP_PKEY *key)
{
	struct pki_spec ca = { .subject = subject, .by = by, .key = key };

	pki_set(&ca, PKI_BASIC, true, "CA:TRUE");
	pki_set(&ca, PKI_USAGE, true, "keyCertSign,cRLSign");
	return ca;
}

struct pki_spec
pki_leaf(const char *subject, const struct pki_spec *by)
{
	struct pki_spec leaf = { .subject = subject, .by = by };

	pki_set(&leaf, PKI_USAGE, true, "digitalSignature");
	pki_set(&leaf, PKI_PURPOSES, false, "clientAuth");
	return leaf;
}
