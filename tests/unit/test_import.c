/* SPDX-License-Identifier: MIT */
/* Tokens of google-authenticator and pam_oath: every line has its answer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/gafile.h"
#include "core/usersfile.h"

#define SECRET "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n"
#define KEY    "3132333435363738393031323334353637383930" /* RFC 4226 appendix D */

/* One letter per line: t, p or b. */
struct answers {
	char text[64];
	size_t n;
};

static void
keep(size_t line, enum dlk_import_note note, const char *words, void *arg)
{
	struct answers *answers = arg;

	(void)line;
	assert_true(words[0] != '\0');
	assert_true(answers->n + 1 < sizeof(answers->text));
	answers->text[answers->n++] = "tpb"[note];
}

static void
files_of_google_authenticator_are_answered_line_by_line(void **state)
{
	static const struct {
		const char *name, *content, *answers;
		int error;
		enum dlk_otp_kind kind;
		int64_t last_step;
		size_t scratch;
	} rows[] = {
		{ "by time",
		    SECRET "\" RATE_LIMIT 3 30 1700000000\n\" WINDOW_SIZE 17\n"
			   "\" DISALLOW_REUSE 56666666 56666700 56666699\n\" TOTP_AUTH\n"
			   "12345678\n87654321\n",
		    "tppt"
		    "ttt",
		    0, DLK_OTP_TOTP, 56666700, 2 },
		{ "by counter", SECRET "\" HOTP_COUNTER 12\n\" DISALLOW_REUSE 99\n", "ttt", 0,
		    DLK_OTP_HOTP, 11, 0 },
		{ "used codes above the counter",
		    SECRET "\" DISALLOW_REUSE 99\n\" HOTP_COUNTER 1\n", "ttt", 0, DLK_OTP_HOTP,
		    0, 0 },
		{ "everything else",
		    SECRET "\" STEP_SIZE 60\n\" TIME_SKEW -3\n\" RESETTING_TIME_SKEW 1+2 3-4\n"
			   "\" LAST0 host 1700000000\n",
		    "ttppp", 0, DLK_OTP_TOTP, -1, 0 },
		{ "bad lines keep no good one out",
		    SECRET "\" NONSENSE\n1234567\n01234567\n\"TOTP_AUTH\n\" WINDOW_SIZE 0\n"
			   "\" RATE_LIMIT 3\n\" TIME_SKEW x\n\" DISALLOW_REUSE x\n\" LASTX y\n"
			   "99999999\n",
		    "tbbbbbbbbbt", 0, DLK_OTP_TOTP, -1, 1 },
		{ "carriage returns", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\r\n\" TOTP_AUTH\r\n",
		    "tt", 0, DLK_OTP_TOTP, -1, 0 },
		{ "an old short secret", "JBSWY3DPEHPK3PXP\n\" TOTP_AUTH", "tt", 0,
		    DLK_OTP_TOTP, -1, 0 },
		{ "a step of one second", SECRET "\" STEP_SIZE 1\n", "tb", -EINVAL,
		    DLK_OTP_TOTP, 0, 0 },
		{ "no counter", SECRET "\" HOTP_COUNTER\n", "tb", -EINVAL, DLK_OTP_TOTP, 0,
		    0 },
		{ "no secret", "\" TOTP_AUTH\n", "b", -EINVAL, DLK_OTP_TOTP, 0, 0 },
		{ "nothing", "", "b", -EINVAL, DLK_OTP_TOTP, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		DLK_AUTO_GAFILE file = { .n_scratch = 0 };
		struct answers answers = { .n = 0 };
		int r =
		    dlk_gafile_parse(dlk_bytes_str(rows[i].content), keep, &answers, &file);
		if (r != rows[i].error || strcmp(answers.text, rows[i].answers) != 0)
			fail_msg("%s: %d, %s", rows[i].name, r, answers.text);
		if (r < 0)
			continue;
		assert_int_equal(file.otp.kind, rows[i].kind);
		assert_int_equal(file.otp.last_step, rows[i].last_step);
		assert_int_equal(file.n_scratch, rows[i].scratch);
	}
}

static void
files_have_a_limit(void **state)
{
	static char content[DLK_GAFILE_MAX + 1];
	DLK_AUTO_GAFILE file = { .n_scratch = 0 };
	struct answers answers = { .n = 0 };

	(void)state;
	memset(content, 'A', sizeof(content));
	assert_int_equal(
	    dlk_gafile_parse(DLK_BYTES(content, sizeof(content)), keep, &answers, &file),
	    -EINVAL);
	assert_string_equal(answers.text, "b");
}

static void
lines_of_a_usersfile_are_read(void **state)
{
	static const struct {
		const char *text;
		int error;
		enum dlk_otp_kind kind;
		unsigned digits, period;
		int64_t last_step;
	} rows[] = {
		{ "HOTP alice - " KEY, 0, DLK_OTP_HOTP, 6, 30, -1 },
		{ "HOTP/E alice - " KEY " 7", 0, DLK_OTP_HOTP, 6, 30, 6 },
		{ "\tHOTP/E/8\talice\t+\t" KEY "\t0\r", 0, DLK_OTP_HOTP, 8, 30, -1 },
		{ "HOTP/T30 alice - " KEY, 0, DLK_OTP_TOTP, 6, 30, -1 },
		{ "HOTP/T60/7 alice pass " KEY " 0", 0, DLK_OTP_TOTP, 7, 60, -1 },
		/* RFC 4226 appendix D: counter 3 is 969429, 4 is 338314 */
		{ "HOTP alice - " KEY " 3 969429 2011-01-01T10:00:00L", 0, DLK_OTP_HOTP, 6, 30,
		    3 },
		{ "HOTP alice - " KEY " 4 969429 2011-01-01T10:00:00L", 0, DLK_OTP_HOTP, 6, 30,
		    3 },
		/* RFC 6238 appendix B: at 1111111109, step 37037036, 07081804 */
		{ "HOTP/T30/8 alice - " KEY " 0 07081804 2005-03-18T01:58:29L", 0,
		    DLK_OTP_TOTP, 8, 30, 37037036 },
		{ "HOTP/T30/8 alice - " KEY " 0 07081804 2005-03-18T02:03:29L", 0,
		    DLK_OTP_TOTP, 8, 30, 37037036 },
		{ "HOTP/T30/8 alice - " KEY " 0 12345678 2005-03-18T01:58:29L", 0,
		    DLK_OTP_TOTP, 8, 30, 37037036 },
		{ "HOTP/T30/8 alice - " KEY " 0 12345678", 0, DLK_OTP_TOTP, 8, 30, -1 },
		{ "", -ENODATA, DLK_OTP_TOTP, 0, 0, 0 },
		{ "  # HOTP alice", -ENODATA, DLK_OTP_TOTP, 0, 0, 0 },
		{ "TOTP alice - " KEY, -EINVAL, DLK_OTP_TOTP, 0, 0, 0 },
		{ "HOTP/X alice - " KEY, -EINVAL, DLK_OTP_TOTP, 0, 0, 0 },
		{ "HOTP/E/5 alice - " KEY, -EINVAL, DLK_OTP_TOTP, 0, 0, 0 },
		{ "HOTP/T10 alice - " KEY, -EINVAL, DLK_OTP_TOTP, 0, 0, 0 },
		{ "HOTP/T alice - " KEY, -EINVAL, DLK_OTP_TOTP, 0, 0, 0 },
		{ "HOTP", -EINVAL, DLK_OTP_TOTP, 0, 0, 0 },
		{ "HOTP alice", -EINVAL, DLK_OTP_TOTP, 0, 0, 0 },
		{ "HOTP alice -", -EINVAL, DLK_OTP_TOTP, 0, 0, 0 },
		{ "HOTP alice - 3132", -EINVAL, DLK_OTP_TOTP, 0, 0, 0 },
		{ "HOTP alice - zz" KEY, -EINVAL, DLK_OTP_TOTP, 0, 0, 0 },
		{ "HOTP alice - " KEY " -1", -EINVAL, DLK_OTP_TOTP, 0, 0, 0 },
		{ "HOTP alice - " KEY " 1 abcdef", -EINVAL, DLK_OTP_TOTP, 0, 0, 0 },
		{ "HOTP alice - " KEY " 1 123456 yesterday", -EINVAL, DLK_OTP_TOTP, 0, 0, 0 },
		{ "HOTP alice - " KEY " 1 123456 2011-13-01T10:00:00L", -EINVAL, DLK_OTP_TOTP,
		    0, 0, 0 },
		{ "HOTP alice - " KEY " 1 123456 2011-12-01T10:00:00L x", -EINVAL,
		    DLK_OTP_TOTP, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		DLK_AUTO_USERSLINE line = { .user = "" };
		const char *why = NULL;
		int r = dlk_usersline_parse(dlk_bytes_str(rows[i].text), &line, &why);
		if (r != rows[i].error || (why != NULL) != (r == -EINVAL))
			fail_msg("%s: %d, %s", rows[i].text, r, why ? why : "-");
		if (r < 0)
			continue;
		dlk_usersline_use(&line, line.last_time);
		assert_string_equal(line.user, "alice");
		assert_int_equal(line.otp.kind, rows[i].kind);
		assert_int_equal(line.otp.digits, rows[i].digits);
		assert_int_equal(line.otp.period, rows[i].period);
		if (line.otp.last_step != rows[i].last_step)
			fail_msg("%s: step %lld", rows[i].text, (long long)line.otp.last_step);
		assert_int_equal(line.has_password, strstr(rows[i].text, "pass") != NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_google_authenticator_are_answered_line_by_line),
		cmocka_unit_test(files_have_a_limit),
		cmocka_unit_test(lines_of_a_usersfile_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
