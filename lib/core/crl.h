/* SPDX-License-Identifier: MIT */
/*
 * crl.h - certificate revocation lists (RFC 5280 section 5), held in a set and searched by
 * revoked.c. Adding reads strictly; who signed a list is judged where it is used.
 */
#ifndef DLK_CORE_CRL_H
#define DLK_CORE_CRL_H

#include "model/verdict.h"

struct dlk_crls;
int dlk_crls_new(struct dlk_crls **ret_crls);
void dlk_crls_free(struct dlk_crls *crls);
/* A file: PEM with any number of X509 CRLs, or one DER. `label` (copied) is the name for
 * details. DLK_R_OK, or why nothing of the file can be used. */
enum dlk_reason dlk_crls_add_file(struct dlk_crls *crls, struct dlk_bytes content,
    const char *label, struct dlk_finding *finding);
/* A file that is there and cannot be used: a path that its issuer might have covered is
 * refused with these words where no other list covers it. `words` is copied. */
int dlk_crls_refuse(struct dlk_crls *crls, const char *label, const char *words);
size_t dlk_crls_count(const struct dlk_crls *crls);

#endif
