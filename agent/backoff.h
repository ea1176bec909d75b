/* SPDX-License-Identifier: MIT */
/* backoff.h - how long to wait before the next try. */
#ifndef DLK_AGENT_BACKOFF_H
#define DLK_AGENT_BACKOFF_H

#include <stdint.h>

#define DLK_BACKOFF_LONGEST 900 /* seconds */

/* After the given number of failures (1: the first): 2, 4, 8, ... seconds up to the longest,
 * of which up to a half is taken away by `random`, so that many do not come back at once. */
int64_t dlk_backoff_seconds(unsigned failures, uint32_t random);

#endif
