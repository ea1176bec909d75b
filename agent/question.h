/* SPDX-License-Identifier: MIT */
/*
 * question.h - one request of a gateway on its way to the decision and back to its door. What
 * a door speaks (HTTP, SPOP, FastCGI) is unknown here.
 */
#ifndef DLK_AGENT_QUESTION_H
#define DLK_AGENT_QUESTION_H

#include "agent/house.h"
#include "agent/peer.h"

struct dlk_question {
	struct dlk_job job; /* first */
	const struct dlk_house *house;
	void *door;    /* the door's own: who asked, */
	void *waiting; /* and what is to be answered */
	struct dlk_caller caller;
	struct dlk_request asked;
	/* A certificate that is named and not shown: serial "" where it is not. */
	struct dlk_naming named;
	/* A door that has found out by itself why not: then this is the verdict, recorded. */
	struct dlk_finding refusal;
	/* Browsers send a code again and again: it is looked at only where one is needed. */
	bool code_if_needed;
	/* The door may be asked the same in a moment: memo.h. */
	bool repeats;
	int lasting; /* seconds for which the verdict may be repeated */
	unsigned generation;
	uint8_t key[DLK_MEMO_KEY], evidence_digest[DLK_MEMO_KEY];
	struct dlk_decision *decision; /* in the thread, until it is settled */
	struct dlk_verdict verdict;
	bool service_known; /* the configuration has it */
	/* In the loop's thread: answers the request. The verdict is complete. */
	void (*answer)(struct dlk_question *question);
};

/* A question of a gateway: its caller is in it. NULL: no memory. */
struct dlk_question *dlk_question_new(uid_t peer);
/* The same of a peer that may be on another host; one that is not accepted there is refused.
 */
struct dlk_question *dlk_question_of(const struct dlk_peer *peer);
/* Takes it, and gives it an attempt of its own where it has none; `answer` is called once, and
 * then it is wiped and freed. */
void dlk_question_ask(struct dlk_question *question, const struct dlk_house *house);
/* For gateways that know no more than that: 200; 401 where the certificate or the code is
 * missing; 403. */
int dlk_question_status(const struct dlk_verdict *verdict);
/* With a 401: the value of WWW-Authenticate (RFC 9110 section 11.6.1). */
const char *dlk_question_challenge(const struct dlk_verdict *verdict);
void dlk_question_free(struct dlk_question *question); /* one that was not asked */

#endif
