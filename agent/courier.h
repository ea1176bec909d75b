/* SPDX-License-Identifier: MIT */
/*
 * courier.h - takes events out of the outbox to the webhook, in a thread of its own. What it
 * has not brought there stays in the record: kill -9 loses nothing, and may repeat something.
 */
#ifndef DLK_AGENT_COURIER_H
#define DLK_AGENT_COURIER_H

#include "agent/keeper.h"
#include "agent/repeats.h"
#include "config/engine.h"

struct dlk_courier;
struct dlk_errand; /* a record and a receiver, as one configuration names them */

/* 0, or -errno with words in `finding`. */
int dlk_errand_open(const char *config, uid_t owner, struct dlk_errand **ret_errand,
    struct dlk_finding *finding);
void dlk_errand_close(struct dlk_errand *errand); /* NULL is fine */

/* Takes the errand in every case; the keeper is borrowed. 0 or -errno. */
int dlk_courier_new(struct dlk_errand *errand, const struct dlk_keeper *keeper,
    struct dlk_courier **ret_courier);
/* Takes the errand of a newer configuration. From any thread. */
void dlk_courier_swap(struct dlk_courier *courier, struct dlk_errand *errand);
/* There may be something new in the outbox. From any thread. */
void dlk_courier_wake(struct dlk_courier *courier);
/* Records what the agent noticed by itself; `words` are escaped. From any thread. Many at
 * once are cut off: the log has all of them. */
void dlk_courier_record(
    struct dlk_courier *courier, enum dlk_event_type type, const char *words);
/* Records that the certificate of event->fingerprint ends soon, unless that was said within a
 * day; false: too many wait, and it has to be told again. From any thread. */
bool dlk_courier_ending(struct dlk_courier *courier, const struct dlk_event *event);
/* Records what was allowed again, when the thread next looks. From any thread. */
void dlk_courier_repeated(struct dlk_courier *courier, const struct dlk_repeat *repeat);
/* Tries since the start. From any thread. */
void dlk_courier_counts(
    const struct dlk_courier *courier, uint64_t *ret_delivered, uint64_t *ret_failed);
/* What is under way is given up, and is tried again by the next one. NULL is fine. */
void dlk_courier_free(struct dlk_courier *courier);

#endif
