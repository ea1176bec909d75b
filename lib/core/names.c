/* SPDX-License-Identifier: MIT */
/* names.c - is each name of one form? Whom a name means is map.c's affair. */
#include "core/names.h"

#include <string.h>
#include <strings.h>

#include "base/bytes.h"

static struct dlk_bytes
octets(const ASN1_STRING *string)
{
	return DLK_BYTES(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

/* Exactly the octets that UTF-8 has (RFC 3629 section 4): no overlong form, no surrogate. */
static bool
is_utf8(struct dlk_bytes text)
{
	size_t i = 0;

	while (i < text.n) {
		uint8_t c = text.p[i++], low = 0x80, high = 0xbf;
		size_t more = c < 0x80 ? 0 : c < 0xc2 ? 9 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

		if (more == 9 || c > 0xf4 || more > text.n - i)
			return false;
		low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : low;
		high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : high;
		for (; more > 0; more--, i++, low = 0x80, high = 0xbf)
			if (text.p[i] < low || text.p[i] > high)
				return false;
	}
	return true;
}

static bool
all(struct dlk_bytes text, uint8_t least, uint8_t most)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < least || text.p[i] > most)
			return false;
	return true;
}

/* Characters of `width` octets, none of them zero. */
static bool
is_wide(struct dlk_bytes text, size_t width)
{
	static const uint8_t nul[4];

	if (text.n % width != 0)
		return false;
	for (size_t i = 0; i < text.n; i += width)
		if (memcmp(text.p + i, nul, width) == 0)
			return false;
	return true;
}

static bool
string_ok(const ASN1_STRING *string)
{
	struct dlk_bytes text = octets(string);

	switch (ASN1_STRING_type(string)) {
	case V_ASN1_UTF8STRING:
		return is_utf8(text) &&
		       !memchr(text.n ? text.p : (const uint8_t *)"", 0, text.n);
	case V_ASN1_IA5STRING:
	case V_ASN1_PRINTABLESTRING:
	case V_ASN1_NUMERICSTRING:
	case V_ASN1_VISIBLESTRING:
		return all(text, 0x01, 0x7f);
	case V_ASN1_T61STRING:
		return all(text, 0x01, 0xff);
	case V_ASN1_BMPSTRING:
		return is_wide(text, 2);
	case V_ASN1_UNIVERSALSTRING:
		return is_wide(text, 4);
	default:
		return true; /* unstructured types of rare attributes: no rule reads them */
	}
}

bool
dlk_names_subject_ok(const X509_NAME *name)
{
	for (int i = 0; i < X509_NAME_entry_count(name); i++)
		if (!string_ok(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i))))
			return false;
	return true;
}

static bool
is_label(struct dlk_bytes label)
{
	if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++) {
		uint8_t c = label.p[i] | 0x20;
		bool good = (c >= 'a' && c <= 'z') ||
			    (label.p[i] >= '0' && label.p[i] <= '9') || label.p[i] == '-' ||
			    label.p[i] == '_';

		if (!good)
			return false;
	}
	return true;
}

/* RFC 1034 section 3.5, with the underscores of practice. */
static bool
is_host(struct dlk_bytes host)
{
	while (host.n > 0) {
		const uint8_t *dot = memchr(host.p, '.', host.n);
		size_t n = dot ? (size_t)(dot - host.p) : host.n;

		if (!is_label(DLK_BYTES(host.p, n)))
			return false;
		if (!dot)
			return true;
		host = DLK_BYTES(host.p + n + 1, host.n - n - 1);
	}
	return false;
}

static bool
is_dns_name(struct dlk_bytes name)
{
	if (name.n > 2 && name.p[0] == '*' && name.p[1] == '.')
		name = DLK_BYTES(name.p + 2, name.n - 2);
	return name.n <= 253 && is_host(name);
}

/* One '@' between a local part and a host (RFC 5280 section 4.2.1.6, RFC 5321 section 4.1.2).
 */
static bool
is_mailbox(struct dlk_bytes name)
{
	const uint8_t *at = name.n ? memchr(name.p, '@', name.n) : NULL;
	size_t local = at ? (size_t)(at - name.p) : 0;

	return local > 0 && all(name, 0x21, 0x7e) &&
	       is_host(DLK_BYTES(at + 1, name.n - local - 1));
}

