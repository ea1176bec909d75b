/* SPDX-License-Identifier: MIT */
/*
 * cert.c - one certificate, read strictly. The frame is walked by a reader of our own before
 * OpenSSL sees an octet, because OpenSSL reads BER, passes over what stands behind the end,
 * and takes versions, defaults and doubled extensions that no CA writes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/certdata.h"
#include "core/der.h"
#include "core/sigalg.h"

enum {
	TAG_VERSION = 0xa0,
	TAG_ISSUER_ID = 0x81,
	TAG_SUBJECT_ID = 0x82,
	TAG_EXTENSIONS = 0xa3
};

static bool
next_tag_is(struct dlk_bytes in, uint8_t tag)
{
	return in.n > 0 && in.p[0] == tag;
}

/* DEFAULT v1 is not written, so a version that is there is 2 or 3. */
static bool
take_version(struct dlk_bytes *tbs, struct dlk_cert *cert)
{
	struct dlk_bytes wrapped, number;

	cert->version = 1;
	if (!next_tag_is(*tbs, TAG_VERSION))
		return true;
	if (!dlk_der_expect(tbs, TAG_VERSION, &wrapped) ||
	    !dlk_der_expect(&wrapped, DLK_DER_INTEGER, &number) || wrapped.n != 0 ||
	    number.n != 1 || number.p[0] < 1 || number.p[0] > 2)
		return false;
	cert->version = number.p[0] + 1;
	return true;
}

static bool
take_validity(struct dlk_bytes *tbs, struct dlk_cert *cert)
{
	struct dlk_bytes validity, from, until;
	uint8_t tag_from, tag_until;

	return dlk_der_expect(tbs, DLK_DER_SEQUENCE, &validity) &&
	       dlk_der_take(&validity, &tag_from, NULL, &from) &&
	       dlk_der_take(&validity, &tag_until, NULL, &until) && validity.n == 0 &&
	       dlk_der_time(tag_from, from, &cert->not_before) &&
	       dlk_der_time(tag_until, until, &cert->not_after);
}

/* An element with this tag, head included. */
static bool
take_whole(struct dlk_bytes *in, uint8_t tag, struct dlk_bytes *ret_whole,
    struct dlk_bytes *ret_content)
{
	uint8_t found;

	return next_tag_is(*in, tag) && dlk_der_take(in, &found, ret_whole, ret_content);
}

static const char *
take_extensions(struct dlk_bytes *tbs, struct dlk_cert *cert)
{
	struct dlk_bytes wrapped, unused;

	for (uint8_t tag = TAG_ISSUER_ID; tag <= TAG_SUBJECT_ID; tag++)
		if (next_tag_is(*tbs, tag) &&
		    (cert->version == 1 || !dlk_der_expect(tbs, tag, &unused)))
			return "a unique identifier where none may be";
	if (tbs->n == 0)
		return NULL;
	if (cert->version != 3)
		return "extensions in a certificate that is not of version 3 (RFC 5280 "
		       "section "
		       "4.1.2.9)";
	if (!dlk_der_expect(tbs, TAG_EXTENSIONS, &wrapped) ||
	    !dlk_der_expect(&wrapped, DLK_DER_SEQUENCE, &cert->extensions) || wrapped.n != 0 ||
	    tbs->n != 0)
		return "something behind its last field";
	return dlk_der_extensions_ok(cert->extensions)
		   ? NULL
		   : "extensions that are not DER, more than 64, or one of them twice (RFC "
		     "5280 section 4.2)";
}

static const char *
walk_tbs(struct dlk_bytes tbs, struct dlk_bytes outer_algorithm, struct dlk_cert *cert)
{
	struct dlk_bytes inner, content;

	if (!take_version(&tbs, cert))
		return "a version other than 1, 2 or 3 (RFC 5280 section 4.1.2.1)";
	if (!dlk_der_expect(&tbs, DLK_DER_INTEGER, &cert->serial))
		return "no serial number";
	if (cert->serial.n > DLK_SERIAL_MAX)
		return "a serial number of more than 20 octets (RFC 5280 section 4.1.2.2)";
	if (!take_whole(&tbs, DLK_DER_SEQUENCE, &inner, NULL) ||
	    !dlk_bytes_equal(inner, outer_algorithm))
		return "two different signature algorithms inside and outside (RFC 5280 "
		       "section "
		       "4.1.1.2)";
	if (!take_whole(&tbs, DLK_DER_SEQUENCE, &cert->issuer, &content) || content.n == 0)
		return "an empty issuer (RFC 5280 section 4.1.2.4)";
	if (!take_validity(&tbs, cert))
		return "dates that are not as RFC 5280 section 4.1.2.5 writes them";
	if (!take_whole(&tbs, DLK_DER_SEQUENCE, &cert->subject, NULL))
		return "no subject";
	if (!take_whole(&tbs, DLK_DER_SEQUENCE, &cert->spki, NULL))
		return "no public key";
	return take_extensions(&tbs, cert);
}

