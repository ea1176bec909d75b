/* SPDX-License-Identifier: MIT */
/*
 * gafile.c - the file of google-authenticator: a secret, lines of options that begin with a
 * quote, and scratch codes. What it remembers of used codes is taken over, so that a code of
 * yesterday does not open anything here.
 */
#include "core/gafile.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "core/otpauth.h"

#define PERIOD_THERE 30
#define SCRATCH      8 /* digits */

struct reading {
	struct dlk_gafile *file;
	void (*tell)(size_t line, enum dlk_import_note note, const char *words, void *arg);
	void *arg;
	size_t line;
	int64_t used;  /* the newest step of DISALLOW_REUSE; -1 */
	bool unusable; /* a line that the token cannot be without */
};

void
dlk_gafile_fini(struct dlk_gafile *file)
{
	dlk_secret_wipe(&file->otp.key);
	for (size_t i = 0; i < DLK_GAFILE_SCRATCH; i++)
		dlk_secret_wipe(&file->scratch[i]);
	file->n_scratch = 0;
}

static void
tell(const struct reading *r, enum dlk_import_note note, const char *words)
{
	r->tell(r->line, note, words, r->arg);
}

static void
refuse(struct reading *r, const char *words)
{
	r->unusable = true;
	tell(r, DLK_IMPORT_BAD, words);
}

static struct dlk_bytes
take_word(struct dlk_bytes *rest)
{
	size_t begin = 0;

	while (begin < rest->n && rest->p[begin] == ' ')
		begin++;
	size_t end = begin;
	while (end < rest->n && rest->p[end] != ' ')
		end++;
	struct dlk_bytes word = DLK_BYTES(rest->p + begin, end - begin);
	*rest = DLK_BYTES(rest->p + end, rest->n - end);
	return word;
}

static bool
take_number(struct dlk_bytes *rest, int64_t least, int64_t most, int64_t *ret)
{
	struct dlk_bytes word = take_word(rest);
	char copy[24] = "";

	if (word.n >= sizeof(copy))
		return false;
	memcpy(copy, word.p, word.n);
	return dlk_int_parse(copy, least, most, ret) == 0;
}

/* ---- the options ---- */

static void
read_totp(struct reading *r, struct dlk_bytes value)
{
	(void)value;
	tell(r, DLK_IMPORT_TAKEN, "codes by time");
}

/* The counter of the next code. */
static void
read_hotp(struct reading *r, struct dlk_bytes value)
{
	int64_t counter = 0;

	if (!take_number(&value, 0, INT64_MAX - 1, &counter)) {
		refuse(r, "HOTP_COUNTER is no number");
		return;
	}
	r->file->otp.kind = DLK_OTP_HOTP;
	r->file->otp.last_step = counter - 1;
	tell(r, DLK_IMPORT_TAKEN, "codes by counter");
}

static void
read_period(struct reading *r, struct dlk_bytes value)
{
	int64_t period = 0;

	if (!take_number(&value, DLK_OTP_PERIOD_MIN, DLK_OTP_PERIOD_MAX, &period)) {
		refuse(
		    r, "STEP_SIZE is not 15 to 300 seconds: this token has to be made anew");
		return;
	}
	r->file->otp.period = (unsigned)period;
	tell(r, DLK_IMPORT_TAKEN, "seconds of a step");
}

static void
read_window(struct reading *r, struct dlk_bytes value)
{
	int64_t window = 0;

	if (!take_number(&value, 1, 100, &window))
		tell(r, DLK_IMPORT_BAD, "WINDOW_SIZE is not 1 to 100");
	else
		tell(r, DLK_IMPORT_PASSED, "[otp] window holds for all tokens");
}

/* Steps that were used; the newest one bars all before it. */
static void
read_used(struct reading *r, struct dlk_bytes value)
{
	int64_t step = 0;

	while (value.n > 0) {
		struct dlk_bytes rest = value;
		if (take_word(&rest).n == 0)
			break;
		if (!take_number(&value, 0, INT64_MAX - 1, &step)) {
			tell(r, DLK_IMPORT_BAD,
			    "DISALLOW_REUSE has something other than steps");
			return;
		}
		if (step > r->used)
			r->used = step;
	}
	tell(r, DLK_IMPORT_TAKEN, "used codes stay used");
}

static void
read_rate(struct reading *r, struct dlk_bytes value)
{
	int64_t n = 0;

	if (!take_number(&value, 1, 100, &n) || !take_number(&value, 1, 3600, &n))
		tell(r, DLK_IMPORT_BAD, "RATE_LIMIT is not 1 to 100 in 1 to 3600 seconds");
	else
		tell(r, DLK_IMPORT_PASSED, "[lockout] holds for all tokens");
}

