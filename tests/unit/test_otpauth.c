/* SPDX-License-Identifier: MIT */
/* What is written for an authenticator app is read again, and nothing that is out of form. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/otpauth.h"

#define SECRET "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

static void
base32_is_written_without_padding(void **state)
{
	static const struct {
		const char *octets, *text;
	} rows[] = { { "f", "MY" }, { "fo", "MZXQ" }, { "foo", "MZXW6" },
		{ "foob", "MZXW6YQ" }, { "fooba", "MZXW6YTB" }, { "foobar", "MZXW6YTBOI" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		DLK_AUTO_SECRET key = { .n = 0 }, text = { .n = 0 };
		assert_int_equal(dlk_secret_set(&key, dlk_bytes_str(rows[i].octets)), 0);
		assert_int_equal(dlk_base32_encode(&key, &text), 0);
		assert_int_equal(text.n, strlen(rows[i].text));
		assert_memory_equal(text.b, rows[i].text, text.n);
		assert_int_equal(dlk_base32_decode(DLK_BYTES(text.b, text.n), &text), 0);
		assert_true(dlk_secret_equal(&key, &text));
	}
}

static void
base32_is_read_as_people_type_it(void **state)
{
	static const char *const good[] = { "MZXW6YTBOI", "mzxw6ytboi", "MZXW 6YTB OI",
		"mzxw-6ytb-oi", "MZXW6YTBOI======", "MZXW6YTBOI====== " };
	static const char *const bad[] = { "", "=", "M", "MZXW6YTBO1", "MZXW6YTBO8", "MZ=XW",
		"MZXW\n", "MZX" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		DLK_AUTO_SECRET key = { .n = 0 };
		if (dlk_base32_decode(dlk_bytes_str(good[i]), &key) != 0 || key.n != 6 ||
		    memcmp(key.b, "foobar", 6) != 0)
			fail_msg("%s is not taken", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		DLK_AUTO_SECRET key = { .n = 0 };
		if (dlk_base32_decode(dlk_bytes_str(bad[i]), &key) != -EINVAL || key.n != 0)
			fail_msg("'%s' is taken", bad[i]);
	}
}

static void
secrets_have_a_limit(void **state)
{
	static char text[1000];
	DLK_AUTO_SECRET key = { .n = 0 };

	(void)state;
	memset(text, 'A', sizeof(text));
	assert_int_equal(dlk_base32_decode(DLK_BYTES(text, sizeof(text)), &key), -EMSGSIZE);
}

static void
uris_are_read_as_they_were_written(void **state)
{
	static const enum dlk_otp_algorithm algorithms[] = { DLK_OTP_SHA1, DLK_OTP_SHA256,
		DLK_OTP_SHA512 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		DLK_AUTO_OTPAUTH token = { .issuer = "" };
		DLK_AUTO_BUF uri = { 0 };
		const char *why = NULL;
		struct dlk_otp otp = { .kind = i == 2 ? DLK_OTP_HOTP : DLK_OTP_TOTP,
			.algorithm = algorithms[i],
			.digits = 6 + (unsigned)i,
			.period = 30 + (unsigned)i,
			.last_step = i == 2 ? 41 : -1 };
		assert_int_equal(
		    dlk_secret_set(&otp.key, dlk_bytes_str("12345678901234567890")), 0);
		assert_int_equal(dlk_otpauth_encode(&otp, "Höst & Co", "al:ice@x", &uri), 0);
		assert_int_equal(dlk_otpauth_parse(dlk_bytes_of(&uri), &token, &why), 0);
		assert_int_equal(token.otp.kind, otp.kind);
		assert_int_equal(token.otp.algorithm, otp.algorithm);
		assert_int_equal(token.otp.digits, otp.digits);
		assert_int_equal(token.otp.period, i == 2 ? 30 : otp.period);
		assert_int_equal(token.otp.last_step, otp.last_step);
		assert_true(dlk_secret_equal(&token.otp.key, &otp.key));
		assert_string_equal(token.issuer, "Höst & Co");
		assert_string_equal(token.account, "al:ice@x");
	}
}

static void
uris_of_others_are_read(void **state)
{
	DLK_AUTO_OTPAUTH token = { .issuer = "" };
	const char *why = NULL;

	(void)state;
	assert_int_equal(
	    dlk_otpauth_parse(dlk_bytes_str("OTPAUTH://TOTP/alice?image=x&secret=" SECRET
					    "&algorithm=sha256"),
		&token, &why),
	    0);
	assert_string_equal(token.account, "alice");
	assert_int_equal(token.otp.algorithm, DLK_OTP_SHA256);
	assert_int_equal(token.otp.digits, 6);
	assert_int_equal(token.otp.period, 30);
	assert_int_equal(token.otp.last_step, -1);
}

static void
uris_out_of_form_are_named(void **state)
{
	static const char *const bad[] = { "", "http://x", "otpauth://motp/a?secret=" SECRET,
		"otpauth://totp/?secret=" SECRET, "otpauth://totp/a",
		"otpauth://totp/a?secret=", "otpauth://totp/a?secret=MZXW6YTBOI",
		"otpauth://totp/a?secret=1" SECRET,
		"otpauth://totp/a?secret=" SECRET "&digits=9",
		"otpauth://totp/a?secret=" SECRET "&digits=+6",
		"otpauth://totp/a?secret=" SECRET "&period=0",
		"otpauth://totp/a?secret=" SECRET "&period=99999999999999999999999999",
		"otpauth://totp/a?secret=" SECRET "&algorithm=MD5",
		"otpauth://hotp/a?secret=" SECRET "&counter=-1",
		"otpauth://totp/%zz?secret=" SECRET, "otpauth://totp/a%0a?secret=" SECRET,
		"otpauth://totp/a%?secret=" SECRET };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		DLK_AUTO_OTPAUTH token = { .issuer = "" };
		const char *why = NULL;
		if (dlk_otpauth_parse(dlk_bytes_str(bad[i]), &token, &why) != -EINVAL || !why)
			fail_msg("%s is taken", bad[i]);
		assert_int_equal(token.otp.key.n, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base32_is_written_without_padding),
		cmocka_unit_test(base32_is_read_as_people_type_it),
		cmocka_unit_test(secrets_have_a_limit),
		cmocka_unit_test(uris_are_read_as_they_were_written),
		cmocka_unit_test(uris_of_others_are_read),
		cmocka_unit_test(uris_out_of_form_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
