/* SPDX-License-Identifier: MIT */
/* entry.c - the entry of a decision in the record, and what it comes to where there is none.
 */
#include "core/decision.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "core/proof.h"

enum dlk_reason
dlk_entry_fault(struct dlk_decision *d, int error)
{
	enum dlk_reason reason = DLK_R_FAULT_STORE;

	if (error == -ENOKEY || error == -EKEYREJECTED)
		reason = DLK_R_FAULT_CONFIG;
	if (error == -ETIME)
		reason = DLK_R_FAULT_CLOCK;
	return dlk_decision_find(
	    d, DLK_STAGE_SETTLE, reason, d->ports->trouble(d->ports->ctx));
}

/* A trial is recorded and changes nothing but the record. */
static void
observe(struct dlk_decision *d, enum dlk_reason reason, struct dlk_verdict *verdict)
{
	struct dlk_settlement *s = &d->settlement;

	if (d->request->entrance != DLK_ENTRANCE_PAM || !d->section ||
	    !dlk_service_observes(d->section, d->now) ||
	    dlk_reason_blame(reason) == DLK_BLAME_SYSTEM)
		return;
	verdict->effect = DLK_EFFECT_OBSERVE;
	s->token = s->recovery = s->remember_until = 0;
	s->failures_changed = s->ceilings_changed = s->lockout_started = false;
}

static const char *
accepted(const struct dlk_verdict *verdict)
{
	return verdict->remembered ? "accepted; the code of an earlier login is remembered"
				   : "accepted";
}

static void
describe(struct dlk_decision *d, enum dlk_reason reason, struct dlk_verdict *verdict)
{
	if (d->leaf)
		dlk_cert_describe(d->leaf, verdict);
	if (d->section)
		dlk_text_copy(verdict->policy, sizeof(verdict->policy), d->section->section);
	if (reason != DLK_R_USER_MISMATCH)
		dlk_text_copy(verdict->user, sizeof(verdict->user), d->judgement.account.name);
	verdict->good_until = d->judgement.good_until;
	verdict->chain_until = d->judgement.chain_until;
	verdict->stage = reason == DLK_R_OK ? DLK_STAGE_SETTLE : d->finding.stage;
	dlk_text_print(verdict->detail, sizeof(verdict->detail), "%s%s%s",
	    reason == DLK_R_OK ? accepted(verdict) : d->finding.detail,
	    reason == DLK_R_OK && d->target ? ", to act for " : "",
	    reason == DLK_R_OK && d->target ? d->target : "");
}

/* Of a gateway that comes twice: what is there for its second call, or was. */
static void
link_calls(struct dlk_decision *d, enum dlk_reason reason)
{
	struct dlk_settlement *s = &d->settlement;
	const struct dlk_request *request = d->request;
	bool good = reason == DLK_R_OK || reason == DLK_R_OTP_REQUIRED;

	s->kept = d->kept.row;
	s->keep = request->keep && good && request->evidence_kind == DLK_EVIDENCE_CERTIFICATE;
	s->certificate = dlk_bytes_of(&request->evidence);
	s->chain = dlk_bytes_of(&request->chain);
	s->visited = reason == DLK_R_OK && request->visit[0] && s->has_subject;
}

/* One login is one attempt, in however many calls it comes. */
static const uint8_t *
attempt_of(const struct dlk_decision *d)
{
	static const uint8_t none[DLK_ATTEMPT_SIZE];

	return memcmp(d->kept.attempt, none, sizeof(none)) != 0 ? d->kept.attempt
								: d->request->attempt;
}

/* The event is made of the verdict as it will be, and written before the verdict is it. */
static int
settle(struct dlk_decision *d, enum dlk_reason reason, struct dlk_verdict *verdict)
{
	struct dlk_verdict outcome = *verdict;
	char token[sizeof(d->settlement.event.token)];
	int error = 0;

	outcome.reason = reason;
	memcpy(token, d->settlement.event.token, sizeof(token));
	dlk_event_of(d->caller, d->request, &outcome, d->now, &d->settlement.event);
	memcpy(d->settlement.event.token, token, sizeof(token));
	dlk_policy_relaxed(d->policy, d->section, d->settlement.event.relaxed,
	    sizeof(d->settlement.event.relaxed));
	d->settlement.process = d->caller->process;
	memcpy(d->settlement.attempt, attempt_of(d), sizeof(d->settlement.attempt));
	if (!d->begun)
		error = d->ports->begin(d->ports->ctx, NULL, d->now, NULL);
	if (error != 0)
		return error;
	d->begun = true;
	error = d->ports->settle(d->ports->ctx, &d->settlement, verdict->event);
	d->begun = false;
	return error;
}

