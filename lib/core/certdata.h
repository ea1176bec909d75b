/* SPDX-License-Identifier: MIT */
/* certdata.h - what a certificate holds once it was read: for the files that read it and for
 * those that judge paths (RFC 5280 section 4). Private to lib/core. */
#ifndef DLK_CORE_CERTDATA_H
#define DLK_CORE_CERTDATA_H

#include <openssl/x509v3.h>

#include "core/cert.h"

struct dlk_cert {
	unsigned refs;
	X509 *x509;
	EVP_PKEY *key; /* borrowed from x509 */
	struct dlk_buf der;
	struct dlk_bytes subject, issuer, spki, serial, extensions; /* within der */
	uint8_t fingerprint[DLK_SHA256_SIZE], key_id[DLK_SHA256_SIZE];
	int64_t not_before, not_after;
	bool well_signed; /* with an algorithm that is accepted; by whom is another question */

	/* out of the extensions */
	int version; /* 1, 2 or 3 */
	bool is_ca;
	int64_t path_len; /* -1: none */
	bool has_key_usage, has_purposes;
	uint32_t key_usage; /* KU_… of x509v3.h */
	bool for_clients, for_anything, for_ssh;
	bool self_issued;
	NAME_CONSTRAINTS *constraints;
	bool has_policies;      /* certificatePolicies */
	int64_t explicit_after; /* requireExplicitPolicy; -1: none */
	unsigned n_policies;    /* and mappings: what a tree of policies grows from */

	char subject_text[DLK_DN_MAX + 1], issuer_text[DLK_DN_MAX + 1];
	char serial_text[2 * DLK_SERIAL_MAX + 1];
	char fingerprint_text[DLK_FINGERPRINT_HEX + 1];
	char label[DLK_DN_MAX + 64];
};

/* A rule that the certificate breaks: its words go into the finding. */
#define DLK_MALFORMED(finding, ...)                                                           \
	dlk_find((finding), DLK_STAGE_PARSE, DLK_R_CERTIFICATE_MALFORMED, __VA_ARGS__)

/* The names and extensions of a certificate whose x509 is set; fills in what they say. */
enum dlk_reason dlk_profile_check(struct dlk_cert *cert, struct dlk_finding *finding);
/* Its public key is one that can be used safely, whatever its size. */
enum dlk_reason dlk_pubkey_check(const struct dlk_cert *cert, struct dlk_finding *finding);

#endif
