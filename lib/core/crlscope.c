/* SPDX-License-Identifier: MIT */
/*
 * crlscope.c - matches issuing distribution points with those of certificates. It knows no
 * dates, no signatures and no entries.
 */
#include "core/crlscope.h"

static unsigned
reasons_of(const ASN1_BIT_STRING *bits)
{
	unsigned mask = 0;

	if (!bits)
		return DLK_CRL_ALL_REASONS;
	for (int i = 1; i <= 8; i++)
		if (ASN1_BIT_STRING_get_bit(bits, i))
			mask |= 1u << i;
	return mask;
}

static bool
has_name(const GENERAL_NAMES *names, const X509_NAME *name)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
		if (one->type == GEN_DIRNAME && X509_NAME_cmp(one->d.directoryName, name) == 0)
			return true;
	}
	return false;
}

static bool
names_meet(const GENERAL_NAMES *a, const GENERAL_NAMES *b)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(a); i++)
		for (int j = 0; j < sk_GENERAL_NAME_num(b); j++)
			if (GENERAL_NAME_cmp(
				sk_GENERAL_NAME_value(a, i), sk_GENERAL_NAME_value(b, j)) == 0)
				return true;
	return false;
}

/* A relative name counts as the whole name that it stands for. */
static bool
points_meet(const DIST_POINT_NAME *a, const DIST_POINT_NAME *b)
{
	if (a->type == 1 && b->type == 1)
		return a->dpname && b->dpname && X509_NAME_cmp(a->dpname, b->dpname) == 0;
	if (a->type == 1)
		return a->dpname && has_name(b->name.fullname, a->dpname);
	if (b->type == 1)
		return b->dpname && has_name(a->name.fullname, b->dpname);
	return names_meet(a->name.fullname, b->name.fullname);
}

static bool
point_is_name(const DIST_POINT_NAME *point, const X509_NAME *name)
{
	if (point->type == 1)
		return point->dpname && X509_NAME_cmp(point->dpname, name) == 0;
	return has_name(point->name.fullname, name);
}

/* RFC 5280 section 6.3.3 (b) (2) (i). */
static bool
point_of_list_meets(const struct dlk_crl *crl, DIST_POINT *point)
{
	const DIST_POINT_NAME *own = crl->idp ? crl->idp->distpoint : NULL;

	if (!own)
		return true;
	if (point->distpoint)
		return DIST_POINT_set_dpname(point->distpoint, crl->issuer) == 1 &&
		       points_meet(own, point->distpoint);
	if (own->type == 1)
		return own->dpname && has_name(point->CRLissuer, own->dpname);
	return names_meet(own->name.fullname, point->CRLissuer);
}

/* RFC 5280 section 6.3.3 (b) (1), and the reasons of (d). */
static unsigned
covers_point(const struct dlk_crl *crl, DIST_POINT *point, bool direct)
{
	bool named = point->CRLissuer
			 ? dlk_crl_is_indirect(crl) && has_name(point->CRLissuer, crl->issuer)
			 : direct;

	return named && point_of_list_meets(crl, point) ? reasons_of(point->reasons) : 0;
}

static unsigned
covers_points(const struct dlk_crl *crl, const struct dlk_cert *cert, bool direct)
{
	CRL_DIST_POINTS *points =
	    X509_get_ext_d2i(dlk_cert_x509(cert), NID_crl_distribution_points, NULL, NULL);
	unsigned mask = 0;

	for (int i = 0; points && i < sk_DIST_POINT_num(points); i++)
		mask |= covers_point(crl, sk_DIST_POINT_value(points, i), direct);
	CRL_DIST_POINTS_free(points);
	return mask;
}

/* RFC 5280 section 6.3.3 (b) (2) (ii) to (iv). */
static bool
kind_fits(const ISSUING_DIST_POINT *idp, const struct dlk_cert *cert)
{
	bool ca = (X509_get_extension_flags(dlk_cert_x509(cert)) & EXFLAG_CA) != 0;

	return idp->onlyattr <= 0 && (idp->onlyuser <= 0 || !ca) && (idp->onlyCA <= 0 || ca);
}

unsigned
dlk_crl_covers(const struct dlk_crl *crl, const struct dlk_cert *cert)
{
	const ISSUING_DIST_POINT *idp = crl->idp;
	X509_NAME *issuer = X509_get_issuer_name(dlk_cert_x509(cert));
	bool direct = X509_NAME_cmp(crl->issuer, issuer) == 0;
	unsigned mask;

	if (!direct && !dlk_crl_is_indirect(crl))
		return 0;
	if (idp && !kind_fits(idp, cert))
		return 0;
	mask = reasons_of(idp ? idp->onlysomereasons : NULL);
	/* A list from the issuer itself also serves where the certificate names no point:
	 * then the issuer's name is the point (end of RFC 5280 section 6.3.3). */
	if (direct && (!idp || !idp->distpoint || point_is_name(idp->distpoint, issuer)))
		return mask;
	return mask & covers_points(crl, cert, direct);
}
