/* SPDX-License-Identifier: MIT */
/* One-time codes: the vectors of RFC 4226 and RFC 6238, the window, what is used up, and a
 * second implementation (OpenSSL) on thousands of random tokens. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/otp.h"

#define KEY20 "12345678901234567890"
#define KEY64 KEY20 KEY20 KEY20 "1234"

static struct dlk_otp
otp_of(enum dlk_otp_kind kind, enum dlk_otp_algorithm algorithm, unsigned digits,
    const char *key, size_t n)
{
	struct dlk_otp otp = { .kind = kind,
		.algorithm = algorithm,
		.digits = digits,
		.period = kind == DLK_OTP_TOTP ? 30 : 0,
		.last_step = -1 };

	assert_int_equal(dlk_secret_set(&otp.key, DLK_BYTES(key, n)), 0);
	return otp;
}

static enum dlk_otp_match
check(const struct dlk_otp *otp, const char *code, int64_t now, unsigned window, int64_t *step)
{
	DLK_AUTO_SECRET secret = { 0 };
	enum dlk_otp_match match = DLK_OTP_NO;

	assert_int_equal(dlk_secret_set(&secret, dlk_bytes_str(code)), 0);
	assert_int_equal(dlk_otp_check(otp, &secret, now, window, &match, step), 0);
	return match;
}

static void
rfc_4226_appendix_d(void **state)
{
	static const char *const codes[] = { "755224", "287082", "359152", "969429", "338314",
		"254676", "287922", "162583", "399871", "520489" };
	struct dlk_otp otp = otp_of(DLK_OTP_HOTP, DLK_OTP_SHA1, 6, KEY20, 20);
	char out[DLK_OTP_DIGITS_MAX + 1];
	int64_t step;

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(dlk_otp_code(&otp, i, out), 0);
		assert_string_equal(out, codes[i]);
		assert_int_equal(check(&otp, codes[i], 0, 0, &step), DLK_OTP_FRESH);
		assert_int_equal(step, i);
	}
}

static void
rfc_6238_appendix_b(void **state)
{
	static const struct {
		int64_t time;
		const char *sha1, *sha256, *sha512;
	} rows[] = {
		{ 59, "94287082", "46119246", "90693936" },
		{ 1111111109, "07081804", "68084774", "25091201" },
		{ 1111111111, "14050471", "67062674", "99943326" },
		{ 1234567890, "89005924", "91819424", "93441116" },
		{ 2000000000, "69279037", "90698825", "38618901" },
		{ 20000000000, "65353130", "77737706", "47863826" },
	};
	struct dlk_otp sha1 = otp_of(DLK_OTP_TOTP, DLK_OTP_SHA1, 8, KEY20, 20);
	struct dlk_otp sha256 = otp_of(DLK_OTP_TOTP, DLK_OTP_SHA256, 8, KEY64, 32);
	struct dlk_otp sha512 = otp_of(DLK_OTP_TOTP, DLK_OTP_SHA512, 8, KEY64, 64);
	int64_t step;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t t = rows[i].time;
		assert_int_equal(check(&sha1, rows[i].sha1, t, 0, &step), DLK_OTP_FRESH);
		assert_int_equal(step, t / 30);
		assert_int_equal(check(&sha256, rows[i].sha256, t, 0, &step), DLK_OTP_FRESH);
		assert_int_equal(check(&sha512, rows[i].sha512, t, 0, &step), DLK_OTP_FRESH);
		assert_int_equal(check(&sha512, rows[i].sha1, t, 4, &step), DLK_OTP_NO);
	}
}

static void
the_window_is_as_wide_as_said(void **state)
{
	struct dlk_otp otp = otp_of(DLK_OTP_TOTP, DLK_OTP_SHA1, 6, KEY20, 20);
	const int64_t now = 1111111111, here = now / 30;
	char code[DLK_OTP_DIGITS_MAX + 1];
	int64_t step;

	(void)state;
	for (unsigned window = 0; window <= DLK_OTP_WINDOW_MAX; window++)
		for (int off = -6; off <= 6; off++) {
			bool inside = off >= -(int)window && off <= (int)window;
			assert_int_equal(dlk_otp_code(&otp, here + off, code), 0);
			assert_int_equal(check(&otp, code, now, window, &step),
			    inside ? DLK_OTP_FRESH : DLK_OTP_NO);
			if (inside)
				assert_int_equal(step, here + off);
		}
	/* The first steps of time have no steps before them. */
	assert_int_equal(dlk_otp_code(&otp, 0, code), 0);
	assert_int_equal(check(&otp, code, 0, 4, &step), DLK_OTP_FRESH);
	assert_int_equal(step, 0);
}

