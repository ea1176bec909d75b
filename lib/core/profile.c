/* SPDX-License-Identifier: MIT */
/*
 * profile.c - the extensions of a certificate, as RFC 5280 section 4.2 wants them. What
 * is dangerous is refused: an extension that reads in two ways, one that nobody here
 * understands and has to be. What is sloppy and common passes: no key identifiers, wrong
 * criticality of those that do no harm.
 */
#include <string.h>

#include "core/certdata.h"
#include "core/der.h"
#include "core/names.h"
#include "core/subtrees.h"

#define POLICIES_MAX 512 /* of one certificate */

/* Extensions that are read here, and whether their being critical is understood: processed in
 * full by this folder. */
static const struct {
	int nid;
	bool processed;
} known[] = {
	{ NID_basic_constraints, true },
	{ NID_key_usage, true },
	{ NID_ext_key_usage, true },
	{ NID_subject_alt_name, true },
	{ NID_issuer_alt_name, true }, /* names nobody here */
	{ NID_name_constraints, true },
	{ NID_certificate_policies, true },
	{ NID_policy_mappings, true },
	{ NID_policy_constraints, true },
	{ NID_inhibit_any_policy, true },
	{ NID_crl_distribution_points, true }, /* where lists lie; their scope is theirs */
	{ NID_freshest_crl, false },
	{ NID_authority_key_identifier, true }, /* these two choose an issuer */
	{ NID_subject_key_identifier, true },
	{ NID_info_access, false },
	{ NID_sinfo_access, false },
};

static bool
is_strict(X509_EXTENSION *extension)
{
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);

	return dlk_der_strict(
	    DLK_BYTES(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
}

/* Read, written again and equal: the one way to be sure that nothing stands behind or between
 * what OpenSSL has read, and that no default is written out. TRUE is written as it was read,
 * so DER is asked for besides. */
static bool
reads_one_way(X509_EXTENSION *extension, int nid)
{
	void *value = X509V3_EXT_d2i(extension);
	X509_EXTENSION *again = value ? X509V3_EXT_i2d(nid, 0, value) : NULL;
	const X509V3_EXT_METHOD *method = X509V3_EXT_get(extension);
	bool same = again && ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(extension),
				 X509_EXTENSION_get_data(again)) == 0;

	X509_EXTENSION_free(again);
	if (value && method->it)
		ASN1_item_free(value, ASN1_ITEM_ptr(method->it));
	else if (value)
		method->ext_free(value);
	return same;
}

static enum dlk_reason
check_extension(
    const struct dlk_cert *cert, X509_EXTENSION *extension, struct dlk_finding *finding)
{
	int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
	char name[80];

	OBJ_obj2txt(name, sizeof(name), X509_EXTENSION_get_object(extension), 0);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (known[i].nid != nid)
			continue;
		if (!is_strict(extension) || !reads_one_way(extension, nid))
			return DLK_MALFORMED(finding,
			    "%s: the extension '%s' is not well formed (RFC 5280 section 4.2)",
			    cert->label, name);
		if (known[i].processed)
			return DLK_R_OK;
		break;
	}
	if (X509_EXTENSION_get_critical(extension))
		return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_UNKNOWN_CRITICAL_EXTENSION,
		    "%s: the extension '%s' is critical and not understood here (RFC 5280 "
		    "section "
		    "4.2)",
		    cert->label, name);
	return DLK_R_OK;
}

/* Bits with names end with a one in DER (X.690 section 11.2.2). */
static bool
bits_end(const ASN1_BIT_STRING *bits)
{
	unsigned unused = (unsigned)bits->flags & 7;

	return bits->length > 0 && (bits->data[bits->length - 1] >> unused & 1) != 0;
}

/* The names of a distribution point, and not reasons alone; the bits of a reason end with
 * a one. */
