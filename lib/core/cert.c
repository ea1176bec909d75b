/* SPDX-License-Identifier: MIT */
/* cert.c - one certificate, read by OpenSSL and held to what is common to all. */
#include "core/cert.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/text.h"

struct dlk_cert {
	unsigned refs;
	X509 *x509;
	EVP_PKEY *key;
	struct dlk_buf der, subject, issuer, spki;
	struct dlk_bytes serial;
	uint8_t fingerprint[DLK_SHA256_SIZE], key_id[DLK_SHA256_SIZE];
	int64_t not_before, not_after;
	char subject_text[DLK_DN_MAX + 1], issuer_text[DLK_DN_MAX + 1];
	char serial_text[2 * DLK_SERIAL_MAX + 8];
	char fingerprint_text[DLK_FINGERPRINT_HEX + 1];
	char label[DLK_DN_MAX + 64];
};

static int
take_der(int n, uint8_t *der, struct dlk_buf *buf)
{
	int error = n > 0 ? dlk_buf_add(buf, DLK_CERT_MAX, DLK_BYTES(der, (size_t)n)) : -1;

	OPENSSL_free(der);
	return error;
}

static void
name_text(const X509_NAME *name, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n = 0;

	out[0] = '\0';
	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_get_mem_data(bio, &text);
	if (n > 0)
		dlk_text_escape(out, size, DLK_BYTES(text, (size_t)n));
	BIO_free(bio);
}

static bool
read_time(const ASN1_TIME *from, int64_t *ret)
{
	struct tm tm;

	return ASN1_TIME_to_tm(from, &tm) == 1 &&
	       dlk_time_from_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		   tm.tm_min, tm.tm_sec, ret) == 0;
}

static bool
fill(struct dlk_cert *c)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(c->x509);
	uint8_t *p = NULL;
	int n = i2d_X509_NAME(X509_get_subject_name(c->x509), &p);

	if (take_der(n, p, &c->subject) != 0)
		return false;
	p = NULL;
	n = i2d_X509_NAME(X509_get_issuer_name(c->x509), &p);
	if (take_der(n, p, &c->issuer) != 0)
		return false;
	p = NULL;
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x509), &p);
	if (take_der(n, p, &c->spki) != 0)
		return false;
	c->serial =
	    DLK_BYTES(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
	if (c->serial.n > DLK_SERIAL_MAX ||
	    !read_time(X509_get0_notBefore(c->x509), &c->not_before) ||
	    !read_time(X509_get0_notAfter(c->x509), &c->not_after))
		return false;
	EVP_Digest(c->der.p, c->der.n, c->fingerprint, NULL, EVP_sha256(), NULL);
	EVP_Digest(c->spki.p, c->spki.n, c->key_id, NULL, EVP_sha256(), NULL);
	dlk_hex(c->serial, c->serial_text);
	dlk_hex(DLK_BYTES(c->fingerprint, DLK_SHA256_SIZE), c->fingerprint_text);
	name_text(X509_get_subject_name(c->x509), c->subject_text, sizeof(c->subject_text));
	name_text(X509_get_issuer_name(c->x509), c->issuer_text, sizeof(c->issuer_text));
	dlk_text_print(
	    c->label, sizeof(c->label), "%s (serial %s)", c->subject_text, c->serial_text);
	c->key = X509_get0_pubkey(c->x509);
	return c->key != NULL;
}

enum dlk_reason
dlk_cert_parse(struct dlk_bytes der, struct dlk_cert **ret_cert, struct dlk_finding *finding)
{
	struct dlk_cert *c = calloc(1, sizeof(*c));
	const uint8_t *p = der.p;

	if (!c)
		return dlk_find(
		    finding, DLK_STAGE_PARSE, DLK_R_FAULT_INTERNAL, "out of memory");
	c->refs = 1;
	if (der.n <= DLK_CERT_MAX && dlk_buf_add(&c->der, DLK_CERT_MAX, der) == 0)
		c->x509 = d2i_X509(NULL, &p, (long)der.n);
	if (!c->x509 || p != der.p + der.n || !fill(c)) {
		dlk_cert_free(c);
		return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_CERTIFICATE_MALFORMED,
		    "not one well-formed certificate");
	}
	*ret_cert = c;
	return DLK_R_OK;
}

struct dlk_cert *
dlk_cert_ref(const struct dlk_cert *cert)
{
	struct dlk_cert *c = NULL;

	memcpy(&c, &cert, sizeof(c));
	__atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
	return c;
}

