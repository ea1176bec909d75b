/* SPDX-License-Identifier: MIT */
/*
 * settle.c - all that one decision changes, in one transaction: either the disk has all of it
 * or none. It decides nothing; it only refuses to write a used code twice.
 */
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/text.h"

#define DAY           86400
#define ATTEMPT_KEPT  DAY        /* seconds in which an attempt is known to have ended */
#define LOGIN_KEPT    (31 * DAY) /* a login that is not repeated for so long is forgotten */
#define FAILURES_KEPT (31 * DAY)
#define PROCESS_KEPT  (31 * DAY) /* a session that is older ends without its login's name */

#define ABANDON_STEP 4 /* attempts without a code that are ended with one settlement */

enum { PROVISIONAL = 0, FINAL, ONCE };

static bool
is_zero(const uint8_t *octets, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= octets[i];
	return any == 0;
}

/* What the attempt came to before: 1 and the id of its event, 0 where nothing final is
 * known. */
static int
find_attempt(struct dlk_record *record, const struct dlk_settlement *settlement,
    int *ret_final, char *ret_event_id)
{
	DLK_AUTO_ROWS *row = NULL;
	bool sound = true;
	int r = dlk_db_start(record, DLK_SQL_ATTEMPT,
	    DLK_VALUES(DLK_B(settlement->attempt, DLK_ATTEMPT_SIZE)), &row);

	if (r == 0)
		r = dlk_db_step(record, row);
	if (r <= 0)
		return r;
	*ret_final = (int)dlk_db_int(row, 0, FINAL, ONCE, &sound);
	dlk_db_text(row, 1, ret_event_id, DLK_EVENT_ID_TEXT + 1, &sound);
	return sound ? 1 : dlk_db_unsound(record, "attempt", 0);
}

/* The provisional verdict of the attempt lends its event's id to the final one. */
static int
take_pending(struct dlk_record *record, const uint8_t *attempt, char *ret_event_id)
{
	DLK_AUTO_ROWS *row = NULL;
	bool sound = true;
	int r = dlk_db_start(
	    record, DLK_SQL_PENDING, DLK_VALUES(DLK_B(attempt, DLK_ATTEMPT_SIZE)), &row);

	if (r == 0)
		r = dlk_db_step(record, row);
	if (r <= 0)
		return r;
	dlk_db_text(row, 0, ret_event_id, DLK_EVENT_ID_TEXT + 1, &sound);
	return sound ? 1 : dlk_db_unsound(record, "pending", 0);
}

static int
use_step(struct dlk_record *record, const struct dlk_settlement *s)
{
	int n;

	if (s->token == 0)
		return 0;
	n = dlk_db_run(record, DLK_SQL_TOKEN_USE,
	    DLK_VALUES(DLK_I(s->token), DLK_T(s->subject.user), DLK_I(s->step_before),
		DLK_I(s->step)));
	if (n < 0)
		return n;
	return n == 1 ? 0 : dlk_db_say(record, -EEXIST, "the code was used meanwhile");
}

static int
use_recovery(struct dlk_record *record, const struct dlk_settlement *s)
{
	int n;

	if (s->recovery == 0)
		return 0;
	n = dlk_db_run(record, DLK_SQL_RECOVERY_USE,
	    DLK_VALUES(DLK_I(s->recovery), DLK_T(s->subject.user)));
	if (n < 0)
		return n;
	return n == 1 ? 0
		      : dlk_db_say(record, -EEXIST, "the recovery code was used meanwhile");
}

