/* SPDX-License-Identifier: MIT */
/* crlurls.h - where lists of revocation are to be fetched from. */
#ifndef DLK_AGENT_CRLURLS_H
#define DLK_AGENT_CRLURLS_H

#include "config/engine.h"

#define DLK_CRL_URLS_MAX   128
#define DLK_CRL_URL_MAX    1023
#define DLK_CRL_URL_NAME   37 /* 32 digits of the URL's SHA-256, ".crl" */
#define DLK_CRL_URL_ISSUER 255

struct dlk_crl_url {
	char url[DLK_CRL_URL_MAX + 1]; /* printable, without spaces */
	char name[DLK_CRL_URL_NAME];   /* of its file */
	char
	    issuer[DLK_CRL_URL_ISSUER + 1]; /* whose list it is said to be; may be cut short */
	bool configured;                    /* an operator named it, and no certificate */
	bool refused;                       /* ldap, file and the like */
};
/* Zeroed memory is empty. */
struct dlk_crl_urls {
	struct dlk_crl_url url[DLK_CRL_URLS_MAX];
	size_t n;
	struct dlk_certs signers; /* CAs that stand in paths and not in the trust */
	int64_t latest;           /* row of the table of wanted lists (store/wanted.h) */
};
void dlk_crl_urls_fini(struct dlk_crl_urls *urls);
#define DLK_AUTO_CRL_URLS __attribute__((cleanup(dlk_crl_urls_fini))) struct dlk_crl_urls

/* Each once; what is no URL at all, and what is beyond the bound, is passed over. */
void dlk_crl_urls_add(
    struct dlk_crl_urls *urls, struct dlk_bytes url, const char *issuer, bool configured);
/* The distribution points of a certificate, and of its freshest list (core/points.h). */
void dlk_crl_urls_add_cert(struct dlk_crl_urls *urls, const struct dlk_cert *cert);
/*
 * Those of the configuration; with fetch=yes also those of intermediates, anchors, of the
 * registered certificates that have a path at `now`, of the certificates that were judged, and
 * of the lists that are held and signed by one of these CAs. None where revocation is off. 0,
 * or -errno where the registered certificates could not be looked at.
 */
int dlk_crl_urls_collect(
    struct dlk_crl_urls *urls, const struct dlk_engine *engine, uid_t owner, int64_t now);
/* A CA of the trust, or one of `urls`, has signed the i-th list. */
bool dlk_crl_urls_signed(const struct dlk_crl_urls *urls, const struct dlk_trust *trust,
    const struct dlk_crls *crls, size_t i);

#endif