/* NULL, or what the certificate has. */
static const char *
walk(struct dlk_cert *cert)
{
	struct dlk_bytes in = dlk_bytes_of(&cert->der), whole, tbs, outer, signature;
	struct dlk_sigalg unused;

	if (!dlk_der_strict(in))
		return "an encoding that is not DER";
	if (!dlk_der_expect(&in, DLK_DER_SEQUENCE, &whole) || in.n != 0)
		return "something behind its end";
	if (!dlk_der_expect(&whole, DLK_DER_SEQUENCE, &tbs) ||
	    !take_whole(&whole, DLK_DER_SEQUENCE, &outer, NULL) ||
	    !dlk_der_expect(&whole, DLK_DER_BIT_STRING, &signature) || whole.n != 0 ||
	    signature.n < 2 || signature.p[0] != 0)
		return "not the three parts of a certificate (RFC 5280 section 4.1)";
	cert->well_signed = dlk_sigalg_read(outer, DLK_SIGALG_SHA224, &unused);
	return walk_tbs(tbs, outer, cert);
}

static void
name_text(const X509_NAME *name, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n = 0;

	/* RFC 2253's escapes stand already; what remains is ASCII but for our own certainty */
	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_get_mem_data(bio, &text);
	out[0] = '\0';
	for (long i = 0; i < n && (size_t)i + 1 < size; i++) {
		out[i] = (char)(text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?');
		out[i + 1] = '\0';
	}
	BIO_free(bio);
}

static enum dlk_reason
describe(struct dlk_cert *cert, struct dlk_finding *finding)
{
	if (EVP_Digest(
		cert->der.p, cert->der.n, cert->fingerprint, NULL, EVP_sha256(), NULL) != 1 ||
	    EVP_Digest(cert->spki.p, cert->spki.n, cert->key_id, NULL, EVP_sha256(), NULL) !=
		1)
		return dlk_find(
		    finding, DLK_STAGE_PARSE, DLK_R_FAULT_INTERNAL, "out of memory");
	dlk_hex(cert->serial, cert->serial_text);
	dlk_hex(DLK_BYTES(cert->fingerprint, DLK_SHA256_SIZE), cert->fingerprint_text);
	name_text(
	    X509_get_subject_name(cert->x509), cert->subject_text, sizeof(cert->subject_text));
	name_text(
	    X509_get_issuer_name(cert->x509), cert->issuer_text, sizeof(cert->issuer_text));
	dlk_text_print(cert->label, sizeof(cert->label), "%s (serial %s)",
	    cert->subject_text[0] ? cert->subject_text : "a certificate without subject",
	    cert->serial_text);
	if (cert->not_after == INT64_C(253402300799))
		cert->not_after = DLK_TIME_NEVER; /* RFC 5280 section 4.1.2.5 */
	return DLK_R_OK;
}

static enum dlk_reason
read_cert(struct dlk_cert *cert, struct dlk_finding *finding)
{
	const char *what = walk(cert);
	const uint8_t *p = cert->der.p;
	enum dlk_reason reason;

	if (what)
		return DLK_MALFORMED(finding, "the certificate has %s", what);
	cert->x509 = d2i_X509(NULL, &p, (long)cert->der.n);
	if (!cert->x509 || p != cert->der.p + cert->der.n)
		return DLK_MALFORMED(finding, "OpenSSL does not read the certificate");
	/* fills what X509's own functions look into: name constraints need it */
	if (X509_check_purpose(cert->x509, -1, 0) != 1)
		return DLK_MALFORMED(
		    finding, "OpenSSL finds an extension in it that is not sound");
	reason = describe(cert, finding);
	if (reason == DLK_R_OK)
		reason = dlk_pubkey_check(cert, finding);
	if (reason != DLK_R_OK)
		return reason;
	cert->key = X509_get0_pubkey(cert->x509);
	return dlk_profile_check(cert, finding);
}

enum dlk_reason
dlk_cert_parse(struct dlk_bytes der, struct dlk_cert **ret_cert, struct dlk_finding *finding)
{
	struct dlk_cert *cert = calloc(1, sizeof(*cert));
	enum dlk_reason reason = DLK_R_OK;
	int error = -ENOMEM;

	if (cert) {
		cert->refs = 1;
		error = dlk_buf_add(&cert->der, DLK_CERT_MAX, der);
	}
	if (error == -EMSGSIZE)
		reason = DLK_MALFORMED(
		    finding, "the certificate is longer than %d octets", DLK_CERT_MAX);
	else if (error != 0)
		reason =
		    dlk_find(finding, DLK_STAGE_PARSE, DLK_R_FAULT_INTERNAL, "out of memory");
	if (reason == DLK_R_OK)
		reason = read_cert(cert, finding);
	if (reason == DLK_R_OK)
		*ret_cert = cert;
	else
		dlk_cert_free(cert);
	return reason;
}

struct dlk_cert *
dlk_cert_ref(const struct dlk_cert *cert)
{
	struct dlk_cert *same;

	/* counting is all that a holder of a const certificate may change in it */
	memcpy(&same, &cert, sizeof(same));
	__atomic_add_fetch(&same->refs, 1, __ATOMIC_RELAXED);
	return same;
}

void
dlk_cert_free(struct dlk_cert *cert)
{
	if (!cert || __atomic_sub_fetch(&cert->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	NAME_CONSTRAINTS_free(cert->constraints);
	X509_free(cert->x509);
	dlk_buf_free(&cert->der);
	free(cert);
}

void
dlk_cert_cleanup(struct dlk_cert **cert)
{
	dlk_cert_free(*cert);
}

X509 *
dlk_cert_x509(const struct dlk_cert *cert)
{
	return cert->x509;
}

EVP_PKEY *
dlk_cert_key(const struct dlk_cert *cert)
{
	return cert->key;
}

struct dlk_bytes
dlk_cert_der(const struct dlk_cert *cert)
{
	return dlk_bytes_of(&cert->der);
}

struct dlk_bytes
dlk_cert_subject_der(const struct dlk_cert *cert)
{
	return cert->subject;
}

struct dlk_bytes
dlk_cert_issuer_der(const struct dlk_cert *cert)
{
	return cert->issuer;
}

struct dlk_bytes
dlk_cert_spki_der(const struct dlk_cert *cert)
{
	return cert->spki;
}

struct dlk_bytes
dlk_cert_serial(const struct dlk_cert *cert)
{
	return cert->serial;
}

const uint8_t *
dlk_cert_fingerprint(const struct dlk_cert *cert)
{
	return cert->fingerprint;
}

const uint8_t *
dlk_cert_key_id(const struct dlk_cert *cert)
{
	return cert->key_id;
}

int64_t
dlk_cert_not_before(const struct dlk_cert *cert)
{
	return cert->not_before;
}

int64_t
dlk_cert_not_after(const struct dlk_cert *cert)
{
	return cert->not_after;
}

const char *
dlk_cert_subject(const struct dlk_cert *cert)
{
	return cert->subject_text;
}

const char *
dlk_cert_issuer(const struct dlk_cert *cert)
{
	return cert->issuer_text;
}

const char *
dlk_cert_serial_text(const struct dlk_cert *cert)
{
	return cert->serial_text;
}

const char *
dlk_cert_fingerprint_text(const struct dlk_cert *cert)
{
	return cert->fingerprint_text;
}

const char *
dlk_cert_label(const struct dlk_cert *cert)
{
	return cert->label;
}

void
dlk_cert_describe(const struct dlk_cert *cert, struct dlk_verdict *verdict)
{
	dlk_text_copy(verdict->subject, sizeof(verdict->subject), cert->subject_text);
	dlk_text_copy(verdict->issuer, sizeof(verdict->issuer), cert->issuer_text);
	dlk_text_copy(verdict->serial, sizeof(verdict->serial), cert->serial_text);
	dlk_text_copy(
	    verdict->fingerprint, sizeof(verdict->fingerprint), cert->fingerprint_text);
}
