/* SPDX-License-Identifier: MIT */
/* What a decision settles is what the next one remembers: all of it, once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "store/db.h"
#include "tests/unit/room.h"

#define KEY "12345678901234567890"

static void
memory_is_what_was_settled(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	DLK_AUTO_MEMORY memory = { 0 };
	char id[DLK_EVENT_ID_TEXT + 1];
	int64_t token = room_enrol(room, "alice", "phone", DLK_OTP_TOTP, KEY);

	assert_int_equal(dlk_record_begin(room->record, &subject, ROOM_NOW, &memory), 0);
	assert_int_equal(memory.n_tokens, 1);
	assert_int_equal(memory.token[0].id, token);
	assert_string_equal(memory.token[0].label, "phone");
	assert_int_equal(memory.token[0].otp.last_step, -1);
	assert_memory_equal(memory.token[0].otp.key.b, KEY, 20);
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 1);
	s.token = token;
	s.step_before = -1;
	s.step = 500;
	s.failures_changed = s.ceilings_changed = true;
	s.failures = (struct dlk_failures){ 1, ROOM_NOW, 0, 2 };
	s.user_failures = (struct dlk_failures){ 2, ROOM_NOW, 0, 0 };
	s.source_failures = (struct dlk_failures){ 3, ROOM_NOW, 0, 0 };
	s.remember_until = ROOM_NOW + 3600;
	assert_int_equal(dlk_record_settle(room->record, &s, id), 0);
	assert_int_equal(strlen(id), DLK_EVENT_ID_TEXT);
	room_reopen(room);
	room_recall(room, "alice", &memory);
	assert_int_equal(memory.token[0].otp.last_step, 500);
	assert_int_equal(memory.failures.count, 1);
	assert_int_equal(memory.failures.lockouts, 2);
	assert_int_equal(memory.user_failures.count, 2);
	assert_int_equal(memory.source_failures.count, 3);
	assert_int_equal(memory.remembered_until, ROOM_NOW + 3600);
	assert_int_equal(memory.remembered_since, ROOM_NOW);
	assert_int_equal(memory.last_token, token);
	assert_int_equal(memory.last_step, 500);
	/* Another key, service or source is another subject. */
	subject.source[0] = '\0';
	assert_int_equal(dlk_record_begin(room->record, &subject, ROOM_NOW, &memory), 0);
	dlk_record_abandon(room->record);
	assert_int_equal(memory.remembered_until, 0);
	assert_int_equal(memory.source_failures.count, 0);
	assert_int_equal(memory.failures.count, 1);
	subject.key_id[0] ^= 1;
	assert_int_equal(dlk_record_begin(room->record, &subject, ROOM_NOW, &memory), 0);
	dlk_record_abandon(room->record);
	assert_int_equal(memory.failures.count, 0);
	assert_int_equal(memory.user_failures.count, 2);
}

static void
a_step_is_used_once(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 0);

	s.token = room_enrol(room, "alice", "phone", DLK_OTP_TOTP, KEY);
	s.step_before = -1;
	s.step = 500;
	s.failures_changed = true;
	s.failures = (struct dlk_failures){ 1, ROOM_NOW, 0, 0 };
	assert_int_equal(room_settle(room, &s, NULL), 0);
	int64_t events = room_number(room, "SELECT count(*) FROM event");
	s.failures.count = 2;
	assert_int_equal(room_settle(room, &s, NULL), -EEXIST);
	/* Judged by what was remembered before somebody else's login. */
	s.step = 501;
	assert_int_equal(room_settle(room, &s, NULL), -EEXIST);
	s.step = 500;
	s.step_before = 500; /* not above what was used */
	assert_int_equal(room_settle(room, &s, NULL), -EEXIST);
	s.step = 499;
	assert_int_equal(room_settle(room, &s, NULL), -EEXIST);
	/* Somebody else's token is not alice's to use. */
	s.step = 501;
	assert_true(dlk_text_copy(s.subject.user, sizeof(s.subject.user), "bob"));
	assert_int_equal(room_settle(room, &s, NULL), -EEXIST);
	/* Nothing of the refused ones was written. */
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), events);
	assert_int_equal(room_number(room, "SELECT count FROM failure"), 1);
	assert_int_equal(room_number(room, "SELECT last_step FROM token"), 500);
}

static void
a_recovery_code_is_used_once(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 0);
	DLK_AUTO_MEMORY memory = { 0 };
	DLK_AUTO_SECRET code = { 0 };
	uint8_t mac[DLK_SHA256_SIZE];

	assert_int_equal(dlk_recovery_generate(&code), 0);
	assert_int_equal(
	    dlk_recovery_replace(room->record, "alice", &code, 1, "uid:0", ROOM_NOW), 0);
	room_recall(room, "alice", &memory);
	assert_int_equal(memory.n_recovery, 1);
	assert_int_equal(dlk_record_recovery_mac(room->record, "alice", &code, mac), 0);
	assert_memory_equal(memory.recovery[0].mac, mac, sizeof(mac));
	s.recovery = memory.recovery[0].id;
	assert_int_equal(room_settle(room, &s, NULL), 0);
	assert_int_equal(room_settle(room, &s, NULL), -EEXIST);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event WHERE type = "
					   "'doublelock.recovery.used' AND detail LIKE '0 %'"),
	    1);
}

