/* SPDX-License-Identifier: MIT */
/* sign.h - has a token sign with the key of one of its certificates. */
#ifndef DLK_TOKEN_SIGN_H
#define DLK_TOKEN_SIGN_H

#include "base/secret.h"
#include "token/cards.h"

/* The first certificate whose key is there. RSASSA-PKCS1-v1_5 and ECDSA of the digest, Ed25519
 * of the data. `pin` once more for keys that ask for it each time. NONE and the answer's
 * evidence and signature; NO_PRIVATE_KEY, NOT_SIGNED, CARD_GONE. */
enum dlk_trouble dlk_card_sign(const struct dlk_card *card, struct dlk_secret *pin,
    const struct dlk_challenge *challenge, struct dlk_answer *answer);

#endif
