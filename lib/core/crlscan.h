/* SPDX-License-Identifier: MIT */
/*
 * crlscan.h - one CRL read strictly (RFC 5280 section 5) from a stream, in memory that does
 * not grow with its entries. Shape alone: extensions of the list are handed on as octets, and
 * the signature is for whoever knows the signer.
 */
#ifndef DLK_CORE_CRLSCAN_H
#define DLK_CORE_CRLSCAN_H

#include "core/octets.h"

#define DLK_CRL_DIGEST_MAX 64

enum {
	DLK_CRL_REASON_NONE = 0, /* no reasonCode; the value that RFC 5280 forbids to write */
	DLK_CRL_REASON_HOLD = 6,
	DLK_CRL_REASON_REMOVE = 8
};

/* Borrowed for the call. `issuer` is the Name of a certificateIssuer extension, empty where
 * the entry has none (the one before it holds on). */
struct dlk_crl_entry {
	struct dlk_bytes serial; /* INTEGER content */
	struct dlk_bytes issuer;
	int64_t date;
	uint8_t reason;
};

/* Who takes the entries, up to DLK_CRL_ENTRIES of them at once. 0, or what the scan is ended
 * with. */
#define DLK_CRL_ENTRIES 64
struct dlk_crl_sink {
	int (*begin)(void *ctx, size_t list_size); /* octets of all entries */
	int (*entries)(void *ctx, const struct dlk_crl_entry *entry, size_t n);
	void *ctx;
};

/* All but the entries. */
struct dlk_crl_parts {
	struct dlk_buf issuer;     /* Name */
	struct dlk_buf algorithm;  /* AlgorithmIdentifier */
	struct dlk_buf extensions; /* content of Extensions, empty where there are none */
	struct dlk_buf signature;  /* without the octet of unused bits */
	struct dlk_buf
	    signed_part; /* tbsCertList whole, where the algorithm signs no digest */
	uint8_t digest[DLK_CRL_DIGEST_MAX];
	size_t digest_n; /* 0: see signed_part */
	int64_t this_update, next_update;
	uint64_t entries;
	bool entry_issuers; /* an entry has a certificateIssuer */
};
void dlk_crl_parts_fini(struct dlk_crl_parts *parts);
#define DLK_AUTO_CRL_PARTS __attribute__((cleanup(dlk_crl_parts_fini))) struct dlk_crl_parts

/* Reads the stream to its end. 0; -EBADMSG for a list that breaks a rule, which is then in
 * *ret_rule (static); -errno of the source, of the sink, or for memory. */
int dlk_crl_scan(const struct dlk_octet_source *source, const struct dlk_crl_sink *sink,
    struct dlk_crl_parts *ret_parts, const char **ret_rule);

#endif
