/* SPDX-License-Identifier: MIT */
/* lockout.h - counting failures within a window; each lockout in a row lasts twice as long. */
#ifndef DLK_CORE_LOCKOUT_H
#define DLK_CORE_LOCKOUT_H

#include "core/policy.h"
#include "core/ports.h"

#define DLK_LOCKOUT_LONGEST (24 * 3600) /* seconds; doubling ends here */

bool dlk_lockout_holds(
    const struct dlk_lockout_rule *rule, const struct dlk_failures *failures, int64_t now);
/* Counts one more failure; *ret_started where a lockout begins with it. Begins that lie in
 * the future (the clock was set back) count from now. */
void dlk_lockout_fail(const struct dlk_lockout_rule *rule, struct dlk_failures *failures,
    int64_t now, bool *ret_started);

#endif
