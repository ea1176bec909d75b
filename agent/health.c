/* SPDX-License-Identifier: MIT */
/* health.c - asks a thread whether its record can be written, and says so. It judges nobody.
 */
#include "agent/health.h"

#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/text.h"

struct probe {
	struct dlk_job job; /* first */
	struct dlk_http *http;
	struct dlk_conn *conn;
	const struct dlk_house *house;
	bool shown; /* the asker may read the words */
	bool good;
	char words[DLK_DETAIL_MAX + 1];
};

static void
work(struct dlk_job *job, struct dlk_engine *engine)
{
	struct probe *probe = (struct probe *)(void *)job;
	dlk_engine_mend(engine);
	struct dlk_record *record = dlk_engine_record(engine);

	if (!record)
		dlk_text_print(probe->words, sizeof(probe->words), "%s",
		    dlk_engine_trouble(engine)->detail);
	else if (dlk_record_probe(record) < 0)
		dlk_text_print(
		    probe->words, sizeof(probe->words), "%s", dlk_record_trouble(record));
	else
		probe->good = true;
}

static json_t *
describe(const struct probe *probe, bool store, const struct dlk_list *stale)
{
	char rejected[DLK_DETAIL_MAX + 1];
	bool stands = dlk_reload_rejected(probe->house->reload, rejected, sizeof(rejected));
	json_t *object = json_pack("{s:s, s:s, s:s, s:s}", "status",
	    store && !stale ? "ok" : "failing", "store", store ? "ok" : "failing", "lists",
	    stale ? "stale" : "ok", "configuration", stands ? "rejected" : "ok");

	if (!object || !probe->shown)
		return object;
	if (!store)
		json_object_set_new(object, "store_detail", json_string(probe->words));
	if (stale)
		json_object_set_new(object, "lists_detail", json_string(stale->issuer));
	if (stands)
		json_object_set_new(object, "configuration_detail", json_string(rejected));
	return object;
}

static void
done(struct dlk_job *job, bool worked)
{
	struct probe *probe = (struct probe *)(void *)job;
	struct dlk_lists *lists = calloc(1, sizeof(*lists));
	bool store = worked && probe->good;

	if (!worked)
		dlk_text_print(probe->words, sizeof(probe->words), "too many requests wait");
	if (lists)
		dlk_reload_lists(probe->house->reload, lists);
	const struct dlk_list *stale = lists ? dlk_lists_stale(lists, dlk_clock_now()) : NULL;
	json_t *object = describe(probe, store, stale);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	dlk_http_answer(probe->http, probe->conn, lists && store && !stale ? 200 : 503,
	    text ? "application/json" : NULL, dlk_bytes_str(text));
	free(text);
	free(lists);
	json_decref(object);
	free(probe);
}

void
dlk_health_handle(struct dlk_http *http, const struct dlk_http_request *request,
    const struct dlk_peer *peer, void *arg)
{
	const struct dlk_house *house = arg;
	struct probe *probe = calloc(1, sizeof(*probe));

	if (!probe) {
		dlk_http_refuse(http, request->conn, 503, "no memory");
		return;
	}
	probe->job.work = work;
	probe->job.done = done;
	probe->http = http;
	probe->conn = request->conn;
	probe->house = house;
	probe->shown = peer->uid == 0 || peer->uid == geteuid();
	dlk_serve_ask(house->serve, &probe->job);
}
