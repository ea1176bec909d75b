/* SPDX-License-Identifier: MIT */
/* Networks are read strictly, and hold what lies in them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/network.h"

static void
networks_are_read_strictly(void **state)
{
	static const char *const good[] = { "0.0.0.0/0", "::/0", "10.0.0.0/8", "10.0.0.1",
		"10.0.0.1/32", "2001:db8::/32", "::1", "192.0.2.128/25" };
	static const char *const bad[] = { "", "/", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1",
		"10.0.0.0/", "10.0.0.0/8x", "2001:db8::/129", "2001:db8::1/32", "localhost",
		"10.0.0", "1.2.3.4.5", "192.0.2.128/24" };
	struct dlk_network n;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(dlk_network_parse(good[i], &n), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (dlk_network_parse(bad[i], &n) != -EINVAL)
			fail_msg("%s is taken", bad[i]);
}

static void
networks_hold_what_lies_in_them(void **state)
{
	struct dlk_network n;

	(void)state;
	assert_int_equal(dlk_network_parse("192.0.2.128/25", &n), 0);
	assert_true(dlk_network_holds(&n, "192.0.2.128"));
	assert_true(dlk_network_holds(&n, "::ffff:192.0.2.200"));
	assert_false(dlk_network_holds(&n, "192.0.2.127"));
	assert_false(dlk_network_holds(&n, "2001:db8::1"));
	assert_false(dlk_network_holds(&n, "localhost"));
	assert_int_equal(dlk_network_parse("0.0.0.0/0", &n), 0);
	assert_false(dlk_network_holds(&n, "2001:db8::1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_are_read_strictly),
		cmocka_unit_test(networks_hold_what_lies_in_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
