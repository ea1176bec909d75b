/* SPDX-License-Identifier: MIT */
/*
 * offer.h - a key that sshd has been shown (AuthorizedKeysCommand), and the line of
 * authorized_keys(5) by which it is offered. Nobody has seen a signature yet.
 */
#ifndef DLK_CORE_OFFER_H
#define DLK_CORE_OFFER_H

#include "core/policy.h"
#include "model/verdict.h"

/* sshd asks for each key when it is shown and again when it signs: one attempt, of sshd's
 * process (pid and time of its start, 64 bits each, which stand in the request's attempt), the
 * user and the key. Takes the place of what stood there. 0 or -ENOMEM. */
int dlk_offer_attempt(struct dlk_request *request);

/* Appends what sshd is to hear of the key `text` ("TYPE BASE64") that the verdict accepted:
 * options, which have no space in them; and behind a space the key that it is to believe,
 * where that is not `text` itself. 0 or -errno. */
int dlk_offer_line(const struct dlk_policy *policy, const struct dlk_verdict *verdict,
    struct dlk_bytes text, struct dlk_buf *buf);

#endif
