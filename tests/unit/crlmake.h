/* SPDX-License-Identifier: MIT */
/* crlmake.h - CRLs for tests, octet by octet, so that each part can be wrong. */
#ifndef DLK_TESTS_CRLMAKE_H
#define DLK_TESTS_CRLMAKE_H

#include <openssl/evp.h>

#include "base/bytes.h"

/* Hexadecimal throughout; NULL is what a good list has. "" leaves a part out. */
struct crl_recipe {
	const char *version; /* INTEGER */
	const char *algorithm, *outer_algorithm;
	const char *issuer;
	const char *this_update, *next_update;
	const char *entries;    /* content of revokedCertificates; "" for none at all */
	const char *list;       /* revokedCertificates whole, instead of `entries` */
	const char *extensions; /* content of Extensions; "" for none at all */
	const char *behind_tbs; /* at the end of tbsCertList */
	const char *behind;     /* at the end of CertificateList */
	EVP_PKEY *key;          /* signs; NULL: the signature is octets of nothing */
};

/* One element; `parts` are hexadecimal and end with NULL. The text is for free(). */
char *der_hex(unsigned tag, ...);
/* An entry: serial number in hexadecimal, and its extensions' content ("" for none). */
char *crl_entry_hex(const char *serial, const char *extensions);
/* An extension: OID and value, whole, in hexadecimal. */
char *extension_hex(const char *oid, bool critical, const char *value);
/* DER; for dlk_buf_free(). */
struct dlk_buf crl_make(const struct crl_recipe *recipe);
/* A list with n entries whose serial numbers are pseudo-random, `serial_n` octets each. */
struct dlk_buf crl_make_big(size_t n, size_t serial_n, EVP_PKEY *key);
/* The same with everything but its entries from a recipe. */
struct dlk_buf crl_make_many(const struct crl_recipe *recipe, size_t n, size_t serial_n);
/* The serial number of entry i of such a list; serial_n octets. */
void crl_big_serial(size_t i, size_t serial_n, uint8_t *ret_serial);

#define HEX_CN_CA "300d310b3009060355040313024341" /* CN=CA */

#endif
