/* SPDX-License-Identifier: MIT */
/* usersfile.c - reads one line; whose clock its time was written by is the caller's affair. */
#include "core/usersfile.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define LINE_MAX_OCTETS 1024
#define NEAR            20 /* steps around the time of the last code */

void
dlk_usersline_fini(struct dlk_usersline *line)
{
	dlk_secret_wipe(&line->otp.key);
	explicit_bzero(line->last_code, sizeof(line->last_code));
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of `*rest`, NUL-terminated in place; "" at the end. */
static char *
take_word(char **rest)
{
	while (is_space(**rest))
		(*rest)++;
	char *word = *rest;
	while (**rest && !is_space(**rest))
		(*rest)++;
	if (**rest)
		*(*rest)++ = '\0';
	return word;
}

/* "HOTP", "HOTP/E", "HOTP/T30", each with "/6", "/7", "/8" behind it or not. */
static bool
read_type(char *type, struct dlk_otp *otp)
{
	int64_t number = 0;

	*otp = (struct dlk_otp){
		.kind = DLK_OTP_HOTP, .digits = 6, .period = 30, .last_step = -1
	};
	if (strncmp(type, "HOTP", 4) != 0)
		return false;
	type += 4;
	if (*type == '\0')
		return true;
	if (*type++ != '/')
		return false;
	char *digits = strchr(type, '/');
	if (digits)
		*digits++ = '\0';
	if (*type == 'T') {
		if (dlk_int_parse(type + 1, DLK_OTP_PERIOD_MIN, DLK_OTP_PERIOD_MAX, &number) !=
		    0)
			return false;
		otp->kind = DLK_OTP_TOTP;
		otp->period = (unsigned)number;
	} else if (strcmp(type, "E") != 0) {
		return false;
	}
	if (digits &&
	    dlk_int_parse(digits, DLK_OTP_DIGITS_MIN, DLK_OTP_DIGITS_MAX, &number) != 0)
		return false;
	if (digits)
		otp->digits = (unsigned)number;
	return true;
}

static bool
read_key(const char *hex, struct dlk_secret *key)
{
	size_t n = strlen(hex);

	if (n % 2 != 0 || n / 2 < DLK_OTP_KEY_MIN || n / 2 > sizeof(key->b))
		return false;
	key->n = n / 2;
	return dlk_unhex(hex, key->b, key->n) == 0;
}

static bool
read_code(const char *word, struct dlk_usersline *line)
{
	if (strcmp(word, "-") == 0)
		return true;
	size_t n = strlen(word);
	return n >= DLK_OTP_DIGITS_MIN && strspn(word, "0123456789") == n &&
	       dlk_text_copy(line->last_code, sizeof(line->last_code), word);
}

static bool
two(const char *at, int *ret)
{
	if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
		return false;
	*ret = 10 * (at[0] - '0') + at[1] - '0';
	return true;
}

/* "2026-11-24T21:50:00L" */
static bool
read_time(const char *word, int64_t *ret_time)
{
	int century, year, month, day, hour, minute, second;

	if (strlen(word) != 20 || word[4] != '-' || word[7] != '-' || word[10] != 'T' ||
	    word[13] != ':' || word[16] != ':' || word[19] != 'L')
		return false;
	return two(word, &century) && two(word + 2, &year) && two(word + 5, &month) &&
	       two(word + 8, &day) && two(word + 11, &hour) && two(word + 14, &minute) &&
	       two(word + 17, &second) &&
	       dlk_time_from_civil(
		   100 * century + year, month, day, hour, minute, second, ret_time) == 0;
}

static const char *
read_words(char *rest, struct dlk_usersline *line)
{
	char *type = take_word(&rest), *user = take_word(&rest), *password = take_word(&rest);
	char *key = take_word(&rest), *counter = take_word(&rest);
	char *code = take_word(&rest), *when = take_word(&rest);
	int64_t next = 0;

	if (!read_type(type, &line->otp))
		return "its type is none of HOTP, HOTP/E, HOTP/T30, with 6 to 8 digits";
	if (!dlk_text_is_name(user) || !dlk_text_copy(line->user, sizeof(line->user), user))
		return "it has no name of a user";
	if (!password[0])
		return "something is missing";
	line->has_password = strcmp(password, "-") != 0 && strcmp(password, "+") != 0;
	if (!read_key(key, &line->otp.key))
		return "its key is not hexadecimal, or shorter than 80 bits";
	if (counter[0] && dlk_int_parse(counter, 0, INT64_MAX - 1, &next) != 0)
		return "its counter is no number";
	if (line->otp.kind == DLK_OTP_HOTP)
		line->otp.last_step = next - 1;
	if (code[0] && !read_code(code, line))
		return "its last code is none";
	if (when[0] && !read_time(when, &line->last_time))
		return "its time is not of the form 2026-11-24T21:50:00L";
	return take_word(&rest)[0] ? "there is something behind it" : NULL;
}

int
dlk_usersline_parse(
    struct dlk_bytes text, struct dlk_usersline *ret_line, const char **ret_why)
{
	DLK_AUTO_USERSLINE line = { .user = "" };
	char copy[LINE_MAX_OCTETS];

	*ret_why = NULL;
	if (text.n >= sizeof(copy) || (text.n > 0 && memchr(text.p, '\0', text.n))) {
		*ret_why = "it is too long, or no text";
		return -EINVAL;
	}
	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	const char *first = copy;
	while (is_space(*first))
		first++;
	if (*first == '\0' || *first == '#')
		return -ENODATA;
	*ret_why = read_words(copy, &line);
	explicit_bzero(copy, sizeof(copy));
	if (*ret_why)
		return -EINVAL;
	*ret_line = line;
	return 0;
}

static bool
is_code_of(const struct dlk_usersline *line, int64_t step)
{
	char code[DLK_OTP_DIGITS_MAX + 1] = "";

	bool same = step >= 0 && dlk_otp_code(&line->otp, step, code) == 0 &&
		    strcmp(code, line->last_code) == 0;
	explicit_bzero(code, sizeof(code));
	return same;
}

/* pam_oath leaves the counter of the last code, mod_authn_otp that of the next. */
static void
use_counter(struct dlk_usersline *line)
{
	if (is_code_of(line, line->otp.last_step + 1))
		line->otp.last_step++;
}

void
dlk_usersline_use(struct dlk_usersline *line, int64_t when)
{
	if (!line->last_code[0])
		return;
	if (line->otp.kind == DLK_OTP_HOTP) {
		use_counter(line);
		return;
	}
	int64_t step = dlk_otp_step_at(&line->otp, when);
	line->otp.last_step = line->last_time != 0 ? step : -1;
	for (int64_t i = NEAR; i >= -NEAR; i--) {
		if (is_code_of(line, step + i)) {
			line->otp.last_step = step + i;
			return;
		}
	}
}
