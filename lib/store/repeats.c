/* SPDX-License-Identifier: MIT */
/*
 * repeats.c - what was allowed again by an answer that still held: one event for all of it, a
 * copy of the first one's, which says how often. It counts nothing itself.
 */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/db.h"
#include "store/events.h"

/* 1, or 0 where it is not there any more. */
static int
find_first(
    struct dlk_record *record, const struct dlk_repeat *repeat, struct dlk_event *ret_event)
{
	int64_t number = 0;
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_number(record, DLK_SQL_EVENT_OF,
	    DLK_VALUES(DLK_T(repeat->user), DLK_T(repeat->event)), &number);

	if (r < 0 || number == 0)
		return r;
	r = dlk_db_start(
	    record, DLK_SQL_EVENT, DLK_VALUES(DLK_I(number), DLK_T(repeat->event)), &row);
	if (r == 0)
		r = dlk_db_step(record, row);
	if (r > 0 && !dlk_event_read(row, 0, ret_event))
		return dlk_db_unsound(record, "event", number);
	return r;
}

static int
append(struct dlk_record *record, const struct dlk_repeat *repeat, int64_t now)
{
	struct dlk_event event = { 0 };
	char since[DLK_TIME_TEXT];
	int r = find_first(record, repeat, &event);

	if (r < 0)
		return r;
	if (r == 0) {
		event.stage = DLK_STAGE_SETTLE;
		(void)dlk_text_copy(event.user, sizeof(event.user), repeat->user);
	}
	event.id[0] = '\0';
	event.at = now;
	event.type = DLK_EVENT_DECISION_ALLOWED;
	event.reason = DLK_R_OK;
	dlk_time_text(repeat->since, since);
	dlk_event_repeat(&event, repeat->n, since, repeat->event);
	return dlk_events_append(record, &event);
}

int
dlk_events_repeated(
    struct dlk_record *record, const struct dlk_repeat *repeat, size_t n, int64_t now)
{
	int r = dlk_db_begin(record);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++)
		r = append(record, &repeat[i], now);
	return dlk_db_finish(record, r);
}