void
dlk_cert_free(struct dlk_cert *cert)
{
	if (!cert || __atomic_sub_fetch(&cert->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	X509_free(cert->x509);
	dlk_buf_free(&cert->der);
	dlk_buf_free(&cert->subject);
	dlk_buf_free(&cert->issuer);
	dlk_buf_free(&cert->spki);
	free(cert);
}

void
dlk_cert_cleanup(struct dlk_cert **cert)
{
	dlk_cert_free(*cert);
}

#define GET(type, name, what)                                                                 \
	type dlk_cert_##name(const struct dlk_cert *cert)                                     \
	{                                                                                     \
		return what;                                                                  \
	}
GET(X509 *, x509, cert->x509)
GET(EVP_PKEY *, key, cert->key)
GET(struct dlk_bytes, der, dlk_bytes_of(&cert->der))
GET(struct dlk_bytes, subject_der, dlk_bytes_of(&cert->subject))
GET(struct dlk_bytes, issuer_der, dlk_bytes_of(&cert->issuer))
GET(struct dlk_bytes, spki_der, dlk_bytes_of(&cert->spki))
GET(struct dlk_bytes, serial, cert->serial)
GET(const uint8_t *, fingerprint, cert->fingerprint)
GET(const uint8_t *, key_id, cert->key_id)
GET(int64_t, not_before, cert->not_before)
GET(int64_t, not_after, cert->not_after)
GET(const char *, subject, cert->subject_text)
GET(const char *, issuer, cert->issuer_text)
GET(const char *, serial_text, cert->serial_text)
GET(const char *, fingerprint_text, cert->fingerprint_text)
GET(const char *, label, cert->label)

void
dlk_cert_describe(const struct dlk_cert *cert, struct dlk_verdict *verdict)
{
	dlk_text_copy(verdict->subject, sizeof(verdict->subject), cert->subject_text);
	dlk_text_copy(verdict->issuer, sizeof(verdict->issuer), cert->issuer_text);
	dlk_text_copy(verdict->serial, sizeof(verdict->serial), cert->serial_text);
	dlk_text_copy(
	    verdict->fingerprint, sizeof(verdict->fingerprint), cert->fingerprint_text);
}

void
dlk_certs_fini(struct dlk_certs *certs)
{
	for (size_t i = 0; i < certs->n; i++)
		dlk_cert_free(certs->cert[i]);
	free(certs->cert);
	*certs = (struct dlk_certs){ 0 };
}

int
dlk_certs_add(struct dlk_certs *certs, struct dlk_cert *cert)
{
	struct dlk_cert **more = reallocarray(certs->cert, certs->n + 1, sizeof(*more));

	if (!more) {
		dlk_cert_free(cert);
		return -12;
	}
	certs->cert = more;
	more[certs->n++] = cert;
	return 0;
}

enum dlk_reason
dlk_certs_parse_chain(
    struct dlk_bytes der, size_t most, struct dlk_certs *certs, struct dlk_finding *finding)
{
	while (der.n > 0) {
		const uint8_t *p = der.p;
		struct dlk_cert *cert = NULL;
		X509 *x509 = d2i_X509(NULL, &p, (long)der.n);
		size_t n = x509 ? (size_t)(p - der.p) : der.n;
		enum dlk_reason reason;

		X509_free(x509);
		if (most-- == 0)
			return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_CERTIFICATE_MALFORMED,
			    "too many certificates in the chain");
		reason = dlk_cert_parse(DLK_BYTES(der.p, n), &cert, finding);
		if (reason != DLK_R_OK)
			return reason;
		if (dlk_certs_add(certs, cert) != 0)
			return dlk_find(
			    finding, DLK_STAGE_PARSE, DLK_R_FAULT_INTERNAL, "out of memory");
		der = DLK_BYTES(der.p + n, der.n - n);
	}
	return DLK_R_OK;
}

int
dlk_certs_parse_file(struct dlk_bytes content, size_t most, struct dlk_certs *certs,
    struct dlk_finding *finding)
{
	BIO *bio;
	char *name, *header;
	uint8_t *der;
	long n;
	int bad = 0;
	size_t found = 0;

	if (content.n > 0 && content.p[0] == 0x30) {
		struct dlk_cert *cert = NULL;

		if (dlk_cert_parse(content, &cert, finding) != DLK_R_OK)
			return 1;
		return dlk_certs_add(certs, cert);
	}
	bio = BIO_new_mem_buf(content.p, (int)content.n);
	while (bio && found < most && PEM_read_bio(bio, &name, &header, &der, &n) == 1) {
		struct dlk_cert *cert = NULL;
		struct dlk_finding mine = { 0 };

		if (strcmp(name, "CERTIFICATE") == 0 ||
		    strcmp(name, "X509 CERTIFICATE") == 0) {
			found++;
			if (dlk_cert_parse(DLK_BYTES(der, (size_t)n), &cert, &mine) ==
			    DLK_R_OK)
				dlk_certs_add(certs, cert);
			else if (bad++ == 0 && finding)
				*finding = mine;
		}
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	BIO_free(bio);
	if (found == 0)
		dlk_find(finding, DLK_STAGE_PARSE, DLK_R_CERTIFICATE_MALFORMED,
		    "no certificate in it");
	return bad;
}
