/* SPDX-License-Identifier: MIT */
/* points.c - URIs out of distribution points. It judges none of them and asks nobody. */
#include "core/points.h"

#include <openssl/x509v3.h>

#include "core/crlset.h"
#include "core/der.h"

static void
tell_names(const GENERAL_NAMES *names, dlk_point each, void *arg)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_URI)
			continue;
		const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
		each(DLK_BYTES(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri)),
		    arg);
	}
}

/* Takes the points. */
static void
tell_points(CRL_DIST_POINTS *points, dlk_point each, void *arg)
{
	for (int i = 0; points && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *point = sk_DIST_POINT_value(points, i);
		if (point->distpoint && point->distpoint->type == 0)
			tell_names(point->distpoint->name.fullname, each, arg);
	}
	CRL_DIST_POINTS_free(points);
}

void
dlk_cert_points(const struct dlk_cert *cert, dlk_point each, void *arg)
{
	static const int nids[] = { NID_crl_distribution_points, NID_freshest_crl };

	for (size_t i = 0; i < sizeof(nids) / sizeof(nids[0]); i++)
		tell_points(
		    X509_get_ext_d2i(dlk_cert_x509(cert), nids[i], NULL, NULL), each, arg);
}

void
dlk_crls_points(const struct dlk_crls *crls, size_t i, dlk_point each, void *arg)
{
	static const uint8_t freshest[] = { 0x55, 0x1d, 0x2e };
	struct dlk_bytes list = crls->crl[i]->image.extensions;
	struct dlk_der_extension ext;

	while (dlk_der_extension(&list, &ext)) {
		const uint8_t *at = ext.value.p;
		if (dlk_bytes_equal(ext.oid, DLK_BYTES(freshest, sizeof(freshest))))
			tell_points(
			    d2i_CRL_DIST_POINTS(NULL, &at, (long)ext.value.n), each, arg);
	}
}
