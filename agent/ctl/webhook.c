/* SPDX-License-Identifier: MIT */
/*
 * webhook.c - the events that wait for delivery. The agent delivers; here they are listed,
 * made due, and one is added to see whether they arrive.
 */
#include "ctl.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/events.h"

#define WAIT_SECONDS 15
#define LOOK_NS      200000000L

struct webhook {
	const char *config;
	bool json;
	char actor[CTL_ACTOR];
	struct dlk_engine *engine;
	struct dlk_record *record;
	json_t *listed;
	const char *event; /* that is looked for */
	bool found;
	char error[128];
	size_t n;
};

static void
webhook_fini(struct webhook *w)
{
	json_decref(w->listed);
	dlk_engine_close(w->engine);
}
#define AUTO_WEBHOOK __attribute__((cleanup(webhook_fini))) struct webhook

static int
begin(struct ctl_call *call, struct webhook *w)
{
	const struct ctl_option table[] = {
		{ .name = "config", .text = &w->config },
		{ .name = "json", .flag = &w->json },
	};

	ctl_actor(w->actor);
	w->listed = json_array();
	if (!CTL_OPTIONS(call, table, 0, 0))
		return CTL_USAGE;
	int end = w->listed ? ctl_open(w->config, DLK_ENGINE_RECORD, &w->engine)
			    : ctl_fault("out of memory");
	if (end == CTL_YES)
		w->record = dlk_engine_record(w->engine);
	return end;
}

static int
trouble(const struct webhook *w)
{
	return ctl_fault("%s", dlk_record_trouble(w->record));
}

/* ---- list, retry ---- */

static int
list_row(const struct dlk_delivery *d, void *arg)
{
	struct webhook *w = arg;
	char due[DLK_TIME_TEXT];

	w->n++;
	dlk_time_text(d->due, due);
	if (w->json)
		return json_array_append_new(
		    w->listed, json_pack("{s:s,s:s,s:s,s:I,s:I,s:s}", "id", d->event.id,
				   "type", dlk_event_type_str(d->event.type), "user",
				   d->event.user, "attempts", (json_int_t)d->attempts, "due",
				   (json_int_t)d->due, "error", d->error));
	return printf("%s %s%s%s: %u attempts, next at %s%s%s\n", d->event.id,
		   dlk_event_type_str(d->event.type), d->event.user[0] ? " of " : "",
		   d->event.user, d->attempts, due, d->error[0] ? ", last: " : "",
		   d->error) < 0
		   ? -1
		   : 0;
}

static int
list(struct ctl_call *call)
{
	AUTO_WEBHOOK w = { .n = 0 };

	int end = begin(call, &w);
	if (end != CTL_YES)
		return end;
	int r = dlk_outbox_each(w.record, list_row, &w);
	if (r < 0)
		return r == -1 ? ctl_fault("the answer could not be written") : trouble(&w);
	if (w.json)
		return ctl_print(json_incref(w.listed), CTL_YES);
	if (w.n == 0)
		fputs("doublelock: no event waits\n", stderr);
	return fflush(stdout) == 0 ? CTL_YES : CTL_FAULT;
}

static int
retry(struct ctl_call *call)
{
	AUTO_WEBHOOK w = { .n = 0 };

	int end = begin(call, &w);
	if (end != CTL_YES)
		return end;
	if (dlk_outbox_retry(w.record, dlk_clock_now(), &w.n) < 0)
		return trouble(&w);
	if (w.json)
		return ctl_print(json_pack("{s:I}", "due", (json_int_t)w.n), CTL_YES);
	return printf("%zu events are due now\n", w.n) < 0 ? CTL_FAULT : CTL_YES;
}

/* ---- test ---- */

static int
find_row(const struct dlk_delivery *d, void *arg)
{
	struct webhook *w = arg;

	if (strcmp(d->event.id, w->event) != 0)
		return 0;
	w->found = true;
	(void)dlk_text_copy(w->error, sizeof(w->error), d->error);
	return 0;
}

/* Until it has left the outbox. */
static int
await(struct webhook *w)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	const int64_t until = dlk_clock_now() + WAIT_SECONDS;

	for (;;) {
		w->found = false;
		if (dlk_outbox_each(w->record, find_row, w) < 0)
			return trouble(w);
		if (!w->found)
			return CTL_YES;
		if (w->error[0] || dlk_clock_now() >= until)
			return CTL_REFUSED;
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
}

static int
test(struct ctl_call *call)
{
	AUTO_WEBHOOK w = { .n = 0 };
	struct dlk_event event = { .type = DLK_EVENT_WEBHOOK_TEST, .at = dlk_clock_now() };

	int end = begin(call, &w);
	if (end != CTL_YES)
		return end;
	const char *url = dlk_engine_settings(w.engine)->webhook.url;
	if (!url)
		return ctl_refuse("there is no url in [webhook]");
	(void)dlk_text_copy(event.caller, sizeof(event.caller), w.actor);
	(void)dlk_text_copy(event.detail, sizeof(event.detail), "doublelock webhook test");
	if (dlk_events_add(w.record, &event) < 0)
		return trouble(&w);
	w.event = event.id;
	end = await(&w);
	if (end == CTL_FAULT)
		return end;
	if (w.json)
		return ctl_print(json_pack("{s:s,s:s,s:b,s:s}", "id", event.id, "url", url,
				     "delivered", end == CTL_YES, "error", w.error),
		    end);
	if (end == CTL_YES)
		return printf("event %s was delivered to %s\n", event.id, url) < 0 ? CTL_FAULT
										   : CTL_YES;
	return w.error[0]
		   ? ctl_refuse("%s: %s", url, w.error)
		   : ctl_refuse("event %s still waits after %d s; does doublelockd run?",
			 event.id, WAIT_SECONDS);
}

static int
run(struct ctl_call *call)
{
	static const struct ctl_subject verbs[] = {
		{ .name = "test", .run = test, .synopsis = "[--config FILE] [--json]" },
		{ .name = "list", .run = list, .synopsis = "[--config FILE] [--json]" },
		{ .name = "retry", .run = retry, .synopsis = "[--config FILE] [--json]" },
	};

	return CTL_DISPATCH(verbs, call);
}

const struct ctl_subject ctl_webhook = {
	.name = "webhook",
	.run = run,
	.synopsis = "test | list | retry",
};
