/* SPDX-License-Identifier: MIT */
/*
 * verify.c - is this path, leaf to anchor, one that RFC 5280 section 6.1 accepts for a client?
 * Straight down, certificate by certificate. Signatures, name constraints and the tree of
 * policies are computed by OpenSSL; what is asked of them is asked here, because OpenSSL's own
 * verification does not go back from a wrong issuer, takes a self-issued certificate for
 * a self-signed one, and lets usages through that are none of a client's.
 */
#include "core/verify.h"

#include <openssl/err.h>

#include "base/clock.h"
#include "core/certdata.h"
#include "core/subtrees.h"

struct walk {
	const struct dlk_path *path;
	const struct dlk_path_rules *rules;
	int64_t now;
	size_t *comparisons;
	struct dlk_finding *finding;
};

#define REFUSE(w, reason, ...) dlk_find((w)->finding, DLK_STAGE_PATH, (reason), __VA_ARGS__)

bool
dlk_signature_ok(const struct dlk_cert *cert, const struct dlk_cert *issuer)
{
	bool good = X509_verify(cert->x509, issuer->key) == 1;

	ERR_clear_error();
	return good;
}

static enum dlk_reason
check_algorithm(const struct walk *w, const struct dlk_cert *cert)
{
	if (cert->well_signed)
		return DLK_R_OK;
	return REFUSE(w, DLK_R_BAD_SIGNATURE,
	    "%s: signed with an algorithm that is not accepted, or with parameters that it "
	    "does not have; SHA-224 or better is asked (RFC 5280 section 4.1.1.2)",
	    cert->label);
}

static enum dlk_reason
check_key(const struct walk *w, const struct dlk_cert *cert)
{
	unsigned least = w->rules->min_rsa_bits ? w->rules->min_rsa_bits : 2048;
	int bits = EVP_PKEY_get_bits(cert->key);
	int kind = EVP_PKEY_get_base_id(cert->key);

	if ((kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS) && bits < (int)least)
		return REFUSE(w, DLK_R_WEAK_KEY,
		    "%s: its RSA key has %d bits; [trust] min-rsa-bits asks for %u",
		    cert->label, bits, least);
	return DLK_R_OK;
}

/* Both ends belong to the validity (RFC 5280 section 4.1.2.5). */
static enum dlk_reason
check_dates(const struct walk *w, const struct dlk_cert *cert)
{
	char text[DLK_TIME_TEXT];

	if (w->now < cert->not_before) {
		dlk_time_text(cert->not_before, text);
		return REFUSE(w, DLK_R_CERTIFICATE_NOT_YET_VALID,
		    "%s: not valid before %s (RFC 5280 section 4.1.2.5)", cert->label, text);
	}
	if (w->now > cert->not_after) {
		dlk_time_text(cert->not_after, text);
		return REFUSE(w, DLK_R_CERTIFICATE_EXPIRED,
		    "%s: expired at %s (RFC 5280 section 4.1.2.5)", cert->label, text);
	}
	return DLK_R_OK;
}

static enum dlk_reason
check_purposes(const struct walk *w, const struct dlk_cert *cert)
{
	if (w->rules->crl_signer || !cert->has_purposes || cert->for_clients ||
	    (w->rules->any_purpose && cert->for_anything) ||
	    (w->rules->ssh_purpose && cert->for_ssh))
		return DLK_R_OK;
	return REFUSE(w, DLK_R_WRONG_PURPOSE,
	    "%s: its extKeyUsage does not hold clientAuth%s (RFC 5280 section 4.2.1.12)",
	    cert->label,
	    cert->for_anything
		? "; anyExtendedKeyUsage serves with [trust] purpose=clientAuth,any"
	    : cert->for_ssh ? "; secureShellClient serves sshd with [trust] "
			      "purpose=clientAuth,secureShellClient"
			    : "");
}

static enum dlk_reason
check_leaf(const struct walk *w, const struct dlk_cert *leaf)
{
	if (w->rules->crl_signer) {
		if (leaf->has_key_usage && !(leaf->key_usage & KU_CRL_SIGN))
			return REFUSE(w, DLK_R_WRONG_PURPOSE,
			    "%s: its keyUsage has no cRLSign (RFC 5280 section 4.2.1.3)",
			    leaf->label);
		return DLK_R_OK;
	}
	if (!leaf->is_ca && (leaf->constraints || (leaf->key_usage & KU_KEY_CERT_SIGN)))
		return REFUSE(w, DLK_R_WRONG_PURPOSE,
		    "%s: it is no CA, and has keyCertSign or name constraints (RFC 5280 "
		    "sections "
		    "4.2.1.3 and 4.2.1.10)",
		    leaf->label);
	if (leaf->has_key_usage && !(leaf->key_usage & KU_DIGITAL_SIGNATURE))
		return REFUSE(w, DLK_R_WRONG_PURPOSE,
		    "%s: its keyUsage has no digitalSignature (RFC 5280 section 4.2.1.3)",
		    leaf->label);
	return DLK_R_OK;
}

