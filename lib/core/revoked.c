/* SPDX-License-Identifier: MIT */
/*
 * revoked.c - judges a path against revocation lists (RFC 5280 section 6.3). The one maker
 * of struct dlk_cleared; it reads no name of a person and no file.
 */
#include "core/revoked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/crlscope.h"

#define SIGNERS_DEEP 4  /* signers whose own status is judged, one for the other */
#define SEARCHES     16 /* searches for a signer's path, in one judgement */

struct dlk_cleared {
	const struct dlk_path *path;
	int64_t good_until;
};

struct asking {
	const struct dlk_path *path;
	const struct dlk_crls *crls;
	const struct dlk_trust *trust;
	const struct dlk_path_rules *path_rules;
	const struct dlk_revocation_rules *rules;
	int64_t now;
	int64_t good_until;
	const struct dlk_cert *signer[SIGNERS_DEEP]; /* whose status is being judged */
	size_t deep;
	size_t searches;
	struct dlk_finding *finding;
};

/* One certificate: what the lists said so far. */
struct status {
	const struct dlk_cert *cert, *issuer;
	unsigned covered;             /* reasons, by fresh lists */
	const struct dlk_crl *stale;  /* would have covered it */
	const struct dlk_crl *early;  /* its thisUpdate is still to come */
	const struct dlk_crl *orphan; /* nobody who may sign it did */
};

static int64_t
later(int64_t when, int64_t by)
{
	int64_t sum;

	return __builtin_add_overflow(when, by, &sum) ? DLK_TIME_NEVER : sum;
}

/* Until when a list may be used. */
static int64_t
holds_until(const struct asking *a, const struct dlk_crl *crl)
{
	int64_t until = later(crl->image.next_update, a->rules->grace);
	int64_t aged = later(crl->image.this_update, a->rules->max_age);

	return a->rules->max_age > 0 && aged < until ? aged : until;
}

static bool
may_sign(const struct dlk_cert *cert)
{
	/* all bits where there is no keyUsage */
	return (X509_get_key_usage(dlk_cert_x509(cert)) & KU_CRL_SIGN) != 0;
}

static bool
is_named(const struct dlk_cert *cert, X509_NAME *name)
{
	return X509_NAME_cmp(X509_get_subject_name(dlk_cert_x509(cert)), name) == 0;
}

static bool
made_by(struct dlk_crl *crl, const struct dlk_cert *cert)
{
	return is_named(cert, crl->issuer) && dlk_crl_holds(crl, cert);
}

/* [trust] check-anchors=no takes name and key of an anchor alone. */
static bool
signed_by(const struct asking *a, struct dlk_crl *crl, const struct dlk_cert *cert)
{
	bool blindly =
	    a->path_rules->trust_anchors_blindly && cert == a->path->cert[a->path->n - 1];

	return (blindly || may_sign(cert)) && made_by(crl, cert);
}

bool
dlk_crls_signed_by(const struct dlk_crls *crls, size_t i, const struct dlk_cert *cert)
{
	return may_sign(cert) && made_by(crls->crl[i], cert);
}

static const char *
reason_text(uint8_t reason)
{
	static const char *const texts[] = { "no reason given", "keyCompromise",
		"cACompromise", "affiliationChanged", "superseded", "cessationOfOperation",
		"certificateHold", "no reason given", "removeFromCRL", "privilegeWithdrawn",
		"aACompromise" };

	return texts[reason < sizeof(texts) / sizeof(texts[0]) ? reason : 0];
}

static enum dlk_reason
is_revoked(const struct asking *a, const struct status *s, const struct dlk_crl *crl,
    const struct dlk_crl_hit *hit)
{
	char since[DLK_TIME_TEXT];

	dlk_time_text(hit->date, since);
	return dlk_find(a->finding, DLK_STAGE_REVOKED, DLK_R_REVOKED,
	    "%s is revoked since %s (%s), says %s (RFC 5280 section 6.3.3)",
	    dlk_cert_label(s->cert), since, reason_text(hit->reason), crl->label);
}

static enum dlk_reason
is_damaged(const struct asking *a, const struct dlk_crl *crl)
{
	return dlk_find(a->finding, DLK_STAGE_REVOKED, DLK_R_REVOCATION_UNKNOWN,
	    "%s: the compiled list is damaged; 'doublelock crl compile' makes it anew",
	    crl->label);
}

