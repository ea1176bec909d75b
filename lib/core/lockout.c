/* SPDX-License-Identifier: MIT */
/*
 * lockout.c - arithmetic on one count of failures. It does not know whose failures they are,
 * nor what a failure is.
 */
#include "core/lockout.h"

#include <limits.h>

bool
dlk_lockout_holds(
    const struct dlk_lockout_rule *rule, const struct dlk_failures *failures, int64_t now)
{
	return rule->failures > 0 && failures->locked_until > now;
}

/* A clock that was ahead leaves a begin in the future; without this its lockout would last
 * until the wrong time came true. */
static void
count_from_now(struct dlk_failures *failures, int64_t now)
{
	if (failures->since <= now)
		return;
	if (failures->locked_until > failures->since)
		failures->locked_until -= failures->since - now;
	failures->since = now;
}

static int64_t
duration(const struct dlk_lockout_rule *rule, unsigned lockouts)
{
	int64_t lasting = rule->lasting;

	for (unsigned i = 0; i < lockouts && lasting < DLK_LOCKOUT_LONGEST; i++)
		lasting *= 2;
	if (lasting > DLK_LOCKOUT_LONGEST && lasting > rule->lasting)
		return rule->lasting > DLK_LOCKOUT_LONGEST ? rule->lasting
							   : DLK_LOCKOUT_LONGEST;
	return lasting;
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void
dlk_lockout_fail(const struct dlk_lockout_rule *rule, struct dlk_failures *failures,
    int64_t now, bool *ret_started)
{
	*ret_started = false;
	if (rule->failures == 0)
		return;
	count_from_now(failures, now);
	if (failures->locked_until > now)
		return;
	int64_t quiet = later(failures->since + rule->within, failures->locked_until);
	if (now - quiet >= DLK_LOCKOUT_LONGEST)
		failures->lockouts = 0;
	if (failures->count == 0 || now - failures->since >= rule->within) {
		failures->count = 0;
		failures->since = now;
	}
	failures->locked_until = 0;
	if (failures->count < UINT_MAX)
		failures->count++;
	if (failures->count < rule->failures)
		return;
	failures->locked_until = now + duration(rule, failures->lockouts);
	failures->since = now; /* where the lockout begins */
	failures->count = 0;
	if (failures->lockouts < UINT_MAX)
		failures->lockouts++;
	*ret_started = true;
}