static void
what_was_used_is_used(void **state)
{
	struct dlk_otp otp = otp_of(DLK_OTP_TOTP, DLK_OTP_SHA1, 6, KEY20, 20);
	const int64_t now = 1111111111, here = now / 30;
	char code[DLK_OTP_DIGITS_MAX + 1];
	int64_t step;

	(void)state;
	otp.last_step = here;
	for (int off = -1; off <= 1; off++) {
		assert_int_equal(dlk_otp_code(&otp, here + off, code), 0);
		assert_int_equal(check(&otp, code, now, 1, &step),
		    off > 0 ? DLK_OTP_FRESH : DLK_OTP_REPLAYED);
		assert_int_equal(step, here + off);
	}
	/* A clock set back reopens nothing. */
	assert_int_equal(dlk_otp_code(&otp, here - 100, code), 0);
	assert_int_equal(check(&otp, code, now - 3000, 1, &step), DLK_OTP_REPLAYED);
}

static void
a_counter_goes_ahead_and_not_back(void **state)
{
	struct dlk_otp otp = otp_of(DLK_OTP_HOTP, DLK_OTP_SHA1, 6, KEY20, 20);
	char code[DLK_OTP_DIGITS_MAX + 1];
	int64_t step;

	(void)state;
	otp.last_step = 20;
	for (int i = 8; i <= 34; i++) {
		enum dlk_otp_match expected = i > 20 && i <= 20 + DLK_OTP_AHEAD ? DLK_OTP_FRESH
					      : i <= 20 && i > 20 - DLK_OTP_AHEAD
						  ? DLK_OTP_REPLAYED
						  : DLK_OTP_NO;
		assert_int_equal(dlk_otp_code(&otp, i, code), 0);
		assert_int_equal(check(&otp, code, 0, 0, &step), expected);
		if (expected != DLK_OTP_NO)
			assert_int_equal(step, i);
	}
}

static void
what_is_no_code_is_wrong(void **state)
{
	static const char *const codes[] = { "", "7", "75522", "7552244", "75522400",
		" 755224", "755224\n", "75522a", "+55224", "-55224", "0x5522" };
	struct dlk_otp otp = otp_of(DLK_OTP_HOTP, DLK_OTP_SHA1, 6, KEY20, 20);
	DLK_AUTO_SECRET nul = { 0 };
	enum dlk_otp_match match;
	int64_t step;

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_int_equal(check(&otp, codes[i], 0, 0, &step), DLK_OTP_NO);
	assert_int_equal(dlk_secret_set(&nul, DLK_BYTES("755224\0", 7)), 0);
	assert_int_equal(dlk_otp_check(&otp, &nul, 0, 0, &match, &step), 0);
	assert_int_equal(match, DLK_OTP_NO);
	assert_int_equal(dlk_secret_set(&nul, DLK_BYTES("\0\0\0\0\0\0", 6)), 0);
	assert_int_equal(dlk_otp_check(&otp, &nul, 0, 0, &match, &step), 0);
	assert_int_equal(match, DLK_OTP_NO);
}

static void
what_is_no_token_is_refused(void **state)
{
	const struct dlk_otp good = otp_of(DLK_OTP_TOTP, DLK_OTP_SHA1, 6, KEY20, 20);
	struct dlk_otp bad[9];
	DLK_AUTO_SECRET code = { 0 };
	enum dlk_otp_match match;
	int64_t step;

	(void)state;
	assert_int_equal(dlk_secret_set(&code, dlk_bytes_str("755224")), 0);
	for (size_t i = 0; i < 9; i++)
		bad[i] = good;
	bad[0].digits = 5;
	bad[1].digits = 9;
	bad[2].period = DLK_OTP_PERIOD_MIN - 1;
	bad[3].period = DLK_OTP_PERIOD_MAX + 1;
	bad[4].period = 0;
	bad[5].key.n = DLK_OTP_KEY_MIN - 1;
	bad[6].last_step = -2;
	bad[7].algorithm = (enum dlk_otp_algorithm)3;
	bad[8].kind = (enum dlk_otp_kind)2;
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(dlk_otp_check(&bad[i], &code, 59, 1, &match, &step), -EINVAL);
	assert_int_equal(dlk_otp_check(&good, &code, 59, 5, &match, &step), -EINVAL);
	assert_int_equal(dlk_otp_check(&good, &code, -1, 1, &match, &step), -EINVAL);
	bad[0] = otp_of(DLK_OTP_HOTP, DLK_OTP_SHA1, 6, KEY20, 20);
	bad[0].last_step = INT64_MAX - 1;
	assert_int_equal(dlk_otp_check(&bad[0], &code, 0, 0, &match, &step), -EINVAL);
}

