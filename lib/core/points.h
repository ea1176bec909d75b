/* SPDX-License-Identifier: MIT */
/*
 * points.h - where certificates and lists say that lists of revocation can be had. What they
 * say is whatever their issuer wrote: whoever goes there first looks at what it is.
 */
#ifndef DLK_CORE_POINTS_H
#define DLK_CORE_POINTS_H

#include "core/cert.h"
#include "core/crl.h"

typedef void (*dlk_point)(struct dlk_bytes uri, void *arg);

/* Calls for each URI of the distribution points (RFC 5280 section 4.2.1.13) and of the
 * freshest list, the delta (section 4.2.1.15); borrowed for the call. */
void dlk_cert_points(const struct dlk_cert *cert, dlk_point each, void *arg);
/* The freshest list of the i-th list (RFC 5280 section 5.2.6). */
void dlk_crls_points(const struct dlk_crls *crls, size_t i, dlk_point each, void *arg);

#endif
