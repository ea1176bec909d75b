/* SPDX-License-Identifier: MIT */
/* secret.c - secrets and recovery codes on their way to their owner. They come by standard
 * input, never by an argument, which everybody on the machine can read. */
#include "enroll.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* RFC 4226 section 4 R6, RFC 6238 section 5.1: as long as the hash. */
static const size_t key_octets[] = {
	[DLK_OTP_SHA1] = 20,
	[DLK_OTP_SHA256] = 32,
	[DLK_OTP_SHA512] = 64,
};

int
ctl_token_secret(struct dlk_otp *otp)
{
	uint8_t octets[64];
	size_t n = key_octets[otp->algorithm];

	if (getrandom(octets, n, 0) != (ssize_t)n)
		return -EIO;
	int r = dlk_secret_set(&otp->key, DLK_BYTES(octets, n));
	explicit_bzero(octets, sizeof(octets));
	return r;
}

int
ctl_recovery_make(struct dlk_record *record, const char *user, const char *actor, int64_t now,
    struct dlk_secret codes[CTL_RECOVERY_CODES])
{
	int r = 0;

	for (size_t i = 0; i < CTL_RECOVERY_CODES && r == 0; i++)
		r = dlk_recovery_generate(&codes[i]);
	return r < 0
		   ? r
		   : dlk_recovery_replace(record, user, codes, CTL_RECOVERY_CODES, actor, now);
}

void
ctl_recovery_wipe(struct dlk_secret codes[CTL_RECOVERY_CODES])
{
	for (size_t i = 0; i < CTL_RECOVERY_CODES; i++)
		dlk_secret_wipe(&codes[i]);
}

json_t *
ctl_secret_json(struct dlk_bytes secret)
{
	return secret.n > 0 ? json_stringn((const char *)secret.p, secret.n) : json_string("");
}

json_t *
ctl_recovery_json(const struct dlk_secret codes[CTL_RECOVERY_CODES])
{
	json_t *list = json_array();

	for (size_t i = 0; i < CTL_RECOVERY_CODES; i++)
		if (codes[i].n > 0)
			json_array_append_new(
			    list, ctl_secret_json(DLK_BYTES(codes[i].b, codes[i].n)));
	return list;
}

void
ctl_recovery_print(FILE *out, const struct dlk_secret codes[CTL_RECOVERY_CODES])
{
	fputs("\nRecovery codes, each good for one login without the authenticator. They are\n"
	      "shown this once; keep them where the authenticator is not:\n\n",
	    out);
	for (size_t i = 0; i < CTL_RECOVERY_CODES; i++)
		fprintf(out, "    %.*s\n", (int)codes[i].n, (const char *)codes[i].b);
	fputc('\n', out);
}

/* Octet by octet: what stdio had read ahead would stay in its memory. */
int
ctl_read_line(struct dlk_secret *ret_line)
{
	DLK_AUTO_SECRET line = { .n = 0 };

	for (;;) {
		uint8_t c = 0;
		ssize_t n = read(STDIN_FILENO, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0 && line.n == 0)
			return -ENODATA;
		if (n == 0 || c == '\n')
			break;
		if (line.n == sizeof(line.b))
			return -EMSGSIZE;
		line.b[line.n++] = c;
	}
	if (line.n > 0 && line.b[line.n - 1] == '\r')
		line.n--;
	*ret_line = line;
	return 0;
}

int
ctl_secret_parse(const struct dlk_secret *text, struct dlk_secret *ret_key)
{
	DLK_AUTO_SECRET key = { .n = 0 };
	char digits[DLK_SECRET_MAX + 1];
	bool hex = text->n > 4 && memcmp(text->b, "hex:", 4) == 0;
	int r = -EINVAL;

	if (!hex) {
		r = dlk_base32_decode(DLK_BYTES(text->b, text->n), &key);
	} else if (text->n % 2 == 0) {
		memcpy(digits, text->b + 4, text->n - 4);
		digits[text->n - 4] = '\0';
		key.n = (text->n - 4) / 2;
		r = dlk_unhex(digits, key.b, key.n);
		explicit_bzero(digits, sizeof(digits));
	}
	if (r < 0 || key.n < DLK_OTP_KEY_MIN)
		return -EINVAL;
	*ret_key = key;
	return 0;
}
