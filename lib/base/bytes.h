/* SPDX-License-Identifier: MIT */
/* bytes.h - a borrowed run of bytes, and a growing buffer with a limit. */
#ifndef DLK_BASE_BYTES_H
#define DLK_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed: never freed through this. p may be NULL only where n is 0. */
struct dlk_bytes {
	const uint8_t *p;
	size_t n;
};

/* Owned. Zeroed memory is an empty buffer. Never grows past its limit. */
struct dlk_buf {
	uint8_t *p;
	size_t n;
	size_t room;
};

#define DLK_BYTES(ptr, len)                                                                   \
	((struct dlk_bytes){ .p = (const uint8_t *)(const void *)(ptr), .n = (len) })
#define DLK_AUTO_BUF __attribute__((cleanup(dlk_buf_free))) struct dlk_buf

struct dlk_bytes dlk_bytes_of(const struct dlk_buf *buf);
struct dlk_bytes dlk_bytes_str(const char *text); /* without the NUL; NULL is empty */
bool dlk_bytes_equal(struct dlk_bytes a, struct dlk_bytes b);
/* Where it begins with this word, goes on behind it; else false, and nothing happens. */
bool dlk_bytes_take(struct dlk_bytes *text, const char *word);

/* Appends; 0, or -ENOMEM, or -EMSGSIZE where the whole would exceed `limit` octets. Memory
 * that the buffer leaves behind is wiped, so a secret may pass through it. */
int dlk_buf_add(struct dlk_buf *buf, size_t limit, struct dlk_bytes what);
int dlk_buf_reserve(struct dlk_buf *buf, size_t room);
void dlk_buf_free(struct dlk_buf *buf); /* wipes, frees and empties; NULL is fine */

/* Lower-case hexadecimal, with its NUL; out has room for 2 * in.n + 1. */
void dlk_hex(struct dlk_bytes in, char *out);
/* 0 and exactly `n` octets, or -EINVAL. Either case of letters. */
int dlk_unhex(const char *text, uint8_t *ret_octets, size_t n);

/* Big-endian numbers, as on the wire. */
void dlk_put_be16(uint8_t *p, uint16_t value);
void dlk_put_be32(uint8_t *p, uint32_t value);
void dlk_put_be64(uint8_t *p, uint64_t value);
uint16_t dlk_get_be16(const uint8_t *p);
uint32_t dlk_get_be32(const uint8_t *p);
uint64_t dlk_get_be64(const uint8_t *p);

#endif
