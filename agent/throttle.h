/* SPDX-License-Identifier: MIT */
/*
 * throttle.h - token buckets, in a table that does not grow: a flood of addresses forgets old
 * buckets and takes no memory. For the loop's thread alone.
 */
#ifndef DLK_AGENT_THROTTLE_H
#define DLK_AGENT_THROTTLE_H

#include "base/bytes.h"

struct dlk_throttle;
struct dlk_throttle *dlk_throttle_new(void); /* NULL: no memory */
void dlk_throttle_free(struct dlk_throttle *throttle);

enum dlk_throttled {
	DLK_THROTTLE_PASS = 0,
	DLK_THROTTLE_FIRST, /* held back, for the first time since it was quiet */
	DLK_THROTTLE_HELD
};
/* One more of `key`, of which there may be `rate` a second and twice as many at once. `kind`
 * keeps keys of different kinds apart; rate 0 lets everything pass. */
enum dlk_throttled dlk_throttle_take(struct dlk_throttle *throttle, const char *kind,
    struct dlk_bytes key, unsigned rate, int64_t now_ms);
/* Would the next one be held back? */
bool dlk_throttle_holds(struct dlk_throttle *throttle, const char *kind, struct dlk_bytes key,
    unsigned rate, int64_t now_ms);

#endif
