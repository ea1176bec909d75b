/* SPDX-License-Identifier: MIT */
/*
 * events.c - events in the record: each chained to the one before by a hash, so that a line
 * taken out or changed later shows. It delivers nothing (outbox.c).
 */
#include "store/events.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/text.h"
#include "store/db.h"

#define FORM         "doublelock-event-1"
#define CANON_MAX    (16 * 1024)
#define ABANDON_STEP 1000 /* of one transaction */
#define CLOCK_SLACK  300  /* seconds that another clock may be ahead */
#define BATCH        32   /* events that are read at once */

/* UUID version 4 (RFC 9562 section 5.4). */
int
dlk_event_id_new(char *ret_id)
{
	uint8_t b[16];
	char hex[2 * sizeof(b) + 1];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return -EIO;
	b[6] = (uint8_t)(0x40 | (b[6] & 0x0f));
	b[8] = (uint8_t)(0x80 | (b[8] & 0x3f));
	dlk_hex(DLK_BYTES(b, sizeof(b)), hex);
	dlk_text_print(ret_id, DLK_EVENT_ID_TEXT + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex,
	    hex + 8, hex + 12, hex + 16, hex + 20);
	return 0;
}

/* Enums are kept as their words: numbers may change from one program to the next. */
void
dlk_event_values(const struct dlk_event *e, struct dlk_value *v)
{
	const struct dlk_value values[DLK_EVENT_COLUMNS] = { DLK_T(e->id), DLK_I(e->at),
		DLK_T(dlk_event_type_str(e->type)), DLK_T(dlk_reason_str(e->reason)),
		DLK_T(dlk_stage_str(e->stage)), DLK_T(dlk_entrance_str(e->entrance)),
		DLK_T(dlk_possession_str(e->possession)), DLK_T(e->user), DLK_T(e->service),
		DLK_T(e->source), DLK_T(e->tty), DLK_T(e->caller), DLK_T(e->policy),
		DLK_T(e->relaxed), DLK_T(e->subject), DLK_T(e->issuer), DLK_T(e->serial),
		DLK_T(e->fingerprint), DLK_T(e->detail), DLK_T(e->token),
		DLK_I(e->good_until) };

	memcpy(v, values, sizeof(values));
}

static const char *
stage_text(int i)
{
	return dlk_stage_str((enum dlk_stage)i);
}
static const char *
entrance_text(int i)
{
	return dlk_entrance_str((enum dlk_entrance)i);
}
static const char *
possession_text(int i)
{
	return dlk_possession_str((enum dlk_possession)i);
}

static int
read_word(sqlite3_stmt *row, int column, const char *(*word)(int), int most, bool *sound)
{
	char text[32];

	dlk_db_text(row, column, text, sizeof(text), sound);
	for (int i = 0; i <= most; i++)
		if (strcmp(text, word(i)) == 0)
			return i;
	*sound = false;
	return 0;
}

static void
read_kind(sqlite3_stmt *row, int first, struct dlk_event *e, bool *sound)
{
	char text[64];

	dlk_db_text(row, first, text, sizeof(text), sound);
	e->type = dlk_event_type_find(text);
	*sound = *sound && e->type != DLK_EVENT_NONE;
	dlk_db_text(row, first + 1, text, sizeof(text), sound);
	e->reason = dlk_reason_find(text);
	*sound = *sound && strcmp(text, dlk_reason_str(e->reason)) == 0;
	e->stage =
	    (enum dlk_stage)read_word(row, first + 2, stage_text, DLK_STAGE_SETTLE, sound);
	e->entrance = (enum dlk_entrance)read_word(
	    row, first + 3, entrance_text, DLK_ENTRANCE_OPERATOR, sound);
	e->possession = (enum dlk_possession)read_word(
	    row, first + 4, possession_text, DLK_POSSESSION_TOKEN, sound);
}

