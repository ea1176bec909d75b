/* SPDX-License-Identifier: MIT */
/*
 * pki.h - certificates for tests, written octet by octet, so that a wrong one is as easy as
 * a right one. Every call fails the test where it cannot do what it is asked.
 */
#ifndef DLK_TESTS_PKI_H
#define DLK_TESTS_PKI_H

#include <openssl/evp.h>

#include "base/bytes.h"
#include "core/cert.h"

#define PKI_NOW INT64_C(1760000000) /* 2025-10-09; certificates hold a year around it */
#define PKI_DAY INT64_C(86400)

enum pki_kind {
	PKI_P256 = 0,
	PKI_P384,
	PKI_P521,
	PKI_ED25519,
	PKI_RSA,      /* 2048 bits */
	PKI_RSA_1024, /* too small */
	PKI_KINDS
};
/* The n-th key of a kind, made once in a process; borrowed. */
#define PKI_KEYS 16
EVP_PKEY *pki_key(enum pki_kind kind, unsigned n);

/* DER, by appending. `what` is wrapped in place: what stands from `at` on gets a head. */
void pki_add(struct dlk_buf *der, const void *octets, size_t n);
void pki_wrap(struct dlk_buf *der, size_t at, uint8_t tag);
void pki_element(struct dlk_buf *der, uint8_t tag, const void *octets, size_t n);
void pki_oid(struct dlk_buf *der, const char *dotted);
/* "CN=a/O=b", one attribute in each RDN. "" is empty. */
void pki_name(struct dlk_buf *der, const char *text);

/* Either `conf`, as OpenSSL's configuration writes it ("critical," is `critical` here), or
 * the octets of the value. */
struct pki_extension {
	const char *oid; /* dotted */
	bool critical;
	const char *conf;
	const void *octets;
	size_t n;
};
#define PKI_EXTENSIONS 12

struct pki_spec {
	const char *subject; /* as pki_name takes it */
	const char *issuer;  /* NULL: the subject of `by`, or its own */
	const struct pki_spec *by;
	EVP_PKEY *key;                 /* NULL: the first P-256 key */
	EVP_PKEY *signer;              /* NULL: the key of `by`, or its own */
	const char *digest;            /* NULL: SHA256 */
	int64_t not_before, not_after; /* 0: PKI_NOW half a year less, half a year more */
	unsigned serial;               /* 0: 1 */
	struct pki_extension extension[PKI_EXTENSIONS];
	/* what is wrong, or odd */
	const void *version;       /* the whole field, of version_n octets; NULL: v3 */
	size_t version_n;          /* SIZE_MAX with NULL: no field, which is v1 */
	const void *serial_octets; /* content */
	size_t serial_n;
	struct dlk_bytes subject_der, spki; /* whole, in place of what is made */
	bool bad_signature, other_algorithm_outside, no_extensions;
	const char *algorithm; /* dotted, in place of the right one (no parameters) */
};

/* The usual three. A CA has keyCertSign and cRLSign, a leaf digitalSignature and clientAuth.
 */
struct pki_spec pki_ca(const char *subject, const struct pki_spec *by, EVP_PKEY *key);
struct pki_spec pki_leaf(const char *subject, const struct pki_spec *by);
/* Puts the extension in the place of one with its OID, or behind them; without conf and
 * octets takes it away. */
void pki_set(struct pki_spec *spec, const char *oid, bool critical, const char *conf);
void pki_set_octets(
    struct pki_spec *spec, const char *oid, bool critical, const void *octets, size_t n);
void pki_unset(struct pki_spec *spec, const char *oid);

#define PKI_BASIC       "2.5.29.19"
#define PKI_USAGE       "2.5.29.15"
#define PKI_PURPOSES    "2.5.29.37"
#define PKI_ALT_NAME    "2.5.29.17"
#define PKI_CONSTRAINTS "2.5.29.30"
#define PKI_POLICIES    "2.5.29.32"
#define PKI_MAPPINGS    "2.5.29.33"
#define PKI_DEMANDS     "2.5.29.36" /* policyConstraints */
#define PKI_INHIBIT_ANY "2.5.29.54"
#define PKI_KEY_ID      "2.5.29.14"
#define PKI_ISSUER_KEY  "2.5.29.35"
#define PKI_ACCESS      "1.3.6.1.5.5.7.1.1"

/* The certificate as DER, and read: the second fails where dlk_cert_parse refuses. */
void pki_make(const struct pki_spec *spec, struct dlk_buf *der);
struct dlk_cert *pki_cert(const struct pki_spec *spec);
void pki_pem(const struct pki_spec *spec, struct dlk_buf *pem);

#endif