static enum dlk_reason
check_issuer(const struct walk *w, const struct dlk_cert *ca)
{
	if (!ca->is_ca)
		return REFUSE(w, DLK_R_WRONG_PURPOSE,
		    "%s: it issues, but is no CA: basicConstraints has no CA:TRUE (RFC 5280 "
		    "section "
		    "6.1.4 (k))",
		    ca->label);
	if (ca->has_key_usage && !(ca->key_usage & KU_KEY_CERT_SIGN))
		return REFUSE(w, DLK_R_WRONG_PURPOSE,
		    "%s: it issues, but its keyUsage has no keyCertSign (RFC 5280 section "
		    "6.1.4 (n))",
		    ca->label);
	return DLK_R_OK;
}

/* CAs below `at`, those that issued to themselves not counted, but for the leaf (6.1.4 (l)).
 */
static enum dlk_reason
check_length(const struct walk *w, size_t at)
{
	const struct dlk_cert *ca = w->path->cert[at];
	int64_t below = 0;

	for (size_t i = 1; i < at; i++)
		below += !w->path->cert[i]->self_issued;
	if (ca->path_len < 0 || below <= ca->path_len)
		return DLK_R_OK;
	return REFUSE(w, DLK_R_PATH_TOO_LONG,
	    "%s: its pathLenConstraint is %lld, and %lld CAs follow (RFC 5280 section "
	    "4.2.1.9)",
	    ca->label, (long long)ca->path_len, (long long)below);
}

static enum dlk_reason
constraint_fault(
    const struct walk *w, const struct dlk_cert *ca, const struct dlk_cert *cert, int code)
{
	if (code == X509_V_ERR_OUT_OF_MEM)
		return REFUSE(w, DLK_R_FAULT_INTERNAL, "out of memory");
	return REFUSE(w, DLK_R_NAME_CONSTRAINT,
	    "%s: a name of it lies outside the name constraints of %s (%s; RFC 5280 section "
	    "4.2.1.10)",
	    cert->label, ca->label, X509_verify_cert_error_string(code));
}

static enum dlk_reason
check_names(
    const struct walk *w, const struct dlk_cert *ca, const struct dlk_cert *cert, bool is_leaf)
{
	size_t cost = dlk_subtrees_comparisons(cert->x509, ca->constraints);
	const char *fault;
	int code;

	if (cost > *w->comparisons)
		return REFUSE(w, DLK_R_NAME_CONSTRAINT,
		    "%s: its names and the name constraints of %s are too many to be compared",
		    cert->label, ca->label);
	*w->comparisons -= cost;
	code = NAME_CONSTRAINTS_check(cert->x509, ca->constraints);
	if (code != X509_V_OK)
		return constraint_fault(w, ca, cert, code);
	fault = dlk_subtrees_fault(cert->x509, ca->constraints);
	if (!fault && is_leaf)
		fault =
		    dlk_subtrees_cn_fault(X509_get_subject_name(cert->x509), ca->constraints);
	if (fault)
		return REFUSE(w, DLK_R_NAME_CONSTRAINT,
		    "%s: outside the name constraints of %s: %s (RFC 5280 section 4.2.1.10)",
		    cert->label, ca->label, fault);
	return DLK_R_OK;
}

/* Every certificate below, those that issued to themselves aside, but for the leaf. */
static enum dlk_reason
check_constraints(const struct walk *w, size_t at)
{
	const struct dlk_cert *ca = w->path->cert[at];

	enum dlk_reason reason = DLK_R_OK;

	if (!ca->constraints)
		return DLK_R_OK;
	for (size_t i = 0; i < at && reason == DLK_R_OK; i++)
		if (i == 0 || !w->path->cert[i]->self_issued)
			reason = check_names(w, ca, w->path->cert[i], i == 0);
	return reason;
}

/* explicit_policy at the end of RFC 5280 section 6.1: whether the tree of policies may be
 * empty then. Nothing explicit is the input of section 6.1.1. */
static bool
policy_is_demanded(const struct dlk_path *path)
{
	int64_t left = (int64_t)path->n;

	for (size_t at = path->n - 1; at > 0; at--) {
		const struct dlk_cert *cert = path->cert[at - 1];

		/* 6.1.4 (h) (1), and 6.1.5 (a) of the leaf */
		if (left > 0 && (at == 1 || !cert->self_issued))
			left--;
		/* 6.1.4 (i) (1), and 6.1.5 (b) of the leaf, which demands of itself alone */
		if (cert->explicit_after >= 0 && cert->explicit_after < left &&
		    (at > 1 || cert->explicit_after == 0))
			left = cert->explicit_after;
	}
	return left == 0;
}

