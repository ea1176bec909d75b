/* SPDX-License-Identifier: MIT */
/* names.c - is each name of one form? Whom a name means is map.c's affair. */
#include "core/names.h"

#include <string.h>

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
	case V_ASN1_BIT_STRING: /* x500UniqueIdentifier */
	case V_ASN1_SEQUENCE:   /* postalAddress */
		return true;
	default:
		return false; /* no type of an attribute (RFC 5280 section 4.1.2.4) */
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

bool
dlk_names_is_host(struct dlk_bytes host)
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
	return name.n <= 253 && dlk_names_is_host(name);
}

bool
dlk_names_is_mailbox(struct dlk_bytes name)
{
	const uint8_t *at = name.n ? memchr(name.p, '@', name.n) : NULL;
	size_t local = at ? (size_t)(at - name.p) : 0;

	return local > 0 && all(name, 0x21, 0x7e) &&
	       dlk_names_is_host(DLK_BYTES(at + 1, name.n - local - 1));
}

/* RFC 3986 section 3.1. */
static bool
is_scheme(struct dlk_bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i] | 0x20;
		bool mark = (text.p[i] >= '0' && text.p[i] <= '9') || text.p[i] == '+' ||
			    text.p[i] == '-' || text.p[i] == '.';

		if (!(c >= 'a' && c <= 'z') && (i == 0 || !mark))
			return false;
	}
	return text.n > 0;
}

/* Scheme, and something behind it; where that is an authority, one that is not empty. */
static bool
is_uri(struct dlk_bytes name)
{
	const uint8_t *colon = name.n ? memchr(name.p, ':', name.n) : NULL;
	size_t n = colon ? (size_t)(colon - name.p) : 0;

	if (n + 1 >= name.n || !is_scheme(DLK_BYTES(name.p, n)) || !all(name, 0x21, 0x7e))
		return false;
	if (name.n < n + 3 || memcmp(colon, "://", 3) != 0)
		return true;
	return name.n > n + 3 && !memchr("/?#", colon[3], 3);
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
		return dlk_names_is_mailbox(octets(name->d.rfc822Name));
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