static bool
point_ok(const DIST_POINT *point)
{
	const DIST_POINT_NAME *name = point->distpoint;
	const ASN1_BIT_STRING *reasons = point->reasons;

	if (!name && !point->CRLissuer)
		return false;
	if (name && (name->type == 0 ? sk_GENERAL_NAME_num(name->name.fullname)
				     : sk_X509_NAME_ENTRY_num(name->name.relativename)) == 0)
		return false;
	if (point->CRLissuer && sk_GENERAL_NAME_num(point->CRLissuer) == 0)
		return false;
	return !reasons || bits_end(reasons);
}

static bool
points_ok(const struct dlk_cert *cert, int nid)
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(cert->x509, nid, NULL, NULL);
	bool good = !points || sk_DIST_POINT_num(points) > 0;

	for (int i = 0; good && points && i < sk_DIST_POINT_num(points); i++)
		good = point_ok(sk_DIST_POINT_value(points, i));
	CRL_DIST_POINTS_free(points);
	return good;
}

/* SEQUENCE SIZE (1..MAX): what is there says something. */
static bool
is_empty(const struct dlk_cert *cert, int nid)
{
	int at = X509_get_ext_by_NID(cert->x509, nid, -1);

	return at >= 0 &&
	       ASN1_STRING_length(X509_EXTENSION_get_data(X509_get_ext(cert->x509, at))) == 2;
}

static enum dlk_reason
check_places(struct dlk_cert *cert, struct dlk_finding *finding)
{
	if (!points_ok(cert, NID_crl_distribution_points) ||
	    !points_ok(cert, NID_freshest_crl))
		return DLK_MALFORMED(finding,
		    "%s: a distribution point without a name, or with reasons that are not "
		    "DER (RFC 5280 section 4.2.1.13)",
		    cert->label);
	if (is_empty(cert, NID_info_access) || is_empty(cert, NID_sinfo_access) ||
	    is_empty(cert, NID_issuer_alt_name))
		return DLK_MALFORMED(finding,
		    "%s: an empty issuerAltName, or empty information access (RFC 5280 "
		    "sections 4.2.1.7 and 4.2.2)",
		    cert->label);
	return DLK_R_OK;
}

static enum dlk_reason
check_extensions(const struct dlk_cert *cert, struct dlk_finding *finding)
{
	enum dlk_reason reason = DLK_R_OK;

	for (int i = 0; i < X509_get_ext_count(cert->x509) && reason == DLK_R_OK; i++)
		reason = check_extension(cert, X509_get_ext(cert->x509, i), finding);
	return reason;
}

static enum dlk_reason
read_basic(struct dlk_cert *cert, struct dlk_finding *finding)
{
	BASIC_CONSTRAINTS *basic =
	    X509_get_ext_d2i(cert->x509, NID_basic_constraints, NULL, NULL);
	bool good = true;
	int64_t length;

	cert->path_len = -1;
	if (!basic)
		return DLK_R_OK;
	cert->is_ca = basic->ca != 0;
	if (basic->pathlen) {
		good = ASN1_INTEGER_get_int64(&length, basic->pathlen) == 1 && length >= 0;
		cert->path_len = good ? length : 0;
	}
	BASIC_CONSTRAINTS_free(basic);
	return good ? DLK_R_OK
		    : DLK_MALFORMED(finding,
			  "%s: a pathLenConstraint that is negative or huge (RFC 5280 "
			  "section 4.2.1.9)",
			  cert->label);
}

static enum dlk_reason
read_key_usage(struct dlk_cert *cert, struct dlk_finding *finding)
{
	ASN1_BIT_STRING *usage = X509_get_ext_d2i(cert->x509, NID_key_usage, NULL, NULL);

	if (!usage)
		return DLK_R_OK;
	cert->has_key_usage = true;
	for (int i = 0; i < usage->length && i < 2; i++)
		cert->key_usage |= (uint32_t)usage->data[i] << (8 * i);
	bool good = cert->key_usage != 0 && bits_end(usage);
	ASN1_BIT_STRING_free(usage);
	return good ? DLK_R_OK
		    : DLK_MALFORMED(finding,
			  "%s: a keyUsage without any bit, or with more than it needs (RFC "
			  "5280 section 4.2.1.3, X.690 section 11.2.2)",
			  cert->label);
}

