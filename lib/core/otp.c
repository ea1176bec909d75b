/* SPDX-License-Identifier: MIT */
/*
 * otp.c - one-time codes, as liboath makes them. It compares in constant time and knows
 * which step a code belongs to; it keeps nothing and does not know whose token it is.
 */
#include "core/otp.h"

#include <errno.h>
#include <string.h>

#include <liboath/oath.h>

#define FAR_MOST 10000 /* counters that a resync may look ahead */

static const char *const algorithms[] = { "SHA1", "SHA256", "SHA512" };
static const int flags[] = { 0, OATH_TOTP_HMAC_SHA256, OATH_TOTP_HMAC_SHA512 };

static bool
is_sound(const struct dlk_otp *otp)
{
	if ((unsigned)otp->kind > DLK_OTP_HOTP || (unsigned)otp->algorithm > DLK_OTP_SHA512)
		return false;
	if (otp->kind == DLK_OTP_TOTP &&
	    (otp->period < DLK_OTP_PERIOD_MIN || otp->period > DLK_OTP_PERIOD_MAX))
		return false;
	return otp->digits >= DLK_OTP_DIGITS_MIN && otp->digits <= DLK_OTP_DIGITS_MAX &&
	       otp->key.n >= DLK_OTP_KEY_MIN && otp->key.n <= DLK_SECRET_MAX &&
	       otp->last_step >= -1;
}

/* A TOTP is the HOTP of its step (RFC 6238 section 4.2), and liboath takes SHA-256 and
 * SHA-512 only by its TOTP call: with steps of one second the step itself is the time. */
int
dlk_otp_code(const struct dlk_otp *otp, int64_t step, char *out)
{
	if (!is_sound(otp) || step < 0)
		return -EINVAL;
	int r = oath_totp_generate2((const char *)otp->key.b, otp->key.n, (time_t)step, 1, 0,
	    otp->digits, flags[otp->algorithm], out);
	return r == OATH_OK ? 0 : -EIO;
}

int64_t
dlk_otp_step_at(const struct dlk_otp *otp, int64_t now)
{
	if (otp->kind == DLK_OTP_HOTP)
		return otp->last_step + 1;
	return now < 0 || otp->period == 0 ? 0 : now / (int64_t)otp->period;
}

/* The code as it would have to be written: a code of another length or with anything but
 * digits becomes one that equals none, so that the work stays the same. */
static void
expect(const struct dlk_otp *otp, const struct dlk_secret *code, char *out)
{
	bool digits = code->n == otp->digits;

	memset(out, 0, DLK_OTP_DIGITS_MAX + 1);
	for (size_t i = 0; i < code->n; i++)
		digits &= code->b[i] >= '0' && code->b[i] <= '9';
	if (digits)
		memcpy(out, code->b, code->n);
}

static int
compare(const struct dlk_otp *otp, int64_t step, const char *expected, bool *ret_equal)
{
	char made[DLK_OTP_DIGITS_MAX + 1] = { 0 };
	int r = dlk_otp_code(otp, step, made);

	*ret_equal = r == 0 && dlk_octets_equal(made, expected, sizeof(made));
	explicit_bzero(made, sizeof(made));
	return r;
}

/* The steps that are tried. Those below what was used are tried as well, to tell a code that
 * is used up from a wrong one. */
static void
range(const struct dlk_otp *otp, int64_t now, unsigned window, int64_t *first, int64_t *last)
{
	if (otp->kind == DLK_OTP_HOTP) {
		*first = otp->last_step + 1 - DLK_OTP_AHEAD;
		*last = otp->last_step + DLK_OTP_AHEAD;
	} else {
		*first = dlk_otp_step_at(otp, now) - window;
		*last = dlk_otp_step_at(otp, now) + window;
	}
	if (*first < 0)
		*first = 0;
}

int
dlk_otp_check(const struct dlk_otp *otp, const struct dlk_secret *code, int64_t now,
    unsigned window, enum dlk_otp_match *ret_match, int64_t *ret_step)
{
	char expected[DLK_OTP_DIGITS_MAX + 1];
	int64_t first, last, fresh = -1, used = -1;

	if (!is_sound(otp) || window > DLK_OTP_WINDOW_MAX || now < 0 ||
	    otp->last_step > INT64_MAX - DLK_OTP_AHEAD)
		return -EINVAL;
	expect(otp, code, expected);
	range(otp, now, window, &first, &last);
	int r = 0;
	/* The oldest step that is still free is taken: codes after it stay good. */
	for (int64_t step = last; step >= first && r == 0; step--) {
		bool equal;
		r = compare(otp, step, expected, &equal);
		fresh = equal && step > otp->last_step ? step : fresh;
		used = equal && step <= otp->last_step && used < 0 ? step : used;
	}
	explicit_bzero(expected, sizeof(expected));
	if (r < 0)
		return r;
	*ret_match = fresh >= 0 ? DLK_OTP_FRESH : used >= 0 ? DLK_OTP_REPLAYED : DLK_OTP_NO;
	*ret_step = fresh >= 0 ? fresh : used;
	return 0;
}

int
dlk_otp_resync(const struct dlk_otp *otp, const struct dlk_secret *first,
    const struct dlk_secret *second, unsigned far, int64_t *ret_step)
{
	char one[DLK_OTP_DIGITS_MAX + 1], two[DLK_OTP_DIGITS_MAX + 1];
	int64_t found = -1;
	bool before = false;
	int r = 0;

	if (!is_sound(otp) || otp->kind != DLK_OTP_HOTP || far > FAR_MOST ||
	    otp->last_step > INT64_MAX - FAR_MOST - 1)
		return -EINVAL;
	expect(otp, first, one);
	expect(otp, second, two);
	for (unsigned i = 1; i <= far + 1 && r == 0; i++) {
		bool is_one, is_two = false;
		int64_t step = otp->last_step + i;
		r = compare(otp, step, one, &is_one);
		if (r == 0)
			r = compare(otp, step, two, &is_two);
		if (before && is_two && found < 0)
			found = step;
		before = is_one;
	}
	explicit_bzero(one, sizeof(one));
	explicit_bzero(two, sizeof(two));
	if (r < 0)
		return r;
	if (found < 0)
		return -ENOENT;
	*ret_step = found;
	return 0;
}

const char *
dlk_otp_algorithm_str(enum dlk_otp_algorithm algorithm)
{
	return algorithms[(unsigned)algorithm <= DLK_OTP_SHA512 ? algorithm : DLK_OTP_SHA1];
}

int
dlk_otp_algorithm_find(const char *text, enum dlk_otp_algorithm *ret_algorithm)
{
	for (unsigned i = 0; i <= DLK_OTP_SHA512; i++)
		if (strcmp(text, algorithms[i]) == 0) {
			*ret_algorithm = (enum dlk_otp_algorithm)i;
			return 0;
		}
	return -EINVAL;
}

const char *
dlk_otp_kind_str(enum dlk_otp_kind kind)
{
	return kind == DLK_OTP_HOTP ? "hotp" : "totp";
}
