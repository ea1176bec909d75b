/* SPDX-License-Identifier: MIT */
/* text.c - copying, escaping and reading text without surprises. */
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
dlk_text_copy(char *dst, size_t size, const char *src)
{
	size_t n = src ? strlen(src) : 0;

	dst[0] = '\0';
	if (n >= size)
		return false;
	if (n > 0)
		memcpy(dst, src, n + 1);
	return true;
}

void
dlk_text_print(char *dst, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vsnprintf(dst, size, format, args) < 0)
		dst[0] = '\0';
	va_end(args);
}

static size_t
escape_octet(char out[4], uint8_t octet)
{
	static const char digits[] = "0123456789abcdef";

	if (octet == '\\') {
		out[0] = out[1] = '\\';
		return 2;
	}
	if (octet >= 0x20 && octet < 0x7f) {
		out[0] = (char)octet;
		return 1;
	}
	out[0] = '\\';
	out[1] = 'x';
	out[2] = digits[octet >> 4];
	out[3] = digits[octet & 15];
	return 4;
}

void
dlk_text_escape(char *dst, size_t size, struct dlk_bytes src)
{
	char out[4];
	size_t whole = 0, at = 0;

	for (size_t i = 0; i < src.n && whole < size; i++)
		whole += escape_octet(out, src.p[i]);
	bool cut = whole >= size;
	for (size_t i = 0; i < src.n; i++) {
		size_t n = escape_octet(out, src.p[i]);
		if (cut && at + n + sizeof("...") > size)
			break;
		memcpy(dst + at, out, n);
		at += n;
	}
	memcpy(dst + at, cut ? "..." : "", cut ? sizeof("...") : 1);
}

int
dlk_int_parse(const char *text, int64_t least, int64_t most, int64_t *ret_value)
{
	bool negative = text[0] == '-';
	const char *at = text + negative;
	int64_t value = 0;

	if (*at == '\0')
		return -EINVAL;
	for (; *at; at++) {
		if (*at < '0' || *at > '9')
			return -EINVAL;
		/* downwards: the range is wider there */
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, *at - '0', &value))
			return -ERANGE;
	}
	if (!negative) {
		if (value == INT64_MIN)
			return -ERANGE;
		value = -value;
	}
	if (value < least || value > most)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

bool
dlk_text_is_name(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || n > 255)
		return false;
	for (size_t i = 0; i < n; i++)
		if (text[i] <= 0x20 || text[i] >= 0x7f)
			return false;
	return true;
}

bool
dlk_text_is_account(struct dlk_bytes text)
{
	if (text.n == 0 || text.n > 32)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		bool first = (c >= 'a' && c <= 'z') || c == '_';
		if (!first && (i == 0 || !((c >= '0' && c <= '9') || c == '.' || c == '-')))
			return false;
	}
	return true;
}
