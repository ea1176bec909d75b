/* SPDX-License-Identifier: MIT */
/*
 * decide.c - the one place that says yes.
 *
 * The way to yes, in the order in which it is gone:
 *
 *   admitted   this caller may ask, and its witness of the key is believed   (admit.h)
 *   section    the policy that holds for the user and the source             (section.h)
 *   proven     a certificate with that key: path, revocation, identity       (judge.h)
 *   second     the one-time code, against the locked record                  (second.h)
 *              (or the record knows this very request: its asker lost the answer)
 *   concluded  the record of it is durable, and only then the answer is in the verdict
 *
 * Everything else refuses. conclude() holds the only line that puts DLK_R_OK into a verdict.
 * Whom it is about is person.c's, what is written down entry.c's (decision.h).
 */
#include "core/decision.h"

#include <errno.h>
#include <stdlib.h>

#include "core/proof.h"
#include "core/second.h"

enum dlk_reason
dlk_decision_find(
    struct dlk_decision *d, enum dlk_stage stage, enum dlk_reason reason, const char *words)
{
	return dlk_find(&d->finding, stage, reason, "%s", words);
}

/* The first candidate that holds; where none does, the one that came furthest. */
static enum dlk_reason
judge(struct dlk_decision *d, const struct dlk_service *base, const struct dlk_certs *leaves,
    const struct dlk_certs *presented)
{
	enum dlk_reason furthest = DLK_R_UNDECIDED;

	for (size_t i = 0; i < leaves->n; i++) {
		struct dlk_finding mine = { 0 };
		enum dlk_reason reason = dlk_judge(d->policy, base, d->ports, leaves->cert[i],
		    presented, true, d->now, &d->judgement, &mine);

		if (reason != DLK_R_OK && furthest != DLK_R_UNDECIDED &&
		    mine.stage <= d->finding.stage)
			continue;
		dlk_cert_free(d->leaf);
		d->leaf = dlk_cert_ref(leaves->cert[i]);
		d->finding = mine;
		furthest = reason;
		if (reason == DLK_R_OK)
			break;
	}
	return furthest;
}

static bool
needs_signature(const struct dlk_service *section)
{
	return section->certificate == DLK_CERTIFICATE_SSH_AGENT ||
	       section->certificate == DLK_CERTIFICATE_TOKEN;
}

/* All leaves are of one key, so that one signature is all of theirs. */
static enum dlk_reason
prove(struct dlk_decision *d, const struct dlk_service *base)
{
	DLK_AUTO_CERTS leaves = { .known = d->ports->known };
	DLK_AUTO_CERTS presented = { .known = d->ports->known };
	enum dlk_reason reason = dlk_evidence_read(d->policy, d->ports, d->caller, d->request,
	    d->now, &leaves, &presented, &d->kept, &d->finding);

	if (reason == DLK_R_OK && needs_signature(d->section))
		reason = dlk_proof_verify(d->ports, d->caller, d->request,
		    dlk_cert_key(leaves.cert[0]), d->now, &d->finding);
	if (reason == DLK_R_OK)
		reason = judge(d, base, &leaves, &presented);
	if (reason == DLK_R_OK)
		reason = dlk_person_match(d, base);
	if (reason == DLK_R_OK && d->section->rules.n > 0 && d->section != base)
		reason = dlk_judge(d->policy, d->section, d->ports, d->leaf, &presented, true,
		    d->now, &d->judgement, &d->finding);
	return reason;
}

static enum dlk_reason
second(struct dlk_decision *d, struct dlk_verdict *verdict)
{
	DLK_AUTO_MEMORY memory = { 0 };
	enum dlk_reason reason;
	int error;

	if (d->request->entrance == DLK_ENTRANCE_AUTHORIZED_KEYS)
		return DLK_R_OK; /* nothing was proven yet: PAM asks for the code */
	if (!dlk_person_subject(d, &d->settlement.subject))
		return dlk_decision_find(
		    d, DLK_STAGE_SECOND, DLK_R_FAULT_INTERNAL, "out of memory");
	d->settlement.has_subject = true;
	if (!dlk_second_reads(d->section, d->request, d->now))
		return DLK_R_OK;
	error = d->ports->begin(d->ports->ctx, &d->settlement.subject, d->now, &memory);
	if (error != 0)
		return dlk_entry_fault(d, error);
	d->begun = true;
	reason = dlk_second(d->policy, d->section, d->ports, d->request,
	    &d->settlement.subject, &memory, d->now, &d->settlement, verdict, &d->finding);
	return reason;
}

static enum dlk_reason
judge_request(struct dlk_decision *d)
{
	const struct dlk_service *base = NULL;
	enum dlk_reason reason = dlk_person_admit(d, &base);

	if (reason == DLK_R_OK)
		reason = d->section->certificate == DLK_CERTIFICATE_NONE ? dlk_person_name(d)
									 : prove(d, base);
	return reason;
}

static void
open_decision(struct dlk_decision *d)
{
	if (d->caller->dialogue)
		d->caller->dialogue->asking = false;
	d->reason = judge_request(d);
}

static void
write_decision(struct dlk_decision *d)
{
	if (dlk_entry_recall(d))
		return;
	if (d->reason == DLK_R_OK)
		d->reason = second(d, &d->verdict);
	if (d->reason == DLK_R_OK && !d->judgement.account.name[0])
		d->reason = dlk_decision_find(
		    d, DLK_STAGE_SETTLE, DLK_R_NO_IDENTITY, "nobody is named");
	if (d->request->entrance == DLK_ENTRANCE_AUTHORIZED_KEYS)
		d->settlement.once = true;
	dlk_entry_write(d);
}

static void
conclude(struct dlk_decision *d, int error, struct dlk_verdict *ret_verdict)
{
	if (error == 0 && !d->written)
		error = -EIO;
	if (error != 0)
		d->reason = dlk_entry_lost(d, error);
	*ret_verdict = d->verdict;
	ret_verdict->reason = d->reason;
}

static void
close_decision(struct dlk_decision *d)
{
	dlk_cert_free(d->leaf);
	dlk_secret_wipe(&d->of_asker.code);
	dlk_kept_fini(&d->kept);
}

void
dlk_decide(const struct dlk_policy *policy, const struct dlk_ports *ports,
    const struct dlk_caller *caller, const struct dlk_request *request, int64_t now,
    struct dlk_verdict *ret_verdict)
{
	struct dlk_decision d = { .policy = policy,
		.ports = ports,
		.caller = caller,
		.request = request,
		.now = now };

	open_decision(&d);
	write_decision(&d);
	conclude(&d, 0, ret_verdict);
	close_decision(&d);
}

struct dlk_decision *
dlk_decision_new(const struct dlk_policy *policy, const struct dlk_ports *ports,
    const struct dlk_caller *caller, const struct dlk_request *request, int64_t now)
{
	struct dlk_decision *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->policy = policy;
	d->ports = ports;
	d->caller = caller;
	d->request = request;
	d->now = now;
	open_decision(d);
	return d;
}

void
dlk_decision_settle(struct dlk_decision *decision)
{
	write_decision(decision);
}

void
dlk_decision_conclude(
    struct dlk_decision *decision, int error, struct dlk_verdict *ret_verdict)
{
	conclude(decision, error, ret_verdict);
}

void
dlk_decision_free(struct dlk_decision *decision)
{
	if (!decision)
		return;
	close_decision(decision);
	free(decision);
}