static void
the_final_verdict_supersedes(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 7);
	char first[DLK_EVENT_ID_TEXT + 1], id[DLK_EVENT_ID_TEXT + 1];
	size_t n;

	s.provisional = true;
	s.event.reason = DLK_R_OTP_REQUIRED;
	s.event.type = DLK_EVENT_DECISION_REFUSED;
	assert_int_equal(room_settle(room, &s, first), 0);
	assert_int_equal(room_settle(room, &s, id), 0);
	assert_string_equal(id, first);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), 0);
	s.provisional = false;
	s.event.reason = DLK_R_OK;
	s.event.type = DLK_EVENT_DECISION_ALLOWED;
	assert_int_equal(room_settle(room, &s, id), 0);
	assert_string_equal(id, first);
	assert_int_equal(room_settle(room, &s, id), -EALREADY);
	s.provisional = true;
	assert_int_equal(room_settle(room, &s, id), -EALREADY);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), 1);
	assert_int_equal(dlk_events_abandon(room->record, ROOM_NOW + 1000, &n), 0);
	assert_int_equal(n, 0);
}

static void
an_offer_is_recorded_once(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 9);
	char first[DLK_EVENT_ID_TEXT + 1], id[DLK_EVENT_ID_TEXT + 1];

	s.once = true;
	s.event.type = DLK_EVENT_DECISION_OFFERED;
	assert_int_equal(room_settle(room, &s, first), 0);
	s.event.reason = DLK_R_REVOKED;
	assert_int_equal(room_settle(room, &s, id), 0);
	assert_string_equal(id, first);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), 1);
	assert_int_equal(
	    room_number(room, "SELECT count(*) FROM event WHERE reason = 'ok'"), 1);
	/* The same attempt is no login, and a login's attempt no offer. */
	s.once = false;
	assert_int_equal(room_settle(room, &s, id), -EALREADY);
	s = room_settlement(&subject, ROOM_NOW, 10);
	assert_int_equal(room_settle(room, &s, id), 0);
	s.once = true;
	assert_int_equal(room_settle(room, &s, id), -EALREADY);
}

static void
the_clock_goes_forward(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 0);
	DLK_AUTO_MEMORY memory = { 0 };

	s.failures_changed = true;
	s.failures = (struct dlk_failures){ 0, ROOM_NOW, ROOM_NOW + 900, 1 };
	s.remember_until = ROOM_NOW + 3600;
	assert_int_equal(room_settle(room, &s, NULL), 0);
	s = room_settlement(&subject, ROOM_NOW - 300, 0);
	assert_int_equal(room_settle(room, &s, NULL), 0);
	s.event.at = ROOM_NOW - 301;
	assert_int_equal(room_settle(room, &s, NULL), -ETIME);
	assert_non_null(strstr(dlk_record_trouble(room->record), "--accept-clock"));
	assert_int_equal(
	    dlk_record_begin(room->record, &subject, ROOM_NOW - 301, &memory), -ETIME);
	assert_int_equal(dlk_record_accept_clock(room->record, ROOM_NOW - 100000), 0);
	/* What was to last from that time on does not wait for it. */
	assert_int_equal(
	    dlk_record_begin(room->record, &subject, ROOM_NOW - 100000 + 1, &memory), 0);
	dlk_record_abandon(room->record);
	assert_int_equal(memory.failures.locked_until, ROOM_NOW - 100000 + 900);
	assert_int_equal(memory.remembered_until, 0);
	assert_int_equal(room_settle(room, &s, NULL), 0);
}

static void
a_lockout_ends_what_was_remembered(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 0);
	DLK_AUTO_MEMORY memory = { 0 };

	s.remember_until = ROOM_NOW + 3600;
	assert_int_equal(room_settle(room, &s, NULL), 0);
	s = room_settlement(&subject, ROOM_NOW, 0);
	s.event.reason = DLK_R_OTP_WRONG;
	s.event.type = DLK_EVENT_DECISION_REFUSED;
	s.failures_changed = s.lockout_started = true;
	s.failures = (struct dlk_failures){ 0, ROOM_NOW, ROOM_NOW + 900, 1 };
	assert_int_equal(room_settle(room, &s, NULL), 0);
	room_recall(room, "alice", &memory);
	assert_int_equal(memory.remembered_until, 0);
	assert_int_equal(memory.failures.locked_until, ROOM_NOW + 900);
	assert_int_equal(
	    room_number(room, "SELECT count(*) FROM event WHERE type = "
			      "'doublelock.lockout.started' AND reason = 'undecided'"),
	    1);
	/* A success clears the count: no row is left. */
	s = room_settlement(&subject, ROOM_NOW, 0);
	s.failures_changed = true;
	assert_int_equal(room_settle(room, &s, NULL), 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM failure"), 0);
}

