/* SPDX-License-Identifier: MIT */
/*
 * proof.h - the challenge of one login: made by the judge, answered once and soon. It stays in
 * the memory of the process that made it, which is the one that hears the answer, so that no
 * answer of another login is worth anything.
 */
#ifndef DLK_CORE_PROOF_H
#define DLK_CORE_PROOF_H

#include "core/policy.h"
#include "core/ports.h"
#include "model/challenge.h"

enum dlk_dialogue_state {
	DLK_DIALOGUE_NEW = 0, /* nothing was asked yet */
	DLK_DIALOGUE_ASKED,
	DLK_DIALOGUE_PROVEN, /* the same answer holds once more, with the code */
	DLK_DIALOGUE_OVER
};

/* Zeroed memory is a new one. One for each connection, and never for two attempts. */
struct dlk_dialogue {
	enum dlk_dialogue_state state;
	bool asking; /* the last verdict asks for the challenge to be signed */
	uint8_t nonce[DLK_CHALLENGE_HASH];
	int64_t at;
	struct dlk_challenge challenge;
	uint8_t answer[DLK_CHALLENGE_HASH]; /* of what was proven */
};
void dlk_dialogue_fini(struct dlk_dialogue *dialogue);

/* The section wants a proof, this caller can be asked for one, and the request has none. */
bool dlk_proof_lacks(const struct dlk_service *section, const struct dlk_caller *caller,
    const struct dlk_request *request);
/* Never DLK_R_OK. possession-unproven with `asking` set where the challenge was made; else
 * why there is no proof, as the answer says, or a fault. */
enum dlk_reason dlk_proof_ask(const struct dlk_service *section, const struct dlk_ports *ports,
    const struct dlk_caller *caller, const struct dlk_request *request, int64_t now,
    struct dlk_finding *finding);
/* DLK_R_OK where the request's signature answers the challenge of this dialogue by this key,
 * in time and for the first time. */
enum dlk_reason dlk_proof_verify(const struct dlk_ports *ports,
    const struct dlk_caller *caller, const struct dlk_request *request, EVP_PKEY *key,
    int64_t now, struct dlk_finding *finding);

#endif
