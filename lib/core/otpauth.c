/* SPDX-License-Identifier: MIT */
/*
 * otpauth.c - writes and reads otpauth URIs. liboath writes base32; reading is done here,
 * because what liboath takes for base32 has changed twice.
 */
#include "core/otpauth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <liboath/oath.h>

#include "base/text.h"

#define URI_MAX 2048

static const char digits32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

int
dlk_base32_encode(const struct dlk_secret *key, struct dlk_secret *ret_text)
{
	char *text = NULL;
	size_t n = 0;

	if (oath_base32_encode((const char *)key->b, key->n, &text, &n) != OATH_OK)
		return -ENOMEM;
	size_t all = n;
	while (n > 0 && text[n - 1] == '=')
		n--;
	int r = dlk_secret_set(ret_text, DLK_BYTES(text, n));
	explicit_bzero(text, all);
	free(text);
	return r;
}

static int
digit32(uint8_t c)
{
	if (c >= 'a' && c <= 'z')
		c = (uint8_t)(c - 'a' + 'A');
	const char *at = c ? strchr(digits32, c) : NULL;
	return at ? (int)(at - digits32) : -1;
}

/* One digit more; `bits` counts those that fill no octet yet. */
static int
push_digit(struct dlk_secret *key, uint32_t *rest, unsigned *bits, int digit)
{
	*rest = *rest << 5 | (uint32_t)digit;
	*bits += 5;
	if (*bits < 8)
		return 0;
	if (key->n == sizeof(key->b))
		return -EMSGSIZE;
	*bits -= 8;
	key->b[key->n++] = (uint8_t)(*rest >> *bits);
	*rest &= (1U << *bits) - 1;
	return 0;
}

int
dlk_base32_decode(struct dlk_bytes text, struct dlk_secret *ret_key)
{
	DLK_AUTO_SECRET key = { .n = 0 };
	uint32_t rest = 0;
	unsigned bits = 0;
	size_t n = text.n;

	while (n > 0 && (text.p[n - 1] == '=' || text.p[n - 1] == ' '))
		n--;
	for (size_t i = 0; i < n; i++) {
		int digit = digit32(text.p[i]);
		if (digit < 0 && (text.p[i] == ' ' || text.p[i] == '-'))
			continue;
		int r = digit < 0 ? -EINVAL : push_digit(&key, &rest, &bits, digit);
		if (r < 0)
			return r;
	}
	if (key.n == 0 || bits >= 5)
		return -EINVAL;
	*ret_key = key;
	return 0;
}

/* ---- writing ---- */

static int
add_text(struct dlk_buf *uri, const char *text)
{
	return dlk_buf_add(uri, URI_MAX, dlk_bytes_str(text));
}

/* RFC 3986 section 2.3: what is not unreserved is written as %XX. */
static int
add_quoted(struct dlk_buf *uri, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	int r = 0;

	for (const char *at = text; *at && r == 0; at++) {
		unsigned char c = (unsigned char)*at;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || strchr("-._~", c);
		const char quoted[] = { '%', hex[c >> 4], hex[c & 15] };
		r = dlk_buf_add(uri, URI_MAX, plain ? DLK_BYTES(at, 1) : DLK_BYTES(quoted, 3));
	}
	return r;
}

int
dlk_otpauth_encode(
    const struct dlk_otp *otp, const char *issuer, const char *account, struct dlk_buf *uri)
{
	DLK_AUTO_SECRET secret = { .n = 0 };
	char rest[128];
	bool totp = otp->kind == DLK_OTP_TOTP;

	dlk_text_print(rest, sizeof(rest), "&algorithm=%s&digits=%u&%s=%lld",
	    dlk_otp_algorithm_str(otp->algorithm), otp->digits, totp ? "period" : "counter",
	    totp ? (long long)otp->period : (long long)otp->last_step + 1);
	int r = dlk_base32_encode(&otp->key, &secret);
	if (r == 0)
		r = add_text(uri, totp ? "otpauth://totp/" : "otpauth://hotp/");
	if (r == 0)
		r = add_quoted(uri, issuer);
	if (r == 0)
		r = add_text(uri, ":");
	if (r == 0)
		r = add_quoted(uri, account);
	if (r == 0)
		r = add_text(uri, "?secret=");
	if (r == 0)
		r = dlk_buf_add(uri, URI_MAX, DLK_BYTES(secret.b, secret.n));
	if (r == 0)
		r = add_text(uri, "&issuer=");
	if (r == 0)
		r = add_quoted(uri, issuer);
	return r < 0 ? r : add_text(uri, rest);
}

/* ---- reading ---- */

void
dlk_otpauth_fini(struct dlk_otpauth *token)
{
	dlk_secret_wipe(&token->otp.key);
}

/* Up to `end` or the end of `rest`, without it. */
static struct dlk_bytes
take_until(struct dlk_bytes *rest, char end)
{
	const uint8_t *at = rest->n > 0 ? memchr(rest->p, end, rest->n) : NULL;
	struct dlk_bytes part = DLK_BYTES(rest->p, at ? (size_t)(at - rest->p) : rest->n);
	size_t n = part.n + (at != NULL);

	*rest = DLK_BYTES(rest->p + n, rest->n - n);
	return part;
}

