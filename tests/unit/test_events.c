/* SPDX-License-Identifier: MIT */
/* Events: what was written comes back, the chain shows a change, the outbox loses nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "tests/unit/room.h"

static void
add(struct room *room, const char *user, int64_t at, enum dlk_event_type type)
{
	struct dlk_event event = { .at = at, .type = type };

	assert_true(dlk_text_copy(event.user, sizeof(event.user), user));
	assert_int_equal(dlk_events_add(room->record, &event), 0);
	assert_int_equal(strlen(event.id), DLK_EVENT_ID_TEXT);
	assert_int_equal(event.id[14], '4');
	assert_non_null(strchr("89ab", event.id[19]));
}

static int
keep_event(int64_t row, const struct dlk_event *event, void *arg)
{
	(void)row;
	*(struct dlk_event *)arg = *event;
	return 0;
}

static void
what_is_written_comes_back(void **state)
{
	struct room *room = *state;
	struct dlk_event event, found;
	const struct dlk_events_query all = { 0 };

	memset(&event, 0, sizeof(event));
	event.at = ROOM_NOW;
	event.type = DLK_EVENT_DECISION_REFUSED;
	event.reason = DLK_R_CRL_STALE;
	event.stage = DLK_STAGE_REVOKED;
	event.entrance = DLK_ENTRANCE_GATEWAY;
	event.possession = DLK_POSSESSION_TLS_GATEWAY;
	event.good_until = DLK_TIME_NEVER;
#define FILL(field) memset(event.field, #field[0], sizeof(event.field) - 1)
	FILL(user);
	FILL(service);
	FILL(source);
	FILL(tty);
	FILL(caller);
	FILL(policy);
	FILL(relaxed);
	FILL(subject);
	FILL(issuer);
	FILL(serial);
	FILL(fingerprint);
	FILL(detail);
	FILL(token);
	assert_int_equal(dlk_events_add(room->record, &event), 0);
	assert_int_equal(dlk_events_each(room->record, &all, keep_event, &found), 0);
	assert_memory_equal(&event, &found, sizeof(event));
}

struct seen {
	size_t n;
	int64_t row[128];
	int stop;
};

static int
see(int64_t row, const struct dlk_event *event, void *arg)
{
	struct seen *seen = arg;

	(void)event;
	assert_true(seen->n < 128);
	seen->row[seen->n++] = row;
	return seen->n == (size_t)seen->stop ? 42 : 0;
}

static void
queries(void **state)
{
	static const struct {
		const char *name;
		struct dlk_events_query query;
		size_t n;
		int64_t row[8];
	} rows[] = {
		{ "all", { 0 }, 6, { 1, 2, 3, 4, 5, 6 } },
		{ "newest", { .newest = true, .most = 2 }, 2, { 6, 5 } },
		{ "of a user", { .user = "bob" }, 2, { 2, 5 } },
		{ "of a user, newest", { .user = "alice", .newest = true }, 4,
		    { 6, 4, 3, 1 } },
		{ "since", { .since = ROOM_NOW + 3 }, 3, { 4, 5, 6 } },
		{ "after", { .after = 2, .most = 3 }, 3, { 3, 4, 5 } },
		{ "refusals", { .refusals = true }, 2, { 2, 6 } },
		{ "refusals, newest, one", { .refusals = true, .newest = true, .most = 1 }, 1,
		    { 6 } },
		{ "of nobody", { .user = "" }, 0, { 0 } },
	};
	struct room *room = *state;

	add(room, "alice", ROOM_NOW, DLK_EVENT_DECISION_ALLOWED);
	add(room, "bob", ROOM_NOW + 1, DLK_EVENT_DECISION_REFUSED);
	add(room, "alice", ROOM_NOW + 2, DLK_EVENT_SESSION_OPENED);
	add(room, "alice", ROOM_NOW + 3, DLK_EVENT_DECISION_ABANDONED);
	add(room, "bob", ROOM_NOW + 4, DLK_EVENT_CRL_STALE);
	add(room, "alice", ROOM_NOW + 5, DLK_EVENT_DECISION_OFFERED);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct seen seen = { 0 };
		assert_int_equal(dlk_events_each(room->record, &rows[i].query, see, &seen), 0);
		if (seen.n != rows[i].n ||
		    memcmp(seen.row, rows[i].row, seen.n * sizeof(seen.row[0])) != 0)
			fail_msg("%s", rows[i].name);
	}
	struct seen seen = { .stop = 2 };
	assert_int_equal(dlk_events_each(room->record, &rows[0].query, see, &seen), 42);
	assert_int_equal(seen.n, 2);
}

/* More than are read at once, and logins go on while they are shown. */
static int
see_and_add(int64_t row, const struct dlk_event *event, void *arg)
{
	struct room *room = arg;

	(void)event;
	assert_true(row <= 100);
	if (row == 50)
		for (int i = 0; i < 400; i++)
			add(room, "bob", ROOM_NOW, DLK_EVENT_CRL_STALE);
	return 0;
}

