/* SPDX-License-Identifier: MIT */
/* crlscope.h - what a list says about which certificate (RFC 5280 section 6.3.3 b, d). */
#ifndef DLK_CORE_CRLSCOPE_H
#define DLK_CORE_CRLSCOPE_H

#include "core/crlset.h"

#define DLK_CRL_ALL_REASONS 0x1feu /* bits 1 to 8 of ReasonFlags */

/* The reasons for which the list would have the certificate; 0 where it does not cover it. */
unsigned dlk_crl_covers(const struct dlk_crl *crl, const struct dlk_cert *cert);

#endif