static int
resync(const struct dlk_otp *otp, int64_t one, int64_t two, unsigned far, int64_t *step)
{
	DLK_AUTO_SECRET first = { 0 }, second = { 0 };
	char code[DLK_OTP_DIGITS_MAX + 1];

	assert_int_equal(dlk_otp_code(otp, one, code), 0);
	assert_int_equal(dlk_secret_set(&first, dlk_bytes_str(code)), 0);
	assert_int_equal(dlk_otp_code(otp, two, code), 0);
	assert_int_equal(dlk_secret_set(&second, dlk_bytes_str(code)), 0);
	return dlk_otp_resync(otp, &first, &second, far, step);
}

static void
two_codes_in_a_row_prove_the_counter(void **state)
{
	struct dlk_otp otp = otp_of(DLK_OTP_HOTP, DLK_OTP_SHA1, 6, KEY20, 20);
	int64_t step = -7;

	(void)state;
	otp.last_step = 5;
	assert_int_equal(resync(&otp, 200, 201, 1000, &step), 0);
	assert_int_equal(step, 201);
	assert_int_equal(resync(&otp, 6, 7, 1000, &step), 0);
	assert_int_equal(step, 7);
	assert_int_equal(resync(&otp, 1005, 1006, 1000, &step), 0);
	step = -7;
	assert_int_equal(resync(&otp, 1006, 1007, 1000, &step), -ENOENT);
	assert_int_equal(resync(&otp, 201, 200, 1000, &step), -ENOENT);
	assert_int_equal(resync(&otp, 200, 202, 1000, &step), -ENOENT);
	assert_int_equal(resync(&otp, 4, 5, 1000, &step), -ENOENT);
	assert_int_equal(resync(&otp, 5, 6, 1000, &step), -ENOENT);
	assert_int_equal(step, -7);
	otp.kind = DLK_OTP_TOTP;
	otp.period = 30;
	assert_int_equal(resync(&otp, 200, 201, 1000, &step), -EINVAL);
}

/* RFC 4226 section 5.3, with OpenSSL's HMAC. */
static void
second_opinion(const struct dlk_otp *otp, int64_t step, char *out)
{
	const EVP_MD *md[] = { EVP_sha1(), EVP_sha256(), EVP_sha512() };
	static const unsigned modulus[] = { 1000000, 10000000, 100000000 };
	uint8_t counter[8], mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	dlk_put_be64(counter, (uint64_t)step);
	assert_non_null(
	    HMAC(md[otp->algorithm], otp->key.b, (int)otp->key.n, counter, 8, mac, &n));
	uint32_t value = dlk_get_be32(mac + (mac[n - 1] & 15)) & 0x7fffffff;
	snprintf(out, DLK_OTP_DIGITS_MAX + 1, "%0*u", (int)otp->digits,
	    value % modulus[otp->digits - 6]);
}

/* The same tokens on every run: a failure can be repeated. */
static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void
random_token(uint64_t *seed, struct dlk_otp *otp, int64_t *now)
{
	*otp = (struct dlk_otp){ .last_step = -1 };
	otp->kind = next_random(seed) % 4 == 0 ? DLK_OTP_HOTP : DLK_OTP_TOTP;
	otp->algorithm = (enum dlk_otp_algorithm)(next_random(seed) % 3);
	otp->digits = 6 + (unsigned)(next_random(seed) % 3);
	otp->period = 15 + (unsigned)(next_random(seed) % 286);
	otp->key.n = DLK_OTP_KEY_MIN + next_random(seed) % 150;
	for (size_t i = 0; i < otp->key.n; i++)
		otp->key.b[i] = (uint8_t)next_random(seed);
	*now = (int64_t)(next_random(seed) % 20000000000);
	if (otp->kind == DLK_OTP_HOTP)
		otp->last_step = (int64_t)(next_random(seed) % 100000000);
}

