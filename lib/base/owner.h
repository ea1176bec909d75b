/* SPDX-License-Identifier: MIT */
/* owner.h - who besides root is trusted with programs, sockets and configuration, and may
 * start the judge: nobody. Only what the tests build for themselves says otherwise, so that
 * they need no root. */
#ifndef DLK_BASE_OWNER_H
#define DLK_BASE_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

#ifndef DLK_OWNER
#define DLK_OWNER 0
#endif

static inline bool
dlk_owner_is(uid_t uid)
{
	const uid_t trusted[] = { 0, DLK_OWNER };

	return uid == trusted[0] || uid == trusted[1];
}

#endif