static enum dlk_reason
read_purposes(struct dlk_cert *cert, struct dlk_finding *finding)
{
	EXTENDED_KEY_USAGE *purposes =
	    X509_get_ext_d2i(cert->x509, NID_ext_key_usage, NULL, NULL);
	int n = sk_ASN1_OBJECT_num(purposes);

	if (!purposes)
		return DLK_R_OK;
	cert->has_purposes = true;
	for (int i = 0; i < n; i++) {
		int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(purposes, i));

		cert->for_clients |= nid == NID_client_auth;
		cert->for_ssh |= nid == NID_sshClient;
		cert->for_anything |= nid == NID_anyExtendedKeyUsage;
	}
	EXTENDED_KEY_USAGE_free(purposes);
	return n > 0
		   ? DLK_R_OK
		   : DLK_MALFORMED(finding,
			 "%s: an empty extKeyUsage (RFC 5280 section 4.2.1.12)", cert->label);
}

static bool
is_below_zero(const ASN1_INTEGER *number)
{
	return number && ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER;
}

static const char *
policies_fault(const CERTIFICATEPOLICIES *policies)
{
	if (sk_POLICYINFO_num(policies) > POLICIES_MAX)
		return "more certificatePolicies than can be judged";
	if (policies && sk_POLICYINFO_num(policies) == 0)
		return "empty certificatePolicies (RFC 5280 section 4.2.1.4)";
	for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
		const POLICYINFO *policy = sk_POLICYINFO_value(policies, i);

		if (policy->qualifiers && sk_POLICYQUALINFO_num(policy->qualifiers) == 0)
			return "empty policyQualifiers (RFC 5280 section 4.2.1.4)";
		for (int j = 0; j < i; j++)
			if (OBJ_cmp(policy->policyid,
				sk_POLICYINFO_value(policies, j)->policyid) == 0)
				return "certificatePolicies that name one policy twice (RFC "
				       "5280 section 4.2.1.4)";
	}
	return NULL;
}

/* anyPolicy stands on neither side (RFC 5280 section 6.1.4 (a)), whether or not policies
 * decide anything. */
static const char *
mappings_fault(const POLICY_MAPPINGS *mappings)
{
	if (mappings && sk_POLICY_MAPPING_num(mappings) == 0)
		return "empty policyMappings (RFC 5280 section 4.2.1.5)";
	for (int i = 0; i < sk_POLICY_MAPPING_num(mappings); i++) {
		const POLICY_MAPPING *mapping = sk_POLICY_MAPPING_value(mappings, i);

		if (OBJ_obj2nid(mapping->issuerDomainPolicy) == NID_any_policy ||
		    OBJ_obj2nid(mapping->subjectDomainPolicy) == NID_any_policy)
			return "policyMappings of anyPolicy (RFC 5280 section 4.2.1.5)";
	}
	return NULL;
}

/* Not critical, they are read all the same. Only one case passes so, a CA that asks for
 * explicit policies from here on: nothing demands more, whatever its criticality. */
static const char *
demands_fault(const struct dlk_cert *cert, const POLICY_CONSTRAINTS *demands, bool critical)
{
	if (!demands)
		return NULL;
	if ((!demands->requireExplicitPolicy && !demands->inhibitPolicyMapping) ||
	    is_below_zero(demands->requireExplicitPolicy) ||
	    is_below_zero(demands->inhibitPolicyMapping))
		return "policyConstraints that are empty or below zero (RFC 5280 section "
		       "4.2.1.11)";
	return critical || (cert->is_ca && !demands->inhibitPolicyMapping &&
			       ASN1_INTEGER_get(demands->requireExplicitPolicy) == 0)
		   ? NULL
		   : "policyConstraints that are not critical (RFC 5280 section 4.2.1.11)";
}

