/* SPDX-License-Identifier: MIT */
/* shown.h - a key that sshd was shown: how it is asked about, and how it is offered. For the
 * front as well, which asks the agent, and links nothing of the judge. */
#ifndef DLK_AGENT_SHOWN_H
#define DLK_AGENT_SHOWN_H

#include "model/request.h"

/* `text` is "TYPE BASE64". The attempt is this connection's: dlk_offer_attempt() makes it the
 * key's, where it is judged. 0, -EMSGSIZE (longer than any key or name), -ENOMEM. */
int shown_request(
    const char *user, const char *service, const char *text, struct dlk_request *ret_request);
/* One line of authorized_keys(5), of what core/offer.h made for the key `text`. False where
 * standard output takes no more. */
bool shown_print(struct dlk_bytes offer, const char *text);

#endif
