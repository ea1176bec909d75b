/* SPDX-License-Identifier: MIT */
/* crlurls.h - where lists of revocation are to be fetched from. */
#ifndef DLK_AGENT_CRLURLS_H
#define DLK_AGENT_CRLURLS_H

#include "config/engine.h"

#define DLK_CRL_URLS_MAX 64
#define DLK_CRL_URL_MAX  1023
#define DLK_CRL_URL_NAME 37 /* 32 digits of the URL's SHA-256, ".crl" */

struct dlk_crl_url {
	char url[DLK_CRL_URL_MAX + 1]; /* printable, without spaces */
	char name[DLK_CRL_URL_NAME];   /* of its file */
	bool configured;               /* an operator named it, and no certificate */
	bool refused;                  /* ldap, file and the like */
};
struct dlk_crl_urls {
	struct dlk_crl_url url[DLK_CRL_URLS_MAX];
	size_t n;
};

/* Each once; what is no URL at all, and what is beyond the bound, is passed over. */
void dlk_crl_urls_add(struct dlk_crl_urls *urls, struct dlk_bytes url, bool configured);
/* The distribution points of a certificate (RFC 5280 section 4.2.1.13). */
void dlk_crl_urls_add_cert(struct dlk_crl_urls *urls, const struct dlk_cert *cert);
/*
 * Those of the configuration; with fetch=yes also those of intermediates, anchors, and the
 * registered certificates that have a path at `now`. None where revocation is off. 0, or
 * -errno where the registered certificates could not be looked at.
 */
int dlk_crl_urls_collect(
    struct dlk_crl_urls *urls, const struct dlk_engine *engine, uid_t owner, int64_t now);

#endif