static bool
take_prefix(struct dlk_bytes *rest, const char *prefix)
{
	size_t n = strlen(prefix);

	if (rest->n < n || strncasecmp((const char *)rest->p, prefix, n) != 0)
		return false;
	*rest = DLK_BYTES(rest->p + n, rest->n - n);
	return true;
}

/* Printable text, %XX undone. */
static int
unquote(struct dlk_bytes in, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		char pair[3] = { 0 };
		uint8_t c = in.p[i];
		if (c == '%') {
			if (in.n - i < 3)
				return -EINVAL;
			memcpy(pair, in.p + i + 1, 2);
			if (dlk_unhex(pair, &c, 1) < 0)
				return -EINVAL;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f || n + 1 >= size)
			return -EINVAL;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return 0;
}

static bool
read_number(struct dlk_bytes text, int64_t least, int64_t most, int64_t *ret)
{
	char copy[24] = "";

	if (text.n >= sizeof(copy))
		return false;
	memcpy(copy, text.p, text.n);
	return dlk_int_parse(copy, least, most, ret) == 0;
}

static bool
read_algorithm(struct dlk_bytes text, enum dlk_otp_algorithm *ret)
{
	char copy[16] = "";

	if (text.n >= sizeof(copy))
		return false;
	for (size_t i = 0; i < text.n; i++)
		copy[i] = (char)(text.p[i] >= 'a' && text.p[i] <= 'z' ? text.p[i] - 'a' + 'A'
								      : text.p[i]);
	return dlk_otp_algorithm_find(copy, ret) == 0;
}

static const char *
read_parameter(struct dlk_otpauth *t, struct dlk_bytes name, struct dlk_bytes value)
{
	char secret[2 * DLK_SECRET_MAX];
	int64_t number = 0;

	if (dlk_bytes_equal(name, dlk_bytes_str("secret"))) {
		bool good = unquote(value, secret, sizeof(secret)) == 0 &&
			    dlk_base32_decode(dlk_bytes_str(secret), &t->otp.key) == 0;
		explicit_bzero(secret, sizeof(secret));
		return good ? NULL : "its secret is no base32";
	}
	if (dlk_bytes_equal(name, dlk_bytes_str("issuer")))
		return unquote(value, t->issuer, sizeof(t->issuer)) == 0
			   ? NULL
			   : "its issuer is no text";
	if (dlk_bytes_equal(name, dlk_bytes_str("algorithm")))
		return read_algorithm(value, &t->otp.algorithm)
			   ? NULL
			   : "its algorithm is none of SHA1, SHA256, SHA512";
	if (dlk_bytes_equal(name, dlk_bytes_str("digits"))) {
		if (!read_number(value, DLK_OTP_DIGITS_MIN, DLK_OTP_DIGITS_MAX, &number))
			return "its digits are not 6 to 8";
		t->otp.digits = (unsigned)number;
	} else if (dlk_bytes_equal(name, dlk_bytes_str("period"))) {
		if (!read_number(value, DLK_OTP_PERIOD_MIN, DLK_OTP_PERIOD_MAX, &number))
			return "its period is not 15 to 300 seconds";
		t->otp.period = (unsigned)number;
	} else if (dlk_bytes_equal(name, dlk_bytes_str("counter"))) {
		if (!read_number(value, 0, INT64_MAX, &number))
			return "its counter is no number";
		if (t->otp.kind == DLK_OTP_HOTP)
			t->otp.last_step = number - 1;
	}
	return NULL;
}

/* "ISSUER:ACCOUNT" or "ACCOUNT". */
static const char *
read_label(struct dlk_otpauth *t, struct dlk_bytes label)
{
	char text[2 * (DLK_OTPAUTH_NAME + 1)];

	if (unquote(label, text, sizeof(text)) < 0)
		return "its label is no text";
	char *colon = strchr(text, ':');
	const char *account = colon ? colon + 1 : text;
	if (colon)
		*colon = '\0';
	while (*account == ' ')
		account++;
	if (!account[0] || !dlk_text_copy(t->account, sizeof(t->account), account) ||
	    (colon && !dlk_text_copy(t->issuer, sizeof(t->issuer), text)))
		return "its label has no account";
	return NULL;
}

static const char *
read_uri(struct dlk_bytes uri, struct dlk_otpauth *t)
{
	const char *why = NULL;

	t->otp = (struct dlk_otp){ .digits = 6, .period = 30, .last_step = -1 };
	if (uri.n > URI_MAX || !take_prefix(&uri, "otpauth://"))
		return "it does not begin with otpauth://";
	if (take_prefix(&uri, "hotp/"))
		t->otp.kind = DLK_OTP_HOTP;
	else if (!take_prefix(&uri, "totp/"))
		return "its type is neither totp nor hotp";
	why = read_label(t, take_until(&uri, '?'));
	while (uri.n > 0 && !why) {
		struct dlk_bytes value = take_until(&uri, '&');
		struct dlk_bytes name = take_until(&value, '=');
		why = read_parameter(t, name, value);
	}
	if (!why && t->otp.key.n < DLK_OTP_KEY_MIN)
		why = "its secret is missing or shorter than 10 octets";
	return why;
}

int
dlk_otpauth_parse(struct dlk_bytes uri, struct dlk_otpauth *ret_token, const char **ret_why)
{
	DLK_AUTO_OTPAUTH token = { .issuer = "" };

	*ret_why = read_uri(uri, &token);
	if (*ret_why)
		return -EINVAL;
	*ret_token = token;
	return 0;
}
