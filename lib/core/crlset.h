/* SPDX-License-Identifier: MIT */
/* crlset.h - what crl.c holds, for revoked.c alone. */
#ifndef DLK_CORE_CRLSET_H
#define DLK_CORE_CRLSET_H

#include <openssl/x509.h>

#include "core/crl.h"

struct dlk_crl {
	X509_CRL *x509;
	char *label;
	int64_t this_update, next_update;
};
struct dlk_crl_refusal {
	char *label, *words;
};
struct dlk_crls {
	struct dlk_crl *crl;
	size_t n;
	struct dlk_crl_refusal *refusal;
	size_t n_refusals;
};

#endif
