/* SPDX-License-Identifier: MIT */
/* A session stands on record beside the login that it comes from, and beside no other. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "store/session.h"
#include "tests/unit/room.h"

#define PID     4000
#define STARTED 77001
#define SSHD    3999 /* which started it */

static struct dlk_caller
caller_of(pid_t pid, int64_t started)
{
	return (struct dlk_caller){ .entrance = DLK_ENTRANCE_PAM,
		.root = true,
		.name = "helper",
		.process = {
		    .pid = pid, .started = started, .parent = 1, .parent_started = 1 } };
}

/* alice's code was judged in a child of SSHD. */
static void
log_in(struct room *room, unsigned attempt, char *ret_id)
{
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, attempt);

	s.process = (struct dlk_process){ PID, SSHD, STARTED, STARTED - 10 };
	strcpy(s.event.fingerprint, "aabb");
	strcpy(s.event.subject, "CN=alice");
	assert_int_equal(room_settle(room, &s, ret_id), 0);
}

static int
keep(int64_t row, const struct dlk_event *event, void *arg)
{
	(void)row;
	*(struct dlk_event *)arg = *event;
	return 0;
}

static struct dlk_event
note(struct room *room, struct dlk_caller caller, enum dlk_session session, const char *user,
    const char *service)
{
	struct dlk_request request = {
		.entrance = DLK_ENTRANCE_PAM, .session = session, .account_known = true
	};
	const struct dlk_events_query newest = { .most = 1, .newest = true };
	char id[DLK_EVENT_ID_TEXT + 1];
	struct dlk_event event;

	dlk_text_copy(request.user, sizeof(request.user), user);
	dlk_text_copy(request.service, sizeof(request.service), service);
	assert_int_equal(
	    dlk_session_note(room->record, &caller, &request, ROOM_NOW + 1, id), 0);
	assert_int_equal(dlk_events_each(room->record, &newest, keep, &event), 0);
	assert_string_equal(event.id, id);
	return event;
}

static void
joined(struct room *room, pid_t pid, int64_t started)
{
	char id[DLK_EVENT_ID_TEXT + 1], words[64];

	log_in(room, (unsigned)pid, id);
	dlk_text_print(words, sizeof(words), "login %s", id);
	struct dlk_event event =
	    note(room, caller_of(pid, started), DLK_SESSION_OPENED, "alice", "sshd");
	assert_int_equal(event.type, DLK_EVENT_SESSION_OPENED);
	assert_int_equal(event.reason, DLK_R_UNDECIDED);
	assert_string_equal(event.detail, words);
	assert_string_equal(event.fingerprint, "aabb");
	assert_string_equal(event.subject, "CN=alice");
	assert_string_equal(event.source, "192.0.2.7");
	event = note(room, caller_of(pid, started), DLK_SESSION_CLOSED, "alice", "sshd");
	assert_int_equal(event.type, DLK_EVENT_SESSION_CLOSED);
	assert_string_equal(event.detail, words);
	/* it is over */
	event = note(room, caller_of(pid, started), DLK_SESSION_OPENED, "alice", "sshd");
	assert_string_equal(event.detail, "");
}

static void
of_the_same_process(void **state)
{
	joined(*state, PID, STARTED);
}

static void
of_the_process_that_started_it(void **state)
{
	joined(*state, SSHD, STARTED - 10);
}

static void
of_no_other(void **state)
{
	struct room *room = *state;
	char id[DLK_EVENT_ID_TEXT + 1];
	const struct {
		struct dlk_caller caller;
		const char *user, *service;
	} others[] = {
		{ caller_of(PID + 1, STARTED), "alice", "sshd" },
		{ caller_of(PID, STARTED + 1), "alice", "sshd" }, /* a number used again */
		{ caller_of(SSHD, STARTED - 10), "bob", "sshd" },
		{ caller_of(PID, STARTED), "alice", "sudo" },
		{ caller_of(0, 0), "alice", "sshd" },
		{ caller_of(1, 1), "alice", "sshd" },
	};

	log_in(room, 1, id);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct dlk_event event = note(room, others[i].caller, DLK_SESSION_OPENED,
		    others[i].user, others[i].service);
		assert_string_equal(event.detail, "");
		assert_string_equal(event.fingerprint, "");
		assert_string_equal(event.user, others[i].user);
	}
}

/* sudo asks alice and opens a session of root's. */
static void
of_another_user_in_the_same_process(void **state)
{
	struct room *room = *state;
	char id[DLK_EVENT_ID_TEXT + 1], words[64];

	log_in(room, 1, id);
	struct dlk_event event =
	    note(room, caller_of(PID, STARTED), DLK_SESSION_OPENED, "root", "sshd");
	dlk_text_print(words, sizeof(words), "login %s of alice", id);
	assert_string_equal(event.detail, words);
	assert_string_equal(event.user, "root");
	assert_string_equal(event.subject, "CN=alice");
}

/* Delivered events are deleted; the session that ends then still knows its login's name. */
static void
after_the_login_was_forgotten(void **state)
{
	struct room *room = *state;
	char id[DLK_EVENT_ID_TEXT + 1];

	log_in(room, 1, id);
	room_sql(room, "DELETE FROM event");
	struct dlk_event event =
	    note(room, caller_of(PID, STARTED), DLK_SESSION_CLOSED, "alice", "sshd");
	assert_non_null(strstr(event.detail, id));
	assert_string_equal(event.fingerprint, "");
}

static void
a_refused_login_has_no_session(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 1);

	s.event.type = DLK_EVENT_DECISION_REFUSED;
	s.event.reason = DLK_R_OTP_WRONG;
	s.process = (struct dlk_process){ PID, SSHD, STARTED, STARTED - 10 };
	assert_int_equal(room_settle(room, &s, NULL), 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM process"), 0);
}

static void
a_damaged_row_is_said(void **state)
{
	struct room *room = *state;
	const struct dlk_caller caller = caller_of(PID, STARTED);
	const struct dlk_request request = { .entrance = DLK_ENTRANCE_PAM,
		.session = DLK_SESSION_OPENED,
		.account_known = true,
		.user = "alice",
		.service = "sshd" };
	char id[DLK_EVENT_ID_TEXT + 1];

	log_in(room, 1, id);
	room_sql(room, "UPDATE process SET login = 'x'");
	int64_t events = room_number(room, "SELECT count(*) FROM event");
	assert_int_equal(
	    dlk_session_note(room->record, &caller, &request, ROOM_NOW, id), -EBADMSG);
	assert_non_null(strstr(dlk_record_trouble(room->record), "process"));
	assert_int_equal(
	    dlk_session_note(room->record, &caller, &request, ROOM_NOW - 1000, id), -ETIME);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), events);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(of_the_same_process),
		IN_ROOM(of_the_process_that_started_it),
		IN_ROOM(of_no_other),
		IN_ROOM(of_another_user_in_the_same_process),
		IN_ROOM(after_the_login_was_forgotten),
		IN_ROOM(a_refused_login_has_no_session),
		IN_ROOM(a_damaged_row_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