static void
a_second_implementation_agrees(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15;
	char ours[DLK_OTP_DIGITS_MAX + 1], theirs[DLK_OTP_DIGITS_MAX + 1];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct dlk_otp otp;
		int64_t now, step, found;
		random_token(&seed, &otp, &now);
		step = dlk_otp_step_at(&otp, now);
		second_opinion(&otp, step, theirs);
		assert_int_equal(dlk_otp_code(&otp, step, ours), 0);
		assert_string_equal(ours, theirs);
		assert_int_equal(check(&otp, theirs, now, 1, &found), DLK_OTP_FRESH);
		assert_true(found == step || strcmp(ours, theirs) == 0);
	}
}

/* Each costs a process: `make tokens` asks about all of 10 000. */
static int tokens = 200;

static void
oathtool_agrees(void **state)
{
	static const char *const mode[] = { "SHA1", "SHA256", "SHA512" };
	uint64_t seed = 0xd1b54a32d192ed03;
	char command[640], hex[2 * DLK_SECRET_MAX + 1], theirs[16];
	char ours[DLK_OTP_DIGITS_MAX + 1];
	int made = 0;

	(void)state;
	while (made < tokens) {
		struct dlk_otp otp;
		int64_t now;
		random_token(&seed, &otp, &now);
		int64_t step = dlk_otp_step_at(&otp, now);
		if (otp.kind == DLK_OTP_HOTP && otp.algorithm != DLK_OTP_SHA1)
			continue; /* oathtool has none */
		made++;
		dlk_hex(DLK_BYTES(otp.key.b, otp.key.n), hex);
		if (otp.kind == DLK_OTP_HOTP)
			snprintf(command, sizeof(command), "oathtool -d %u -c %lld %s",
			    otp.digits, (long long)step, hex);
		else
			snprintf(command, sizeof(command),
			    "oathtool --totp=%s -d %u -s %us -N @%lld %s", mode[otp.algorithm],
			    otp.digits, otp.period, (long long)now, hex);
		FILE *pipe = popen(command, "r");
		assert_non_null(pipe);
		assert_non_null(fgets(theirs, sizeof(theirs), pipe));
		assert_int_equal(pclose(pipe), 0);
		theirs[strcspn(theirs, "\n")] = '\0';
		assert_int_equal(dlk_otp_code(&otp, step, ours), 0);
		assert_string_equal(ours, theirs);
	}
}

static void
words(void **state)
{
	enum dlk_otp_algorithm algorithm;

	(void)state;
	for (int i = 0; i <= DLK_OTP_SHA512; i++) {
		const char *text = dlk_otp_algorithm_str((enum dlk_otp_algorithm)i);
		assert_int_equal(dlk_otp_algorithm_find(text, &algorithm), 0);
		assert_int_equal(algorithm, i);
	}
	assert_int_equal(dlk_otp_algorithm_find("sha1", &algorithm), -EINVAL);
	assert_int_equal(dlk_otp_algorithm_find("MD5", &algorithm), -EINVAL);
	assert_string_equal(dlk_otp_kind_str(DLK_OTP_TOTP), "totp");
	assert_string_equal(dlk_otp_kind_str(DLK_OTP_HOTP), "hotp");
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_4226_appendix_d),
		cmocka_unit_test(rfc_6238_appendix_b),
		cmocka_unit_test(the_window_is_as_wide_as_said),
		cmocka_unit_test(what_was_used_is_used),
		cmocka_unit_test(a_counter_goes_ahead_and_not_back),
		cmocka_unit_test(what_is_no_code_is_wrong),
		cmocka_unit_test(what_is_no_token_is_refused),
		cmocka_unit_test(two_codes_in_a_row_prove_the_counter),
		cmocka_unit_test(a_second_implementation_agrees),
		cmocka_unit_test(oathtool_agrees),
		cmocka_unit_test(words),
	};
	if (argc > 1)
		tokens = atoi(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
