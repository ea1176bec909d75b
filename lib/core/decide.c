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
 *   concluded  the record of it is durable, and only then the answer is in the verdict
 *
 * Everything else refuses. conclude() holds the only line that puts DLK_R_OK into a verdict.
 */
#include "core/decide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/text.h"
#include "core/admit.h"
#include "core/judge.h"
#include "core/proof.h"
#include "core/second.h"
#include "core/section.h"
#include "core/evidence.h"

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

static enum dlk_reason
find(struct dlk_decision *d, enum dlk_stage stage, enum dlk_reason reason, const char *words)
{
	return dlk_find(&d->finding, stage, reason, "%s", words);
}

/* The section of a user; the section's kind of certificate has to be proven by this caller. */
static enum dlk_reason
choose_section(struct dlk_decision *d, const struct dlk_service *base, const char *user)
{
	/* A gateway that names nobody is asked for its source when the user is known. sshd
	 * does not tell its command an address: the key is offered with sshd's own from=
	 * instead, and PAM is asked with the address. */
	bool told = d->request->entrance != DLK_ENTRANCE_AUTHORIZED_KEYS &&
		    (user[0] || d->request->user[0]);
	const char *source = told ? d->request->source : NULL;
	enum dlk_reason reason = dlk_section_find(
	    d->policy, base, d->ports, user, source, &d->section, &d->finding);

	if (reason != DLK_R_OK)
		return reason;
	if (dlk_proof_lacks(d->section, d->caller, d->request))
		return dlk_proof_ask(
		    d->section, d->ports, d->caller, d->request, d->now, &d->finding);
	return dlk_admit_possession(d->policy, d->caller, d->request, d->section, &d->finding);
}

/* [service NAME] subject=ruser: who asks, in place of whom they ask for. sudo and su know it;
 * whoever is not root does not say it of others. */
static enum dlk_reason
take_asker(struct dlk_decision *d)
{
	struct dlk_account account = { 0 };

	if (!d->caller->root || !dlk_text_is_name(d->request->asker))
		return find(d, DLK_STAGE_ADMIT, DLK_R_NO_IDENTITY,
		    "subject=ruser, and the program does not say who asks");
	int error = d->ports->account(d->ports->ctx, d->request->asker, &account);
	if (error != 0 && error != -ENOENT)
		return find(d, DLK_STAGE_ADMIT, DLK_R_FAULT_INTERNAL,
		    "the user database does not answer");
	d->of_asker = *d->request;
	d->of_asker.account_known = error == 0;
	d->of_asker.uid = account.uid;
	dlk_text_copy(d->of_asker.user, sizeof(d->of_asker.user),
	    error == 0 ? account.name : d->request->asker);
	if (d->request->account_known && strcmp(d->of_asker.user, d->request->user) != 0)
		d->target = d->request->user;
	d->request = &d->of_asker;
	return DLK_R_OK;
}

