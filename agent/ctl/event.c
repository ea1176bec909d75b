/* SPDX-License-Identifier: MIT */
/* event.c - one event of the record, for people and for programs. */
#include "event.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

json_t *
ctl_event_json(const struct dlk_event *e)
{
	bool decision = e->reason != DLK_R_UNDECIDED;
	char at[DLK_TIME_TEXT];
	const struct {
		const char *name, *text;
	} pairs[] = {
		{ "id", e->id },
		{ "time", at },
		{ "type", dlk_event_type_str(e->type) },
		{ "reason", decision ? dlk_reason_str(e->reason) : "" },
		{ "stage", decision ? dlk_stage_str(e->stage) : "" },
		{ "detail", e->detail },
		{ "user", e->user },
		{ "service", e->service },
		{ "source", e->source },
		{ "tty", e->tty },
		{ "entrance", dlk_entrance_str(e->entrance) },
		{ "possession", dlk_possession_str(e->possession) },
		{ "caller", e->caller },
		{ "policy", e->policy },
		{ "relaxed", e->relaxed },
		{ "token", e->token },
		{ "subject", e->subject },
		{ "issuer", e->issuer },
		{ "serial", e->serial },
		{ "fingerprint", e->fingerprint },
	};
	json_t *object = json_object();
	int r = json_object_set_new(object, "at", json_integer(e->at));

	dlk_time_text(e->at, at);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		r |= json_object_set_new(object, pairs[i].name, json_string(pairs[i].text));
	r |= json_object_set_new(object, "good_until", ctl_time(e->good_until));
	if (dlk_event_repeats(e) > 0)
		r |= json_object_set_new(
		    object, "repeats", json_integer((json_int_t)dlk_event_repeats(e)));
	if (r == 0)
		return object;
	json_decref(object);
	return NULL;
}

int
ctl_event_print(const struct dlk_event *e)
{
	const char *type = dlk_event_type_str(e->type), *dot = strchr(type, '.');
	char at[DLK_TIME_TEXT];

	dlk_time_text(e->at, at);
	return printf("%s %-18s %-12s %-10s %s%s%s%s%s%s%s\n", at, dot ? dot + 1 : type,
		   e->user[0] ? e->user : "-", e->service[0] ? e->service : "-",
		   e->reason != DLK_R_UNDECIDED ? dlk_reason_str(e->reason) : "",
		   e->source[0] ? " from " : "", e->source, e->token[0] ? " token " : "",
		   e->token, e->detail[0] ? ": " : "", e->detail) < 0
		   ? -1
		   : 0;
}