static void
read_skew(struct reading *r, struct dlk_bytes value)
{
	int64_t skew = 0;

	if (!take_number(&value, INT32_MIN, INT32_MAX, &skew))
		tell(r, DLK_IMPORT_BAD, "TIME_SKEW is no number");
	else
		tell(r, DLK_IMPORT_PASSED,
		    skew == 0 ? "no skew"
			      : "a skew of clocks is not taken: set the clock of the "
				"authenticator");
}

static void
read_passed(struct reading *r, struct dlk_bytes value)
{
	(void)value;
	tell(r, DLK_IMPORT_PASSED, "is kept anew here");
}

static const struct option {
	const char *name;
	void (*read)(struct reading *r, struct dlk_bytes value);
} options[] = {
	{ "TOTP_AUTH", read_totp },
	{ "HOTP_COUNTER", read_hotp },
	{ "STEP_SIZE", read_period },
	{ "WINDOW_SIZE", read_window },
	{ "DISALLOW_REUSE", read_used },
	{ "RATE_LIMIT", read_rate },
	{ "TIME_SKEW", read_skew },
	{ "RESETTING_TIME_SKEW", read_passed },
};

static bool
is_last_host(struct dlk_bytes name)
{
	return name.n == 5 && memcmp(name.p, "LAST", 4) == 0 && name.p[4] >= '0' &&
	       name.p[4] <= '9';
}

static void
read_option(struct reading *r, struct dlk_bytes line)
{
	struct dlk_bytes name = take_word(&line);

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (dlk_bytes_equal(name, dlk_bytes_str(options[i].name))) {
			options[i].read(r, line);
			return;
		}
	}
	if (is_last_host(name))
		read_passed(r, line);
	else
		tell(r, DLK_IMPORT_BAD, "an option that google-authenticator does not have");
}

/* ---- the lines ---- */

static void
read_scratch(struct reading *r, struct dlk_bytes line)
{
	bool good = line.n == SCRATCH && line.p[0] != '0';

	for (size_t i = 0; i < line.n; i++)
		good = good && line.p[i] >= '0' && line.p[i] <= '9';
	if (!good) {
		tell(r, DLK_IMPORT_BAD, "neither an option nor a scratch code of 8 digits");
	} else if (r->file->n_scratch == DLK_GAFILE_SCRATCH) {
		tell(r, DLK_IMPORT_BAD, "there are more scratch codes than can be kept");
	} else {
		(void)dlk_secret_set(&r->file->scratch[r->file->n_scratch++], line);
		tell(r, DLK_IMPORT_TAKEN, "a scratch code becomes a recovery code");
	}
}

static void
read_secret(struct reading *r, struct dlk_bytes line)
{
	struct dlk_secret *key = &r->file->otp.key;

	if (dlk_base32_decode(line, key) < 0 || key->n < DLK_OTP_KEY_MIN)
		refuse(r, "the first line is no secret in base32 of 80 bits or more");
	else
		tell(r, DLK_IMPORT_TAKEN, "the secret");
}

static void
read_line(struct reading *r, struct dlk_bytes line)
{
	while (line.n > 0 && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' '))
		line.n--;
	if (r->line == 1)
		read_secret(r, line);
	else if (line.n >= 2 && line.p[0] == '"' && line.p[1] == ' ')
		read_option(r, DLK_BYTES(line.p + 2, line.n - 2));
	else if (line.n > 0)
		read_scratch(r, line);
}

static void
read_lines(struct reading *r, struct dlk_bytes content)
{
	while (content.n > 0) {
		const uint8_t *end = memchr(content.p, '\n', content.n);
		size_t n = end ? (size_t)(end - content.p) : content.n;
		r->line++;
		read_line(r, DLK_BYTES(content.p, n));
		n += end != NULL;
		content = DLK_BYTES(content.p + n, content.n - n);
	}
}

int
dlk_gafile_parse(struct dlk_bytes content,
    void (*tell_line)(size_t line, enum dlk_import_note note, const char *words, void *arg),
    void *arg, struct dlk_gafile *ret_file)
{
	DLK_AUTO_GAFILE file = { .otp = {
				     .digits = 6, .period = PERIOD_THERE, .last_step = -1 } };
	struct reading r = { .file = &file, .tell = tell_line, .arg = arg, .used = -1 };

	if (content.n > DLK_GAFILE_MAX)
		refuse(&r, "the file is longer than google-authenticator reads");
	else
		read_lines(&r, content);
	if (!r.unusable && file.otp.key.n == 0)
		refuse(&r, "there is no secret");
	if (r.unusable)
		return -EINVAL;
	/* options may stand in any order */
	if (file.otp.kind == DLK_OTP_TOTP)
		file.otp.last_step = r.used;
	*ret_file = file;
	return 0;
}
