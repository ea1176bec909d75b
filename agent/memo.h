/* SPDX-License-Identifier: MIT */
/*
 * memo.h - what was allowed a moment ago. A gateway asks again for each request of a browser;
 * the same question has the same answer for a short while. For the loop's thread alone.
 */
#ifndef DLK_AGENT_MEMO_H
#define DLK_AGENT_MEMO_H

#include "model/verdict.h"
#include "store/events.h"

#define DLK_MEMO_SECONDS 60     /* what the certificate alone allowed */
#define DLK_MEMO_BRIEF   5      /* what was remembered of a code: as long as a page loads */
#define DLK_MEMO_MAX     131072 /* answers; the oldest go first */
#define DLK_MEMO_KEY     32
#define DLK_MEMO_COUNTED                                                                      \
	3600             /* seconds after which it is told how often an answer was given */
#define DLK_MEMO_SWEEP 5 /* seconds between two sweeps */

struct dlk_memo;
struct dlk_memo *dlk_memo_new(void); /* NULL: no memory */
void dlk_memo_free(struct dlk_memo *memo);

/* 0 or -ENOMEM. */
int dlk_memo_digest(
    struct dlk_memo *memo, struct dlk_bytes octets, uint8_t ret_digest[DLK_MEMO_KEY]);
/* Who is told how often an answer was given again: after an hour, when the answer goes to make
 * room, with another generation, and at the end. */
void dlk_memo_tell(struct dlk_memo *memo,
    void (*repeated)(const struct dlk_repeat *repeat, void *arg), void *arg);
/* Looks at some of the answers, at all where the generation is a new one. */
void dlk_memo_sweep(struct dlk_memo *memo, unsigned generation, int64_t now);

/* Everything of the question that its answer depends on; `evidence` is the digest of the
 * request's. 0 or -ENOMEM. */
int dlk_memo_key(struct dlk_memo *memo, const struct dlk_caller *caller,
    const struct dlk_request *request, const uint8_t evidence[DLK_MEMO_KEY],
    uint8_t ret_key[DLK_MEMO_KEY]);
/* Keeps a verdict that allows for so many seconds, under the generation of the configuration
 * that was in force when it was asked for. Where there is no memory, nothing is kept. */
void dlk_memo_keep(struct dlk_memo *memo, const uint8_t key[DLK_MEMO_KEY],
    const struct dlk_verdict *verdict, unsigned generation, int64_t now, int seconds);
/* True and counted, and reason, user, subject, serial, fingerprint and good_until of the
 * verdict. */
bool dlk_memo_find(struct dlk_memo *memo, const uint8_t key[DLK_MEMO_KEY], unsigned generation,
    int64_t now, struct dlk_verdict *ret_verdict);

#endif
