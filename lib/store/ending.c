/* SPDX-License-Identifier: MIT */
/*
 * ending.c - certificates that end soon, said once a day each, however many judge them and
 * however often they start. Which those are is for others to say.
 */
#include "store/db.h"
#include "store/events.h"

#define DAY INT64_C(86400)

static int
say_once(struct dlk_record *record, struct dlk_event *event)
{
	/* one of the future is of a clock that was set back */
	int n = dlk_db_run(record, DLK_SQL_ENDING_SET,
	    DLK_VALUES(DLK_T(event->fingerprint), DLK_I(event->at), DLK_I(event->at - DAY)));

	if (n <= 0)
		return n;
	int r = dlk_db_run(record, DLK_SQL_ENDING_OLD, DLK_VALUES(DLK_I(event->at - 2 * DAY)));
	return r < 0 ? r : dlk_events_append(record, event);
}

int
dlk_events_ending(struct dlk_record *record, struct dlk_event *event)
{
	int64_t told = 0;
	/* asked without the lock: mostly it was said today */
	int r = dlk_db_number(record, DLK_SQL_ENDING_KNOWN,
	    DLK_VALUES(
		DLK_T(event->fingerprint), DLK_I(event->at - DAY + 1), DLK_I(event->at)),
	    &told);

	if (r < 0 || told > 0)
		return r;
	event->id[0] = '\0';
	r = dlk_db_begin(record);
	return r < 0 ? r : dlk_db_finish(record, say_once(record, event));
}
