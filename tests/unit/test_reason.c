/* SPDX-License-Identifier: MIT */
/* Every reason reads back, says what to do, and only one of them is a yes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <doublelock/reason.h>

static void
reasons_read_back(void **state)
{
	(void)state;
	assert_int_equal(DLK_R_UNDECIDED, 0);
	assert_int_equal(DLK_R_OK, 1);
	for (int i = 0; i < DLK_REASON_COUNT; i++) {
		enum dlk_reason reason = (enum dlk_reason)i;
		assert_int_equal(dlk_reason_find(dlk_reason_str(reason)), reason);
		assert_true(strlen(dlk_reason_meaning(reason)) > 0);
		assert_true(strlen(dlk_reason_remedy(reason)) > 0);
		assert_int_equal(
		    reason == DLK_R_OK, dlk_reason_blame(reason) == DLK_BLAME_NOBODY);
	}
	assert_int_equal(dlk_reason_find("yes"), DLK_R_UNDECIDED);
}

static void
what_is_no_reason_is_undecided(void **state)
{
	(void)state;
	assert_string_equal(dlk_reason_str((enum dlk_reason)DLK_REASON_COUNT), "undecided");
	assert_int_equal(dlk_reason_blame((enum dlk_reason) - 1), DLK_BLAME_SYSTEM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons_read_back),
		cmocka_unit_test(what_is_no_reason_is_undecided),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
