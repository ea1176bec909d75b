/* SPDX-License-Identifier: MIT */
/*
 * cert.h - one certificate that was read strictly (RFC 5280 section 4), immutable and
 * counted. Reading judges the form of one certificate; whether it leads anywhere is path.h's.
 */
#ifndef DLK_CORE_CERT_H
#define DLK_CORE_CERT_H

#include <openssl/x509.h>

#include "model/verdict.h"

#define DLK_SHA256_SIZE 32
#define DLK_CERT_MAX    (64 * 1024) /* octets of one certificate */
#define DLK_SERIAL_MAX  20          /* RFC 5280 section 4.1.2.2 */

struct dlk_cert;
struct dlk_known;

/* Exactly one certificate, strict DER, nothing behind it. DLK_R_OK and a reference of the
 * caller's, or the reason (certificate-malformed, unknown-critical-extension, weak-key,
 * bad-signature for algorithms that are never accepted) with the rule in `finding`. */
enum dlk_reason dlk_cert_parse(
    struct dlk_bytes der, struct dlk_cert **ret_cert, struct dlk_finding *finding);
struct dlk_cert *dlk_cert_ref(const struct dlk_cert *cert);
void dlk_cert_free(struct dlk_cert *cert); /* gives one reference back; NULL is fine */
void dlk_cert_cleanup(struct dlk_cert **cert);
#define DLK_AUTO_CERT __attribute__((cleanup(dlk_cert_cleanup))) struct dlk_cert

/* All borrowed, for as long as the certificate lives. */
X509 *dlk_cert_x509(const struct dlk_cert *cert);
EVP_PKEY *dlk_cert_key(const struct dlk_cert *cert);
struct dlk_bytes dlk_cert_der(const struct dlk_cert *cert);
struct dlk_bytes dlk_cert_subject_der(const struct dlk_cert *cert);
struct dlk_bytes dlk_cert_issuer_der(const struct dlk_cert *cert);
struct dlk_bytes dlk_cert_spki_der(const struct dlk_cert *cert);
struct dlk_bytes dlk_cert_serial(const struct dlk_cert *cert);    /* INTEGER content octets */
const uint8_t *dlk_cert_fingerprint(const struct dlk_cert *cert); /* SHA-256 of the DER */
const uint8_t *dlk_cert_key_id(const struct dlk_cert *cert);      /* SHA-256 of the SPKI DER */
int64_t dlk_cert_not_before(const struct dlk_cert *cert);
int64_t dlk_cert_not_after(
    const struct dlk_cert *cert); /* DLK_TIME_NEVER for 99991231235959Z */
const char *dlk_cert_subject(const struct dlk_cert *cert); /* RFC 4514 text, escaped ASCII */
const char *dlk_cert_issuer(const struct dlk_cert *cert);
const char *dlk_cert_serial_text(const struct dlk_cert *cert); /* lower-case hex */
const char *dlk_cert_fingerprint_text(const struct dlk_cert *cert);
const char *dlk_cert_label(const struct dlk_cert *cert); /* for details: CN=x (serial 0a) */

/* subject, issuer, serial and fingerprint of the verdict */
void dlk_cert_describe(const struct dlk_cert *cert, struct dlk_verdict *verdict);

/* Owned references. Zeroed memory is an empty list. */
struct dlk_certs {
	struct dlk_cert **cert;
	size_t n;
	struct dlk_known *known; /* borrowed: certificates that need not be read again; or
				    NULL */
};
void dlk_certs_fini(struct dlk_certs *certs);
#define DLK_AUTO_CERTS __attribute__((cleanup(dlk_certs_fini))) struct dlk_certs
/* Takes the reference in every case; 0 or -ENOMEM. */
int dlk_certs_add(struct dlk_certs *certs, struct dlk_cert *cert);

/* Exactly one certificate, as by dlk_cert_parse, added to the list. */
enum dlk_reason dlk_certs_parse(
    struct dlk_bytes der, struct dlk_certs *certs, struct dlk_finding *finding);
/* DER certificates one after another, as a request's chain carries them. A certificate that
 * is malformed or more than `most` refuses the whole; one that is sound and can serve nobody
 * (weak-key, unknown-critical-extension) is left out. */
enum dlk_reason dlk_certs_parse_chain(
    struct dlk_bytes der, size_t most, struct dlk_certs *certs, struct dlk_finding *finding);
/* A file: PEM with any number of certificates (CERTIFICATE, X509 CERTIFICATE, TRUSTED
 * CERTIFICATE is refused), or one DER. Adds what is good and returns how many certificates
 * were left out; the first refusal is in `finding`. A file with none has 0 added and
 * certificate-malformed in `finding`; returns -ENOMEM where memory ran out. */
int dlk_certs_parse_file(struct dlk_bytes content, size_t most, struct dlk_certs *certs,
    struct dlk_finding *finding);

#endif
