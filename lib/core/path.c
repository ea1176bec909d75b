/* SPDX-License-Identifier: MIT */
/*
 * path.c - looks for paths: every issuer by name and signature, depth first, and back again
 * where one leads nowhere, so that a dead issuer never hides a good one; first the paths of
 * two certificates, then those of three, so that a mesh of CAs hides none either. What
 * a stranger presents costs a bounded number of steps and of signatures.
 */
#include "core/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/certdata.h"
#include "core/verify.h"

#define STEPS_MAX       4096  /* candidates that are looked at */
#define JUDGED_MAX      64    /* of them, those that reach an anchor */
#define POLICIES_FREE   64    /* of one candidate, with their mappings */
#define SIGNATURES_MAX  256   /* that are computed */
#define COST_MAX        20000 /* of them all, about in microseconds */
#define HELD_MAX        64
#define COMPARISONS_MAX (1 << 20) /* of names with constraints */

/* Signatures between certificates of the trust itself that held: leaf after leaf has the same
 * ones above it, and no time changes them. */
struct held {
	struct {
		const struct dlk_cert *cert;
		uint8_t issuer[DLK_SHA256_SIZE]; /* key_id */
	} signature[HELD_MAX];
	size_t n;
};

struct dlk_trust {
	struct dlk_certs anchors, intermediates;
	unsigned *set; /* of each anchor */
	struct held *held;
};

int
dlk_trust_new(struct dlk_trust **ret_trust)
{
	struct dlk_trust *trust = calloc(1, sizeof(*trust));

	if (trust)
		trust->held = calloc(1, sizeof(*trust->held));
	if (!trust || !trust->held) {
		free(trust);
		return -ENOMEM;
	}
	*ret_trust = trust;
	return 0;
}

void
dlk_trust_free(struct dlk_trust *trust)
{
	if (!trust)
		return;
	dlk_certs_fini(&trust->anchors);
	dlk_certs_fini(&trust->intermediates);
	free(trust->set);
	free(trust->held);
	free(trust);
}