/* The newest delta that goes on from the list and comes from its signer. */
static struct dlk_crl *
find_delta(const struct asking *a, const struct dlk_crl *crl, const struct dlk_cert *signer)
{
	struct dlk_crl *best = NULL;

	for (size_t i = 0; i < a->crls->n; i++) {
		struct dlk_crl *delta = a->crls->crl[i];
		if (dlk_crl_is_delta(delta) && dlk_crl_is_kin(delta, crl) &&
		    delta->image.this_update <= a->now && dlk_crl_is_newer(delta, crl) &&
		    (!best || dlk_crl_is_newer(delta, best)) && signed_by(a, delta, signer))
			best = delta;
	}
	return best;
}

/* RFC 5280 section 5.2.4: complete list and delta can be put together. */
static bool
delta_fits(const struct asking *a, const struct dlk_crl *delta, const struct dlk_crl *crl)
{
	return crl->number.given && dlk_crl_number_cmp(&delta->base, &crl->number) <= 0 &&
	       a->now <= holds_until(a, delta);
}

/* A list that is to be believed, with its delta (RFC 5280 section 6.3.3 i to k). What a delta
 * revokes is revoked even where the two cannot be put together; what it releases is not. */
static enum dlk_reason
ask_list(struct asking *a, struct status *s, struct dlk_crl *crl, unsigned mask,
    const struct dlk_cert *signer)
{
	X509_NAME *issuer = X509_get_issuer_name(dlk_cert_x509(s->cert));
	struct dlk_bytes serial = dlk_cert_serial(s->cert);
	struct dlk_crl *delta = find_delta(a, crl, signer);
	bool fits = delta && delta_fits(a, delta, crl), released = false;
	int64_t until = holds_until(a, crl);
	struct dlk_crl_hit hit = { 0 };
	int found = delta ? dlk_crl_find(delta, issuer, serial, &hit) : 0;

	if (found < 0)
		return is_damaged(a, delta);
	if (found > 0 && hit.reason != DLK_CRL_REASON_REMOVE)
		return is_revoked(a, s, delta, &hit);
	released = found > 0 && fits;
	found = released ? 0 : dlk_crl_find(crl, issuer, serial, &hit);
	if (found < 0)
		return is_damaged(a, crl);
	if (found > 0)
		return is_revoked(a, s, crl, &hit);
	if (a->now > until) {
		s->stale = crl;
		return DLK_R_OK;
	}
	s->covered |= mask;
	if (fits && holds_until(a, delta) < until)
		until = holds_until(a, delta);
	if (until < a->good_until)
		a->good_until = until;
	return DLK_R_OK;
}

/* A newer list of the same scope from the same signer stands beside it. One whose number says
 * newer and whose date says older replaces nothing: then both are asked. */
static bool
is_superseded(const struct asking *a, const struct dlk_crl *crl, const struct dlk_cert *signer)
{
	for (size_t i = 0; i < a->crls->n; i++) {
		struct dlk_crl *other = a->crls->crl[i];
		if (other != crl && !dlk_crl_is_delta(other) && dlk_crl_is_newer(other, crl) &&
		    other->image.this_update >= crl->image.this_update &&
		    other->image.this_update <= a->now && dlk_crl_is_kin(other, crl) &&
		    signed_by(a, other, signer))
			return true;
	}
	return false;
}

static enum dlk_reason judge_one(
    struct asking *a, const struct dlk_cert *cert, const struct dlk_cert *issuer);

static bool
same_cert(const struct dlk_cert *a, const struct dlk_cert *b)
{
	return memcmp(dlk_cert_fingerprint(a), dlk_cert_fingerprint(b), DLK_SHA256_SIZE) == 0;
}

/* The path of the certificate that is judged has it above: it is judged there. */
static bool
stands_in_path(const struct asking *a, const struct dlk_cert *cert)
{
	for (size_t i = 1; i < a->path->n; i++)
		if (same_cert(a->path->cert[i], cert))
			return true;
	for (size_t i = 0; i < a->deep; i++)
		if (same_cert(a->signer[i], cert))
			return true;
	return false;
}

