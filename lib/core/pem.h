/* SPDX-License-Identifier: MIT */
/* pem.h - octets as text: base64 (RFC 4648 section 4), and a certificate as PEM (RFC 7468). */
#ifndef DLK_CORE_PEM_H
#define DLK_CORE_PEM_H

#include "base/bytes.h"

/* Appends the text, padded, in one line, without a NUL. 0, -ENOMEM, -EMSGSIZE. */
int dlk_base64_encode(struct dlk_bytes in, struct dlk_buf *buf);
/* Appends the octets. -EINVAL for white space, missing padding, any other octet. */
int dlk_base64_decode(struct dlk_bytes text, struct dlk_buf *buf);
/* Appends the whole BEGIN CERTIFICATE block. */
int dlk_pem_certificate(struct dlk_bytes der, struct dlk_buf *buf);

#endif
