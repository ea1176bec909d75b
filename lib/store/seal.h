/* SPDX-License-Identifier: MIT */
/*
 * seal.h - secrets at rest: AES-256-GCM under one of several keys. The file has a line
 * "ID:BASE64" of 32 octets per key; the first one seals, all of them open.
 */
#ifndef DLK_STORE_SEAL_H
#define DLK_STORE_SEAL_H

#include "base/file.h"
#include "base/secret.h"

#define DLK_SEAL_ID_MAX 31

struct dlk_seal;
/* 0; -ENOENT, -EACCES, ... of the file; -EBADMSG where a line is not as described. */
int dlk_seal_load(const char *path, const struct dlk_care *care, struct dlk_seal **ret_seal);
/* The same of what would be the file's octets. 0, -ENOMEM, -EBADMSG. */
int dlk_seal_parse(struct dlk_bytes content, struct dlk_seal **ret_seal);
void dlk_seal_free(struct dlk_seal *seal);                 /* wipes */
const char *dlk_seal_current(const struct dlk_seal *seal); /* id of the key that seals */
bool dlk_seal_has(const struct dlk_seal *seal, const char *id);
/* `bound` is authenticated with the secret: the row that it belongs to. Appends to `buf`.
 * The name of the key stands in the sealed octets. */
int dlk_seal_close(const struct dlk_seal *seal, const struct dlk_secret *secret,
    struct dlk_bytes bound, struct dlk_buf *buf);
/* -ENOKEY: its key is not here. -EKEYREJECTED: not what was sealed. */
int dlk_seal_open(const struct dlk_seal *seal, struct dlk_bytes sealed, struct dlk_bytes bound,
    struct dlk_secret *ret_secret);
/* HMAC-SHA256 under the key of that id (NULL: the current one); 32 octets. 0, -ENOKEY. */
int dlk_seal_mac(const struct dlk_seal *seal, const char *id, const char *purpose,
    struct dlk_bytes what, uint8_t *ret_mac);
/* SHA-256 over one run of octets and then another; 32 octets. 0, -EIO. */
int dlk_seal_digest(struct dlk_bytes before, struct dlk_bytes what, uint8_t *ret_digest);
/* Appends the line of a new random key. 0, -errno. */
int dlk_seal_generate(const char *id, struct dlk_buf *buf);

#endif