static enum dlk_reason
check_policies(struct dlk_cert *cert, struct dlk_finding *finding)
{
	int critical = 0;
	CERTIFICATEPOLICIES *policies =
	    X509_get_ext_d2i(cert->x509, NID_certificate_policies, NULL, NULL);
	POLICY_MAPPINGS *mappings =
	    X509_get_ext_d2i(cert->x509, NID_policy_mappings, NULL, NULL);
	POLICY_CONSTRAINTS *demands =
	    X509_get_ext_d2i(cert->x509, NID_policy_constraints, &critical, NULL);
	ASN1_INTEGER *inhibit =
	    X509_get_ext_d2i(cert->x509, NID_inhibit_any_policy, NULL, NULL);
	const char *fault = policies_fault(policies);

	if (!fault)
		fault = demands_fault(cert, demands, critical > 0);
	if (!fault)
		fault = mappings_fault(mappings);
	if (!fault && is_below_zero(inhibit))
		fault = "an inhibitAnyPolicy below zero (RFC 5280 section 4.2.1.14)";
	cert->has_policies = policies != NULL;
	cert->explicit_after = -1;
	if (!fault && demands && demands->requireExplicitPolicy &&
	    ASN1_INTEGER_get_int64(&cert->explicit_after, demands->requireExplicitPolicy) != 1)
		cert->explicit_after = INT64_MAX; /* beyond any path */
	cert->n_policies = (unsigned)((policies ? sk_POLICYINFO_num(policies) : 0) +
				      (mappings ? sk_POLICY_MAPPING_num(mappings) : 0));
	CERTIFICATEPOLICIES_free(policies);
	sk_POLICY_MAPPING_pop_free(mappings, POLICY_MAPPING_free);
	POLICY_CONSTRAINTS_free(demands);
	ASN1_INTEGER_free(inhibit);
	return fault ? DLK_MALFORMED(finding, "%s: %s", cert->label, fault) : DLK_R_OK;
}

static enum dlk_reason
read_constraints(struct dlk_cert *cert, struct dlk_finding *finding)
{
	cert->constraints = X509_get_ext_d2i(cert->x509, NID_name_constraints, NULL, NULL);
	if (!cert->constraints || dlk_subtrees_ok(cert->constraints))
		return DLK_R_OK;
	return DLK_MALFORMED(finding,
	    "%s: name constraints that are empty or not well formed (RFC 5280 section "
	    "4.2.1.10)",
	    cert->label);
}

static enum dlk_reason
check_names(const struct dlk_cert *cert, struct dlk_finding *finding)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert->x509, NID_subject_alt_name, NULL, NULL);
	int at = X509_get_ext_by_NID(cert->x509, NID_subject_alt_name, -1);
	bool critical = at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(cert->x509, at));
	const char *fault = NULL;

	if (!dlk_names_subject_ok(X509_get_subject_name(cert->x509)) ||
	    !dlk_names_subject_ok(X509_get_issuer_name(cert->x509)))
		fault =
		    "a subject or issuer with a NUL, or octets that its string type does not "
		    "have";
	else if (names && sk_GENERAL_NAME_num(names) == 0)
		fault = "an empty subjectAltName (RFC 5280 section 4.2.1.6)";
	else if (names && !dlk_names_alt_ok(names))
		fault = "a subjectAltName that is not well formed (RFC 5280 section 4.2.1.6)";
	else if (X509_NAME_entry_count(X509_get_subject_name(cert->x509)) == 0 && !critical)
		fault = "an empty subject without a critical subjectAltName (RFC 5280 section "
			"4.1.2.6)";
	GENERAL_NAMES_free(names);
	return fault ? DLK_MALFORMED(finding, "%s: %s", cert->label, fault) : DLK_R_OK;
}

enum dlk_reason
dlk_profile_check(struct dlk_cert *cert, struct dlk_finding *finding)
{
	enum dlk_reason (*const checks[])(
	    struct dlk_cert *, struct dlk_finding *) = { read_basic, read_key_usage,
		read_purposes, read_constraints, check_policies, check_places };
	enum dlk_reason reason = check_extensions(cert, finding);

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks) && reason == DLK_R_OK; i++)
		reason = checks[i](cert, finding);
	if (reason == DLK_R_OK)
		reason = check_names(cert, finding);
	cert->self_issued = X509_NAME_cmp(X509_get_subject_name(cert->x509),
				X509_get_issuer_name(cert->x509)) == 0;
	return reason;
}
