/* SPDX-License-Identifier: MIT */
/* health.c - asks a thread whether its record can be written, and says so. It judges nobody.
 */
#include "agent/health.h"

#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/text.h"

struct probe {
	struct dlk_job job; /* first */
	struct dlk_http *http;
	struct evhttp_request *request;
	const struct dlk_house *house;
	bool shown; /* the asker may read the words */
	bool good;
	char words[DLK_DETAIL_MAX + 1];
};

static void
work(struct dlk_job *job, struct dlk_engine *engine)
{
	struct probe *probe = (struct probe *)(void *)job;
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

static void
done(struct dlk_job *job, bool worked)
{
	struct probe *probe = (struct probe *)(void *)job;
	char rejected[DLK_DETAIL_MAX + 1];
	bool stands = dlk_reload_rejected(probe->house->reload, rejected, sizeof(rejected));
	bool good = worked && probe->good;

	json_t *object = json_pack("{s:s, s:s, s:s}", "status", good ? "ok" : "failing",
	    "store", good ? "ok" : "failing", "configuration", stands ? "rejected" : "ok");
	if (object && probe->shown && !good)
		json_object_set_new(object, "store_detail",
		    json_string(worked ? probe->words : "too many requests wait"));
	if (object && probe->shown && stands)
		json_object_set_new(object, "configuration_detail", json_string(rejected));
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	dlk_http_answer(probe->http, probe->request, good ? 200 : 503,
	    text ? "application/json" : NULL, dlk_bytes_str(text));
	free(text);
	json_decref(object);
	free(probe);
}

void
dlk_health_handle(struct dlk_http *http, struct evhttp_request *request, uid_t peer, void *arg)
{
	const struct dlk_house *house = arg;
	struct probe *probe = calloc(1, sizeof(*probe));

	if (!probe) {
		dlk_http_refuse(http, request, 503, "no memory");
		return;
	}
	probe->job.work = work;
	probe->job.done = done;
	probe->http = http;
	probe->request = request;
	probe->house = house;
	probe->shown = peer == 0 || peer == geteuid();
	dlk_serve_ask(house->serve, &probe->job);
}