bool
dlk_event_read(sqlite3_stmt *row, int first, struct dlk_event *e)
{
	const struct {
		char *text;
		size_t size;
	} texts[] = { { e->user, sizeof(e->user) }, { e->service, sizeof(e->service) },
		{ e->source, sizeof(e->source) }, { e->tty, sizeof(e->tty) },
		{ e->caller, sizeof(e->caller) }, { e->policy, sizeof(e->policy) },
		{ e->relaxed, sizeof(e->relaxed) }, { e->subject, sizeof(e->subject) },
		{ e->issuer, sizeof(e->issuer) }, { e->serial, sizeof(e->serial) },
		{ e->fingerprint, sizeof(e->fingerprint) }, { e->detail, sizeof(e->detail) },
		{ e->token, sizeof(e->token) } };
	bool sound = true;

	memset(e, 0, sizeof(*e));
	dlk_db_text(row, first, e->id, sizeof(e->id), &sound);
	e->at = dlk_db_int(row, first + 1, INT64_MIN, INT64_MAX, &sound);
	read_kind(row, first + 2, e, &sound);
	for (int i = 0; i < (int)(sizeof(texts) / sizeof(texts[0])); i++)
		dlk_db_text(row, first + 7 + i, texts[i].text, texts[i].size, &sound);
	e->good_until = dlk_db_int(row, first + 20, INT64_MIN, INT64_MAX, &sound);
	return sound;
}

/* The row in one spelling only: its number, then each value behind its length. */
static int
canonical(int64_t row, const struct dlk_event *event, struct dlk_buf *buf)
{
	struct dlk_value value[DLK_EVENT_COLUMNS];
	uint8_t number[8];
	int r = dlk_buf_reserve(buf, CANON_MAX);

	dlk_event_values(event, value);
	dlk_put_be64(number, (uint64_t)row);
	if (r == 0)
		r = dlk_buf_add(buf, CANON_MAX, dlk_bytes_str(FORM));
	if (r == 0)
		r = dlk_buf_add(buf, CANON_MAX, DLK_BYTES(number, 8));
	for (size_t i = 0; i < DLK_EVENT_COLUMNS && r == 0; i++) {
		struct dlk_bytes octets = DLK_BYTES(number, 8);
		uint8_t length[4];
		if (value[i].kind == DLK_VALUE_INT)
			dlk_put_be64(number, (uint64_t)value[i].number);
		else
			octets = dlk_bytes_str(value[i].text);
		dlk_put_be32(length, (uint32_t)octets.n);
		r = dlk_buf_add(buf, CANON_MAX, DLK_BYTES(length, 4));
		if (r == 0)
			r = dlk_buf_add(buf, CANON_MAX, octets);
	}
	return r;
}

static int
chain_on(const uint8_t *head, int64_t row, const struct dlk_event *event, uint8_t *ret_head)
{
	DLK_AUTO_BUF buf = { 0 };
	int r = canonical(row, event, &buf);

	return r < 0 ? r
		     : dlk_seal_digest(
			   DLK_BYTES(head, DLK_CHAIN_SIZE), dlk_bytes_of(&buf), ret_head);
}

int
dlk_events_append(struct dlk_record *record, struct dlk_event *event)
{
	struct dlk_value value[2 + DLK_EVENT_COLUMNS];
	struct dlk_db_state *state = &record->state;
	uint8_t head[DLK_CHAIN_SIZE];
	int64_t row = state->last_row + 1;
	int r = event->id[0] == '\0' ? dlk_event_id_new(event->id) : 0;

	assert(record->locked && event->type != DLK_EVENT_NONE);
	if (r == 0)
		r = chain_on(state->head, row, event, head);
	if (r < 0)
		return dlk_db_say(record, r, "no event could be made: %s", dlk_file_error(r));
	value[0] = DLK_I(row);
	dlk_event_values(event, value + 1);
	value[1 + DLK_EVENT_COLUMNS] = DLK_B(head, sizeof(head));
	r = dlk_db_run(record, DLK_SQL_EVENT_ADD, value, 2 + DLK_EVENT_COLUMNS);
	if (r >= 0)
		r = dlk_db_run(
		    record, DLK_SQL_OUTBOX_ADD, DLK_VALUES(DLK_I(row), DLK_I(event->at)));
	if (r < 0)
		return r;
	state->last_row = row;
	memcpy(state->head, head, sizeof(head));
	record->changed = true;
	return 0;
}