static int
write_failures(struct dlk_record *record, const char *user, const char *kind, const char *key,
    const struct dlk_failures *f)
{
	int64_t old = record->now - FAILURES_KEPT;
	int r;

	if (f->count == 0 && f->locked_until == 0 && f->lockouts == 0)
		return dlk_db_run(record, DLK_SQL_FAILURE_REMOVE,
		    DLK_VALUES(DLK_T(user), DLK_T(kind), DLK_T(key)));
	r = dlk_db_run(record, DLK_SQL_FAILURE_SET,
	    DLK_VALUES(DLK_T(user), DLK_T(kind), DLK_T(key), DLK_I(f->count), DLK_I(f->since),
		DLK_I(f->locked_until), DLK_I(f->lockouts)));
	/* So that addresses that failed once do not stay for ever. */
	if (r >= 0)
		r = dlk_db_run(record, DLK_SQL_FAILURES_OLD, DLK_VALUES(DLK_I(old)));
	return r;
}

static int
settle_failures(struct dlk_record *record, const struct dlk_settlement *s)
{
	const struct dlk_subject *subject = &s->subject;
	char key[DLK_KEY_HEX + 1];
	int r = 0;

	dlk_hex(DLK_BYTES(subject->key_id, sizeof(subject->key_id)), key);
	if (s->failures_changed)
		r = write_failures(record, subject->user, dlk_failure_key, key, &s->failures);
	if (r >= 0 && s->ceilings_changed)
		r = write_failures(
		    record, subject->user, dlk_failure_user, "", &s->user_failures);
	if (r >= 0 && s->ceilings_changed && subject->source[0] != '\0')
		r = write_failures(
		    record, "", dlk_failure_source, subject->source, &s->source_failures);
	if (r >= 0 && s->lockout_started)
		r = dlk_logins_end(record, subject->user);
	return r < 0 ? r : 0;
}

static int
settle_login(struct dlk_record *record, const struct dlk_settlement *s)
{
	const struct dlk_subject *subject = &s->subject;
	struct dlk_memory login = { 0 };
	char key[DLK_KEY_HEX + 1];

	if (s->token == 0 && s->remember_until == 0)
		return 0;
	dlk_hex(DLK_BYTES(subject->key_id, sizeof(subject->key_id)), key);
	int r = dlk_memory_login(record, subject, key, &login);
	if (r < 0)
		return r;
	if (s->token != 0) {
		login.last_token = s->token;
		login.last_step = s->step;
	}
	if (s->remember_until != 0) {
		login.remembered_since = record->now;
		login.remembered_until = s->remember_until;
	}
	r = dlk_db_run(record, DLK_SQL_LOGIN_SET,
	    DLK_VALUES(DLK_T(subject->user), DLK_T(key), DLK_T(subject->service),
		DLK_T(subject->source), DLK_I(login.last_token), DLK_I(login.last_step),
		DLK_I(login.remembered_since), DLK_I(login.remembered_until),
		DLK_I(record->now)));
	if (r >= 0)
		r = dlk_db_run(record, DLK_SQL_LOGINS_OLD,
		    DLK_VALUES(DLK_I(record->now - LOGIN_KEPT), DLK_I(record->now)));
	return r < 0 ? r : 0;
}

/* A further event of the same decision. */
static int
add_beside(struct dlk_record *record, const struct dlk_event *event, enum dlk_event_type type,
    const char *detail)
{
	struct dlk_event beside = *event;

	beside.id[0] = '\0';
	beside.type = type;
	beside.reason = DLK_R_UNDECIDED;
	(void)dlk_text_copy(beside.detail, sizeof(beside.detail), detail);
	return dlk_events_append(record, &beside);
}

static int
add_lockout(struct dlk_record *record, const struct dlk_settlement *s)
{
	const struct {
		const char *whose;
		int64_t until;
	} locks[] = {
		{ "this key of the user", s->failures_changed ? s->failures.locked_until : 0 },
		{ "the user", s->ceilings_changed ? s->user_failures.locked_until : 0 },
		{ "the source", s->ceilings_changed ? s->source_failures.locked_until : 0 },
	};
	char detail[DLK_DETAIL_MAX + 1] = "", until[DLK_TIME_TEXT];

	if (!s->lockout_started)
		return 0;
	for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++) {
		size_t n = strlen(detail);
		if (locks[i].until <= record->now)
			continue;
		dlk_time_text(locks[i].until, until);
		dlk_text_print(detail + n, sizeof(detail) - n, "%s%s is locked until %s",
		    n > 0 ? ", " : "", locks[i].whose, until);
	}
	return add_beside(record, &s->event, DLK_EVENT_LOCKOUT_STARTED, detail);
}

