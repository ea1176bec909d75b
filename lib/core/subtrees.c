/* SPDX-License-Identifier: MIT */
/*
 * subtrees.c - what a CA's name constraints say, and the names that OpenSSL passes: it takes
 * the host of a URI from where it likes, compares a wildcard as if it were a host, and knows
 * no mailbox in a commonName. Which certificates are compared is verify.c's affair.
 */
#include "core/subtrees.h"

#include <string.h>
#include <strings.h>

#include "core/names.h"

static struct dlk_bytes
octets(const ASN1_STRING *string)
{
	return DLK_BYTES(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

static struct dlk_bytes
from(struct dlk_bytes text, size_t at)
{
	return DLK_BYTES(text.p + at, text.n - at);
}

/* A host. URIs and addresses may also have a domain, with a dot in front; hosts may not. */
static bool
is_host_base(struct dlk_bytes text, bool domain)
{
	if (text.n == 0)
		return true;
	return dlk_names_is_host(domain && text.p[0] == '.' ? from(text, 1) : text);
}

static bool
is_mail_base(struct dlk_bytes text)
{
	if (text.n > 0 && memchr(text.p, '@', text.n))
		return dlk_names_is_mailbox(text);
	return is_host_base(text, true);
}

/* Ones, then zeros (RFC 4632 section 5.1). */
static bool
mask_ok(struct dlk_bytes both)
{
	bool zero = false;

	if (both.n != 8 && both.n != 32)
		return false;
	for (size_t i = both.n / 2; i < both.n; i++) {
		for (int bit = 7; bit >= 0; bit--) {
			bool one = (both.p[i] >> bit) & 1;

			if (zero && one)
				return false;
			zero |= !one;
		}
	}
	return true;
}

static bool
base_ok(const GENERAL_NAME *base)
{
	switch (base->type) {
	case GEN_EMAIL:
		return is_mail_base(octets(base->d.rfc822Name));
	case GEN_DNS:
		return is_host_base(octets(base->d.dNSName), false);
	case GEN_URI:
		return is_host_base(octets(base->d.uniformResourceIdentifier), true);
	case GEN_IPADD:
		return mask_ok(octets(base->d.iPAddress));
	case GEN_DIRNAME:
		return dlk_names_subject_ok(base->d.directoryName);
	default:
		return true; /* a kind that cannot be judged refuses names of its kind */
	}
}

static bool
trees_ok(const STACK_OF(GENERAL_SUBTREE) * trees)
{
	for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
		const GENERAL_SUBTREE *tree = sk_GENERAL_SUBTREE_value(trees, i);

		/* minimum is 0, and DEFAULT 0 is not written; maximum is absent */
		if (tree->minimum || tree->maximum || !base_ok(tree->base))
			return false;
	}
	return !trees || sk_GENERAL_SUBTREE_num(trees) > 0;
}

bool
dlk_subtrees_ok(const NAME_CONSTRAINTS *constraints)
{
	return (constraints->permittedSubtrees || constraints->excludedSubtrees) &&
	       trees_ok(constraints->permittedSubtrees) &&
	       trees_ok(constraints->excludedSubtrees);
}

static bool
same_text(struct dlk_bytes a, struct dlk_bytes b)
{
	return a.n == b.n && strncasecmp((const char *)a.p, (const char *)b.p, a.n) == 0;
}

static bool
ends_with(struct dlk_bytes text, struct dlk_bytes end)
{
	return text.n > end.n && same_text(from(text, text.n - end.n), end);
}

/* A mailbox, a host, or with a dot in front all hosts below. Both are well formed. */
static bool
mailbox_within(struct dlk_bytes mailbox, struct dlk_bytes base)
{
	size_t local =
	    (size_t)((const uint8_t *)memchr(mailbox.p, '@', mailbox.n) - mailbox.p);
	struct dlk_bytes host = from(mailbox, local + 1);

	if (base.n == 0)
		return true;
	if (memchr(base.p, '@', base.n))
		return base.n == mailbox.n && memcmp(base.p, mailbox.p, local + 1) == 0 &&
		       same_text(host, from(base, local + 1));
	return base.p[0] == '.' ? ends_with(host, base) : same_text(host, base);
}

/* A host, and all below it. */
static bool
host_within(struct dlk_bytes host, struct dlk_bytes base)
{
	if (base.n == 0 || same_text(host, base))
		return true;
	return ends_with(host, base) && host.p[host.n - base.n - 1] == '.';
}

/* "*.example.com" stands for "bad.example.com" too, whatever tree that one is in. */
static bool
wildcard_covers(struct dlk_bytes name, struct dlk_bytes base)
{
	const uint8_t *dot = base.n ? memchr(base.p, '.', base.n) : NULL;

	return name.n > 2 && name.p[0] == '*' && name.p[1] == '.' && dot &&
	       same_text(from(base, (size_t)(dot - base.p) + 1), from(name, 2));
}

struct kind {
	int type;
	bool (*within)(struct dlk_bytes name, struct dlk_bytes base);
};
static const struct kind mailboxes = { GEN_EMAIL, mailbox_within };
static const struct kind hosts = { GEN_DNS, host_within };
static const struct kind wildcards = { GEN_DNS, wildcard_covers };

/* One of the trees holds the name; *ret_any: one is of its kind. */
static bool
holds(const STACK_OF(GENERAL_SUBTREE) * trees, const struct kind *kind, struct dlk_bytes name,
    bool *ret_any)
{
	bool held = false;

	*ret_any = false;
	for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
		const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(trees, i)->base;

		if (base->type != kind->type)
			continue;
		*ret_any = true;
		held |= kind->within(name, octets(base->d.ia5));
	}
	return held;
}