int
dlk_events_add(struct dlk_record *record, struct dlk_event *event)
{
	int r = dlk_db_begin(record);

	event->id[0] = '\0';
	return r < 0 ? r : dlk_db_finish(record, dlk_events_append(record, event));
}

static bool
is_refusal(const struct dlk_event *event)
{
	return event->type == DLK_EVENT_DECISION_REFUSED ||
	       (event->type == DLK_EVENT_DECISION_OFFERED && event->reason != DLK_R_OK);
}

/* A piece of the answer. It is read whole before anybody sees it: who shows events may wait
 * for a reader with a pager, and meanwhile the log could not be shortened. */
struct batch {
	int64_t after, before; /* rows between which the next ones are */
	size_t n;
	struct {
		int64_t row;
		struct dlk_event event;
	} found[BATCH];
};

static int
read_batch(
    struct dlk_record *record, const struct dlk_events_query *query, struct batch *batch)
{
	enum dlk_sql sql = query->newest ? DLK_SQL_EVENTS_DOWN : DLK_SQL_EVENTS_UP;
	const struct dlk_value value[] = { DLK_I(batch->after), DLK_I(batch->before),
		DLK_I(query->since), DLK_I(BATCH), DLK_T(query->user) };

	if (query->user)
		sql = query->newest ? DLK_SQL_EVENTS_OF_DOWN : DLK_SQL_EVENTS_OF_UP;
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(record, sql, value, query->user ? 5 : 4, &row);
	batch->n = 0;
	while (r == 0 && batch->n < BATCH && (r = dlk_db_step(record, row)) > 0) {
		int64_t number = sqlite3_column_int64(row, 0);
		if (!dlk_event_read(row, 1, &batch->found[batch->n].event))
			return dlk_db_unsound(record, "event", number);
		batch->found[batch->n++].row = number;
		*(query->newest ? &batch->before : &batch->after) = number;
		r = 0;
	}
	return r;
}

static int
show_batch(const struct batch *batch, const struct dlk_events_query *query, size_t *shown,
    int (*each)(int64_t row, const struct dlk_event *event, void *arg), void *arg)
{
	int r = 0;

	for (size_t i = 0; i < batch->n && r == 0; i++) {
		if (query->refusals && !is_refusal(&batch->found[i].event))
			continue;
		if (query->most != 0 && *shown == query->most)
			break;
		++*shown;
		r = each(batch->found[i].row, &batch->found[i].event, arg);
	}
	return r;
}

int
dlk_events_each(struct dlk_record *record, const struct dlk_events_query *query,
    int (*each)(int64_t row, const struct dlk_event *event, void *arg), void *arg)
{
	size_t shown = 0;
	struct batch *batch = calloc(1, sizeof(*batch));
	int r = 0;

	if (!batch)
		return dlk_db_say(record, -ENOMEM, "out of memory");
	batch->after = query->after;
	batch->before = INT64_MAX;
	do {
		r = read_batch(record, query, batch);
		if (r == 0)
			r = show_batch(batch, query, &shown, each, arg);
	} while (r == 0 && batch->n == BATCH && (query->most == 0 || shown < query->most));
	free(batch);
	return r;
}

