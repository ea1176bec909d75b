/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"

static const struct {
	const char *text;
	int error;
	int64_t when;
} times[] = {
	{ "0", 0, 0 },
	{ "-1", 0, -1 },
	{ "1760000000", 0, 1760000000 },
	{ "1970-01-01T00:00:00Z", 0, 0 },
	{ "1969-12-31T23:59:59Z", 0, -1 },
	{ "1950-01-01T00:00:00Z", 0, -631152000 },
	{ "2000-02-29T12:00:00Z", 0, 951825600 },
	{ "2050-01-01T00:00:00Z", 0, 2524608000 },
	{ "9999-12-31T23:59:59Z", 0, 253402300799 },
	{ "2026-11-24", 0, 1795478400 },
	{ "2026-11-24T01:00:00+01:00", 0, 1795478400 },
	{ "2026-11-23T23:00:00.25-01:00", 0, 1795478400 },
	{ "2025-02-29", -EINVAL, 0 },
	{ "2100-02-29", -EINVAL, 0 },
	{ "2026-13-01", -EINVAL, 0 },
	{ "2026-00-01", -EINVAL, 0 },
	{ "2026-11-24T24:00:00Z", -EINVAL, 0 },
	{ "2026-11-24T00:00:60Z", -EINVAL, 0 },
	{ "2026-11-24T00:00:00", -EINVAL, 0 },
	{ "2026-11-24T00:00:00Zx", -EINVAL, 0 },
	{ "2026-11-24T00:00Z", -EINVAL, 0 },
	{ "", -EINVAL, 0 },
	{ "now", -EINVAL, 0 },
	{ "999999999999", -ERANGE, 0 },
};

static void
times_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		int64_t when = 0;
		int error = dlk_time_parse(times[i].text, &when);

		if (error != times[i].error || when != times[i].when)
			fail_msg("%s: %d, %lld", times[i].text, error, (long long)when);
	}
}

static void
times_are_written_as_they_are_read(void **state)
{
	char text[DLK_TIME_TEXT];
	int64_t back;

	(void)state;
	for (int64_t when = -62135596800; when < 253402300799; when += 86400 * 13 + 12345) {
		dlk_time_text(when, text);
		assert_int_equal(dlk_time_parse(text, &back), 0);
		assert_int_equal(back, when);
	}
	dlk_time_text(DLK_TIME_NEVER, text);
	assert_string_equal(text, "never");
	dlk_time_compact(951825600, text);
	assert_string_equal(text, "20000229120000Z");
	dlk_time_compact(DLK_TIME_NEVER, text);
	assert_string_equal(text, "99991231235959Z");
}

static const struct {
	const char *text;
	int error;
	int64_t seconds;
	const char *shown;
} durations[] = {
	{ "0", 0, 0, "0s" },
	{ "30s", 0, 30, "30s" },
	{ "90s", 0, 90, "90s" },
	{ "10m", 0, 600, "10m" },
	{ "8h", 0, 28800, "8h" },
	{ "7d", 0, 604800, "7d" },
	{ "24h", 0, 86400, "1d" },
	{ "", -EINVAL, 0, 0 },
	{ "s", -EINVAL, 0, 0 },
	{ "10", -EINVAL, 0, 0 },
	{ "-1s", -ERANGE, 0, 0 },
	{ "+1s", -EINVAL, 0, 0 },
	{ "1 s", -EINVAL, 0, 0 },
	{ "1h30m", -EINVAL, 0, 0 },
	{ "1w", -EINVAL, 0, 0 },
	{ "9999999999s", -ERANGE, 0, 0 },
	{ "99999999999999999s", -EINVAL, 0, 0 },
};

static void
durations_are_read(void **state)
{
	char shown[DLK_TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(*durations); i++) {
		int64_t seconds = 0;
		int error = dlk_duration_parse(durations[i].text, &seconds);

		if (error != durations[i].error || seconds != durations[i].seconds)
			fail_msg("%s: %d, %lld", durations[i].text, error, (long long)seconds);
		if (error != 0)
			continue;
		dlk_duration_text(seconds, shown);
		assert_string_equal(shown, durations[i].shown);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(times_are_written_as_they_are_read),
		cmocka_unit_test(durations_are_read),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
