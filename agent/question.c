/* SPDX-License-Identifier: MIT */
/*
 * question.c - the life of a question. It states of a gateway what the kernel said of the
 * peer, and believes nothing: that is admit's.
 */
#include "agent/question.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/ending.h"
#include "base/account.h"
#include "base/clock.h"
#include "base/text.h"
#include "core/admit.h"
#include "store/events.h"
#include "wire/frame.h"

#define STRANGER_RATE 10 /* a second */

struct dlk_question *
dlk_question_new(uid_t peer)
{
	struct dlk_question *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->caller.entrance = q->asked.entrance = DLK_ENTRANCE_GATEWAY;
	q->caller.uid = peer;
	q->caller.root = peer == 0;
	dlk_text_print(q->caller.name, sizeof(q->caller.name), "uid:%u", (unsigned)peer);
	return q;
}

struct dlk_question *
dlk_question_of(const struct dlk_peer *peer)
{
	struct dlk_question *q = dlk_question_new(peer->uid);

	if (!q || peer->uid != DLK_PEER_NOBODY)
		return q;
	dlk_text_print(q->caller.name, sizeof(q->caller.name), "tls:%s", peer->name);
	if (peer->accepted) {
		(void)dlk_text_copy(q->caller.peer, sizeof(q->caller.peer), peer->name);
		memcpy(q->caller.peer_key, peer->key, sizeof(q->caller.peer_key));
	} else {
		dlk_find(&q->refusal, DLK_STAGE_ADMIT, DLK_R_POSSESSION_UNPROVEN, "%.250s: %s",
		    q->caller.name, peer->refused);
	}
	return q;
}

void
dlk_question_free(struct dlk_question *question)
{
	if (!question)
		return;
	dlk_decision_free(question->decision);
	dlk_request_fini(&question->asked);
	free(question);
}

/* 0 also where there is no such account: then the name stays as it was asked for. */
static int
look_up(struct dlk_request *asked)
{
	char name[sizeof(asked->user)];

	if (asked->user[0] == '\0')
		return 0;
	int r = dlk_account_find(asked->user, name, sizeof(name), &asked->uid);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	asked->account_known = dlk_text_copy(asked->user, sizeof(asked->user), name);
	return 0;
}

static void
fault(struct dlk_verdict *verdict, const char *words)
{
	memset(verdict, 0, sizeof(*verdict));
	verdict->reason = DLK_R_FAULT_INTERNAL;
	verdict->stage = DLK_STAGE_ADMIT;
	(void)dlk_text_copy(verdict->detail, sizeof(verdict->detail), words);
}

static void
refuse(struct dlk_question *q, struct dlk_engine *engine)
{
	struct dlk_event event;

	q->verdict.reason = q->refusal.reason;
	q->verdict.stage = q->refusal.stage;
	(void)dlk_text_copy(q->verdict.detail, sizeof(q->verdict.detail), q->refusal.detail);
	dlk_event_of(&q->caller, &q->asked, &q->verdict, dlk_clock_now(), &event);
	/* a refusal needs no record to be one */
	if (dlk_engine_record(engine) &&
	    dlk_events_add(dlk_engine_record(engine), &event) == 0)
		(void)dlk_text_copy(q->verdict.event, sizeof(q->verdict.event), event.id);
}

/* Whoever may not ask is told so by the decision, and not whether there is such a one. */
static bool
is_admitted(const struct dlk_question *q, const struct dlk_engine *engine)
{
	const struct dlk_service *service;
	struct dlk_finding finding = { 0 };

	return dlk_admit(dlk_engine_policy(engine), &q->caller, &q->asked, &service,
		   &finding) == DLK_R_OK;
}

static void
find_named(struct dlk_question *q, const struct dlk_engine *engine)
{
	if (q->named.serial[0] == '\0' || q->refusal.reason != DLK_R_UNDECIDED ||
	    !is_admitted(q, engine))
		return;
	if (dlk_held_find(q->house->held, engine, &q->named, &q->asked.evidence,
		&q->asked.chain, &q->refusal) != DLK_R_OK)
		return;
	q->asked.evidence_kind = DLK_EVIDENCE_CERTIFICATE;
	q->asked.possession = DLK_POSSESSION_TLS_GATEWAY;
}

/* Judged in full, whatever came of the code. */
static void
keep_judged(const struct dlk_question *q)
{
	if (q->verdict.stage < DLK_STAGE_SECOND || q->verdict.fingerprint[0] == '\0' ||
	    q->asked.evidence_kind != DLK_EVIDENCE_CERTIFICATE || q->named.serial[0] != '\0')
		return;
	dlk_held_keep(q->house->held, &q->verdict, dlk_bytes_of(&q->asked.evidence),
	    dlk_bytes_of(&q->asked.chain));
}

