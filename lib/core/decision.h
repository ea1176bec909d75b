/* SPDX-License-Identifier: MIT */
/*
 * decision.h - one decision on its way, for the three files that make it and nobody else:
 * person.c knows whom it is about, entry.c writes it down, decide.c says yes.
 */
#ifndef DLK_CORE_DECISION_H
#define DLK_CORE_DECISION_H

#include "core/decide.h"
#include "core/evidence.h"
#include "core/judge.h"

struct dlk_decision {
	const struct dlk_policy *policy;
	const struct dlk_ports *ports;
	const struct dlk_caller *caller;
	const struct dlk_request *request;
	const char *target; /* under subject=ruser: the other account that it is about */
	struct dlk_request of_asker; /* the request under subject=ruser; borrows its buffers */
	int64_t now;
	const struct dlk_service *section; /* NULL until it is known */
	struct dlk_cert *leaf;             /* the certificate that was judged; owned */
	struct dlk_judgement judgement;
	struct dlk_kept kept; /* owned */
	struct dlk_settlement settlement;
	bool begun; /* the record is locked */
	struct dlk_finding finding;
	/* what it comes to; the verdict has no reason until it is concluded */
	enum dlk_reason reason;
	struct dlk_verdict verdict;
	bool written;
};

/* The reason that was given, with words for it. */
enum dlk_reason dlk_decision_find(struct dlk_decision *decision, enum dlk_stage stage,
    enum dlk_reason reason, const char *words);

/* The caller may ask this, and the section that holds for the user who is asked for;
 * `ret_base` is the service's own. DLK_R_OK, or why not. */
enum dlk_reason dlk_person_admit(
    struct dlk_decision *decision, const struct dlk_service **ret_base);
/* Whom the certificate names, against who was asked for; a gateway may ask for nobody. */
enum dlk_reason dlk_person_match(
    struct dlk_decision *decision, const struct dlk_service *base);
/* A user by name alone, who has to have a code. One whom nobody knows is asked and refused
 * like one who is known. */
enum dlk_reason dlk_person_name(struct dlk_decision *decision);
/* Whose memory of codes and failures it is. False: out of memory. */
bool dlk_person_subject(const struct dlk_decision *decision, struct dlk_subject *ret_subject);

/* The decision has a reason: writes the event, what was used and what was counted, and drops
 * what a trial must not change. Where it could not be written, or another login was faster,
 * the decision has a refusal's reason afterwards. */
void dlk_entry_write(struct dlk_decision *decision);
/* Whether its asker has lost the answer and asks again: then the decision is what is on
 * record. The certificate has been judged anew: what it is not good for any more, no record
 * makes good. */
bool dlk_entry_recall(struct dlk_decision *decision);
/* Nothing of it is durable, for this -errno: the reason that holds instead. */
enum dlk_reason dlk_entry_lost(struct dlk_decision *decision, int error);
/* The store failed with this -errno. */
enum dlk_reason dlk_entry_fault(struct dlk_decision *decision, int error);

#endif
