/* SPDX-License-Identifier: MIT */
/*
 * crlhead.c - what a list says of itself: issuer, number, scope (RFC 5280 section 5.2). It
 * knows no certificate and does not search.
 */
#include <string.h>

#include "base/text.h"
#include "core/crlset.h"
#include "core/der.h"

/* Decodes, and demands that encoding gives the same octets: strict DER, nothing behind. */
static void *
decode(struct dlk_bytes der, const ASN1_ITEM *item)
{
	const uint8_t *at = der.p;
	uint8_t *again = NULL;
	void *value = (void *)ASN1_item_d2i(NULL, &at, (long)der.n, item);

	if (!value)
		return NULL;
	int n = ASN1_item_i2d((const ASN1_VALUE *)value, &again, item);
	bool same = n >= 0 && dlk_bytes_equal(DLK_BYTES(again, (size_t)n), der);
	OPENSSL_free(again);
	if (same)
		return value;
	ASN1_item_free((ASN1_VALUE *)value, item);
	return NULL;
}

/* INTEGER (0..MAX) of at most 20 octets (RFC 5280 section 5.2.3). */
static bool
read_number(struct dlk_bytes value, struct dlk_crl_number *ret)
{
	struct dlk_bytes content;

	if (!dlk_der_expect(&value, DLK_DER_INTEGER, &content) || value.n > 0 ||
	    !dlk_der_integer_ok(content) || (content.p[0] & 0x80))
		return false;
	if (content.p[0] == 0)
		content = DLK_BYTES(content.p + 1, content.n - 1);
	if (content.n > DLK_SERIAL_MAX)
		return false;
	*ret = (struct dlk_crl_number){ .given = true, .octets = content };
	return true;
}

static bool
some_bit(const ASN1_BIT_STRING *bits)
{
	for (int i = 0; i < bits->length; i++)
		if (bits->data[i] != 0)
			return true;
	return false;
}

static bool
names_given(const DIST_POINT_NAME *point)
{
	return point->type == 0 ? sk_GENERAL_NAME_num(point->name.fullname) > 0
				: sk_X509_NAME_ENTRY_num(point->name.relativename) > 0;
}

/* DER has TRUE as 0xff; the decoder keeps any octet. */
static bool
truth_ok(ASN1_BOOLEAN truth)
{
	return truth <= 0 || truth == 0xff;
}

/* Something is said, and nothing that contradicts itself (RFC 5280 section 5.2.5). */
static bool
scope_ok(const ISSUING_DIST_POINT *idp)
{
	int only = (idp->onlyuser > 0) + (idp->onlyCA > 0) + (idp->onlyattr > 0);

	if (!truth_ok(idp->onlyuser) || !truth_ok(idp->onlyCA) || !truth_ok(idp->onlyattr) ||
	    !truth_ok(idp->indirectCRL))
		return false;
	if (only > 1 || (idp->onlysomereasons && !some_bit(idp->onlysomereasons)))
		return false;
	return idp->distpoint ? names_given(idp->distpoint)
			      : only > 0 || idp->indirectCRL > 0 || idp->onlysomereasons;
}

static bool
read_scope(struct dlk_crl *crl, struct dlk_bytes value)
{
	if (crl->idp)
		return false; /* twice: a list is read for that, an image may say anything */
	crl->idp = decode(value, ASN1_ITEM_rptr(ISSUING_DIST_POINT));
	crl->scope = value;
	if (!crl->idp || !scope_ok(crl->idp))
		return false;
	/* a relative name becomes a whole one; the issuer is read already */
	return !crl->idp->distpoint ||
	       DIST_POINT_set_dpname(crl->idp->distpoint, crl->issuer) == 1;
}

static bool
authority_ok(struct dlk_bytes value)
{
	AUTHORITY_KEYID *id = decode(value, ASN1_ITEM_rptr(AUTHORITY_KEYID));
	bool good = id != NULL;

	AUTHORITY_KEYID_free(id);
	return good;
}

