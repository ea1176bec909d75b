/* SPDX-License-Identifier: MIT */
/*
 * outbox.c - events that nobody has taken yet, and events that may go. It keeps when to try
 * again and what the last error was; how an event is sent is the courier's affair.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/db.h"
#include "store/events.h"

#define PRUNE_STEP 1000 /* rows of one transaction */

static int
read_delivery(struct dlk_record *record, sqlite3_stmt *row, struct dlk_delivery *d)
{
	uint8_t chain[DLK_CHAIN_SIZE];
	bool sound = true;

	memset(d, 0, sizeof(*d));
	d->row = dlk_db_int(row, 0, 1, INT64_MAX, &sound);
	d->attempts = (unsigned)dlk_db_int(row, 1, 0, UINT_MAX, &sound);
	d->due = dlk_db_int(row, 2, INT64_MIN, INT64_MAX, &sound);
	dlk_db_text(row, 3, d->error, sizeof(d->error), &sound);
	dlk_db_octets(row, 4, chain, sizeof(chain), &sound);
	dlk_hex(DLK_BYTES(chain, sizeof(chain)), d->chain);
	if (!dlk_event_read(row, 5, &d->event) || !sound)
		return dlk_db_unsound(record, "outbox", d->row);
	return 0;
}

int
dlk_outbox_next(struct dlk_record *record, int64_t now, size_t most,
    struct dlk_delivery *ret_delivery, size_t *ret_n)
{
	size_t n = 0;
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(
	    record, DLK_SQL_OUTBOX_NEXT, DLK_VALUES(DLK_I(now), DLK_I(most)), &row);

	*ret_n = 0;
	while (r == 0 && n < most && (r = dlk_db_step(record, row)) > 0) {
		r = read_delivery(record, row, &ret_delivery[n]);
		if (r == 0)
			n++;
	}
	if (r == 0)
		*ret_n = n;
	return r;
}

int
dlk_outbox_each(struct dlk_record *record,
    int (*each)(const struct dlk_delivery *delivery, void *arg), void *arg)
{
	struct dlk_delivery delivery;
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(record, DLK_SQL_OUTBOX_ALL, NULL, 0, &row);

	while (r == 0 && (r = dlk_db_step(record, row)) > 0) {
		r = read_delivery(record, row, &delivery);
		if (r == 0)
			r = each(&delivery, arg);
	}
	return r;
}

int
dlk_outbox_due(struct dlk_record *record, int64_t *ret_when)
{
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(record, DLK_SQL_OUTBOX_DUE, NULL, 0, &row);

	if (r == 0)
		r = dlk_db_step(record, row);
	if (r < 0)
		return r;
	*ret_when = r > 0 && sqlite3_column_type(row, 0) != SQLITE_NULL
			? sqlite3_column_int64(row, 0)
			: DLK_TIME_NEVER;
	return 0;
}

static int
change(struct dlk_record *record, enum dlk_sql sql, const struct dlk_value *value, size_t n,
    int (*begin)(struct dlk_record *record), int *ret_changed)
{
	int r = begin(record);

	if (r < 0)
		return r;
	int changed = dlk_db_run(record, sql, value, n);
	r = dlk_db_finish(record, changed < 0 ? changed : 0);
	*ret_changed = changed;
	return r;
}

/* When the power fails an event that was delivered may be delivered again: its receiver
 * knows the id. That is no reason to wait for the disk. */
int
dlk_outbox_delivered(struct dlk_record *record, int64_t row)
{
	int n = 0;
	int r = change(
	    record, DLK_SQL_OUTBOX_DELIVERED, DLK_VALUES(DLK_I(row)), dlk_db_begin_quick, &n);

	return r < 0 || n > 0 ? r : -ENOENT;
}

int
dlk_outbox_failed(struct dlk_record *record, int64_t row, const char *error, int64_t due)
{
	char words[sizeof(((struct dlk_delivery *)0)->error)];
	int n = 0;

	dlk_text_escape(words, sizeof(words), dlk_bytes_str(error));
	int r = change(record, DLK_SQL_OUTBOX_FAILED,
	    DLK_VALUES(DLK_I(row), DLK_I(due), DLK_T(words)), dlk_db_begin_quick, &n);
	return r < 0 || n > 0 ? r : -ENOENT;
}

int
dlk_outbox_count(struct dlk_record *record, size_t *ret_n)
{
	int64_t n = 0;
	int r = dlk_db_number(record, DLK_SQL_OUTBOX_COUNT, NULL, 0, &n);

	if (r == 0)
		*ret_n = (size_t)n;
	return r;
}

int
dlk_outbox_retry(struct dlk_record *record, int64_t now, size_t *ret_n)
{
	int n = 0;
	int r = change(record, DLK_SQL_OUTBOX_RETRY, DLK_VALUES(DLK_I(now)), dlk_db_begin, &n);

	if (r == 0)
		*ret_n = (size_t)n;
	return r;
}

/* Events go from the oldest on and without a gap, so that the chain of the rest still begins
 * somewhere; the first one that is young, or that waits for somebody, ends it. */
static int
find_prunable(struct dlk_record *record, int64_t before, bool undelivered, int64_t *ret_row,
    size_t *ret_n)
{
	bool sound = true;
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(
	    record, DLK_SQL_EVENTS_DELIVERED, DLK_VALUES(DLK_I(PRUNE_STEP)), &row);

	*ret_n = 0;
	while (r == 0 && (r = dlk_db_step(record, row)) > 0) {
		bool waits = sqlite3_column_type(row, 3) != SQLITE_NULL;
		if ((waits && !undelivered) || sqlite3_column_int64(row, 2) >= before)
			return 0;
		*ret_row = sqlite3_column_int64(row, 0);
		dlk_db_octets(row, 1, record->state.base, DLK_CHAIN_SIZE, &sound);
		if (!sound)
			return dlk_db_unsound(record, "event", *ret_row);
		record->changed = true;
		++*ret_n;
		r = 0;
	}
	return r;
}

static int
prune(struct dlk_record *record, int64_t row)
{
	int r = dlk_checkpoint_set(record, row);

	if (r == 0)
		r = dlk_db_run(record, DLK_SQL_EVENTS_PRUNE, DLK_VALUES(DLK_I(row)));
	if (r >= 0)
		r = dlk_db_run(record, DLK_SQL_OUTBOX_PRUNE, DLK_VALUES(DLK_I(row)));
	return r;
}

int
dlk_events_prune(struct dlk_record *record, int64_t before, bool undelivered, size_t *ret_n)
{
	size_t step = 0;
	int64_t row = 0;
	int r = 0;

	*ret_n = 0;
	do {
		r = dlk_db_begin(record);
		if (r < 0)
			return r;
		r = find_prunable(record, before, undelivered, &row, &step);
		if (r == 0 && step > 0)
			r = prune(record, row);
		r = dlk_db_finish(record, r < 0 ? r : 0);
		if (r == 0)
			*ret_n += step;
	} while (r == 0 && step == PRUNE_STEP);
	return r;
}