static bool
is_uri(struct dlk_bytes name)
{
	const uint8_t *colon = name.n ? memchr(name.p, ':', name.n) : NULL;

	return colon && colon > name.p && colon + 1 < name.p + name.n && all(name, 0x21, 0x7e);
}

static bool
is_other(const OTHERNAME *other)
{
	const ASN1_STRING *text;

	if (!other->value || (other->value->type != V_ASN1_UTF8STRING &&
				 other->value->type != V_ASN1_IA5STRING))
		return other->value != NULL;
	text = other->value->value.asn1_string;
	return ASN1_STRING_length(text) > 0 && string_ok(text);
}

static bool
alt_ok(const GENERAL_NAME *name)
{
	switch (name->type) {
	case GEN_EMAIL:
		return is_mailbox(octets(name->d.rfc822Name));
	case GEN_DNS:
		return is_dns_name(octets(name->d.dNSName));
	case GEN_URI:
		return is_uri(octets(name->d.uniformResourceIdentifier));
	case GEN_IPADD:
		return ASN1_STRING_length(name->d.iPAddress) == 4 ||
		       ASN1_STRING_length(name->d.iPAddress) == 16;
	case GEN_DIRNAME:
		return X509_NAME_entry_count(name->d.directoryName) > 0 &&
		       dlk_names_subject_ok(name->d.directoryName);
	case GEN_OTHERNAME:
		return is_other(name->d.otherName);
	case GEN_RID:
		return true;
	default:
		return true; /* x400Address, ediPartyName: no rule and no constraint reads them
			      */
	}
}

bool
dlk_names_alt_ok(const GENERAL_NAMES *names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		if (!alt_ok(sk_GENERAL_NAME_value(names, i)))
			return false;
	return true;
}

/* A host, a domain with a dot in front, or (an address) a mailbox; empty is everything. */
static bool
base_text_ok(struct dlk_bytes text, bool mailbox)
{
	if (text.n == 0)
		return true;
	if (mailbox && memchr(text.p, '@', text.n))
		return is_mailbox(text);
	if (text.p[0] == '.')
		text = DLK_BYTES(text.p + 1, text.n - 1);
	return is_host(text);
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
		return base_text_ok(octets(base->d.rfc822Name), true);
	case GEN_DNS:
		return base_text_ok(octets(base->d.dNSName), false);
	case GEN_URI:
		return base_text_ok(octets(base->d.uniformResourceIdentifier), false);
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
dlk_names_constraints_ok(const NAME_CONSTRAINTS *constraints)
{
	return (constraints->permittedSubtrees || constraints->excludedSubtrees) &&
	       trees_ok(constraints->permittedSubtrees) &&
	       trees_ok(constraints->excludedSubtrees);
}

static bool
same_host(struct dlk_bytes a, struct dlk_bytes b)
{
	return a.n == b.n && strncasecmp((const char *)a.p, (const char *)b.p, a.n) == 0;
}

static struct dlk_bytes
from(struct dlk_bytes text, size_t at)
{
	return DLK_BYTES(text.p + at, text.n - at);
}

/* RFC 5280 section 4.2.1.10: a mailbox, a host, or with a dot in front all hosts below. Both
 * are well formed. */
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
		       same_host(host, from(base, local + 1));
	if (base.p[0] != '.')
		return same_host(host, base);
	return host.n > base.n && same_host(from(host, host.n - base.n), base);
}

/* Whether a tree has mailboxes at all, and one that holds this one. */
static bool
holds_mailbox(const STACK_OF(GENERAL_SUBTREE) * trees, struct dlk_bytes mailbox, bool *ret_any)
{
	bool holds = false;

	*ret_any = false;
	for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
		const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(trees, i)->base;

		if (base->type != GEN_EMAIL)
			continue;
		*ret_any = true;
		holds |= mailbox_within(mailbox, octets(base->d.rfc822Name));
	}
	return holds;
}

bool
dlk_names_cn_within(const X509_NAME *subject, const NAME_CONSTRAINTS *constraints)
{
	bool any;

	for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;) {
		const ASN1_STRING *cn =
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i));

		if (!is_mailbox(octets(cn)))
			continue;
		if (holds_mailbox(constraints->excludedSubtrees, octets(cn), &any) ||
		    (!holds_mailbox(constraints->permittedSubtrees, octets(cn), &any) && any))
			return false;
	}
	return true;
}

size_t
dlk_names_comparisons(const X509 *x509, const NAME_CONSTRAINTS *constraints)
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
