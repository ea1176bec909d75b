/* SPDX-License-Identifier: MIT */
/*
 * fetch.h - keeps lists of revocation fresh, in a thread of its own: each is fetched ahead of
 * its end, and again after a while where that fails. What is in force changes by a reload.
 */
#ifndef DLK_AGENT_FETCH_H
#define DLK_AGENT_FETCH_H

#include "agent/courier.h"
#include "agent/keeper.h"

struct dlk_fetch;
/* `config` and the keeper are borrowed. 0 or -errno. */
int dlk_fetch_new(const char *config, uid_t owner, const struct dlk_keeper *keeper,
    struct dlk_courier *courier, struct dlk_fetch **ret_fetch);
/* The configuration may be another one: looks at once. From any thread. */
void dlk_fetch_wake(struct dlk_fetch *fetch);
/* Gives up what is under way, within about a second. NULL is fine. */
void dlk_fetch_free(struct dlk_fetch *fetch);

#endif
