/* SPDX-License-Identifier: MIT */
/* cards.h - the tokens that the system's p11-kit knows, and the certificates on them. */
#ifndef DLK_TOKEN_CARDS_H
#define DLK_TOKEN_CARDS_H

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>

#include "model/challenge.h"

#define DLK_CARD_CERTS_MAX 16
#define DLK_CARD_ID_MAX    64 /* octets of a CKA_ID */
#define DLK_CARD_NAME_MAX  63

struct dlk_card_cert {
	struct dlk_buf der;
	CK_BYTE id[DLK_CARD_ID_MAX];
	CK_ULONG n_id;
};

/* One token with an open session. Zeroed memory is none. */
struct dlk_card {
	CK_FUNCTION_LIST *module;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	char name[DLK_CARD_NAME_MAX + 1];              /* its label, escaped */
	struct dlk_card_cert cert[DLK_CARD_CERTS_MAX]; /* the wanted ones first */
	size_t n_certs, n_wanted;
};
void dlk_card_fini(struct dlk_card *card);
#define DLK_AUTO_CARD __attribute__((cleanup(dlk_card_fini))) struct dlk_card

/* Of all tokens the first that has a wanted certificate (strings, one after another), or else
 * one that has any. `modules` is NULL-ended. NO_CARD, EMPTY_CARD, NONE and *ret_card. */
enum dlk_trouble dlk_cards_find(
    CK_FUNCTION_LIST **modules, struct dlk_bytes wanted, struct dlk_card *ret_card);
/* CKF_... of the token as it is now; 0 where it is gone. */
CK_FLAGS dlk_card_flags(const struct dlk_card *card);

#endif
