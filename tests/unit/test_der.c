/* SPDX-License-Identifier: MIT */
/* The frame of DER is read strictly, and times are those of RFC 5280. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/der.h"

struct row {
	const char *name, *hex;
	bool strict;
};

static const struct row rows[] = {
	{ "nothing", "", true },
	{ "NULL", "0500", true },
	{ "two elements", "05000500", true },
	{ "nested", "30053003020100", true },
	{ "long form", "04818000", false }, /* content is missing */
	{ "length not the shortest", "04810100", false },
	{ "length with a zero in front", "0482000100", false },
	{ "indefinite length", "30800000", false },
	{ "high tag", "1f810100", false },
	{ "cut",
	    "3003020100"
	    "3003",
	    false },
	{ "BOOLEAN true", "0101ff", true },
	{ "BOOLEAN 1", "010101", false },
	{ "INTEGER without octets", "0200", false },
	{ "INTEGER padded", "02020001", false },
	{ "INTEGER padded, negative", "0202ff80", false },
	{ "INTEGER 128", "02020080", true },
	{ "ENUMERATED padded", "0a020001", false },
	{ "OID", "0603551d14", true },
	{ "OID padded", "0603558014", false },
	{ "OID that does not end", "060255ff", false },
	{ "BIT STRING", "030205a0", true },
	{ "BIT STRING, unused bits set", "030205a1", false },
	{ "BIT STRING, 8 unused", "030208a0", false },
	{ "BIT STRING, empty with unused", "030105", false },
	{ "OCTET STRING in pieces", "240304010a", false },
	{ "SEQUENCE as primitive", "1000", false },
	{ "deep", "a0060504", false },
};

static void
frames_are_strict(void **state)
{
	uint8_t octets[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].hex) / 2;
		assert_int_equal(dlk_unhex(rows[i].hex, octets, n), 0);
		if (dlk_der_strict(DLK_BYTES(octets, n)) != rows[i].strict)
			fail_msg("%s", rows[i].name);
	}
}

static void
depth_is_bounded(void **state)
{
	uint8_t octets[120];

	(void)state;
	for (size_t i = 0; i < sizeof(octets); i += 2) {
		octets[i] = 0x30;
		octets[i + 1] = (uint8_t)(sizeof(octets) - i - 2);
	}
	assert_false(dlk_der_strict(DLK_BYTES(octets, sizeof(octets))));
	assert_true(dlk_der_strict(DLK_BYTES(octets + 60, 60)));
}

static const struct {
	uint8_t tag;
	const char *text;
	int64_t time; /* -1: refused */
} times[] = {
	{ 0x17, "700101000000Z", 0 },
	{ 0x17, "491231235959Z", 2524607999 },
	{ 0x17, "500101000000Z", -631152000 },
	{ 0x18, "20500101000000Z", 2524608000 },
	{ 0x18, "20261124205614Z", 1795553774 },
	{ 0x17, "7001010000Z", -1 },
	{ 0x17, "700101000000+0000", -1 },
	{ 0x17, "700101000000z", -1 },
	{ 0x17, "700229000000Z", -1 },
	{ 0x17, "70010100000aZ", -1 },
	{ 0x17, "700101240000Z", -1 },
	{ 0x18, "20500101000000.5Z", -1 },
	{ 0x18, "500101000000Z", -1 },
	{ 0x18, "2050010100000:Z", -1 },
	{ 0x18, "20:50101000000Z", -1 },
	{ 0x17, ":50101000000Z", -1 },
	{ 0x04, "700101000000Z", -1 },
};

static void
times_are_those_of_rfc_5280(void **state)
{
	int64_t when;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		bool good = dlk_der_time(times[i].tag, dlk_bytes_str(times[i].text), &when);
		if (good != (times[i].time != -1) || (good && when != times[i].time))
			fail_msg("%s", times[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_strict),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(times_are_those_of_rfc_5280),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
