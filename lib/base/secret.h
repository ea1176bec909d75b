/* SPDX-License-Identifier: MIT */
/*
 * secret.h - the one type that holds a code, a PIN or a key in memory. Wiped on every way
 * out when declared with DLK_AUTO_SECRET; compared in a time that depends on lengths alone.
 */
#ifndef DLK_BASE_SECRET_H
#define DLK_BASE_SECRET_H

#include "base/bytes.h"

#define DLK_SECRET_MAX 256

struct dlk_secret {
	size_t n;
	uint8_t b[DLK_SECRET_MAX];
};
#define DLK_AUTO_SECRET __attribute__((cleanup(dlk_secret_wipe))) struct dlk_secret

/* 0, or -EMSGSIZE where it does not fit; the old content is wiped in both cases. */
int dlk_secret_set(struct dlk_secret *secret, struct dlk_bytes what);
void dlk_secret_wipe(struct dlk_secret *secret);
bool dlk_secret_equal(const struct dlk_secret *a, const struct dlk_secret *b);
/* Constant time in the content of two runs of `n` octets. */
bool dlk_octets_equal(const void *a, const void *b, size_t n);

#endif
