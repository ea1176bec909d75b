/* SPDX-License-Identifier: MIT */
/* password.c - takes a password apart. These are the octets of somebody who has proven no
 * more than a key, in a process that may be root's: nothing is copied before its length is
 * known, and what is not exactly as described is refused. */
#include "password.h"

#include <errno.h>
#include <string.h>

static const char token_of_openvpn[] = "SESS_ID_AT_";

static int
digit(uint8_t c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Four characters, of which the last `padding` are '='. */
static bool
decode_four(const uint8_t *text, size_t padding, uint8_t *octets)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < 4 - padding ? digit(text[i]) : 0;
		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
	}
	octets[0] = (uint8_t)(bits >> 16);
	octets[1] = (uint8_t)(bits >> 8);
	octets[2] = (uint8_t)bits;
	/* bits that say nothing are zero: one answer has one spelling */
	return padding == 0 || (bits & ((1U << 8 * padding) - 1)) == 0;
}

int
dlk_password_decode(struct dlk_bytes text, struct dlk_secret *ret_code)
{
	DLK_AUTO_SECRET code = { 0 };
	size_t padding = 0;

	if (text.n % 4 != 0 || text.n / 4 * 3 > sizeof(code.b))
		return -EBADMSG;
	while (padding < 2 && padding < text.n && text.p[text.n - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < text.n; i += 4, code.n += 3)
		if (!decode_four(text.p + i, i + 4 == text.n ? padding : 0, code.b + code.n))
			return -EBADMSG;
	code.n -= padding;
	if (memchr(code.b, '\0', code.n))
		return -EBADMSG;
	return dlk_secret_set(ret_code, DLK_BYTES(code.b, code.n));
}

/* base64 ":" base64 */
static int
read_static(struct dlk_bytes text, struct dlk_secret *ret_code)
{
	const uint8_t *colon = text.n > 0 ? memchr(text.p, ':', text.n) : NULL;

	if (!colon)
		return -EBADMSG;
	size_t n = (size_t)(colon + 1 - text.p);
	return dlk_password_decode(DLK_BYTES(text.p + n, text.n - n), ret_code);
}

static int
plain(struct dlk_bytes text, struct dlk_secret *ret_code)
{
	if (text.n > 0 && memchr(text.p, '\0', text.n))
		return -EBADMSG;
	return dlk_secret_set(ret_code, text) < 0 ? -EBADMSG : 0;
}

/* state "::" answer */
static int
read_dynamic(struct dlk_bytes text, char *ret_state, struct dlk_secret *ret_code)
{
	const uint8_t *colons = text.n > 0 ? memmem(text.p, text.n, "::", 2) : NULL;
	size_t n = colons ? (size_t)(colons - text.p) : 0;

	if (!colons || n > DLK_PASSWORD_STATE_MAX || memchr(text.p, '\0', n))
		return -EBADMSG;
	int r = plain(DLK_BYTES(colons + 2, text.n - n - 2), ret_code);
	if (r == 0 && ret_state) {
		memcpy(ret_state, text.p, n);
		ret_state[n] = '\0';
	}
	return r;
}

int
dlk_password_read(struct dlk_bytes password, char *ret_state, struct dlk_secret *ret_code)
{
	struct dlk_bytes rest = password;

	if (ret_state)
		ret_state[0] = '\0';
	dlk_secret_wipe(ret_code);
	if (dlk_bytes_take(&rest, "SCRV1:"))
		return read_static(rest, ret_code);
	if (dlk_bytes_take(&rest, "CRV1::"))
		return read_dynamic(rest, ret_state, ret_code);
	if (dlk_bytes_take(&rest, token_of_openvpn))
		return 0;
	return plain(password, ret_code);
}
