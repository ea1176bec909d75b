/* SPDX-License-Identifier: MIT */
/* The libc-only foundations: numbers, escaping, names, buffers, secrets. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "base/text.h"

static void
numbers(void **state)
{
	int64_t v;

	(void)state;
	assert_int_equal(dlk_int_parse("9223372036854775807", INT64_MIN, INT64_MAX, &v), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(dlk_int_parse("-9223372036854775808", INT64_MIN, INT64_MAX, &v), 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(
	    dlk_int_parse("9223372036854775808", INT64_MIN, INT64_MAX, &v), -ERANGE);
	assert_int_equal(dlk_int_parse("", 0, 9, &v), -EINVAL);
	assert_int_equal(dlk_int_parse("-", 0, 9, &v), -EINVAL);
	assert_int_equal(dlk_int_parse("0x1", 0, 9, &v), -EINVAL);
	assert_int_equal(dlk_int_parse("10", 0, 9, &v), -ERANGE);
}

static void
escaping_stays_in_bounds(void **state)
{
	char out[16];

	(void)state;
	dlk_text_escape(out, sizeof(out), dlk_bytes_str("a\\b\n\x1b"));
	assert_string_equal(out, "a\\\\b\\x0a\\x1b");
	for (size_t size = 8; size <= sizeof(out); size++) {
		memset(out, 'Z', sizeof(out));
		dlk_text_escape(out, size, dlk_bytes_str("\xff\xfe\xfd\xfc\xfb\xfa"));
		assert_true(strlen(out) < size);
		assert_string_equal(out + strlen(out) - 3, "...");
	}
	dlk_text_escape(out, 8, dlk_bytes_str("1234567"));
	assert_string_equal(out, "1234567");
	dlk_text_escape(out, 8, dlk_bytes_str("12345678"));
	assert_string_equal(out, "1234...");
}

static void
names(void **state)
{
	(void)state;
	assert_true(dlk_text_is_account(dlk_bytes_str("_a.b-c9")));
	assert_false(dlk_text_is_account(dlk_bytes_str("Alice")));
	assert_false(dlk_text_is_account(dlk_bytes_str("9a")));
	assert_false(dlk_text_is_account(DLK_BYTES("a\0b", 3)));
	assert_false(dlk_text_is_account(dlk_bytes_str("abcdefghijklmnopqrstuvwxyzabcdefg")));
	assert_false(dlk_text_is_name("a b"));
	assert_true(dlk_text_is_name("DOMAIN+user"));
}

static void
buffers_keep_their_limit(void **state)
{
	DLK_AUTO_BUF buf = { 0 };
	uint8_t octets[2];
	char hex[5];

	(void)state;
	assert_int_equal(dlk_buf_add(&buf, 4, dlk_bytes_str("abc")), 0);
	assert_int_equal(dlk_buf_add(&buf, 4, dlk_bytes_str("de")), -EMSGSIZE);
	assert_int_equal(dlk_buf_add(&buf, 4, dlk_bytes_str("d")), 0);
	assert_true(dlk_bytes_equal(dlk_bytes_of(&buf), dlk_bytes_str("abcd")));
	assert_int_equal(dlk_unhex("aF09", octets, 2), 0);
	dlk_hex(DLK_BYTES(octets, 2), hex);
	assert_string_equal(hex, "af09");
	assert_int_equal(dlk_unhex("zz00", octets, 2), -EINVAL);
}

static void
secrets_compare_and_wipe(void **state)
{
	DLK_AUTO_SECRET a = { 0 }, b = { 0 };
	char large[DLK_SECRET_MAX + 1] = { 0 };

	(void)state;
	assert_int_equal(dlk_secret_set(&a, dlk_bytes_str("123456")), 0);
	assert_int_equal(dlk_secret_set(&b, dlk_bytes_str("123456")), 0);
	assert_true(dlk_secret_equal(&a, &b));
	assert_int_equal(dlk_secret_set(&b, dlk_bytes_str("123457")), 0);
	assert_false(dlk_secret_equal(&a, &b));
	assert_int_equal(dlk_secret_set(&b, DLK_BYTES(large, sizeof(large))), -EMSGSIZE);
	assert_int_equal(b.n, 0);
	assert_int_equal(b.b[0], 0);
}

static void
words_are_taken_whole(void **state)
{
	struct dlk_bytes text = dlk_bytes_str("SCRV1:rest");

	(void)state;
	assert_false(dlk_bytes_take(&text, "SCRV1:rest and more"));
	assert_false(dlk_bytes_take(&text, "scrv1:"));
	assert_int_equal(text.n, 10);
	assert_true(dlk_bytes_take(&text, "SCRV1:"));
	assert_true(dlk_bytes_equal(text, dlk_bytes_str("rest")));
	assert_true(dlk_bytes_take(&text, "rest"));
	assert_false(dlk_bytes_take(&text, "r"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(words_are_taken_whole),
		cmocka_unit_test(escaping_stays_in_bounds),
		cmocka_unit_test(names),
		cmocka_unit_test(buffers_keep_their_limit),
		cmocka_unit_test(secrets_compare_and_wipe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