int
dlk_trust_add_anchor(struct dlk_trust *trust, unsigned set, struct dlk_cert *cert)
{
	unsigned *more;

	if (set >= DLK_TRUST_SETS_MAX)
		return -EINVAL;
	more = reallocarray(trust->set, trust->anchors.n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	trust->set = more;
	more[trust->anchors.n] = set;
	return dlk_certs_add(&trust->anchors, dlk_cert_ref(cert));
}

int
dlk_trust_add_intermediate(struct dlk_trust *trust, struct dlk_cert *cert)
{
	return dlk_certs_add(&trust->intermediates, dlk_cert_ref(cert));
}

size_t
dlk_trust_anchors(const struct dlk_trust *trust)
{
	return trust->anchors.n;
}

const struct dlk_cert *
dlk_trust_anchor_at(const struct dlk_trust *trust, size_t i)
{
	return i < trust->anchors.n ? trust->anchors.cert[i] : NULL;
}

const struct dlk_cert *
dlk_trust_intermediate_at(const struct dlk_trust *trust, size_t i)
{
	return i < trust->intermediates.n ? trust->intermediates.cert[i] : NULL;
}

const struct dlk_cert *
dlk_trust_ca_at(const struct dlk_trust *trust, size_t i)
{
	size_t n = trust->intermediates.n;

	if (i < n)
		return trust->intermediates.cert[i];
	return i - n < trust->anchors.n ? trust->anchors.cert[i - n] : NULL;
}

/* The accepted paths, and references to what stands in them. */
struct dlk_paths {
	struct dlk_path path[DLK_PATHS_MAX];
	size_t n;
	struct dlk_certs held;
};

/* One signature that was computed, so that it is computed once. */
struct signature {
	const struct dlk_cert *cert, *issuer;
	bool good;
};

struct search {
	const struct dlk_trust *trust;
	const struct dlk_path_rules *rules;
	const struct dlk_certs *presented;
	int64_t now;
	struct dlk_path trail; /* from the leaf on */
	size_t length;         /* of the paths that are looked for at the moment */
	bool deeper;           /* some could be longer */
	struct signature signature[SIGNATURES_MAX];
	size_t n_signatures;
	unsigned cost, steps, judged;
	size_t comparisons; /* that are left */
	bool exhausted;
	struct dlk_paths *found;
	enum dlk_reason best; /* of refusals: that of the candidate that came furthest */
	unsigned best_rank;
	size_t best_far;
	struct dlk_finding finding;
};

/* How far a candidate came, to choose the refusal that helps most; of two that came equally
 * far the longer one. */
enum { RANK_NO_ISSUER = 1, RANK_BAD_SIGNATURE, RANK_BAD_ISSUER, RANK_WHOLE };

static void
refuse(
    struct search *s, unsigned rank, enum dlk_reason reason, const struct dlk_finding *finding)
{
	size_t far = rank * (DLK_PATH_MAX + 1) + s->trail.n;

	if (far <= s->best_far)
		return;
	s->best_rank = rank;
	s->best_far = far;
	s->best = reason;
	s->finding = *finding;
}

static bool
is_same(const struct dlk_cert *a, const struct dlk_cert *b)
{
	return memcmp(a->fingerprint, b->fingerprint, sizeof(a->fingerprint)) == 0;
}

/* A key that stands under its name in the trail already leads in a circle. */
static bool
is_on_trail(const struct search *s, const struct dlk_cert *cert)
{
	for (size_t i = 0; i < s->trail.n; i++) {
		const struct dlk_cert *on = s->trail.cert[i];

		if (is_same(on, cert) ||
		    (memcmp(on->key_id, cert->key_id, sizeof(on->key_id)) == 0 &&
			X509_NAME_cmp(X509_get_subject_name(on->x509),
			    X509_get_subject_name(cert->x509)) == 0))
			return true;
	}
	return false;
}

/* RFC 5280 section 7.1: compared without regard to case and white space. */
static bool
names_match(const struct dlk_cert *cert, const struct dlk_cert *issuer)
{
	return X509_NAME_cmp(
		   X509_get_issuer_name(cert->x509), X509_get_subject_name(issuer->x509)) == 0;
}

/* What one signature of this key costs to check, roughly, in microseconds. */
static unsigned
cost_of(const struct dlk_cert *issuer)
{
	unsigned bits = (unsigned)EVP_PKEY_get_bits(issuer->key), k = bits / 1024;

	switch (EVP_PKEY_get_base_id(issuer->key)) {
	case EVP_PKEY_EC:
		return bits > 256 ? 1000 : 300; /* brainpoolP256r1; P-256 is faster */
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		return 20 + 8 * k * k;
	default:
		return 200;
	}
}

static bool
is_held(const struct held *held, const struct dlk_cert *cert, const struct dlk_cert *issuer)
{
	for (size_t i = 0; i < held->n; i++)
		if (held->signature[i].cert == cert &&
		    memcmp(held->signature[i].issuer, issuer->key_id, DLK_SHA256_SIZE) == 0)
			return true;
	return false;
}

static void
hold_signature(
    const struct dlk_trust *trust, const struct dlk_cert *cert, const struct dlk_cert *issuer)
{
	struct held *held = trust->held;
	const struct dlk_cert *own;

	for (size_t i = 0; (own = dlk_trust_ca_at(trust, i)) && own != cert; i++)
		;
	if (!own || held->n == HELD_MAX)
		return; /* what was presented is gone after this search */
	held->signature[held->n].cert = cert;
	memcpy(held->signature[held->n++].issuer, issuer->key_id, DLK_SHA256_SIZE);
}

static bool
signature_ok(struct search *s, const struct dlk_cert *cert, const struct dlk_cert *issuer)
{
	struct signature *mine;

	if (is_held(s->trust->held, cert, issuer))
		return true;

	for (size_t i = 0; i < s->n_signatures; i++) {
		const struct signature *known = &s->signature[i];

		if (known->cert == cert &&
		    memcmp(known->issuer->key_id, issuer->key_id, sizeof(issuer->key_id)) == 0)
			return known->good;
	}
	s->cost += cost_of(issuer);
	if (s->n_signatures == SIGNATURES_MAX || s->cost > COST_MAX) {
		s->exhausted = true;
		return false;
	}
	mine = &s->signature[s->n_signatures++];
	*mine = (struct signature){ cert, issuer, dlk_signature_ok(cert, issuer) };
	if (mine->good)
		hold_signature(s->trust, cert, issuer);
	return mine->good;
}

static int
hold(struct dlk_paths *paths, const struct dlk_path *path)
{
	for (size_t i = 0; i < path->n; i++)
		if (dlk_certs_add(&paths->held, dlk_cert_ref(path->cert[i])) != 0)
			return -ENOMEM;
	paths->path[paths->n++] = *path;
	return 0;
}

/* Which sets a path stands under: those of every anchor whose key stands in it. */
static void
complete(struct search *s, struct dlk_path *path)
{
	size_t dated = path->n - (s->rules->trust_anchors_blindly ? 1 : 0);

	path->sets = 0;
	path->good_until = INT64_MAX;
	for (size_t i = 0; i < path->n; i++) {
		for (size_t a = 0; a < s->trust->anchors.n; a++)
			if (memcmp(path->cert[i]->key_id, s->trust->anchors.cert[a]->key_id,
				DLK_SHA256_SIZE) == 0)
				path->sets |= UINT64_C(1) << s->trust->set[a];
		if (i < dated && path->cert[i]->not_after < path->good_until)
			path->good_until = path->cert[i]->not_after;
	}
}

/* How many plain candidates this one counts for: trees of policies can grow large. */
static unsigned
weight_of(const struct dlk_path *path)
{
	unsigned policies = 0;

	for (size_t i = 0; i < path->n; i++)
		policies += path->cert[i]->n_policies;
	return 1 + policies / POLICIES_FREE;
}

static void
judge(struct search *s)
{
	struct dlk_finding finding = { 0 };
	struct dlk_path path = s->trail;
	enum dlk_reason reason;

	s->judged += weight_of(&path);
	if (s->judged > JUDGED_MAX && s->judged > weight_of(&path)) {
		s->exhausted = true;
		return;
	}
	reason = dlk_path_verify(&path, s->rules, s->now, &s->comparisons, &finding);
	if (reason == DLK_R_OK) {
		complete(s, &path);
		if (hold(s->found, &path) == 0)
			return;
		reason =
		    dlk_find(&finding, DLK_STAGE_PATH, DLK_R_FAULT_INTERNAL, "out of memory");
	}
	refuse(s, RANK_WHOLE, reason, &finding);
}

static void go_on(struct search *s);

/* An issuer that may issue nothing leads nowhere. Whether it is the issuer at all is asked for
 * the sake of the refusal alone, so it never takes what the good ones need. */
static bool
is_fit(struct search *s, const struct dlk_cert *last, const struct dlk_cert *issuer)
{
	struct dlk_finding finding = { 0 };
	enum dlk_reason reason = dlk_issuer_verify(issuer, s->rules, s->now, &finding);

	if (reason == DLK_R_OK)
		return true;
	if (s->cost < COST_MAX / 2 && s->n_signatures < SIGNATURES_MAX / 2 &&
	    signature_ok(s, last, issuer))
		refuse(s, RANK_BAD_ISSUER, reason, &finding);
	return false;
}

static void
try_issuer(struct search *s, const struct dlk_cert *issuer, bool is_anchor)
{
	const struct dlk_cert *last = s->trail.cert[s->trail.n - 1];
	struct dlk_finding finding = { 0 };

	if (s->found->n == DLK_PATHS_MAX || s->exhausted)
		return;
	if (++s->steps > STEPS_MAX) {
		s->exhausted = true;
		return;
	}
	if (is_on_trail(s, issuer))
		return;
	if (is_anchor != (s->trail.n + 1 == s->length)) {
		/* shorter ones were judged before; for longer ones there is another round */
		s->deeper |= !is_anchor;
		return;
	}
	if (!is_anchor && !is_fit(s, last, issuer))
		return;
	if (!signature_ok(s, last, issuer)) {
		dlk_find(&finding, DLK_STAGE_PATH, DLK_R_BAD_SIGNATURE,
		    "%s: not signed by the key of %s (RFC 5280 section 6.1.3 (a)(1))",
		    last->label, issuer->label);
		refuse(s, RANK_BAD_SIGNATURE, DLK_R_BAD_SIGNATURE, &finding);
		return;
	}
	s->trail.cert[s->trail.n++] = issuer;
	if (is_anchor)
		judge(s);
	else
		go_on(s);
	s->trail.n--;
}

static bool
is_anchor(const struct search *s, const struct dlk_cert *cert)
{
	for (size_t i = 0; i < s->trust->anchors.n; i++)
		if (is_same(s->trust->anchors.cert[i], cert))
			return true;
	return false;
}

static bool
is_repeated(const struct search *s, const struct dlk_certs *list, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (is_same(list->cert[i], list->cert[at]))
			return true;
	if (list != s->presented)
		return false;
	for (size_t i = 0; i < s->trust->intermediates.n; i++)
		if (is_same(s->trust->intermediates.cert[i], list->cert[at]))
			return true;
	return false;
}

/* The issuer has the key that the certificate says it was signed with. Both may be absent or
 * wrong: this chooses who is tried first, and nothing else. */
static bool
is_likely(const struct dlk_cert *cert, const struct dlk_cert *issuer)
{
	const ASN1_OCTET_STRING *wanted = X509_get0_authority_key_id(cert->x509);
	const ASN1_OCTET_STRING *there = X509_get0_subject_key_id(issuer->x509);

	return wanted && there && ASN1_OCTET_STRING_cmp(wanted, there) == 0;
}

static void
try_list(struct search *s, const struct dlk_certs *list, bool likely)
{
	const struct dlk_cert *last = s->trail.cert[s->trail.n - 1];
	bool anchors = list == &s->trust->anchors;

	for (size_t i = 0; i < list->n; i++)
		if (names_match(last, list->cert[i]) &&
		    is_likely(last, list->cert[i]) == likely && !is_repeated(s, list, i) &&
		    (anchors || !is_anchor(s, list->cert[i])))
			try_issuer(s, list->cert[i], anchors);
}

/* The likely ones first. */
static void
go_on(struct search *s)
{
	const struct dlk_cert *last = s->trail.cert[s->trail.n - 1];
	const struct dlk_certs *lists[] = { &s->trust->anchors, &s->trust->intermediates,
		s->presented };
	struct dlk_finding finding = { 0 };

	for (size_t pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
			try_list(s, lists[i], pass == 0);
	dlk_find(&finding, DLK_STAGE_PATH, DLK_R_UNTRUSTED_ISSUER,
	    "%s: its issuer, %.200s, is no trust anchor and leads to none", last->label,
	    last->issuer_text);
	refuse(s, RANK_NO_ISSUER, DLK_R_UNTRUSTED_ISSUER, &finding);
}

/* Beyond what max-depth allows only where nothing was found: to say that a path is too long,
 * rather than that there is none. */
static void
look(struct search *s)
{
	size_t most = (s->rules->max_depth ? s->rules->max_depth : DLK_DEPTH_MAX) + 1;

	s->deeper = true;
	for (s->length = 2;
	     s->deeper && s->length <= DLK_PATH_MAX && (s->length <= most || s->found->n == 0);
	     s->length++) {
		s->deeper = false;
		go_on(s);
	}
}

static enum dlk_reason
answer(struct search *s, struct dlk_finding *finding)
{
	if (s->found->n > 0)
		return DLK_R_OK;
	if (s->exhausted && s->best_rank < RANK_WHOLE)
		return dlk_find(finding, DLK_STAGE_PATH, DLK_R_UNTRUSTED_ISSUER,
		    "%s: no path to a trust anchor within the work that one certificate is "
		    "worth: too many CAs of one name",
		    s->trail.cert[0]->label);
	if (finding)
		*finding = s->finding;
	return s->best;
}

enum dlk_reason
dlk_paths_find(const struct dlk_trust *trust, const struct dlk_path_rules *rules,
    const struct dlk_cert *leaf, const struct dlk_certs *presented, int64_t now,
    struct dlk_paths **ret_paths, struct dlk_finding *finding)
{
	struct search s = { .trust = trust,
		.rules = rules,
		.presented = presented,
		.now = now,
		.comparisons = COMPARISONS_MAX,
		.found = calloc(1, sizeof(struct dlk_paths)),
		.best = DLK_R_UNTRUSTED_ISSUER };
	enum dlk_reason reason;

	if (!s.found)
		return dlk_find(
		    finding, DLK_STAGE_PATH, DLK_R_FAULT_INTERNAL, "out of memory");
	s.trail.cert[s.trail.n++] = leaf;
	look(&s);
	reason = answer(&s, finding);
	if (reason == DLK_R_OK)
		*ret_paths = s.found;
	else
		dlk_paths_free(s.found);
	return reason;
}

size_t
dlk_paths_count(const struct dlk_paths *paths)
{
	return paths ? paths->n : 0;
}

const struct dlk_path *
dlk_paths_at(const struct dlk_paths *paths, size_t i)
{
	return i < paths->n ? &paths->path[i] : NULL;
}

void
dlk_paths_free(struct dlk_paths *paths)
{
	if (!paths)
		return;
	dlk_certs_fini(&paths->held);
	free(paths);
}

void
dlk_paths_cleanup(struct dlk_paths **paths)
{
	dlk_paths_free(*paths);
}