static void
many_events_are_read_in_pieces(void **state)
{
	struct room *room = *state;
	const struct dlk_events_query queries[] = { { 0 }, { .newest = true },
		{ .user = "alice" }, { .user = "alice", .newest = true } };

	for (int i = 0; i < 100; i++)
		add(room, "alice", ROOM_NOW + i, DLK_EVENT_DECISION_ALLOWED);
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		struct seen seen = { 0 };
		assert_int_equal(dlk_events_each(room->record, &queries[i], see, &seen), 0);
		assert_int_equal(seen.n, 100);
		for (size_t j = 0; j < 100; j++)
			assert_int_equal(seen.row[j], queries[i].newest ? 100 - j : j + 1);
	}
	assert_int_equal(dlk_events_each(room->record, &queries[2], see_and_add, room), 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), 500);
}

static void
the_chain_shows_what_was_changed(void **state)
{
	static const struct {
		const char *sql;
		int64_t row;
	} rows[] = {
		{ "UPDATE event SET user = 'bob' WHERE row = 3", 3 },
		{ "UPDATE event SET at = at + 1 WHERE row = 1", 1 },
		{ "UPDATE event SET reason = 'ok' WHERE row = 5", 5 },
		{ "UPDATE event SET detail = service, service = 'x' WHERE row = 2", 2 },
		{ "UPDATE event SET user = 'alic', service = 'e' WHERE row = 4", 4 },
		{ "UPDATE event SET type = 'no such type' WHERE row = 4", 4 },
		{ "UPDATE event SET chain = zeroblob(32) WHERE row = 4", 4 },
		{ "DELETE FROM event WHERE row = 3", 4 },
		{ "DELETE FROM event WHERE row = 1", 2 },
		{ "DELETE FROM event WHERE row = 5", 5 },
		{ "DELETE FROM event", 5 },
		{ "UPDATE event SET row = 9 WHERE row = 5", 9 },
		{ "UPDATE state SET head = zeroblob(32)", 5 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct room room;
		int64_t row = -1;
		room_init(&room);
		assert_int_equal(dlk_events_verify(room.record, &row), 0);
		for (int j = 0; j < 5; j++)
			add(&room, "alice", ROOM_NOW, DLK_EVENT_DECISION_REFUSED);
		assert_int_equal(dlk_events_verify(room.record, &row), 0);
		room_sql(&room, rows[i].sql);
		int r = dlk_events_verify(room.record, &row);
		if (r != -EBADMSG || row != rows[i].row)
			fail_msg("%s: %d, row %d", rows[i].sql, r, (int)row);
		room_fini(&room);
	}
}

static void
deliver(struct room *room, int64_t row)
{
	assert_int_equal(dlk_outbox_delivered(room->record, row), 0);
}

static void
the_outbox_keeps_until_delivered(void **state)
{
	struct room *room = *state;
	struct dlk_delivery delivery[4];
	int64_t due = 0;
	size_t n = 9;

	assert_int_equal(dlk_outbox_due(room->record, &due), 0);
	assert_true(due == DLK_TIME_NEVER);
	for (int i = 0; i < 3; i++)
		add(room, "alice", ROOM_NOW + i, DLK_EVENT_DECISION_ALLOWED);
	assert_int_equal(dlk_outbox_due(room->record, &due), 0);
	assert_true(due == ROOM_NOW);
	assert_int_equal(dlk_outbox_next(room->record, ROOM_NOW + 1, 4, delivery, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(dlk_outbox_next(room->record, ROOM_NOW + 9, 2, delivery, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(delivery[0].row, 1);
	assert_int_equal(delivery[1].row, 2);
	assert_int_equal(strlen(delivery[0].chain), DLK_CHAIN_TEXT);
	assert_int_equal(delivery[0].event.type, DLK_EVENT_DECISION_ALLOWED);
	assert_int_equal(
	    dlk_outbox_failed(room->record, 1, "HTTP 500\n\x1b[31m", ROOM_NOW + 100), 0);
	deliver(room, 2);
	assert_int_equal(dlk_outbox_delivered(room->record, 2), -ENOENT);
	assert_int_equal(dlk_outbox_failed(room->record, 2, "", 0), -ENOENT);
	room_reopen(room);
	assert_int_equal(dlk_outbox_next(room->record, ROOM_NOW + 9, 4, delivery, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(delivery[0].row, 3);
	assert_int_equal(dlk_outbox_next(room->record, ROOM_NOW + 100, 4, delivery, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(delivery[1].row, 1);
	assert_int_equal(delivery[1].attempts, 1);
	assert_string_equal(delivery[1].error, "HTTP 500\\x0a\\x1b[31m");
	assert_int_equal(dlk_outbox_retry(room->record, ROOM_NOW + 9, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(dlk_outbox_count(room->record, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(dlk_outbox_next(room->record, ROOM_NOW + 9, 4, delivery, &n), 0);
	assert_int_equal(n, 2);
}

static void
attempts_without_a_code_are_abandoned(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 3);
	struct dlk_event found = { 0 };
	const struct dlk_events_query all = { 0 };
	char id[DLK_EVENT_ID_TEXT + 1];
	size_t n = 7;

	s.provisional = true;
	s.event.type = DLK_EVENT_DECISION_REFUSED;
	s.event.reason = DLK_R_OTP_REQUIRED;
	assert_int_equal(room_settle(room, &s, id), 0);
	assert_int_equal(
	    dlk_events_abandon(room->record, ROOM_NOW + DLK_ATTEMPT_LIFE - 1, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(dlk_events_abandon(room->record, ROOM_NOW + DLK_ATTEMPT_LIFE, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(dlk_events_abandon(room->record, ROOM_NOW + DLK_ATTEMPT_LIFE, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(dlk_events_each(room->record, &all, keep_event, &found), 0);
	assert_int_equal(found.type, DLK_EVENT_DECISION_ABANDONED);
	assert_int_equal(found.reason, DLK_R_OTP_REQUIRED);
	assert_string_equal(found.id, id);
	/* Who comes with the code after all is not turned away for having been slow. */
	s.provisional = false;
	s.event.reason = DLK_R_OK;
	s.event.type = DLK_EVENT_DECISION_ALLOWED;
	assert_int_equal(room_settle(room, &s, id), 0);
	assert_string_not_equal(found.id, id);
}

static void
logins_end_them_where_no_agent_does(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");

	for (unsigned i = 1; i <= 5; i++) {
		struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, i);
		s.provisional = true;
		s.event.type = DLK_EVENT_DECISION_REFUSED;
		assert_int_equal(room_settle(room, &s, NULL), 0);
	}
	for (unsigned i = 6; i <= 7; i++) {
		struct dlk_settlement s =
		    room_settlement(&subject, ROOM_NOW + DLK_ATTEMPT_LIFE, i);
		assert_int_equal(room_settle(room, &s, NULL), 0);
	}
	assert_int_equal(room_number(room, "SELECT count(*) FROM pending"), 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), 7);
}

static void
pruning_keeps_the_chain_and_the_undelivered(void **state)
{
	struct room *room = *state;
	int64_t row;
	size_t n = 0;

	for (int i = 1; i <= 6; i++)
		add(room, "alice", ROOM_NOW + i, DLK_EVENT_DECISION_ALLOWED);
	assert_int_equal(dlk_events_prune(room->record, ROOM_NOW + 100, false, &n), 0);
	assert_int_equal(n, 0);
	deliver(room, 1);
	deliver(room, 2);
	deliver(room, 4);
	assert_int_equal(dlk_events_prune(room->record, ROOM_NOW + 2, false, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(dlk_events_verify(room->record, &row), 0);
	assert_int_equal(dlk_events_prune(room->record, ROOM_NOW + 100, false, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(dlk_events_verify(room->record, &row), 0);
	assert_int_equal(room_number(room, "SELECT min(row) FROM event"), 3);
	for (int i = 3; i <= 6; i++)
		if (i != 4)
			deliver(room, i);
	assert_int_equal(dlk_events_prune(room->record, ROOM_NOW + 100, false, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(dlk_events_verify(room->record, &row), 0);
	/* Row numbers are never given twice: cursors hold. */
	add(room, "alice", ROOM_NOW, DLK_EVENT_DECISION_ALLOWED);
	assert_int_equal(room_number(room, "SELECT row FROM event"), 7);
	assert_int_equal(dlk_events_verify(room->record, &row), 0);
}

static int
chain_of(struct room *room)
{
	int64_t row = 0;

	return dlk_events_verify(room->record, &row);
}

static void
where_the_rest_begins_is_signed(void **state)
{
	struct room *room = *state;
	size_t n = 0;

	for (int i = 1; i <= 4; i++)
		add(room, "alice", ROOM_NOW + i, DLK_EVENT_DECISION_ALLOWED);
	/* nobody takes them, so nothing waits */
	assert_int_equal(dlk_events_prune(room->record, ROOM_NOW + 3, true, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(chain_of(room), 0);
	assert_int_equal(room_number(room, "SELECT min(row) FROM outbox"), 3);

	/* the key that signed it may go when another one has signed it */
	room_add_key(room, "k2", true);
	assert_int_equal(dlk_tokens_reseal(room->record, "root", ROOM_NOW, &n), 0);
	room_drop_key(room, "k1");
	assert_int_equal(chain_of(room), 0);

	/* one more taken away by somebody who has no key */
	room_sql(room, "UPDATE state SET base = (SELECT chain FROM event WHERE row = 3)");
	room_sql(room, "DELETE FROM event WHERE row = 3");
	assert_int_equal(chain_of(room), -EBADMSG);
	room_sql(room, "UPDATE checkpoint SET row = 3");
	assert_int_equal(chain_of(room), -EBADMSG);
	assert_non_null(strstr(dlk_record_trouble(room->record), "signed"));
	room_sql(room, "DELETE FROM checkpoint");
	assert_int_equal(chain_of(room), -EBADMSG);
	assert_non_null(strstr(dlk_record_trouble(room->record), "nothing was signed"));
}

static void
pruning_goes_in_steps(void **state)
{
	struct room *room = *state;
	size_t n = 0;

	room_sql(room,
	    "INSERT INTO event WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c "
	    "WHERE i < 2500) SELECT i, '', i, 'doublelock.webhook.test', 'undecided', 'none', "
	    "'none', 'none', '', '', '', '', '', '', '', '', '', '', '', '', '', 0, "
	    "zeroblob(32) FROM c");
	assert_int_equal(dlk_events_prune(room->record, 2400, false, &n), 0);
	assert_int_equal(n, 2399);
	assert_int_equal(room_number(room, "SELECT min(row) FROM event"), 2400);
}

/* The first event's copy, with the count; without it the count alone is kept. */
static void
repeats_are_counted_after_their_first_event(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 3);
	const struct dlk_events_query newest = { .newest = true, .most = 1 };
	char id[DLK_EVENT_ID_TEXT + 1];
	struct dlk_event event;
	int64_t row;

	strcpy(s.event.subject, "CN=alice");
	strcpy(s.event.fingerprint, "abcd");
	assert_int_equal(room_settle(room, &s, id), 0);
	const struct dlk_repeat repeats[] = { { id, "alice", 4711, ROOM_NOW },
		{ "gone", "alice", 3, ROOM_NOW } };
	assert_int_equal(dlk_events_repeated(room->record, repeats, 1, ROOM_NOW + 3600), 0);
	assert_int_equal(dlk_events_each(room->record, &newest, keep_event, &event), 0);
	assert_int_equal(event.type, DLK_EVENT_DECISION_ALLOWED);
	assert_int_equal(event.reason, DLK_R_OK);
	assert_int_equal(event.at, ROOM_NOW + 3600);
	assert_string_not_equal(event.id, id);
	assert_non_null(strstr(event.detail, id));
	assert_string_equal(event.subject, "CN=alice");
	assert_string_equal(event.fingerprint, "abcd");
	assert_string_equal(event.service, s.event.service);
	assert_int_equal(dlk_event_repeats(&event), 4711);
	assert_int_equal(dlk_event_repeats(&s.event), 0);
	assert_int_equal(dlk_events_repeated(room->record, repeats + 1, 1, ROOM_NOW), 0);
	assert_int_equal(dlk_events_each(room->record, &newest, keep_event, &event), 0);
	assert_int_equal(dlk_event_repeats(&event), 3);
	assert_string_equal(event.user, "alice");
	assert_int_equal(dlk_events_verify(room->record, &row), 0);
	assert_int_equal(row, 3);
	/* all or nothing */
	room_sql(room, "CREATE TRIGGER no BEFORE INSERT ON event WHEN NEW.row = 5 "
		       "BEGIN SELECT raise(ABORT, 'no'); END");
	assert_true(dlk_events_repeated(room->record, repeats, 2, ROOM_NOW) < 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), 3);
}

static void
the_end_of_a_certificate_is_said_once_a_day(void **state)
{
	static const struct {
		const char *fingerprint;
		int64_t at;
		int64_t events; /* then */
	} rows[] = { { "aa", ROOM_NOW, 1 }, { "aa", ROOM_NOW + 1, 1 },
		{ "bb", ROOM_NOW + 1, 2 }, { "aa", ROOM_NOW + 86399, 2 },
		{ "aa", ROOM_NOW + 86400, 3 }, { "aa", ROOM_NOW + 86401, 3 },
		/* the clock was set back */
		{ "aa", ROOM_NOW + 80000, 4 }, { "aa", ROOM_NOW + 80001, 4 } };
	struct room *room = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dlk_event event = { .at = rows[i].at,
			.type = DLK_EVENT_CERTIFICATE_EXPIRING };
		strcpy(event.fingerprint, rows[i].fingerprint);
		assert_int_equal(dlk_events_ending(room->record, &event), 0);
		if (room_number(room, "SELECT count(*) FROM event") != rows[i].events)
			fail_msg("row %zu", i);
		room_reopen(room);
	}
	struct dlk_event last = { .at = ROOM_NOW + 10 * 86400,
		.type = DLK_EVENT_CERTIFICATE_EXPIRING,
		.fingerprint = "cc" };
	assert_int_equal(dlk_events_ending(room->record, &last), 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM ending"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(what_is_written_comes_back),
		IN_ROOM(queries),
		IN_ROOM(many_events_are_read_in_pieces),
		IN_ROOM(logins_end_them_where_no_agent_does),
		cmocka_unit_test(the_chain_shows_what_was_changed),
		IN_ROOM(the_outbox_keeps_until_delivered),
		IN_ROOM(attempts_without_a_code_are_abandoned),
		IN_ROOM(pruning_keeps_the_chain_and_the_undelivered),
		IN_ROOM(where_the_rest_begins_is_signed),
		IN_ROOM(pruning_goes_in_steps),
		IN_ROOM(repeats_are_counted_after_their_first_event),
		IN_ROOM(the_end_of_a_certificate_is_said_once_a_day),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
