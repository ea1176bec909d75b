/* SPDX-License-Identifier: MIT */
/* why.c - the last refusals of a user in plain words, each with what to do about it. */
#include "event.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/events.h"
#include "store/tokens.h"

#define SHOWN 5

struct why {
	const char *config, *last;
	bool json;
	char user[DLK_NAME_MAX + 1];
	size_t n;
	int64_t locked_until;
	json_t *shown;
	struct dlk_engine *engine;
};

static void
why_fini(struct why *w)
{
	json_decref(w->shown);
	dlk_engine_close(w->engine);
}

static const char *
happened(const struct dlk_event *e)
{
	if (e->type == DLK_EVENT_DECISION_OFFERED)
		return "a key was refused";
	if (e->type == DLK_EVENT_DECISION_OBSERVED)
		return "would have been refused";
	if (e->type == DLK_EVENT_DECISION_ABANDONED)
		return "no code was entered";
	return "refused";
}

static int
show_json(struct why *w, const struct dlk_event *event)
{
	json_t *object = ctl_event_json(event);

	if (!object ||
	    json_object_set_new(
		object, "meaning", json_string(dlk_reason_meaning(event->reason))) < 0 ||
	    json_object_set_new(
		object, "remedy", json_string(dlk_reason_remedy(event->reason))) < 0) {
		json_decref(object);
		return -1;
	}
	return json_array_append_new(w->shown, object);
}

static int
show(int64_t row, const struct dlk_event *e, void *arg)
{
	struct why *w = arg;
	char at[DLK_TIME_TEXT];

	(void)row;
	w->n++;
	if (w->json)
		return show_json(w, e);
	dlk_time_text(e->at, at);
	printf("%s  %s for %s%s%s: %s\n", at, happened(e),
	    e->service[0] ? e->service : "no service", e->source[0] ? " from " : "", e->source,
	    dlk_reason_str(e->reason));
	printf("  %s\n", e->detail[0] ? e->detail : dlk_reason_meaning(e->reason));
	if (e->subject[0])
		printf("  certificate %s (serial %s)\n", e->subject, e->serial);
	return printf("  to do: %s\n", dlk_reason_remedy(e->reason)) < 0 ? -1 : 0;
}

static int
find_lock(const struct dlk_failures_row *row, void *arg)
{
	struct why *w = arg;

	if (row->failures.locked_until > w->locked_until)
		w->locked_until = row->failures.locked_until;
	return 0;
}

static int
end_words(const struct why *w)
{
	char until[DLK_TIME_TEXT];

	if (w->n == 0)
		printf("no refusal of '%s' is on record\n", w->user);
	if (w->locked_until > dlk_clock_now()) {
		dlk_time_text(w->locked_until, until);
		printf("locked out until %s; 'doublelock user unlock %s' ends it\n", until,
		    w->user);
	}
	return fflush(stdout) == 0 ? CTL_YES : ctl_fault("the answer could not be written");
}

static int
explain(struct why *w, size_t most)
{
	struct dlk_record *record = dlk_engine_record(w->engine);
	const struct dlk_events_query query = {
		.user = w->user, .most = most, .newest = true, .refusals = true
	};

	int r = dlk_events_each(record, &query, show, w);
	if (r == -1)
		return ctl_fault("the answer could not be written");
	if (r == 0)
		r = dlk_failures_each(record, w->user, find_lock, w);
	if (r < 0)
		return ctl_fault("%s", dlk_record_trouble(record));
	if (w->json)
		return ctl_print(
		    json_pack("{s:s,s:o,s:O}", "user", w->user, "locked_until",
			ctl_time(w->locked_until > dlk_clock_now() ? w->locked_until : 0),
			"refusals", w->shown),
		    CTL_YES);
	return end_words(w);
}

static int
run(struct ctl_call *call)
{
	__attribute__((cleanup(why_fini))) struct why w = { .shown = json_array() };
	const struct ctl_option table[] = {
		{ .name = "config", .text = &w.config },
		{ .name = "last", .text = &w.last },
		{ .name = "json", .flag = &w.json },
	};
	int64_t most = SHOWN;
	bool known;

	if (!CTL_OPTIONS(call, table, 1, 1) ||
	    !ctl_number(call, "last", w.last, 1, 10000, &most))
		return CTL_USAGE;
	int end = ctl_account(call, call->argv[0], w.user, &known);
	if (end == CTL_YES)
		end = w.shown ? ctl_open(w.config, DLK_ENGINE_RECORD, &w.engine)
			      : ctl_fault("out of memory");
	return end == CTL_YES ? explain(&w, (size_t)most) : end;
}

const struct ctl_subject ctl_why = {
	.name = "why",
	.run = run,
	.synopsis = "[--config FILE] [--last N] [--json] USER",
};