static int
add_recovery(struct dlk_record *record, const struct dlk_settlement *s)
{
	char detail[64];
	int64_t left = 0;

	if (s->recovery == 0)
		return 0;
	int r = dlk_db_number(
	    record, DLK_SQL_RECOVERY_COUNT, DLK_VALUES(DLK_T(s->subject.user)), &left);
	if (r < 0)
		return r;
	dlk_text_print(
	    detail, sizeof(detail), "%lld recovery codes are left", (long long)left);
	return add_beside(record, &s->event, DLK_EVENT_RECOVERY_USED, detail);
}

static int
write_provisional(struct dlk_record *record, const uint8_t *attempt, struct dlk_event *event)
{
	struct dlk_value value[1 + DLK_EVENT_COLUMNS] = { DLK_B(attempt, DLK_ATTEMPT_SIZE) };
	int r = event->id[0] == '\0' ? dlk_event_id_new(event->id) : 0;

	if (r < 0)
		return dlk_db_say(record, r, "no random numbers");
	dlk_event_values(event, value + 1);
	r = dlk_db_run(record, DLK_SQL_PENDING_SET, value, 1 + DLK_EVENT_COLUMNS);
	return r < 0 ? r : 0;
}

/* What the process opens later is a session of this login. */
static int
write_process(
    struct dlk_record *record, const struct dlk_settlement *s, const struct dlk_event *event)
{
	const struct dlk_process *p = &s->process;

	if (event->type != DLK_EVENT_DECISION_ALLOWED || p->pid == 0 || p->started == 0)
		return 0;
	int r = dlk_db_run(record, DLK_SQL_PROCESS_ADD,
	    DLK_VALUES(DLK_I(p->pid), DLK_I(p->started), DLK_I(p->parent),
		DLK_I(p->parent_started), DLK_T(event->user), DLK_T(event->service),
		DLK_I(record->now), DLK_I(record->state.last_row), DLK_T(event->id)));
	if (r >= 0)
		r = dlk_db_run(record, DLK_SQL_PROCESSES_OLD,
		    DLK_VALUES(DLK_I(record->now - PROCESS_KEPT)));
	return r < 0 ? r : 0;
}

static int
write_attempt(struct dlk_record *record, const struct dlk_settlement *s, const char *event_id,
    int64_t event_row)
{
	if (is_zero(s->attempt, DLK_ATTEMPT_SIZE))
		return 0;
	int r = dlk_db_run(
	    record, DLK_SQL_PENDING_REMOVE, DLK_VALUES(DLK_B(s->attempt, DLK_ATTEMPT_SIZE)));
	if (r >= 0)
		r = dlk_db_run(record, DLK_SQL_ATTEMPT_ADD,
		    DLK_VALUES(DLK_B(s->attempt, DLK_ATTEMPT_SIZE),
			DLK_I(s->once ? ONCE : FINAL), DLK_I(record->now), DLK_T(event_id),
			s->mark.set ? DLK_B(s->mark.mac, sizeof(s->mark.mac)) : DLK_NULL,
			DLK_I(event_row)));
	if (r >= 0)
		r = dlk_db_run(record, DLK_SQL_ATTEMPTS_OLD,
		    DLK_VALUES(DLK_I(record->now - ATTEMPT_KEPT)));
	return r < 0 ? r : 0;
}

static int
write_changes(struct dlk_record *record, const struct dlk_settlement *s)
{
	int r = use_step(record, s);

	if (r == 0)
		r = use_recovery(record, s);
	if (r == 0)
		r = settle_failures(record, s);
	if (r == 0)
		r = settle_login(record, s);
	if (r == 0)
		r = dlk_kept_settle(record, s);
	return r;
}