/* A certificate without policies empties the tree for good (6.1.3 (e)). */
static bool
all_have_policies(const struct dlk_path *path)
{
	for (size_t i = 0; i + 1 < path->n; i++)
		if (!path->cert[i]->has_policies)
			return false;
	return true;
}

static enum dlk_reason
no_policy(const struct walk *w)
{
	return REFUSE(w, DLK_R_WRONG_PURPOSE,
	    "%s: no certificate policy holds over the whole path, and one has to (RFC 5280 "
	    "section 6.1.5 (g))",
	    w->path->cert[0]->label);
}

/* any-policy is the input of RFC 5280 section 6.1.1. The tree is OpenSSL's, and is asked for
 * only where it decides: it keeps the memory of a certificate that demands policies and has
 * none. */
static enum dlk_reason
check_policies(const struct walk *w)
{
	STACK_OF(X509) *chain = NULL;
	STACK_OF(ASN1_OBJECT) *any = NULL;
	X509_POLICY_TREE *tree = NULL;
	int is_explicit = 0, answer = X509_PCY_TREE_INTERNAL;

	if (!policy_is_demanded(w->path))
		return DLK_R_OK;
	if (!all_have_policies(w->path))
		return no_policy(w);
	chain = sk_X509_new_null();
	any = sk_ASN1_OBJECT_new_null();
	bool ready = chain && any && sk_ASN1_OBJECT_push(any, OBJ_nid2obj(NID_any_policy)) > 0;
	for (size_t i = 0; i < w->path->n && ready; i++)
		ready = sk_X509_push(chain, w->path->cert[i]->x509) > 0;
	if (ready)
		answer = X509_policy_check(&tree, &is_explicit, chain, any, 0);
	X509_policy_tree_free(tree);
	sk_ASN1_OBJECT_free(any);
	sk_X509_free(chain);
	ERR_clear_error();
	if (answer == X509_PCY_TREE_INTERNAL)
		return REFUSE(w, DLK_R_WRONG_PURPOSE,
		    "%s: its policies and those above it are too many to be judged",
		    w->path->cert[0]->label);
	return answer > 0 ? DLK_R_OK : no_policy(w);
}

/* What is asked of a certificate wherever it stands. */
static enum dlk_reason
check_each(const struct walk *w, const struct dlk_cert *cert, bool is_anchor)
{
	enum dlk_reason reason = check_key(w, cert);

	if (reason == DLK_R_OK && !is_anchor)
		reason = check_algorithm(w, cert);
	if (reason == DLK_R_OK)
		reason = check_dates(w, cert);
	return reason == DLK_R_OK ? check_purposes(w, cert) : reason;
}

static enum dlk_reason
check_at(const struct walk *w, size_t at)
{
	const struct dlk_cert *cert = w->path->cert[at];
	bool is_anchor = at + 1 == w->path->n;
	enum dlk_reason reason;

	if (is_anchor && w->rules->trust_anchors_blindly)
		return DLK_R_OK;
	reason = check_each(w, cert, is_anchor);
	if (reason != DLK_R_OK)
		return reason;
	if (at == 0)
		return check_leaf(w, cert);
	reason = check_issuer(w, cert);
	if (reason == DLK_R_OK)
		reason = check_length(w, at);
	return reason == DLK_R_OK ? check_constraints(w, at) : reason;
}

enum dlk_reason
dlk_issuer_verify(const struct dlk_cert *ca, const struct dlk_path_rules *rules, int64_t now,
    struct dlk_finding *finding)
{
	const struct walk w = { .rules = rules, .now = now, .finding = finding };
	enum dlk_reason reason = check_each(&w, ca, false);

	return reason == DLK_R_OK ? check_issuer(&w, ca) : reason;
}

enum dlk_reason
dlk_path_verify(const struct dlk_path *path, const struct dlk_path_rules *rules, int64_t now,
    size_t *comparisons, struct dlk_finding *finding)
{
	const struct walk w = { path, rules, now, comparisons, finding };
	size_t most = rules->max_depth ? rules->max_depth : DLK_DEPTH_MAX;
	enum dlk_reason reason = DLK_R_OK;

	if (path->n < 2)
		return REFUSE(&w, DLK_R_UNTRUSTED_ISSUER, "no path");
	if (path->n - 1 > most)
		return REFUSE(&w, DLK_R_PATH_TOO_LONG,
		    "%s: %zu CAs stand above it; [trust] max-depth is %zu",
		    path->cert[0]->label, path->n - 1, most);
	for (size_t at = path->n; at > 0 && reason == DLK_R_OK; at--)
		reason = check_at(&w, at - 1);
	return reason == DLK_R_OK ? check_policies(&w) : reason;
}
