/* SPDX-License-Identifier: MIT */
/*
 * codec.h - requests and verdicts as octets (docs/PROTOCOL.md). Decoding accepts exactly what
 * encoding makes: a field that is missing, doubled, too long or not of its type refuses the
 * whole, and so does anything behind the last one.
 */
#ifndef DLK_WIRE_CODEC_H
#define DLK_WIRE_CODEC_H

#include "model/verdict.h"

#define DLK_WIRE_VERSION 1
#define DLK_WIRE_HEADER  8            /* "DLK", version, length of what follows as 32 bits */
#define DLK_WIRE_MAX     (512 * 1024) /* octets of one frame, header included */

/* Appends one whole frame. 0, -ENOMEM, -EMSGSIZE; -EINVAL for what decoding would refuse: a
 * text that is not printable ASCII, an empty code, a number out of its range. */
int dlk_request_encode(const struct dlk_request *request, struct dlk_buf *buf);
int dlk_verdict_encode(const struct dlk_verdict *verdict, struct dlk_buf *buf);
/* A refusal that asks for a proof besides (challenge.h); without a challenge the same. */
int dlk_verdict_encode_with(
    const struct dlk_verdict *verdict, struct dlk_bytes challenge, struct dlk_buf *buf);
/* A yes about a key that sshd was shown, with the line for it (core/offer.h). */
int dlk_verdict_encode_offer(
    const struct dlk_verdict *verdict, struct dlk_bytes offer, struct dlk_buf *buf);
/* One whole frame, nothing more. 0, -EPROTO (not ours, or another version), -EBADMSG,
 * -ENOMEM. *ret is written only on success. */
int dlk_request_decode(struct dlk_bytes frame, struct dlk_request *ret_request);
int dlk_verdict_decode(struct dlk_bytes frame, struct dlk_verdict *ret_verdict);
/* Appends the challenge of a verdict's frame, nothing where it has none. */
int dlk_verdict_challenge(struct dlk_bytes frame, struct dlk_buf *buf);
/* The same of the line for sshd: printable ASCII. */
int dlk_verdict_offer(struct dlk_bytes frame, struct dlk_buf *buf);

#endif