/* Used meanwhile by somebody else: that is a replay, and recorded as one. */
static enum dlk_reason
lose(struct dlk_decision *d)
{
	struct dlk_settlement *s = &d->settlement;

	s->token = s->recovery = s->remember_until = 0;
	s->failures_changed = s->ceilings_changed = s->visited = false;
	s->kept = 0;
	dlk_decision_find(d, DLK_STAGE_SETTLE, DLK_R_OTP_REPLAYED,
	    "the code was used by another login meanwhile");
	describe(d, DLK_R_OTP_REPLAYED, &d->verdict);
	if (settle(d, DLK_R_OTP_REPLAYED, &d->verdict) != 0)
		d->verdict.event[0] = '\0';
	return DLK_R_OTP_REPLAYED;
}

/* The verdict is to have a challenge answered. */
static bool
asks(const struct dlk_decision *d)
{
	return d->caller->dialogue && d->caller->dialogue->asking;
}

/* Nothing of it was written. A refusal stays what it is, unrecorded; everything else is the
 * fault of the store. So is a wrong code that could not be counted: who guesses would be told
 * again and again, and a right code by its being told something else. */
enum dlk_reason
dlk_entry_lost(struct dlk_decision *d, int error)
{
	enum dlk_reason reason = d->reason;

	d->verdict.event[0] = '\0';
	d->verdict.effect = DLK_EFFECT_ENFORCE;
	if (reason != DLK_R_OK && reason != DLK_R_OTP_REQUIRED && !asks(d) &&
	    !d->settlement.failures_changed)
		return reason;
	if (asks(d))
		d->caller->dialogue->asking = false;
	reason = error == -EALREADY
		     ? dlk_decision_find(d, DLK_STAGE_SETTLE, DLK_R_FAULT_INTERNAL,
			   "this attempt has its verdict already")
		     : dlk_entry_fault(d, error);
	describe(d, reason, &d->verdict);
	return reason;
}

void
dlk_entry_write(struct dlk_decision *d)
{
	if (asks(d))
		d->settlement.provisional = true; /* superseded by what the answer comes to */
	link_calls(d, d->reason);
	observe(d, d->reason, &d->verdict);
	describe(d, d->reason, &d->verdict);
	int error = settle(d, d->reason, &d->verdict);
	if (error == -EEXIST) {
		d->verdict.effect = DLK_EFFECT_ENFORCE;
		d->reason = lose(d);
	} else if (error != 0) {
		d->reason = dlk_entry_lost(d, error);
	}
	if (d->begun)
		d->ports->abandon(d->ports->ctx);
	d->begun = false;
	d->written = true;
}

bool
dlk_entry_recall(struct dlk_decision *d)
{
	char user[DLK_NAME_MAX + 1];
	struct dlk_event event;

	if (!d->ports->recall || d->request->entrance == DLK_ENTRANCE_AUTHORIZED_KEYS ||
	    asks(d) ||
	    d->ports->recall(d->ports->ctx, d->caller, d->request, d->now, &d->settlement.mark,
		&event) != 0)
		return false;
	dlk_text_escape(user, sizeof(user), dlk_bytes_str(d->judgement.account.name));
	if (event.reason == DLK_R_OK &&
	    (d->reason != DLK_R_OK || !user[0] || strcmp(event.user, user) != 0))
		return false;
	d->reason = dlk_find(&d->finding, event.stage, event.reason, "%s", event.detail);
	describe(d, d->reason, &d->verdict);
	dlk_text_copy(d->verdict.detail, sizeof(d->verdict.detail), event.detail);
	dlk_text_copy(d->verdict.event, sizeof(d->verdict.event), event.id);
	if (event.type == DLK_EVENT_DECISION_OBSERVED)
		d->verdict.effect = DLK_EFFECT_OBSERVE;
	d->written = true;
	return true;
}
