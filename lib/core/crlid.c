/* SPDX-License-Identifier: MIT */
/* crlid.c - the digest that stands for a list. Whether its signature holds it does not know.
 */
#include "core/crlid.h"

#include "core/crlset.h"

static int
id_of(struct dlk_bytes issuer, struct dlk_bytes digest, struct dlk_bytes signed_part,
    struct dlk_bytes signature, uint8_t *ret_id)
{
	const struct dlk_bytes part[] = { issuer, digest, signed_part, signature };

	return dlk_digest(part, sizeof(part) / sizeof(part[0]), ret_id);
}

int
dlk_crls_id(const struct dlk_crls *crls, size_t i, uint8_t *ret_id)
{
	const struct dlk_crl *crl = crls->crl[i];

	return id_of(crl->image.issuer, crl->image.digest, dlk_bytes_of(&crl->signed_part),
	    crl->image.signature, ret_id);
}

int
dlk_crl_parts_id(const struct dlk_crl_parts *parts, uint8_t *ret_id)
{
	return id_of(dlk_bytes_of(&parts->issuer), DLK_BYTES(parts->digest, parts->digest_n),
	    dlk_bytes_of(&parts->signed_part), dlk_bytes_of(&parts->signature), ret_id);
}