int
dlk_question_status(const struct dlk_verdict *verdict)
{
	/* without a name the application behind would believe the client's own header */
	if (verdict->reason == DLK_R_OK && verdict->effect == DLK_EFFECT_ENFORCE &&
	    verdict->user[0] != '\0')
		return 200;
	return verdict->reason == DLK_R_OTP_REQUIRED || verdict->reason == DLK_R_NO_CERTIFICATE
		   ? 401
		   : 403;
}

const char *
dlk_question_challenge(const struct dlk_verdict *verdict)
{
	return verdict->reason == DLK_R_OTP_REQUIRED
		   ? "Basic realm=\"one-time code as password\", charset=\"UTF-8\""
		   : "Certificate realm=\"doublelock\"";
}

/* Allowed by the certificate alone: the same a while later, where the same is in force. What
 * a code once opened may be closed by the operator at any time, so that is kept for as long as
 * a page takes to load. */
static int
seconds_of(const struct dlk_verdict *verdict, const struct dlk_policy *policy)
{
	if (verdict->reason != DLK_R_OK || verdict->effect != DLK_EFFECT_ENFORCE)
		return 0;
	for (size_t i = 0; i < policy->n_services; i++) {
		const struct dlk_service *service = &policy->service[i];
		if (strcmp(service->section, verdict->policy) != 0 ||
		    service->certificate != DLK_CERTIFICATE_GATEWAY)
			continue;
		if (verdict->remembered)
			return DLK_MEMO_BRIEF;
		return service->otp == DLK_OTP_NONE ? DLK_MEMO_SECONDS : 0;
	}
	return 0;
}

static void
judge(struct dlk_job *job, struct dlk_engine *engine)
{
	struct dlk_question *q = (struct dlk_question *)(void *)job;

	q->service_known =
	    dlk_policy_service(dlk_engine_policy(engine), q->asked.service) != NULL;
	find_named(q, engine);
	if (q->refusal.reason != DLK_R_UNDECIDED)
		return;
	if (look_up(&q->asked) < 0) {
		fault(&q->verdict, "the account could not be looked up");
		return;
	}
	q->asked.code_if_needed = q->code_if_needed;
	q->decision = dlk_engine_judge(engine, &q->caller, &q->asked, dlk_clock_now());
	if (!q->decision)
		fault(&q->verdict, "no memory");
}

static void
work(struct dlk_job *job, struct dlk_engine *engine)
{
	struct dlk_question *q = (struct dlk_question *)(void *)job;

	if (q->refusal.reason != DLK_R_UNDECIDED)
		refuse(q, engine);
	else if (q->decision)
		dlk_engine_settle(engine, q->decision);
}

static void
settled(struct dlk_job *job, struct dlk_engine *engine, int error)
{
	struct dlk_question *q = (struct dlk_question *)(void *)job;

	if (q->decision)
		dlk_decision_conclude(q->decision, error, &q->verdict);
	else if (error != 0)
		q->verdict.event[0] = '\0';
	keep_judged(q);
	dlk_ending_judged(q->house->courier, &q->caller, &q->asked, &q->verdict,
	    dlk_engine_settings(engine)->warn, dlk_clock_now());
	q->lasting = seconds_of(&q->verdict, dlk_engine_policy(engine));
	dlk_decision_free(q->decision);
	q->decision = NULL;
	dlk_engine_want(engine, dlk_clock_now());
}

/* Somebody of this machine who is believed by no service may be wrong a few times; a client
 * behind a gateway cannot make the gateway one of those. */
static void
count_stranger(const struct dlk_question *q)
{
	bool own = q->refusal.reason == DLK_R_UNDECIDED ||
		   (q->caller.uid == DLK_PEER_NOBODY && !q->caller.peer[0]);

	if (!q->caller.root && own && q->verdict.reason == DLK_R_POSSESSION_UNPROVEN)
		(void)dlk_throttle_take(q->house->throttle, "peer",
		    dlk_bytes_str(q->caller.name), STRANGER_RATE, dlk_monotonic_ms());
}

/* Certificates are long: their digest stands for them. */
static int
digest_evidence(struct dlk_question *q)
{
	return dlk_memo_digest(
	    q->house->memo, dlk_bytes_of(&q->asked.evidence), q->evidence_digest);
}

/* A bucket of this gateway's own: nobody else uses up what its clients have. */
static enum dlk_throttled
take(const struct dlk_question *q, const char *what, struct dlk_bytes key, unsigned rate)
{
	char kind[DLK_NAME_MAX + 32];

	if (rate == 0)
		return DLK_THROTTLE_PASS;
	dlk_text_print(kind, sizeof(kind), "%s of %s", what, q->caller.name);
	return dlk_throttle_take(q->house->throttle, kind, key, rate, dlk_monotonic_ms());
}

