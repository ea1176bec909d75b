/* SPDX-License-Identifier: MIT */
/* crlid.h - by which a list is known again, wherever it lies: two that have the same are the
 * same list. */
#ifndef DLK_CORE_CRLID_H
#define DLK_CORE_CRLID_H

#include "core/crl.h"
#include "core/crlscan.h"
#include "core/digest.h"

#define DLK_CRLID_SIZE DLK_DIGEST_SIZE

/* Over the issuer, what was signed, and the signature. 0 or -ENOMEM. */
int dlk_crls_id(const struct dlk_crls *crls, size_t i, uint8_t *ret_id);
/* Of a list that was just read. */
int dlk_crl_parts_id(const struct dlk_crl_parts *parts, uint8_t *ret_id);

#endif
