/* SPDX-License-Identifier: MIT */
/* hmac.h - HMAC-SHA256 (RFC 2104), by libcrypto. */
#ifndef DLK_CORE_HMAC_H
#define DLK_CORE_HMAC_H

#include "base/secret.h"

#define DLK_HMAC_SIZE 32

/* Of the parts one after another; ret_mac has DLK_HMAC_SIZE octets. 0, -ENOMEM, -EIO. */
int dlk_hmac_sha256(
    const struct dlk_secret *key, const struct dlk_bytes *part, size_t n, uint8_t *ret_mac);

#endif
