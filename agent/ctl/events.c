/* SPDX-License-Identifier: MIT */
/* events.c - what the record holds of the past, and what is added to it meanwhile. */
#include "event.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/events.h"

#define FOLLOW_NS 300000000L /* between two looks */

struct events {
	const char *config, *since, *user;
	bool json, follow;
	struct dlk_events_query query;
	struct dlk_engine *engine;
};

static void
events_fini(struct events *e)
{
	dlk_engine_close(e->engine);
}

static int
show(int64_t row, const struct dlk_event *event, void *arg)
{
	struct events *e = arg;

	e->query.after = row;
	if (!e->json)
		return ctl_event_print(event);
	return ctl_print(ctl_event_json(event), CTL_YES) == CTL_YES ? 0 : -1;
}

static int
look(struct events *e)
{
	struct dlk_record *record = dlk_engine_record(e->engine);
	const struct dlk_events_query query = e->query; /* `after` moves while it runs */

	int r = dlk_events_each(record, &query, show, e);
	if (r == -1)
		return ctl_fault("the answer could not be written");
	if (r < 0)
		return ctl_fault("%s", dlk_record_trouble(record));
	return fflush(stdout) == 0 ? CTL_YES : ctl_fault("the answer could not be written");
}

/* "8h" is eight hours ago. */
static bool
read_since(struct ctl_call *call, struct events *e)
{
	int64_t ago = 0;

	if (!e->since)
		return true;
	if (dlk_duration_parse(e->since, &ago) == 0)
		e->query.since = dlk_clock_now() - ago;
	else if (dlk_time_parse(e->since, &e->query.since) != 0) {
		(void)ctl_misused(
		    call, "--since: 8h, 7d, unix seconds or an RFC 3339 time is asked for");
		return false;
	}
	return true;
}

static int
run(struct ctl_call *call)
{
	__attribute__((cleanup(events_fini))) struct events e = { .json = false };
	const struct ctl_option table[] = {
		{ .name = "config", .text = &e.config },
		{ .name = "since", .text = &e.since },
		{ .name = "user", .text = &e.user },
		{ .name = "json", .flag = &e.json },
		{ .name = "follow", .flag = &e.follow },
	};
	const struct timespec pause = { .tv_nsec = FOLLOW_NS };
	char user[DLK_NAME_MAX + 1];
	bool known;

	if (!CTL_OPTIONS(call, table, 0, 0) || !read_since(call, &e))
		return CTL_USAGE;
	int end = e.user ? ctl_account(call, e.user, user, &known) : CTL_YES;
	e.query.user = e.user ? user : NULL;
	if (end == CTL_YES)
		end = ctl_open(e.config, DLK_ENGINE_RECORD, &e.engine);
	if (end == CTL_YES)
		end = look(&e);
	while (end == CTL_YES && e.follow) {
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		end = look(&e);
	}
	return end;
}

const struct ctl_subject ctl_events = {
	.name = "events",
	.run = run,
	.synopsis = "[--config FILE] [--since TIME] [--user USER] [--follow] [--json]",
};
