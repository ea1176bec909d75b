/* SPDX-License-Identifier: MIT */
/* digest.h - SHA-256 for what is no certificate. */
#ifndef DLK_CORE_DIGEST_H
#define DLK_CORE_DIGEST_H

#include "base/bytes.h"

#define DLK_DIGEST_SIZE 32

/* Over the parts one after another, each behind its length, so that no two lists of parts
 * have one digest. 0 or -ENOMEM. */
int dlk_digest(const struct dlk_bytes *part, size_t n, uint8_t *ret_digest);

/* SHA-256 of the octets as they are. 0 or -ENOMEM. */
int dlk_digest_plain(struct dlk_bytes octets, uint8_t *ret_digest);

#endif
