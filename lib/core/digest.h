/* SPDX-License-Identifier: MIT */
/* digest.h - SHA-256 for what is no certificate. */
#ifndef DLK_CORE_DIGEST_H
#define DLK_CORE_DIGEST_H

#include "base/bytes.h"

#define DLK_DIGEST_SIZE 32

/* What one thread keeps for its next digest: OpenSSL looks an algorithm up by name each time
 * otherwise, which takes longer than to digest a few octets. */
struct dlk_digester;
int dlk_digester_new(struct dlk_digester **ret_digester); /* 0 or -ENOMEM */
void dlk_digester_free(struct dlk_digester *digester);    /* NULL is fine */
/* As dlk_digest. */
int dlk_digester_run(struct dlk_digester *digester, const struct dlk_bytes *part, size_t n,
    uint8_t *ret_digest);

/* Over the parts one after another, each behind its length, so that no two lists of parts
 * have one digest. 0 or -ENOMEM. */
int dlk_digest(const struct dlk_bytes *part, size_t n, uint8_t *ret_digest);

/* SHA-256 of the octets as they are. 0 or -ENOMEM. */
int dlk_digest_plain(struct dlk_bytes octets, uint8_t *ret_digest);

#endif
