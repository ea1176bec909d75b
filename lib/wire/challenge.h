/* SPDX-License-Identifier: MIT */
/*
 * challenge.h - challenges and answers as octets (docs/PROTOCOL.md "Proofs"), and the frames
 * between the PAM module and doublelock-prove. Decoding takes exactly what encoding makes.
 */
#ifndef DLK_WIRE_CHALLENGE_H
#define DLK_WIRE_CHALLENGE_H

#include "model/challenge.h"

/* Append. 0, -ENOMEM, -EMSGSIZE, -EINVAL for what decoding would refuse. */
int dlk_challenge_encode(const struct dlk_challenge *challenge, struct dlk_buf *buf);
int dlk_answer_encode(const struct dlk_answer *answer, struct dlk_buf *buf);
/* 0, -EBADMSG, -ENOMEM. *ret is written only on success. */
int dlk_challenge_decode(struct dlk_bytes octets, struct dlk_challenge *ret_challenge);
int dlk_answer_decode(struct dlk_bytes octets, struct dlk_answer *ret_answer);
/* By whom a challenge is to be signed, without taking it apart; NONE where it is not known. */
enum dlk_possession dlk_challenge_by(struct dlk_bytes octets);
/* On the judge's side: puts a request's answer, where it has one, into its evidence. 0,
 * -EBADMSG (also where there is other evidence), -ENOMEM. */
int dlk_answer_unpack(struct dlk_request *request);

/* What goes between the module and doublelock-prove: one frame (frame.h), an octet that says
 * what it is, and that. */
enum dlk_prove {
	DLK_PROVE_CHALLENGE = 1, /* to it */
	DLK_PROVE_ANSWER = 2,    /* from it; it ends then */
	DLK_PROVE_NEED_PIN = 3,  /* from it: octet, enum dlk_pin; the token's name in ASCII */
	DLK_PROVE_PIN = 4,       /* to it; empty: there is none */
	DLK_PROVE_LAST = DLK_PROVE_PIN
};
enum dlk_pin { DLK_PIN_USUAL = 0, DLK_PIN_LAST_TRY, DLK_PIN_ON_READER /* no answer */ };
int dlk_prove_pack(enum dlk_prove what, struct dlk_bytes content, struct dlk_buf *frame);
/* One whole frame; the content is borrowed from it. 0 or -EBADMSG. */
int dlk_prove_unpack(
    struct dlk_bytes frame, enum dlk_prove *ret_what, struct dlk_bytes *ret_content);

#endif