static const char *
read_extension(struct dlk_crl *crl, const struct dlk_der_extension *ext)
{
	uint8_t last = ext->oid.n == 3 && ext->oid.p[0] == 0x55 && ext->oid.p[1] == 0x1d
			   ? ext->oid.p[2]
			   : 0; /* of id-ce */

	switch (last) {
	case 20:
		return !ext->critical && read_number(ext->value, &crl->number)
			   ? NULL
			   : "its CRLNumber is critical or malformed (RFC 5280 section "
			     "5.2.3)";
	case 27:
		return read_number(ext->value, &crl->base)
			   ? NULL
			   : "its deltaCRLIndicator is malformed (RFC 5280 section 5.2.4)";
	case 28:
		return read_scope(crl, ext->value) ? NULL
						   : "its issuingDistributionPoint is "
						     "malformed (RFC 5280 section 5.2.5)";
	case 35:
		crl->authority = true;
		return authority_ok(ext->value) ? NULL
						: "its authorityKeyIdentifier is malformed "
						  "(RFC 5280 section 5.2.1)";
	default:
		return ext->critical
			   ? "it has a critical extension that is not understood (RFC "
			     "5280 section 5.2)"
			   : NULL;
	}
}

static const char *
read_extensions(struct dlk_crl *crl)
{
	struct dlk_bytes list = crl->image.extensions;
	struct dlk_der_extension ext;
	const char *rule = NULL;

	while (!rule && dlk_der_extension(&list, &ext))
		rule = read_extension(crl, &ext);
	if (rule)
		return rule;
	if (list.n > 0)
		return "its extensions are malformed (RFC 5280 section 5.2)";
	if (dlk_crl_is_delta(crl) &&
	    (!crl->number.given || dlk_crl_number_cmp(&crl->number, &crl->base) < 0))
		return "it is a delta without a CRLNumber behind that of its base (RFC 5280 "
		       "section 5.2.4)";
	if (crl->image.entry_issuers && !dlk_crl_is_indirect(crl))
		return "an entry has a certificateIssuer and the list is not indirect (RFC "
		       "5280 "
		       "section 5.3.3)";
	return NULL;
}

static char *
name_text(X509_NAME *name)
{
	char text[DLK_DN_MAX + 1] = "";
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;

	if (bio && X509_NAME_print_ex(
		       bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_UTF8_CONVERT) >= 0) {
		long n = BIO_get_mem_data(bio, &p);
		dlk_text_escape(text, sizeof(text), DLK_BYTES(p, n > 0 ? (size_t)n : 0));
	}
	BIO_free(bio);
	return strdup(text);
}

static char *
number_text(const struct dlk_crl_number *number)
{
	char text[2 * DLK_SERIAL_MAX + 1] = "";

	if (number->given && number->octets.n == 0)
		return strdup("0");
	dlk_hex(number->octets, text);
	return strdup(text);
}

const char *
dlk_crl_read(struct dlk_crl *crl)
{
	const uint8_t *at = crl->image.issuer.p;

	if (!dlk_sigalg_read(crl->image.algorithm, DLK_SIGALG_SHA256, &crl->algorithm))
		return "it is signed with an algorithm that is not accepted";
	crl->issuer = d2i_X509_NAME(NULL, &at, (long)crl->image.issuer.n);
	if (!crl->issuer || at != crl->image.issuer.p + crl->image.issuer.n)
		return "its issuer is not a Name (RFC 5280 section 5.1.2.3)";
	const char *rule = read_extensions(crl);
	if (rule)
		return rule;
	crl->issuer_text = name_text(crl->issuer);
	crl->number_text = number_text(&crl->number);
	return crl->issuer_text && crl->number_text ? NULL : "memory ran out";
}

int
dlk_crl_number_cmp(const struct dlk_crl_number *a, const struct dlk_crl_number *b)
{
	if (a->octets.n != b->octets.n)
		return a->octets.n < b->octets.n ? -1 : 1;
	return a->octets.n > 0 ? memcmp(a->octets.p, b->octets.p, a->octets.n) : 0;
}

bool
dlk_crl_is_newer(const struct dlk_crl *crl, const struct dlk_crl *than)
{
	int order = crl->number.given && than->number.given
			? dlk_crl_number_cmp(&crl->number, &than->number)
			: 0;

	return order != 0 ? order > 0 : crl->image.this_update > than->image.this_update;
}

bool
dlk_crl_is_kin(const struct dlk_crl *crl, const struct dlk_crl *other)
{
	return dlk_bytes_equal(crl->scope, other->scope) &&
	       X509_NAME_cmp(crl->issuer, other->issuer) == 0;
}
