/* SPDX-License-Identifier: MIT */
/* sshwire.h - numbers and strings as SSH writes them (RFC 4251 section 5). */
#ifndef DLK_BASE_SSHWIRE_H
#define DLK_BASE_SSHWIRE_H

#include "base/bytes.h"

/* Take off the front of `in`; false, and nothing is taken, where that much is not there. */
bool dlk_ssh_take(struct dlk_bytes *in, size_t n, struct dlk_bytes *ret);
bool dlk_ssh_take_octet(struct dlk_bytes *in, uint8_t *ret);
bool dlk_ssh_take_number(struct dlk_bytes *in, uint32_t *ret);
bool dlk_ssh_take_string(struct dlk_bytes *in, struct dlk_bytes *ret);
/* Append, all or nothing; 0, -ENOMEM, -EMSGSIZE where it would exceed `limit` octets. */
int dlk_ssh_add_octet(struct dlk_buf *buf, size_t limit, uint8_t value);
int dlk_ssh_add_number(struct dlk_buf *buf, size_t limit, uint32_t value);
int dlk_ssh_add_string(struct dlk_buf *buf, size_t limit, struct dlk_bytes what);
/* The blob of a security key: as which plain key a certificate has it, that key's own fields,
 * and its application (PROTOCOL.u2f). false for every other blob. */
bool dlk_ssh_split_sk(struct dlk_bytes blob, const char **ret_plain,
    struct dlk_bytes *ret_fields, struct dlk_bytes *ret_application);

#endif
