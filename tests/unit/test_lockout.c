/* SPDX-License-Identifier: MIT */
/* Counting failures: the window, the lockout, its doubling, its end, and clocks that jump. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/lockout.h"

#define T 1700000000

static const struct dlk_lockout_rule rule = { .failures = 3, .within = 600, .lasting = 900 };

static bool
one_more(struct dlk_failures *f, int64_t now)
{
	bool started = false;

	dlk_lockout_fail(&rule, f, now, &started);
	return started;
}

static void
the_third_failure_locks(void **state)
{
	struct dlk_failures f = { 0 };

	(void)state;
	assert_false(one_more(&f, T));
	assert_false(one_more(&f, T + 1));
	assert_false(dlk_lockout_holds(&rule, &f, T + 1));
	assert_true(one_more(&f, T + 599));
	assert_true(dlk_lockout_holds(&rule, &f, T + 599));
	assert_true(dlk_lockout_holds(&rule, &f, T + 599 + 899));
	assert_false(dlk_lockout_holds(&rule, &f, T + 599 + 900));
}

static void
old_failures_are_forgotten(void **state)
{
	struct dlk_failures f = { 0 };

	(void)state;
	assert_false(one_more(&f, T));
	assert_false(one_more(&f, T + 1));
	assert_false(one_more(&f, T + 600));
	assert_false(one_more(&f, T + 601));
	assert_true(one_more(&f, T + 602));
}

static void
failures_while_locked_change_nothing(void **state)
{
	struct dlk_failures f = { 0 };

	(void)state;
	one_more(&f, T);
	one_more(&f, T);
	assert_true(one_more(&f, T));
	struct dlk_failures before = f;
	for (int i = 0; i < 10; i++)
		assert_false(one_more(&f, T + i));
	assert_memory_equal(&f, &before, sizeof(f));
}

/* How long the next lockout lasts, beginning at *now; *now is then its end. */
static int64_t
lock(struct dlk_failures *f, int64_t *now)
{
	assert_false(one_more(f, *now));
	assert_false(one_more(f, *now));
	assert_true(one_more(f, *now));
	int64_t lasting = f->locked_until - *now;
	*now = f->locked_until;
	return lasting;
}

static void
each_lockout_in_a_row_doubles_up_to_a_day(void **state)
{
	static const int64_t expected[] = { 900, 1800, 3600, 7200, 14400, 28800, 57600, 86400,
		86400, 86400 };
	struct dlk_failures f = { 0 };
	int64_t now = T;

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(lock(&f, &now), expected[i]);
}

static void
a_quiet_day_ends_the_doubling(void **state)
{
	struct dlk_failures f = { 0 };
	int64_t now = T;

	(void)state;
	assert_int_equal(lock(&f, &now), 900);
	assert_int_equal(lock(&f, &now), 1800);
	now += DLK_LOCKOUT_LONGEST - 1;
	assert_int_equal(lock(&f, &now), 3600);
	now += DLK_LOCKOUT_LONGEST;
	assert_int_equal(lock(&f, &now), 900);
}

static void
a_single_failure_in_between_is_not_quiet(void **state)
{
	struct dlk_failures f = { 0 };
	int64_t now = T;

	(void)state;
	assert_int_equal(lock(&f, &now), 900);
	for (int i = 0; i < 3; i++) {
		now += DLK_LOCKOUT_LONGEST - 1;
		assert_false(one_more(&f, now));
	}
	now += rule.within;
	assert_int_equal(lock(&f, &now), 1800);
}

static void
a_begin_in_the_future_counts_from_now(void **state)
{
	const int64_t ahead = T + 10 * 365 * 86400;
	struct dlk_failures f = { 0 };

	(void)state;
	assert_false(one_more(&f, ahead));
	assert_false(one_more(&f, ahead));
	/* The clock is right again: the same window goes on from here. */
	assert_true(one_more(&f, T));
	assert_int_equal(f.locked_until, T + 900);
	/* A lockout of that time does not last until it comes true. */
	f = (struct dlk_failures){
		.since = ahead, .locked_until = ahead + 900, .lockouts = 1
	};
	assert_true(dlk_lockout_holds(&rule, &f, T));
	assert_false(one_more(&f, T));
	assert_int_equal(f.locked_until, T + 900);
	assert_false(dlk_lockout_holds(&rule, &f, T + 900));
}

static void
extremes(void **state)
{
	const struct dlk_lockout_rule off = { 0 };
	const struct dlk_lockout_rule week = { 1, 600, 7 * 86400 };
	const struct dlk_lockout_rule first = { 1, 600, 1 };
	struct dlk_failures f = { .locked_until = T + 100 };
	bool started = true;

	(void)state;
	/* Without a limit nothing holds and nothing is counted. */
	assert_false(dlk_lockout_holds(&off, &f, T));
	dlk_lockout_fail(&off, &f, T, &started);
	assert_false(started);
	/* A lockout longer than the longest is what was asked for, and does not double. */
	f = (struct dlk_failures){ 0 };
	for (int64_t now = T, i = 0; i < 3; i++) {
		dlk_lockout_fail(&week, &f, now, &started);
		assert_true(started);
		assert_int_equal(f.locked_until, now + week.lasting);
		now = f.locked_until;
	}
	/* Any number of lockouts: the shift does not overflow. */
	f = (struct dlk_failures){ .since = T, .lockouts = UINT32_MAX };
	dlk_lockout_fail(&first, &f, T, &started);
	assert_true(started);
	assert_int_equal(f.locked_until, T + DLK_LOCKOUT_LONGEST);
	assert_true(f.lockouts == UINT32_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_third_failure_locks),
		cmocka_unit_test(old_failures_are_forgotten),
		cmocka_unit_test(failures_while_locked_change_nothing),
		cmocka_unit_test(each_lockout_in_a_row_doubles_up_to_a_day),
		cmocka_unit_test(a_quiet_day_ends_the_doubling),
		cmocka_unit_test(a_single_failure_in_between_is_not_quiet),
		cmocka_unit_test(a_begin_in_the_future_counts_from_now),
		cmocka_unit_test(extremes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