static int
write_final(struct dlk_record *record, const struct dlk_settlement *s, bool beside,
    struct dlk_event *event)
{
	int r = dlk_events_append(record, event);
	int64_t row = record->state.last_row;

	if (r == 0)
		r = write_process(record, s, event);
	if (r == 0)
		r = add_lockout(record, s);
	if (r == 0)
		r = add_recovery(record, s);
	if (r == 0 && !beside)
		r = write_attempt(record, s, event->id, row);
	/* Where no agent runs nobody else would ever write them. */
	for (int i = 0; i < ABANDON_STEP && r == 0; i++) {
		r = dlk_events_abandon_one(record, record->now);
		if (r <= 0)
			break;
		r = 0;
	}
	return r;
}

/* Nothing is lost with it but the knowledge that somebody was asked for a code. */
static bool
is_quick(const struct dlk_settlement *s)
{
	return s->provisional && s->token == 0 && s->recovery == 0 && !s->failures_changed &&
	       !s->ceilings_changed && s->remember_until == 0 && !s->lockout_started;
}

/* 1: there is nothing to write, and the id of the attempt's event is known. *ret_beside: the
 * attempt has had its verdict, and what is refused under its name is an event of its own:
 * somebody has a copy. */
static int
check_attempt(struct dlk_record *record, const struct dlk_settlement *s, bool *ret_beside,
    char *ret_event_id)
{
	int final = FINAL;
	int r = find_attempt(record, s, &final, ret_event_id);

	if (r < 0)
		return r;
	if (r > 0 && s->once && final == ONCE)
		return 1;
	*ret_beside = r > 0 && !s->once && !s->provisional &&
		      s->event.type == DLK_EVENT_DECISION_REFUSED;
	if (*ret_beside)
		ret_event_id[0] = '\0';
	if (r > 0)
		return *ret_beside ? 0
				   : dlk_db_say(record, -EALREADY,
					 "this attempt has had its final verdict already");
	r = take_pending(record, s->attempt, ret_event_id);
	return r < 0 ? r : 0;
}

static int
settle(struct dlk_record *record, const struct dlk_settlement *s, struct dlk_event *event)
{
	uint8_t attempt[DLK_ATTEMPT_SIZE];
	bool beside = false;
	int r = 0;

	memcpy(attempt, s->attempt, sizeof(attempt));
	if (!is_zero(attempt, sizeof(attempt)))
		r = check_attempt(record, s, &beside, event->id);
	else if (getrandom(attempt, sizeof(attempt), 0) != (ssize_t)sizeof(attempt))
		r = dlk_db_say(record, -EIO, "no random numbers");
	if (r != 0)
		return r;
	if (record->now > record->state.highest)
		record->state.highest = record->now;
	record->changed = true;
	r = write_changes(record, s);
	if (r < 0)
		return r;
	return s->provisional ? write_provisional(record, attempt, event)
			      : write_final(record, s, beside, event);
}

int
dlk_record_settle(void *ctx, const struct dlk_settlement *settlement, char *ret_event_id)
{
	const struct dlk_settlement *s = settlement;
	struct dlk_record *record = ctx;
	struct dlk_event event = s->event;
	int r = 0;

	assert(record->locked);
	assert(s->has_subject || (s->token == 0 && s->recovery == 0 && !s->failures_changed &&
				     !s->ceilings_changed && s->remember_until == 0));
	event.id[0] = '\0';
	if (is_quick(s)) {
		dlk_db_rollback(record);
		r = dlk_db_begin_quick(record);
	}
	if (r == 0)
		r = settle(record, s, &event);
	if (r > 0) {
		dlk_db_rollback(record);
		r = 0;
	} else {
		r = dlk_db_finish(record, r);
	}
	if (r == 0)
		(void)dlk_text_copy(ret_event_id, DLK_EVENT_ID_TEXT + 1, event.id);
	return r;
}
