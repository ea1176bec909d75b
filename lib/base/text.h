/* SPDX-License-Identifier: MIT */
/* text.h - text that comes from outside, made safe to keep and to show. */
#ifndef DLK_BASE_TEXT_H
#define DLK_BASE_TEXT_H

#include "base/bytes.h"

/* Copies with the NUL; false, and an empty dst, where it does not fit. NULL is empty. */
bool dlk_text_copy(char *dst, size_t size, const char *src);
/* printf into dst, cut to size, never without its NUL. */
void dlk_text_print(char *dst, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* For logs: printable ASCII stays, a backslash is doubled, every other octet becomes \xNN;
 * cut to size, ending in "..." where it was cut. size >= 8. */
void dlk_text_escape(char *dst, size_t size, struct dlk_bytes src);
/* A whole decimal number between least and most, an optional '-', no spaces, no '+'. 0,
 * -EINVAL, -ERANGE. */
int dlk_int_parse(const char *text, int64_t least, int64_t most, int64_t *ret_value);
/* Printable ASCII without space: what a user or service name may be before anything else is
 * asked of it. 1 to 255 octets. */
bool dlk_text_is_name(const char *text);
/* Account names that a certificate may give: [a-z_][a-z0-9_.-]{0,31}, octet for octet. */
bool dlk_text_is_account(struct dlk_bytes text);

#endif
