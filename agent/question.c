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

#include "base/account.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/events.h"
#include "wire/frame.h"

struct dlk_question *
dlk_question_new(struct dlk_http *http, struct evhttp_request *request, uid_t peer)
{
	struct dlk_question *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->http = http;
	q->request = request;
	q->caller.entrance = q->asked.entrance = DLK_ENTRANCE_GATEWAY;
	q->caller.uid = peer;
	q->caller.root = peer == 0;
	dlk_text_print(q->caller.name, sizeof(q->caller.name), "uid:%u", (unsigned)peer);
	if (getrandom(q->asked.attempt, sizeof(q->asked.attempt), 0) !=
	    (ssize_t)sizeof(q->asked.attempt)) {
		free(q);
		return NULL;
	}
	return q;
}

void
dlk_question_free(struct dlk_question *question)
{
	if (!question)
		return;
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

static void
decide(struct dlk_question *q, struct dlk_engine *engine)
{
	bool later = q->code_if_needed && q->asked.has_code;

	if (later)
		q->asked.has_code = false;
	dlk_engine_decide(engine, &q->caller, &q->asked, dlk_clock_now(), &q->verdict);
	if (later && q->verdict.reason == DLK_R_OTP_REQUIRED) {
		q->asked.has_code = true;
		dlk_engine_decide(engine, &q->caller, &q->asked, dlk_clock_now(), &q->verdict);
	}
}

static void
work(struct dlk_job *job, struct dlk_engine *engine)
{
	struct dlk_question *q = (struct dlk_question *)(void *)job;

	q->service_known =
	    dlk_policy_service(dlk_engine_policy(engine), q->asked.service) != NULL;
	if (q->refusal.reason != DLK_R_UNDECIDED)
		refuse(q, engine);
	else if (look_up(&q->asked) < 0)
		fault(&q->verdict, "the account could not be looked up");
	else
		decide(q, engine);
}

static void
done(struct dlk_job *job, bool worked)
{
	struct dlk_question *q = (struct dlk_question *)(void *)job;

	if (!worked)
		fault(&q->verdict, "too many requests wait");
	dlk_metrics_count(q->house->metrics, q->service_known ? q->asked.service : NULL,
	    q->verdict.reason, dlk_monotonic_ms() - job->began_ms);
	dlk_courier_wake(q->house->courier);
	q->answer(q);
	dlk_question_free(q);
}

void
dlk_question_ask(struct dlk_question *question, const struct dlk_house *house)
{
	question->house = house;
	question->job.work = work;
	question->job.done = done;
	dlk_serve_ask(house->serve, &question->job);
}
