/* SPDX-License-Identifier: MIT */
/* crl.c - reads revocation lists and keeps them. Whether to believe one is revoked.c's. */
#include "core/crl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "core/crlset.h"

int
dlk_crls_new(struct dlk_crls **ret_crls)
{
	struct dlk_crls *crls = calloc(1, sizeof(*crls));

	if (!crls)
		return -ENOMEM;
	*ret_crls = crls;
	return 0;
}

void
dlk_crls_free(struct dlk_crls *crls)
{
	if (!crls)
		return;
	for (size_t i = 0; i < crls->n; i++) {
		X509_CRL_free(crls->crl[i].x509);
		free(crls->crl[i].label);
	}
	for (size_t i = 0; i < crls->n_refusals; i++) {
		free(crls->refusal[i].label);
		free(crls->refusal[i].words);
	}
	free(crls->crl);
	free(crls->refusal);
	free(crls);
}

size_t
dlk_crls_count(const struct dlk_crls *crls)
{
	return crls->n;
}

int
dlk_crls_refuse(struct dlk_crls *crls, const char *label, const char *words)
{
	struct dlk_crl_refusal *grown =
	    realloc(crls->refusal, (crls->n_refusals + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	crls->refusal = grown;
	grown[crls->n_refusals] =
	    (struct dlk_crl_refusal){ .label = strdup(label), .words = strdup(words) };
	crls->n_refusals++;
	if (!grown[crls->n_refusals - 1].label || !grown[crls->n_refusals - 1].words) {
		crls->n_refusals--;
		free(grown[crls->n_refusals].label);
		free(grown[crls->n_refusals].words);
		return -ENOMEM;
	}
	return 0;
}

static int
time_of(const ASN1_TIME *time, int64_t *ret_time)
{
	struct tm tm;

	if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
		return -EINVAL;
	return dlk_time_from_civil((int64_t)tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
	    tm.tm_hour, tm.tm_min, tm.tm_sec, ret_time);
}

/* Neither a delta nor limited in scope nor with anything critical: what is understood so far.
 */
static const char *
read_dates(struct dlk_crl *crl)
{
	if (time_of(X509_CRL_get0_lastUpdate(crl->x509), &crl->this_update) < 0 ||
	    time_of(X509_CRL_get0_nextUpdate(crl->x509), &crl->next_update) < 0)
		return "thisUpdate or nextUpdate is missing or is no date (RFC 5280 section "
		       "5.1.2)";
	for (int i = 0; i < X509_CRL_get_ext_count(crl->x509); i++)
		if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl->x509, i)))
			return "it has a critical extension that is not understood (RFC 5280 "
			       "section 5.2)";
	return NULL;
}

static enum dlk_reason
add_one(struct dlk_crls *crls, X509_CRL *x509, const char *label, struct dlk_finding *finding)
{
	struct dlk_crl crl = { .x509 = x509 };
	struct dlk_crl *grown = realloc(crls->crl, (crls->n + 1) * sizeof(*grown));
	const char *wrong = read_dates(&crl);

	if (grown)
		crls->crl = grown;
	crl.label = strdup(label);
	if (!grown || !crl.label || wrong) {
		free(crl.label);
		X509_CRL_free(x509);
		return wrong ? dlk_find(finding, DLK_STAGE_REVOKED, DLK_R_REVOCATION_UNKNOWN,
				   "%s: %s", label, wrong)
			     : dlk_find(finding, DLK_STAGE_REVOKED, DLK_R_FAULT_INTERNAL,
				   "out of memory");
	}
	crls->crl[crls->n++] = crl;
	return DLK_R_OK;
}

enum dlk_reason
dlk_crls_add_file(struct dlk_crls *crls, struct dlk_bytes content, const char *label,
    struct dlk_finding *finding)
{
	const uint8_t *at = content.p;
	enum dlk_reason reason;
	size_t n = crls->n;

	if (content.n > 0 && content.p[0] == 0x30) {
		X509_CRL *x509 = d2i_X509_CRL(NULL, &at, (long)content.n);
		if (x509 && at == content.p + content.n)
			return add_one(crls, x509, label, finding);
		X509_CRL_free(x509);
	} else {
		BIO *bio = BIO_new_mem_buf(content.p, (int)content.n);
		X509_CRL *x509;
		while (bio && (x509 = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL))) {
			reason = add_one(crls, x509, label, finding);
			if (reason != DLK_R_OK) {
				BIO_free(bio);
				return reason;
			}
		}
		BIO_free(bio);
	}
	if (crls->n > n)
		return DLK_R_OK;
	return dlk_find(finding, DLK_STAGE_REVOKED, DLK_R_REVOCATION_UNKNOWN,
	    "%s: there is no X.509 CRL in it", label);
}
