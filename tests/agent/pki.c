/* SPDX-License-Identifier: MIT */
/* pki.c - the CA of a site. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/agent/site.h"

#define HOUR 3600

static void
extend(X509 *x509, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x509, e, -1), 1);
	X509_EXTENSION_free(e);
}

static X509 *
begin(EVP_PKEY *key, const char *name, long serial, int hours)
{
	X509 *x509 = X509_new();

	assert_non_null(x509);
	assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), serial), 1);
	assert_non_null(X509_time_adj_ex(X509_getm_notBefore(x509), -2, 0, NULL));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), hours * HOUR));
	assert_int_equal(X509_set_pubkey(x509, key), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN",
			     MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0),
	    1);
	return x509;
}

static char *
text_of(int (*write)(BIO *bio, void *what), void *what)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *text;

	assert_int_equal(write(bio, what), 1);
	size_t n = (size_t)BIO_get_mem_data(bio, &data);
	text = strndup(data, n);
	assert_non_null(text);
	BIO_free(bio);
	return text;
}

static int
write_x509(BIO *bio, void *what)
{
	return PEM_write_bio_X509(bio, what);
}

static int
write_crl(BIO *bio, void *what)
{
	return PEM_write_bio_X509_CRL(bio, what);
}

static void
publish_crl(struct site *site)
{
	static long number = 1;
	ASN1_INTEGER *n = ASN1_INTEGER_new();

	assert_int_equal(ASN1_INTEGER_set(n, number++), 1);
	X509_EXTENSION_free(X509_CRL_delete_ext(
	    site->crl, X509_CRL_get_ext_by_NID(site->crl, NID_crl_number, -1)));
	assert_int_equal(X509_CRL_add1_ext_i2d(site->crl, NID_crl_number, n, 0, 0), 1);
	ASN1_INTEGER_free(n);
	assert_int_equal(X509_CRL_sort(site->crl), 1);
	assert_true(X509_CRL_sign(site->crl, site->ca_key, EVP_sha256()) > 0);
	char *text = text_of(write_crl, site->crl);
	site_write(site, "crl.d/root.crl", text);
	free(text);
}

static void
begin_crl(struct site *site)
{
	ASN1_TIME *now = X509_gmtime_adj(NULL, -HOUR),
		  *next = X509_gmtime_adj(NULL, 24 * HOUR);

	site->crl = X509_CRL_new();
	assert_int_equal(X509_CRL_set_version(site->crl, X509_CRL_VERSION_2), 1);
	assert_int_equal(
	    X509_CRL_set_issuer_name(site->crl, X509_get_subject_name(site->ca)), 1);
	assert_int_equal(X509_CRL_set1_lastUpdate(site->crl, now), 1);
	assert_int_equal(X509_CRL_set1_nextUpdate(site->crl, next), 1);
	ASN1_TIME_free(now);
	ASN1_TIME_free(next);
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, site->ca, NULL, NULL, site->crl, 0);
	X509_EXTENSION *e =
	    X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
	assert_non_null(e);
	assert_int_equal(X509_CRL_add_ext(site->crl, e, -1), 1);
	X509_EXTENSION_free(e);
	publish_crl(site);
}

void
site_pki_init(struct site *site)
{
	site->ca_key = EVP_EC_gen("P-256");
	site->ca = begin(site->ca_key, "root", 1, 24 * 365);
	extend(site->ca, site->ca, NID_basic_constraints, "critical,CA:TRUE");
	extend(site->ca, site->ca, NID_key_usage, "critical,keyCertSign,cRLSign");
	extend(site->ca, site->ca, NID_subject_key_identifier, "hash");
	assert_int_equal(X509_set_issuer_name(site->ca, X509_get_subject_name(site->ca)), 1);
	assert_true(X509_sign(site->ca, site->ca_key, EVP_sha256()) > 0);
	site->serial = 1;
	char *text = text_of(write_x509, site->ca);
	site_write(site, "trust.d/root.pem", text);
	free(text);
	begin_crl(site);
}

static char *
issue(struct site *site, EVP_PKEY *key, const char *name, int hours, const char *usage,
    const char *names)
{
	X509 *x509 = begin(key, name, ++site->serial, hours);

	extend(x509, site->ca, NID_basic_constraints, "critical,CA:FALSE");
	extend(x509, site->ca, NID_key_usage, "critical,digitalSignature");
	extend(x509, site->ca, NID_ext_key_usage, usage);
	extend(x509, site->ca, NID_subject_alt_name, names);
	extend(x509, site->ca, NID_subject_key_identifier, "hash");
	extend(x509, site->ca, NID_authority_key_identifier, "keyid:always");
	assert_int_equal(X509_set_issuer_name(x509, X509_get_subject_name(site->ca)), 1);
	assert_true(X509_sign(x509, site->ca_key, EVP_sha256()) > 0);
	char *text = text_of(write_x509, x509);
	X509_free(x509);
	return text;
}

char *
site_certificate_for(struct site *site, EVP_PKEY *key, const char *name, int hours)
{
	char names[128];

	snprintf(names, sizeof(names), "email:%s@" SITE_DOMAIN, name);
	return issue(site, key, name, hours, "clientAuth", names);
}

char *
site_certificate(struct site *site, const char *name, int hours)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char *text = site_certificate_for(site, key, name, hours);

	EVP_PKEY_free(key);
	return text;
}

char *
site_server_certificate(struct site *site, const char *key_file)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *file = fopen(key_file, "we");

	assert_non_null(file);
	assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(file), 0);
	char *text = issue(site, key, "receiver", 24, "serverAuth", "IP:127.0.0.1");
	EVP_PKEY_free(key);
	return text;
}

void
site_revoke(struct site *site, long serial)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	ASN1_TIME *when = X509_gmtime_adj(NULL, -HOUR);

	assert_int_equal(ASN1_INTEGER_set(number, serial), 1);
	assert_int_equal(X509_REVOKED_set_serialNumber(entry, number), 1);
	assert_int_equal(X509_REVOKED_set_revocationDate(entry, when), 1);
	assert_int_equal(X509_CRL_add0_revoked(site->crl, entry), 1);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(when);
	publish_crl(site);
}

long
site_serial(const struct site *site)
{
	return site->serial;
}

void
site_age_crl(struct site *site, int minutes)
{
	ASN1_TIME *last = X509_gmtime_adj(NULL, -2 * HOUR);
	ASN1_TIME *next = X509_gmtime_adj(NULL, minutes * 60L);

	assert_int_equal(X509_CRL_set1_lastUpdate(site->crl, last), 1);
	assert_int_equal(X509_CRL_set1_nextUpdate(site->crl, next), 1);
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	publish_crl(site);
}
