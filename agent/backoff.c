/* SPDX-License-Identifier: MIT */
/* backoff.c - doubling with jitter. It keeps no time and waits for nothing. */
#include "agent/backoff.h"

int64_t
dlk_backoff_seconds(unsigned failures, uint32_t random)
{
	int64_t whole = DLK_BACKOFF_LONGEST;

	if (failures < 1)
		failures = 1;
	if (failures < 10 && (INT64_C(1) << failures) < whole)
		whole = INT64_C(1) << failures;
	return whole - (int64_t)(random % (uint32_t)(whole / 2 + 1));
}