static bool
same_anchor(const struct dlk_path *a, const struct dlk_path *b)
{
	const struct dlk_cert *x = a->cert[a->n - 1], *y = b->cert[b->n - 1];

	return memcmp(dlk_cert_key_id(x), dlk_cert_key_id(y), DLK_SHA256_SIZE) == 0 &&
	       is_named(x, X509_get_subject_name(dlk_cert_x509(y)));
}

/* Nothing of a signer's path is revoked. Its good_until counts as the path's own does. */
static bool
signer_path_clear(struct asking *a, const struct dlk_path *path)
{
	struct dlk_finding ignored;
	struct dlk_finding *finding = a->finding;
	int64_t good_until = a->good_until;
	bool clear = same_anchor(path, a->path);

	a->finding = &ignored;
	for (size_t i = 0; clear && i + 1 < path->n; i++)
		clear = judge_one(a, path->cert[i], path->cert[i + 1]) == DLK_R_OK;
	a->finding = finding;
	if (!clear)
		a->good_until = good_until;
	else if (path->good_until < a->good_until)
		a->good_until = path->good_until;
	return clear;
}

/* RFC 5280 section 6.3.3 (f): a path of its own, to the same anchor. */
static bool
has_path(struct asking *a, const struct dlk_cert *signer)
{
	DLK_AUTO_CERTS presented = { 0 };
	DLK_AUTO_PATHS *paths = NULL;
	struct dlk_path_rules rules = *a->path_rules;
	struct dlk_finding ignored;
	bool clear = false;

	if (a->deep == SIGNERS_DEEP || a->searches == SEARCHES)
		return false;
	a->searches++;
	rules.crl_signer = true;
	for (size_t i = 1; i + 1 < a->path->n; i++)
		if (dlk_certs_add(&presented, dlk_cert_ref(a->path->cert[i])) < 0)
			return false;
	if (dlk_paths_find(a->trust, &rules, signer, &presented, a->now, &paths, &ignored) !=
	    DLK_R_OK)
		return false;
	a->signer[a->deep++] = signer;
	for (size_t i = 0; !clear && i < dlk_paths_count(paths); i++)
		clear = signer_path_clear(a, dlk_paths_at(paths, i));
	a->deep--;
	return clear;
}

static bool
serves_as_signer(struct asking *a, struct dlk_crl *crl, const struct dlk_cert *cert)
{
	return signed_by(a, crl, cert) && (stands_in_path(a, cert) || has_path(a, cert));
}

/* Another key of the issuer, or the signer of an indirect list. Borrowed, or NULL. */
static const struct dlk_cert *
find_signer(struct asking *a, struct dlk_crl *crl)
{
	const struct dlk_cert *cert;

	for (size_t i = 0; i < a->deep; i++)
		if (serves_as_signer(a, crl, a->signer[i]))
			return a->signer[i];
	for (size_t i = 1; i < a->path->n; i++)
		if (serves_as_signer(a, crl, a->path->cert[i]))
			return a->path->cert[i];
	for (size_t i = 0; (cert = dlk_trust_intermediate_at(a->trust, i)); i++)
		if (serves_as_signer(a, crl, cert))
			return cert;
	return NULL;
}

/* First the lists that the issuer's key of the path made, then those of others where reasons
 * are not covered yet. */
static enum dlk_reason
ask_lists(struct asking *a, struct status *s, bool direct)
{
	enum dlk_reason reason = DLK_R_OK;

	for (size_t i = 0; i < a->crls->n && reason == DLK_R_OK; i++) {
		struct dlk_crl *crl = a->crls->crl[i];
		unsigned mask = dlk_crl_is_delta(crl) ? 0 : dlk_crl_covers(crl, s->cert);
		if (mask == 0)
			continue;
		if (crl->image.this_update > a->now) {
			s->early = crl;
			continue;
		}
		bool own = signed_by(a, crl, s->issuer);
		if (own != direct)
			continue;
		const struct dlk_cert *signer = own ? s->issuer : find_signer(a, crl);
		if (!signer)
			s->orphan = crl;
		else if (!is_superseded(a, crl, signer))
			reason = ask_list(a, s, crl, mask, signer);
	}
	return reason;
}

