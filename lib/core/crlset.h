/* SPDX-License-Identifier: MIT */
/* crlset.h - a list as crl.c keeps it, for the judgement in revoked.c and crlscope.c alone. */
#ifndef DLK_CORE_CRLSET_H
#define DLK_CORE_CRLSET_H

#include <openssl/x509v3.h>

#include "core/cert.h"
#include "core/crl.h"
#include "core/crlimage.h"
#include "core/sigalg.h"

#define DLK_CRL_KEYS_KNOWN 4

/* Magnitude of a CRLNumber, borrowed from the image. */
struct dlk_crl_number {
	bool given;
	struct dlk_bytes octets;
};

struct dlk_crl {
	struct dlk_crlimage image;
	struct dlk_crl_image kept;  /* release and again; zeroed for an image of our own */
	uint8_t *own;               /* the image, where it is our own */
	struct dlk_buf signed_part; /* of a list that is signed whole */
	char *label, *issuer_text, *number_text;
	X509_NAME *issuer;
	struct dlk_sigalg algorithm;
	struct dlk_crl_number number, base; /* base given: a delta */
	struct dlk_bytes scope;  /* DER of the issuing distribution point, or none */
	ISSUING_DIST_POINT *idp; /* or NULL: covers all that its issuer issued */
	/* which keys (SHA-256 of the SPKI) were tried, and whether the signature held */
	struct {
		uint8_t key_id[DLK_SHA256_SIZE];
		bool held;
	} known[DLK_CRL_KEYS_KNOWN];
	size_t n_known;
	bool authority; /* it has an authorityKeyIdentifier */
	bool renewed;   /* `again` was asked; it is asked once */
};

struct dlk_crl_refusal {
	char *label, *words;
};

struct dlk_crls {
	struct dlk_crl **crl;
	size_t n;
	struct dlk_crl_refusal *refusal;
	size_t n_refusals;
};

/* Reads the head of crl->image into the rest. NULL, or the rule that is broken. */
const char *dlk_crl_read(struct dlk_crl *crl);
void dlk_crl_free(struct dlk_crl *crl);

static inline bool
dlk_crl_is_delta(const struct dlk_crl *crl)
{
	return crl->base.given;
}

static inline bool
dlk_crl_is_indirect(const struct dlk_crl *crl)
{
	return crl->idp && crl->idp->indirectCRL > 0;
}

/* <0, 0, >0 */
int dlk_crl_number_cmp(const struct dlk_crl_number *a, const struct dlk_crl_number *b);
/* By number where both have one, otherwise by thisUpdate. */
bool dlk_crl_is_newer(const struct dlk_crl *crl, const struct dlk_crl *than);
/* Same issuer, same scope: the newer one takes the other's place. */
bool dlk_crl_is_kin(const struct dlk_crl *crl, const struct dlk_crl *other);
/* The list's signature under the certificate's key; remembered. */
bool dlk_crl_holds(struct dlk_crl *crl, const struct dlk_cert *signer);
/* As dlk_crlimage_find, with the image made anew where it was damaged. `issuer` is that of
 * the certificate; an indirect list is searched for it, another one for its own. */
int dlk_crl_find(struct dlk_crl *crl, X509_NAME *issuer, struct dlk_bytes serial,
    struct dlk_crl_hit *ret_hit);

#endif