int
dlk_events_abandon_one(struct dlk_record *record, int64_t now)
{
	struct dlk_event event;
	uint8_t attempt[DLK_ATTEMPT_SIZE];
	bool sound = true;
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(record, DLK_SQL_PENDING_OLD,
	    DLK_VALUES(DLK_I(now - DLK_ATTEMPT_LIFE), DLK_I(now + CLOCK_SLACK)), &row);

	if (r == 0)
		r = dlk_db_step(record, row);
	if (r <= 0)
		return r;
	dlk_db_octets(row, 0, attempt, sizeof(attempt), &sound);
	if (!sound || !dlk_event_read(row, 1, &event))
		return dlk_db_unsound(record, "pending", 0);
	dlk_db_end(&row);
	event.type = DLK_EVENT_DECISION_ABANDONED;
	event.at = now;
	r = dlk_events_append(record, &event);
	if (r == 0)
		r = dlk_db_run(record, DLK_SQL_PENDING_REMOVE,
		    DLK_VALUES(DLK_B(attempt, sizeof(attempt))));
	return r < 0 ? r : 1;
}

int
dlk_events_abandon(struct dlk_record *record, int64_t now, size_t *ret_n)
{
	size_t n = 0;
	int64_t waiting = 0;
	/* Asked without the lock: mostly there is nothing to do. */
	int r = dlk_db_number(record, DLK_SQL_PENDING_COUNT,
	    DLK_VALUES(DLK_I(now - DLK_ATTEMPT_LIFE), DLK_I(now + CLOCK_SLACK)), &waiting);

	*ret_n = 0;
	if (r < 0 || waiting == 0)
		return r;
	r = dlk_db_begin(record);
	if (r < 0)
		return r;
	while (n < ABANDON_STEP && (r = dlk_events_abandon_one(record, now)) > 0)
		n++;
	r = dlk_db_finish(record, r < 0 ? r : 0);
	if (r == 0)
		*ret_n = n;
	return r;
}

/* The chain may only be walked in one state of the database: one statement sees one. */
static int
verify_row(sqlite3_stmt *row, int64_t *last, uint8_t *head)
{
	struct dlk_event event;
	uint8_t kept[DLK_CHAIN_SIZE];
	int64_t number = sqlite3_column_int64(row, 0);
	bool sound = dlk_event_read(row, 1, &event);

	dlk_db_octets(row, 1 + DLK_EVENT_COLUMNS, kept, sizeof(kept), &sound);
	if (!sound || number != *last + 1)
		return -EBADMSG;
	int r = chain_on(head, number, &event, head);
	if (r < 0)
		return r;
	*last = number;
	return memcmp(kept, head, sizeof(kept)) == 0 ? 0 : -EBADMSG;
}

static int
verify(struct dlk_record *record, int64_t *ret_row)
{
	uint8_t head[DLK_CHAIN_SIZE];
	int64_t last = 0;
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_checkpoint_check(record, &last);

	*ret_row = last;
	if (r == 0)
		r = dlk_db_start(record, DLK_SQL_EVENTS_CHAIN, NULL, 0, &row);

	memcpy(head, record->state.base, sizeof(head));
	while (r == 0 && (r = dlk_db_step(record, row)) > 0) {
		r = verify_row(row, &last, head);
		if (r < 0) {
			*ret_row = sqlite3_column_int64(row, 0);
			return dlk_db_say(record, r,
			    "the chain of events breaks at row %lld: it was changed after it "
			    "was written",
			    (long long)*ret_row);
		}
	}
	if (r < 0)
		return r;
	*ret_row = record->state.last_row;
	if (last != record->state.last_row ||
	    memcmp(head, record->state.head, sizeof(head)) != 0)
		return dlk_db_say(record, -EBADMSG,
		    "the chain of events ends at row %lld, but row %lld was the last one "
		    "written",
		    (long long)last, (long long)record->state.last_row);
	return 0;
}

int
dlk_events_verify(struct dlk_record *record, int64_t *ret_row)
{
	int r = dlk_db_snapshot(record);

	if (r < 0)
		return r;
	r = verify(record, ret_row);
	dlk_db_rollback(record);
	return r;
}