static enum dlk_reason
is_stale(const struct asking *a, const struct status *s)
{
	char next[DLK_TIME_TEXT], age[DLK_TIME_TEXT];

	dlk_time_text(s->stale->image.next_update, next);
	if (s->stale->image.next_update >= a->now)
		return dlk_find(a->finding, DLK_STAGE_REVOKED, DLK_R_CRL_STALE,
		    "%s: the CRL that covers %s is older than [revocation] max-age; "
		    "'doublelock crl refresh'",
		    s->stale->label, dlk_cert_label(s->cert));
	dlk_duration_text(a->now - s->stale->image.next_update, age);
	return dlk_find(a->finding, DLK_STAGE_REVOKED, DLK_R_CRL_STALE,
	    "%s: the CRL that covers %s expired %s ago (nextUpdate %s); 'doublelock crl "
	    "refresh', "
	    "or raise [revocation] grace",
	    s->stale->label, dlk_cert_label(s->cert), age, next);
}

static enum dlk_reason
is_unknown(const struct asking *a, const struct status *s)
{
	const char *label = dlk_cert_label(s->cert), *issuer = dlk_cert_issuer(s->cert);
	char begins[DLK_TIME_TEXT];

	if (s->covered != 0)
		return dlk_find(a->finding, DLK_STAGE_REVOKED, DLK_R_REVOCATION_UNKNOWN,
		    "the CRLs that cover %s do so for some reasons only (RFC 5280 section "
		    "6.3.3)",
		    label);
	if (s->early) {
		dlk_time_text(s->early->image.this_update, begins);
		return dlk_find(a->finding, DLK_STAGE_REVOKED, DLK_R_REVOCATION_UNKNOWN,
		    "%s: the CRL that covers %s begins only at %s (thisUpdate); check the "
		    "clock",
		    s->early->label, label, begins);
	}
	if (s->orphan)
		return dlk_find(a->finding, DLK_STAGE_REVOKED, DLK_R_REVOCATION_UNKNOWN,
		    "%s: the CRL would cover %s, but it is not signed by a key of its issuer "
		    "that may sign CRLs (RFC 5280 section 6.3.3)",
		    s->orphan->label, label);
	if (a->crls->n_refusals > 0)
		return dlk_find(a->finding, DLK_STAGE_REVOKED, DLK_R_REVOCATION_UNKNOWN,
		    "no CRL that can be used covers %s, issued by %s; %s", label, issuer,
		    a->crls->refusal[0].words);
	return dlk_find(a->finding, DLK_STAGE_REVOKED, DLK_R_REVOCATION_UNKNOWN,
	    "no CRL covers %s: put the current CRL of %s into crl.d (RFC 5280 section 6.3)",
	    label, issuer);
}

static enum dlk_reason
judge_one(struct asking *a, const struct dlk_cert *cert, const struct dlk_cert *issuer)
{
	struct status s = { .cert = cert, .issuer = issuer };
	enum dlk_reason reason = ask_lists(a, &s, true);

	if (reason == DLK_R_OK && s.covered != DLK_CRL_ALL_REASONS)
		reason = ask_lists(a, &s, false);
	if (reason != DLK_R_OK || s.covered == DLK_CRL_ALL_REASONS)
		return reason;
	if (s.stale)
		return is_stale(a, &s);
	if (a->rules->mode == DLK_REVOCATION_PREFER && s.covered == 0 && !s.early &&
	    !s.orphan && a->crls->n_refusals == 0)
		return DLK_R_OK;
	return is_unknown(a, &s);
}

static enum dlk_reason
judge_all(struct asking *a)
{
	enum dlk_reason reason = DLK_R_OK;

	for (size_t i = 0; i + 1 < a->path->n && reason == DLK_R_OK; i++)
		reason = judge_one(a, a->path->cert[i], a->path->cert[i + 1]);
	return reason;
}

enum dlk_reason
dlk_path_clear(const struct dlk_path *path, const struct dlk_crls *crls,
    const struct dlk_trust *trust, const struct dlk_path_rules *path_rules,
    const struct dlk_revocation_rules *rules, int64_t now, struct dlk_cleared **ret_cleared,
    struct dlk_finding *finding)
{
	struct asking a = { .path = path,
		.crls = crls,
		.trust = trust,
		.path_rules = path_rules,
		.rules = rules,
		.now = now,
		.good_until = path->good_until,
		.finding = finding };

	enum dlk_reason reason = rules->mode == DLK_REVOCATION_OFF ? DLK_R_OK : judge_all(&a);
	if (reason != DLK_R_OK)
		return reason;
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
