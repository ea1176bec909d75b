/* SPDX-License-Identifier: MIT */
/*
 * status.c - gathers in a thread what only an engine knows, and writes it for a machine
 * (metrics.h) or for a person. Of people it says nothing.
 */
#include "agent/status.h"

#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "agent/metrics.h"
#include "base/text.h"
#include "store/events.h"

struct status {
	struct dlk_job job; /* first */
	struct dlk_http *http;
	struct dlk_conn *conn;
	const struct dlk_house *house;
	void (*answer)(struct status *status, bool worked);
	bool store;
	size_t pending, services, anchors, crls;
	char relaxed[128];
	char trouble[DLK_DETAIL_MAX + 1];
};

static void
work(struct dlk_job *job, struct dlk_engine *engine)
{
	struct status *s = (struct status *)(void *)job;
	dlk_engine_mend(engine);
	struct dlk_record *record = dlk_engine_record(engine);
	const struct dlk_policy *policy = dlk_engine_policy(engine);

	s->store = record && dlk_record_probe(record) == 0 &&
		   dlk_outbox_count(record, &s->pending) == 0;
	if (!s->store)
		dlk_text_print(s->trouble, sizeof(s->trouble), "%s",
		    record ? dlk_record_trouble(record) : dlk_engine_trouble(engine)->detail);
	s->services = policy->n_services;
	s->anchors = dlk_trust_anchors(dlk_engine_trust(engine));
	s->crls = dlk_crls_count(dlk_engine_crls(engine));
	dlk_policy_relaxed(policy, NULL, s->relaxed, sizeof(s->relaxed));
}

static void
done(struct dlk_job *job, bool worked)
{
	struct status *s = (struct status *)(void *)job;

	s->answer(s, worked);
	free(s);
}

static void
answer_metrics(struct status *s, bool worked)
{
	struct dlk_metrics_gauges gauges = { .store = worked && s->store,
		.pending = s->pending,
		.connections = dlk_http_connections(s->http) };
	char words[DLK_DETAIL_MAX + 1];
	struct dlk_lists *lists = calloc(1, sizeof(*lists));
	DLK_AUTO_BUF text = { 0 };

	if (lists)
		dlk_reload_lists(s->house->reload, lists);
	gauges.lists = lists;
	gauges.rejected = dlk_reload_rejected(s->house->reload, words, sizeof(words));
	dlk_courier_counts(s->house->courier, &gauges.delivered, &gauges.failed);
	if (dlk_metrics_text(s->house->metrics, &gauges, &text) < 0)
		dlk_http_refuse(s->http, s->conn, 503, "no memory");
	else
		dlk_http_answer(s->http, s->conn, 200, DLK_METRICS_TYPE, dlk_bytes_of(&text));
	free(lists);
}

static void
answer_status(struct status *s, bool worked)
{
	char words[DLK_DETAIL_MAX + 1];
	bool rejected = dlk_reload_rejected(s->house->reload, words, sizeof(words));
	bool store = worked && s->store;

	json_t *object = json_pack("{s:s, s:i, s:b, s:s, s:b, s:s, s:s, s:I, s:I, s:I, s:I, "
				   "s:I, s:I}",
	    "version", DLK_VERSION, "pid", (int)getpid(), "store", store, "store_detail",
	    worked ? s->trouble : "too many requests wait", "configuration_rejected", rejected,
	    "configuration_detail", words, "relaxed", s->relaxed, "services",
	    (json_int_t)s->services, "anchors", (json_int_t)s->anchors, "crls",
	    (json_int_t)s->crls, "events_pending", (json_int_t)s->pending, "connections",
	    (json_int_t)dlk_http_connections(s->http), "threads",
	    (json_int_t)dlk_serve_threads(s->house->serve));
	char *text = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
	dlk_http_answer(s->http, s->conn, text ? 200 : 503, text ? "application/json" : NULL,
	    dlk_bytes_str(text));
	free(text);
	json_decref(object);
}

static void
ask(struct dlk_http *http, const struct dlk_http_request *request,
    const struct dlk_house *house, void (*answer)(struct status *status, bool worked))
{
	struct status *s = calloc(1, sizeof(*s));

	if (!s) {
		dlk_http_refuse(http, request->conn, 503, "no memory");
		return;
	}
	s->job.work = work;
	s->job.done = done;
	s->http = http;
	s->conn = request->conn;
	s->house = house;
	s->answer = answer;
	dlk_serve_ask(house->serve, &s->job);
}

void
dlk_status_metrics(struct dlk_http *http, const struct dlk_http_request *request,
    const struct dlk_peer *peer, void *arg)
{
	(void)peer;
	ask(http, request, arg, answer_metrics);
}

void
dlk_status_handle(struct dlk_http *http, const struct dlk_http_request *request,
    const struct dlk_peer *peer, void *arg)
{
	(void)peer;
	ask(http, request, arg, answer_status);
}
