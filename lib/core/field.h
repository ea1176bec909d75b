/* SPDX-License-Identifier: MIT */
/* field.h - the values of one field of a certificate, read for rules of identity. */
#ifndef DLK_CORE_FIELD_H
#define DLK_CORE_FIELD_H

#include "core/cert.h"
#include "core/policy.h"

/* Calls `each` with every value of the field, in the order of the certificate. Values hold
 * the octets as they stand; one with a NUL, or of a string type that is not octet for octet
 * text, is not shown at all. 0 or the first value other than 0 that `each` returned. */
int dlk_field_each(const struct dlk_cert *cert, enum dlk_field field,
    int (*each)(struct dlk_bytes value, void *arg), void *arg);

#endif