static enum dlk_throttled
limit(const struct dlk_question *q)
{
	unsigned rate = dlk_reload_rate(q->house->reload);
	enum dlk_throttled worst = DLK_THROTTLE_PASS, one[4] = { DLK_THROTTLE_PASS };

	if (!q->caller.root &&
	    dlk_throttle_holds(q->house->throttle, "peer", dlk_bytes_str(q->caller.name),
		STRANGER_RATE, dlk_monotonic_ms()))
		return DLK_THROTTLE_HELD;
	one[0] = take(q, "all", dlk_bytes_str(""), dlk_reload_gateway_rate(q->house->reload));
	if (q->asked.source[0] != '\0')
		one[1] = take(q, "source", dlk_bytes_str(q->asked.source), rate);
	if (q->asked.evidence.n > 0)
		one[2] = take(q, "certificate",
		    DLK_BYTES(q->evidence_digest, sizeof(q->evidence_digest)), rate);
	if (q->named.serial[0] != '\0')
		one[3] = take(q, "serial", dlk_bytes_str(q->named.serial), rate);
	for (size_t i = 0; i < sizeof(one) / sizeof(one[0]); i++) {
		if (one[i] == DLK_THROTTLE_FIRST)
			return one[i];
		if (one[i] != DLK_THROTTLE_PASS)
			worst = one[i];
	}
	return worst;
}

static void
done(struct dlk_job *job, bool worked)
{
	struct dlk_question *q = (struct dlk_question *)(void *)job;

	if (!worked)
		fault(&q->verdict, "too many requests wait");
	dlk_metrics_count(q->house->metrics, q->service_known ? q->asked.service : NULL,
	    q->verdict.reason, dlk_monotonic_ms() - job->began_ms);
	count_stranger(q);
	if (worked && q->repeats && q->lasting > 0 && q->refusal.reason == DLK_R_UNDECIDED)
		dlk_memo_keep(q->house->memo, q->key, &q->verdict, q->generation,
		    dlk_clock_now(), q->lasting);
	q->answer(q);
	dlk_courier_wake(q->house->courier);
	dlk_question_free(q);
}

/* Without a thread: answered from what is known here. */
static void
answer_now(struct dlk_question *q, const char *service)
{
	dlk_metrics_count(q->house->metrics, service, q->verdict.reason, 0);
	q->answer(q);
	dlk_question_free(q);
}

static bool
is_repeated(struct dlk_question *q)
{
	if (!q->repeats || q->refusal.reason != DLK_R_UNDECIDED)
		return false;
	/* as it is now; the thread may write the account's own spelling into it */
	q->generation = dlk_reload_generation(q->house->reload);
	if (dlk_memo_key(q->house->memo, &q->caller, &q->asked, q->evidence_digest, q->key) <
	    0) {
		q->repeats = false;
		return false;
	}
	return dlk_memo_find(
	    q->house->memo, q->key, q->generation, dlk_clock_now(), &q->verdict);
}

static bool
has_attempt(const struct dlk_question *q)
{
	static const uint8_t none[DLK_ATTEMPT_SIZE];

	return memcmp(q->asked.attempt, none, sizeof(none)) != 0;
}

static void
ask(struct dlk_question *q)
{
	if (has_attempt(q) || getrandom(q->asked.attempt, sizeof(q->asked.attempt), 0) ==
				  (ssize_t)sizeof(q->asked.attempt)) {
		dlk_serve_ask(q->house->serve, &q->job);
		return;
	}
	fault(&q->verdict, "no random numbers");
	answer_now(q, NULL);
}

void
dlk_question_ask(struct dlk_question *question, const struct dlk_house *house)
{
	question->house = house;
	question->job.judge = judge;
	question->job.work = work;
	question->job.settled = settled;
	question->job.done = done;
	/* without memory all share one bucket, and nothing is repeated */
	if (digest_evidence(question) < 0)
		question->repeats = false;
	enum dlk_throttled held = limit(question);
	if (held != DLK_THROTTLE_PASS)
		dlk_find(&question->refusal, DLK_STAGE_ADMIT, DLK_R_RATE_LIMITED, "%s",
		    dlk_reason_meaning(DLK_R_RATE_LIMITED));
	if (held == DLK_THROTTLE_HELD) {
		/* the first one is recorded; a flood of them would be its own success */
		question->verdict.reason = DLK_R_RATE_LIMITED;
		question->verdict.stage = DLK_STAGE_ADMIT;
		answer_now(question, NULL);
	} else if (is_repeated(question)) {
		answer_now(question, question->asked.service);
	} else {
		ask(question);
	}
}