static enum dlk_reason
admit(struct dlk_decision *d, const struct dlk_service **ret_base)
{
	enum dlk_reason reason =
	    dlk_admit(d->policy, d->caller, d->request, ret_base, &d->finding);
	bool known;

	if (reason != DLK_R_OK)
		return reason;
	d->section = *ret_base;
	if (d->section->subject == DLK_WHOSE_ASKER)
		reason = take_asker(d);
	if (reason != DLK_R_OK)
		return reason;
	known = d->request->account_known || d->section->names_only;
	return choose_section(d, *ret_base, known ? d->request->user : "");
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

/* Whom the certificate names, against who was asked for; a gateway may ask for nobody. */
static enum dlk_reason
match_user(struct dlk_decision *d, const struct dlk_service *base)
{
	const char *user = d->judgement.account.name;

	if (d->request->user[0] && strcmp(d->request->user, user) != 0)
		return dlk_find(&d->finding, DLK_STAGE_MAP, DLK_R_USER_MISMATCH,
		    "%s belongs to '%s'", dlk_cert_label(d->leaf), user);
	return choose_section(d, base, user);
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
		reason = match_user(d, base);
	if (reason == DLK_R_OK && d->section->rules.n > 0 && d->section != base)
		reason = dlk_judge(d->policy, d->section, d->ports, d->leaf, &presented, true,
		    d->now, &d->judgement, &d->finding);
	return reason;
}

/* A user by name alone, who has to have a code. One whom nobody knows is asked and refused
 * like one who is known. */
static enum dlk_reason
name_user(struct dlk_decision *d)
{
	struct dlk_account *account = &d->judgement.account;

	if (d->section->otp != DLK_OTP_REQUIRED)
		return find(d, DLK_STAGE_ADMIT, DLK_R_FAULT_CONFIG,
		    "a section with certificate=none has to have otp=required");
	if (!d->request->user[0])
		return find(d, DLK_STAGE_ADMIT, DLK_R_NO_IDENTITY, "no user was named");
	if (d->request->account_known || d->section->names_only)
		dlk_text_copy(account->name, sizeof(account->name), d->request->user);
	d->judgement.good_until = d->judgement.chain_until = INT64_MAX;
	return DLK_R_OK;
}

static enum dlk_reason
store_fault(struct dlk_decision *d, int error)
{
	enum dlk_reason reason = DLK_R_FAULT_STORE;

	if (error == -ENOKEY || error == -EKEYREJECTED)
		reason = DLK_R_FAULT_CONFIG;
	if (error == -ETIME)
		reason = DLK_R_FAULT_CLOCK;
	return find(d, DLK_STAGE_SETTLE, reason, d->ports->trouble(d->ports->ctx));
}

/* Whose failures: the certificate key's; by code alone those of a name from an address. The
 * name is hashed: one whom nobody knows may be a password that was typed too early. */
static bool
failures_key(const struct dlk_decision *d, uint8_t *ret_key)
{
	uint8_t text[2 * (DLK_NAME_MAX + 1) + 1] = { 0 };
	size_t n = strlen(d->request->source) + 1;

	if (d->leaf) {
		memcpy(ret_key, dlk_cert_key_id(d->leaf), DLK_SHA256_SIZE);
		return true;
	}
	memcpy(text, d->request->source, n);
	memcpy(text + n, d->request->user, strlen(d->request->user));
	return EVP_Digest(
		   text, n + strlen(d->request->user), ret_key, NULL, EVP_sha256(), NULL) == 1;
}

static bool
subject_of(const struct dlk_decision *d, struct dlk_subject *subject)
{
	dlk_text_copy(subject->user, sizeof(subject->user), d->judgement.account.name);
	dlk_text_copy(subject->service, sizeof(subject->service), d->request->service);
	dlk_text_copy(subject->source, sizeof(subject->source), d->request->source);
	subject->caller = d->caller->name;
	subject->visit = d->request->visit;
	return failures_key(d, subject->key_id);
}

static enum dlk_reason
second(struct dlk_decision *d, struct dlk_verdict *verdict)
{
	DLK_AUTO_MEMORY memory = { 0 };
	enum dlk_reason reason;
	int error;

	if (d->request->entrance == DLK_ENTRANCE_AUTHORIZED_KEYS) {
		d->settlement.once = true;
		return DLK_R_OK; /* nothing was proven yet: PAM asks for the code */
	}
	if (!subject_of(d, &d->settlement.subject))
		return find(d, DLK_STAGE_SECOND, DLK_R_FAULT_INTERNAL, "out of memory");
	d->settlement.has_subject = true;
	if (!dlk_second_reads(d->section, d->request, d->now))
		return DLK_R_OK;
	error = d->ports->begin(d->ports->ctx, &d->settlement.subject, d->now, &memory);
	if (error != 0)
		return store_fault(d, error);
	d->begun = true;
	reason = dlk_second(d->policy, d->section, d->ports, d->request,
	    &d->settlement.subject, &memory, d->now, &d->settlement, verdict, &d->finding);
	return reason;
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
	find(d, DLK_STAGE_SETTLE, DLK_R_OTP_REPLAYED,
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
static enum dlk_reason
unsettled(struct dlk_decision *d, int error)
{
	enum dlk_reason reason = d->reason;

	d->verdict.event[0] = '\0';
	d->verdict.effect = DLK_EFFECT_ENFORCE;
	if (reason != DLK_R_OK && reason != DLK_R_OTP_REQUIRED && !asks(d) &&
	    !d->settlement.failures_changed)
		return reason;
	if (asks(d))
		d->caller->dialogue->asking = false;
	reason = error == -EALREADY ? find(d, DLK_STAGE_SETTLE, DLK_R_FAULT_INTERNAL,
					  "this attempt has its verdict already")
				    : store_fault(d, error);
	describe(d, reason, &d->verdict);
	return reason;
}

static enum dlk_reason
judge_request(struct dlk_decision *d)
{
	const struct dlk_service *base = NULL;
	enum dlk_reason reason = admit(d, &base);

	if (reason == DLK_R_OK)
		reason = d->section->certificate == DLK_CERTIFICATE_NONE ? name_user(d)
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
	if (d->reason == DLK_R_OK)
		d->reason = second(d, &d->verdict);
	if (d->reason == DLK_R_OK && !d->judgement.account.name[0])
		d->reason = find(d, DLK_STAGE_SETTLE, DLK_R_NO_IDENTITY, "nobody is named");
	if (d->request->entrance == DLK_ENTRANCE_AUTHORIZED_KEYS)
		d->settlement.once = true;
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
		d->reason = unsettled(d, error);
	}
	if (d->begun)
		d->ports->abandon(d->ports->ctx);
	d->begun = false;
	d->written = true;
}

static void
conclude(struct dlk_decision *d, int error, struct dlk_verdict *ret_verdict)
{
	if (error == 0 && !d->written)
		error = -EIO;
	if (error != 0)
		d->reason = unsettled(d, error);
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
