/* SPDX-License-Identifier: MIT */
/* unlock.h - the PIN: asked for once, through the PAM module, and tried once. */
#ifndef DLK_TOKEN_UNLOCK_H
#define DLK_TOKEN_UNLOCK_H

#include "base/secret.h"
#include "token/cards.h"

/* Logs in to the token. A locked one is not tried, and where the reader has keys of its own no
 * PIN comes here. NONE, or what is the matter; `ret_pin` is empty without one. */
enum dlk_trouble dlk_card_unlock(const struct dlk_card *card, struct dlk_secret *ret_pin);

#endif
