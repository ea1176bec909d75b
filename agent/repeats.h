/* SPDX-License-Identifier: MIT */
/*
 * repeats.h - counts of what was allowed again, from the thread that counts to the one that
 * writes. Bounded: what is too much is said, and lost.
 */
#ifndef DLK_AGENT_REPEATS_H
#define DLK_AGENT_REPEATS_H

#include "store/events.h"

#define DLK_REPEATS_MAX 131072 /* that wait to be written */

struct dlk_repeats;
struct dlk_repeats *dlk_repeats_new(void); /* NULL: no memory */
void dlk_repeats_free(struct dlk_repeats *repeats);

/* Takes a copy. From any thread. */
void dlk_repeats_put(struct dlk_repeats *repeats, const struct dlk_repeat *repeat);
/* Writes some of those that wait: 1 where there are more, 0, or -errno and they wait on. From
 * one thread. */
int dlk_repeats_write(struct dlk_repeats *repeats, struct dlk_record *record, int64_t now);

#endif
