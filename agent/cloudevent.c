/* SPDX-License-Identifier: MIT */
/* cloudevent.c - names the fields of an event for the world. It leaves out what is empty. */
#include "agent/cloudevent.h"

#include <jansson.h>

#include "base/clock.h"
#include "base/text.h"

static void
put(json_t *object, const char *key, const char *value)
{
	if (value[0] != '\0')
		json_object_set_new(object, key, json_string(value));
}

static void
put_certificate(json_t *data, const struct dlk_event *e)
{
	put(data, "subject", e->subject);
	put(data, "issuer", e->issuer);
	put(data, "serial", e->serial);
	put(data, "fingerprint", e->fingerprint);
	if (e->possession != DLK_POSSESSION_NONE)
		put(data, "possession", dlk_possession_str(e->possession));
	if (e->good_until > 0)
		json_object_set_new(data, "good_until", json_integer(e->good_until));
}

static json_t *
data_of(const struct dlk_delivery *delivery)
{
	const struct dlk_event *e = &delivery->event;
	json_t *data = json_object();

	if (!data)
		return NULL;
	if (e->reason != DLK_R_UNDECIDED) {
		put(data, "reason", dlk_reason_str(e->reason));
		put(data, "stage", dlk_stage_str(e->stage));
		put(data, "meaning", dlk_reason_meaning(e->reason));
	}
	put(data, "detail", e->detail);
	if (dlk_event_repeats(e) > 0)
		json_object_set_new(
		    data, "repeats", json_integer((json_int_t)dlk_event_repeats(e)));
	put(data, "user", e->user);
	put(data, "service", e->service);
	put(data, "source", e->source);
	put(data, "tty", e->tty);
	if (e->entrance != DLK_ENTRANCE_NONE)
		put(data, "entrance", dlk_entrance_str(e->entrance));
	put(data, "caller", e->caller);
	put(data, "policy", e->policy);
	put(data, "relaxed", e->relaxed);
	put(data, "token", e->token);
	put_certificate(data, e);
	put(data, "chain", delivery->chain);
	return data;
}

char *
dlk_cloudevent_text(const struct dlk_delivery *delivery, const char *host)
{
	const struct dlk_event *e = &delivery->event;
	char source[DLK_NAME_MAX + 1], time[DLK_TIME_TEXT];

	dlk_text_print(source, sizeof(source), "urn:doublelock:%s", host);
	dlk_time_text(e->at, time);
	json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "specversion", "1.0",
	    "id", e->id, "source", source, "type", dlk_event_type_str(e->type), "time", time,
	    "datacontenttype", "application/json", "data", data_of(delivery));
	if (event && e->user[0] != '\0')
		json_object_set_new(event, "subject", json_string(e->user));
	char *text = event ? json_dumps(event, JSON_COMPACT) : NULL;
	json_decref(event);
	return text;
}