static bool
is_outside(const NAME_CONSTRAINTS *constraints, const struct kind *kind, struct dlk_bytes name)
{
	bool any;

	return holds(constraints->excludedSubtrees, kind, name, &any) ||
	       (!holds(constraints->permittedSubtrees, kind, name, &any) && any);
}

/* A name that its last label does not make an address (RFC 3696 section 2). */
static bool
is_host_name(struct dlk_bytes text)
{
	size_t digits = 0;

	while (digits < text.n && text.p[text.n - digits - 1] >= '0' &&
	       text.p[text.n - digits - 1] <= '9')
		digits++;
	return dlk_names_is_host(text) && digits < text.n &&
	       (digits == 0 || text.p[text.n - digits - 1] != '.');
}

/* The host between "://" and a port, a path or the end; nothing where it is not one beyond
 * doubt: a user in front of it, an address, or a query right behind it. */
static bool
has_plain_host(struct dlk_bytes uri)
{
	const uint8_t *begin = memmem(uri.p, uri.n, "://", 3);
	size_t n = 0;

	if (!begin || memchr(uri.p, ':', uri.n) != begin)
		return false;
	uri = from(uri, (size_t)(begin - uri.p) + 3);
	while (n < uri.n && uri.p[n] != ':' && uri.p[n] != '/')
		n++;
	for (size_t i = n; i < uri.n && uri.p[i] != '/'; i++)
		if (uri.p[i] == '@' || uri.p[i] == '?' || uri.p[i] == '#')
			return false;
	return is_host_name(DLK_BYTES(uri.p, n));
}

static bool
constrains(const STACK_OF(GENERAL_SUBTREE) * trees, int type)
{
	for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++)
		if (sk_GENERAL_SUBTREE_value(trees, i)->base->type == type)
			return true;
	return false;
}

static const char *
name_fault(const GENERAL_NAME *name, const NAME_CONSTRAINTS *constraints)
{
	bool any;

	if (name->type == GEN_URI && !has_plain_host(octets(name->d.ia5)) &&
	    (constrains(constraints->permittedSubtrees, GEN_URI) ||
		constrains(constraints->excludedSubtrees, GEN_URI)))
		return "a URI without a host name that could be compared";
	if (name->type == GEN_DNS &&
	    holds(constraints->excludedSubtrees, &wildcards, octets(name->d.ia5), &any))
		return "a wildcard that stands for an excluded host as well";
	return NULL;
}

const char *
dlk_subtrees_fault(const X509 *x509, const NAME_CONSTRAINTS *constraints)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	const char *fault = NULL;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !fault; i++)
		fault = name_fault(sk_GENERAL_NAME_value(names, i), constraints);
	GENERAL_NAMES_free(names);
	return fault;
}

static const char *
cn_fault(struct dlk_bytes cn, const NAME_CONSTRAINTS *constraints)
{
	if (dlk_names_is_mailbox(cn) && is_outside(constraints, &mailboxes, cn))
		return "its commonName is an address outside";
	if (memchr(cn.p, '.', cn.n) && is_host_name(cn) && is_outside(constraints, &hosts, cn))
		return "its commonName is a host outside";
	return NULL;
}

const char *
dlk_subtrees_cn_fault(const X509_NAME *subject, const NAME_CONSTRAINTS *constraints)
{
	const char *fault = NULL;

	for (int i = -1;
	     !fault && (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;) {
		uint8_t *text = NULL;
		int n = ASN1_STRING_to_UTF8(
		    &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));

		if (n < 0)
			return "its commonName cannot be read";
		if (n > 0)
			fault = cn_fault(DLK_BYTES(text, (size_t)n), constraints);
		OPENSSL_free(text);
	}
	return fault;
}

size_t
dlk_subtrees_comparisons(const X509 *x509, const NAME_CONSTRAINTS *constraints)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	int n = sk_GENERAL_NAME_num(names) +
		X509_NAME_entry_count(X509_get_subject_name(x509)) + 1;
	int trees = sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees) +
		    sk_GENERAL_SUBTREE_num(constraints->excludedSubtrees) + 2;

	GENERAL_NAMES_free(names);
	/* no names, no tree: -1 */
	return (size_t)(n > 0 ? n : 1) * (size_t)(trees > 0 ? trees : 1);
}
