/* SPDX-License-Identifier: MIT */
/* spelling.h - certificates as gateways write them into text, turned into DER. */
#ifndef DLK_AGENT_SPELLING_H
#define DLK_AGENT_SPELLING_H

#include "base/bytes.h"

/*
 * PEM (any number of CERTIFICATE blocks one after another, white space of any kind for the
 * line ends) or base64 of DER. Appends the octets; what they mean is not asked. 0, -EINVAL,
 * -EMSGSIZE (`buf` would exceed `limit`), -ENOMEM.
 */
int dlk_spelling_decode(struct dlk_bytes text, size_t limit, struct dlk_buf *buf);
/* Percent-decoding; a '+' stays a '+' (Apache and ALB leave it raw). 0, -EINVAL, ... */
int dlk_spelling_unescape(struct dlk_bytes text, size_t limit, struct dlk_buf *buf);
/* An IP address alone, in the one spelling of inet_ntop(3). 0, or -EINVAL and out is "". */
int dlk_spelling_address(const char *text, char *out, size_t size);

#endif
