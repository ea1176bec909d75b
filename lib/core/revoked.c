/* SPDX-License-Identifier: MIT */
/*
 * revoked.c - judges a path against revocation lists. The one maker of struct dlk_cleared;
 * it reads no name of a person and no file.
 */
#include "core/revoked.h"

#include <stdlib.h>

#include <openssl/x509v3.h>

#include "base/clock.h"
#include "core/crlset.h"

struct dlk_cleared {
	const struct dlk_path *path;
	int64_t good_until;
};

struct asking {
	const struct dlk_crls *crls;
	const struct dlk_revocation_rules *rules;
	int64_t now;
	int64_t good_until;
	struct dlk_finding *finding;
};

static bool
signed_by(const struct dlk_crl *crl, const struct dlk_cert *issuer)
{
	X509 *x509 = dlk_cert_x509(issuer);
	uint32_t usage = X509_get_key_usage(x509); /* all bits where it is absent */

	return (usage & KU_CRL_SIGN) &&
	       X509_NAME_cmp(X509_CRL_get_issuer(crl->x509), X509_get_subject_name(x509)) ==
		   0 &&
	       X509_CRL_verify(crl->x509, dlk_cert_key(issuer)) == 1;
}

/* The newest list that the issuer signed and that has begun. */
static const struct dlk_crl *
find_list(const struct asking *a, const struct dlk_cert *issuer)
{
	const struct dlk_crl *best = NULL;

	for (size_t i = 0; i < a->crls->n; i++) {
		const struct dlk_crl *crl = &a->crls->crl[i];
		if (crl->this_update <= a->now &&
		    (!best || crl->this_update > best->this_update) && signed_by(crl, issuer))
			best = crl;
	}
	return best;
}

static enum dlk_reason
no_list(const struct asking *a, const struct dlk_cert *cert)
{
	if (a->rules->mode == DLK_REVOCATION_PREFER && a->crls->n_refusals == 0)
		return DLK_R_OK;
	if (a->crls->n_refusals > 0)
		return dlk_find(a->finding, DLK_STAGE_REVOKED, DLK_R_REVOCATION_UNKNOWN,
		    "no usable CRL covers %s; %s: %s", dlk_cert_label(cert),
		    a->crls->refusal[0].label, a->crls->refusal[0].words);
	return dlk_find(a->finding, DLK_STAGE_REVOKED, DLK_R_REVOCATION_UNKNOWN,
	    "no CRL of its issuer %s covers %s (RFC 5280 section 6.3)", dlk_cert_issuer(cert),
	    dlk_cert_label(cert));
}

static int64_t
later(int64_t when, int64_t by)
{
	int64_t sum;

	return __builtin_add_overflow(when, by, &sum) ? DLK_TIME_NEVER : sum;
}

static enum dlk_reason
judge_one(struct asking *a, const struct dlk_cert *cert, const struct dlk_cert *issuer)
{
	const struct dlk_crl *crl = find_list(a, issuer);
	X509_REVOKED *entry;
	char text[DLK_TIME_TEXT];

	if (!crl)
		return no_list(a, cert);
	int64_t until = later(crl->next_update, a->rules->grace);
	if (a->rules->max_age > 0 && later(crl->this_update, a->rules->max_age) < until)
		until = later(crl->this_update, a->rules->max_age);
	if (X509_CRL_get0_by_cert(crl->x509, &entry, dlk_cert_x509(cert)) == 1)
		return dlk_find(a->finding, DLK_STAGE_REVOKED, DLK_R_REVOKED,
		    "%s is revoked by %s (RFC 5280 section 6.3.3)", dlk_cert_label(cert),
		    crl->label);
	if (a->now > until) {
		dlk_time_text(crl->next_update, text);
		return dlk_find(a->finding, DLK_STAGE_REVOKED, DLK_R_CRL_STALE,
		    "%s: the CRL that covers %s is too old (nextUpdate %s)", crl->label,
		    dlk_cert_label(cert), text);
	}
	if (until < a->good_until)
		a->good_until = until;
	return DLK_R_OK;
}

enum dlk_reason
dlk_path_clear(const struct dlk_path *path, const struct dlk_crls *crls,
    const struct dlk_trust *trust, const struct dlk_path_rules *path_rules,
    const struct dlk_revocation_rules *rules, int64_t now, struct dlk_cleared **ret_cleared,
    struct dlk_finding *finding)
{
	struct asking a = { .crls = crls,
		.rules = rules,
		.now = now,
		.good_until = path->good_until,
		.finding = finding };

	(void)trust;
	(void)path_rules;
	for (size_t i = 0; i + 1 < path->n && rules->mode != DLK_REVOCATION_OFF; i++) {
		enum dlk_reason reason = judge_one(&a, path->cert[i], path->cert[i + 1]);
		if (reason != DLK_R_OK)
			return reason;
	}
	struct dlk_cleared *cleared = malloc(sizeof(*cleared));
	if (!cleared)
		return dlk_find(
		    finding, DLK_STAGE_REVOKED, DLK_R_FAULT_INTERNAL, "out of memory");
	*cleared = (struct dlk_cleared){ .path = path, .good_until = a.good_until };
	*ret_cleared = cleared;
	return DLK_R_OK;
}

void
dlk_cleared_free(struct dlk_cleared *cleared)
{
	free(cleared);
}

const struct dlk_path *
dlk_cleared_path(const struct dlk_cleared *cleared)
{
	return cleared->path;
}

int64_t
dlk_cleared_good_until(const struct dlk_cleared *cleared)
{
	return cleared->good_until;
}