static void
counts_are_kept_while_they_mean_something(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	DLK_AUTO_MEMORY memory = { 0 };

	subject.source[0] = '\0';
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 0);
	s.failures_changed = s.ceilings_changed = true;
	s.failures = s.source_failures = (struct dlk_failures){ 0, ROOM_NOW, 0, 2 };
	assert_int_equal(room_settle(room, &s, NULL), 0);
	/* Without a source there is none that could be counted. */
	assert_int_equal(room_number(room, "SELECT count(*) FROM failure"), 1);
	room_recall(room, "alice", &memory);
	assert_int_equal(memory.failures.lockouts, 2);
	/* What failed once and never again goes with a later failure. */
	s = room_settlement(&subject, ROOM_NOW + 32 * 86400, 0);
	s.subject.key_id[0] = 0;
	s.failures_changed = true;
	s.failures = (struct dlk_failures){ 1, ROOM_NOW + 32 * 86400, 0, 0 };
	assert_int_equal(room_settle(room, &s, NULL), 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM failure"), 1);
	assert_int_equal(room_number(room, "SELECT count FROM failure"), 1);
}

/* Several decisions in one transaction: each sees what the ones before it have used, and is
 * undone alone. */
static void
a_step_is_used_once_among_those_gathered(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 1);
	struct dlk_settlement other = room_settlement(&subject, ROOM_NOW, 3);
	DLK_AUTO_MEMORY memory = { 0 };
	char id[DLK_EVENT_ID_TEXT + 1];
	int64_t row;

	s.token = room_enrol(room, "alice", "phone", DLK_OTP_TOTP, KEY);
	s.step_before = -1;
	s.step = 500;
	int64_t events = room_number(room, "SELECT count(*) FROM event");
	dlk_record_gather(room->record);
	assert_int_equal(dlk_record_begin(room->record, &subject, ROOM_NOW, &memory), 0);
	assert_int_equal(dlk_record_settle(room->record, &s, id), 0);
	assert_int_equal(dlk_record_begin(room->record, &subject, ROOM_NOW, &memory), 0);
	assert_int_equal(memory.token[0].otp.last_step, 500);
	s.attempt[0] ^= 1;
	s.failures_changed = true;
	s.failures = (struct dlk_failures){ 1, ROOM_NOW, 0, 0 };
	assert_int_equal(dlk_record_settle(room->record, &s, id), -EEXIST);
	assert_int_equal(dlk_record_begin(room->record, &subject, ROOM_NOW, &memory), 0);
	dlk_record_abandon(room->record);
	assert_int_equal(dlk_record_begin(room->record, NULL, ROOM_NOW, NULL), 0);
	assert_int_equal(dlk_record_settle(room->record, &other, id), 0);
	/* nobody else sees any of it before it is durable */
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), events);
	assert_int_equal(dlk_record_commit(room->record), 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), events + 2);
	assert_int_equal(room_number(room, "SELECT count(*) FROM failure"), 0);
	assert_int_equal(room_number(room, "SELECT last_step FROM token"), 500);
	assert_int_equal(dlk_events_verify(room->record, &row), 0);
	/* and the next one is one by itself again */
	other.attempt[0] ^= 1;
	assert_int_equal(room_settle(room, &other, NULL), 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), events + 3);
}

/* The transaction is gone on the way: what came before is lost as well, and what comes after
 * is not begun. */
static void
what_is_gathered_is_lost_together(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 1);
	char id[DLK_EVENT_ID_TEXT + 1];
	int64_t events = room_number(room, "SELECT count(*) FROM event");

	dlk_record_gather(room->record);
	assert_int_equal(dlk_record_begin(room->record, NULL, ROOM_NOW, NULL), 0);
	assert_int_equal(dlk_record_settle(room->record, &s, id), 0);
	assert_int_equal(dlk_record_begin(room->record, NULL, ROOM_NOW, NULL), 0);
	/* as SQLite does by itself where the disk is full */
	assert_int_equal(
	    sqlite3_exec(room->record->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	dlk_record_abandon(room->record);
	assert_true(dlk_record_begin(room->record, NULL, ROOM_NOW, NULL) < 0);
	assert_true(dlk_record_commit(room->record) < 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), events);
	assert_int_equal(room_settle(room, &s, NULL), 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), events + 1);
}

static void
nothing_gathered_is_nothing_written(void **state)
{
	struct room *room = *state;

	dlk_record_gather(room->record);
	assert_int_equal(dlk_record_commit(room->record), 0);
	assert_int_equal(dlk_record_probe(room->record), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(memory_is_what_was_settled),
		IN_ROOM(a_step_is_used_once),
		IN_ROOM(a_step_is_used_once_among_those_gathered),
		IN_ROOM(what_is_gathered_is_lost_together),
		IN_ROOM(nothing_gathered_is_nothing_written),
		IN_ROOM(a_recovery_code_is_used_once),
		IN_ROOM(the_final_verdict_supersedes),
		IN_ROOM(an_offer_is_recorded_once),
		IN_ROOM(the_clock_goes_forward),
		IN_ROOM(a_lockout_ends_what_was_remembered),
		IN_ROOM(counts_are_kept_while_they_mean_something),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
