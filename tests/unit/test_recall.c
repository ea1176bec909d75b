/* SPDX-License-Identifier: MIT */
/* Who lost the answer gets it again, and nobody else does. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "room.h"

struct asked {
	struct dlk_caller caller;
	struct dlk_request request;
	int64_t now;
};

static struct asked
usual(void)
{
	struct asked asked = { .caller = { .entrance = DLK_ENTRANCE_PAM,
				   .uid = 1000,
				   .name = "uid:1000",
				   .pid = 4711,
				   .started = 99 },
		.request = { .entrance = DLK_ENTRANCE_PAM },
		.now = ROOM_NOW };

	dlk_put_be32(asked.request.attempt, 7);
	memset(asked.request.octets, 0x5a, sizeof(asked.request.octets));
	return asked;
}

static int
recall(struct room *room, const struct asked *asked, struct dlk_mark *mark,
    struct dlk_event *event)
{
	return dlk_record_recall(
	    room->record, &asked->caller, &asked->request, asked->now, mark, event);
}

/* An allowed login of attempt 7, as usual() asks for it. */
static void
settle_marked(struct room *room, char *ret_id)
{
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 7);
	struct asked asked = usual();
	struct dlk_event event;

	assert_int_equal(recall(room, &asked, &s.mark, &event), -ENOENT);
	assert_true(s.mark.set);
	assert_int_equal(room_settle(room, &s, ret_id), 0);
}

static void
the_same_request_has_its_answer(void **state)
{
	struct room *room = *state;
	struct asked asked = usual();
	char id[DLK_EVENT_ID_TEXT + 1];
	struct dlk_event event;
	struct dlk_mark mark;

	settle_marked(room, id);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(recall(room, &asked, &mark, &event), 0);
		assert_string_equal(event.id, id);
		assert_string_equal(event.user, "alice");
		assert_int_equal(event.reason, DLK_R_OK);
		assert_int_equal(event.type, DLK_EVENT_DECISION_ALLOWED);
		room_reopen(room);
	}
	asked.now += DLK_RECALL_SECONDS;
	assert_int_equal(recall(room, &asked, &mark, &event), 0);
}

static void
whatever_differs_has_none(void **state)
{
	struct room *room = *state;
	struct asked usually = usual(), other[11];
	char id[DLK_EVENT_ID_TEXT + 1];
	struct dlk_event event;
	struct dlk_mark mark;
	size_t n = sizeof(other) / sizeof(other[0]);

	settle_marked(room, id);
	for (size_t i = 0; i < n; i++)
		other[i] = usually;
	other[0].request.octets[31] ^= 1;
	other[1].request.attempt[15] ^= 1;
	other[2].caller.uid = 0;
	other[3].caller.pid++;
	other[4].caller.started++;
	other[5].caller.entrance = DLK_ENTRANCE_GATEWAY;
	strcpy(other[6].caller.name, "uid:0");
	strcpy(other[7].caller.peer, "edge");
	other[8].caller.peer_key[0] = 1;
	other[9].now += DLK_RECALL_SECONDS + 1;
	other[10].now -= 1; /* the clock was set back */
	for (size_t i = 0; i < n; i++)
		if (recall(room, &other[i], &mark, &event) != -ENOENT)
			fail_msg("%zu", i);
	assert_int_equal(recall(room, &usually, &mark, &event), 0);
}

/* What did not come in a frame cannot be asked for again, and without the sealing key nobody
 * is known again. */
static void
without_octets_or_key_nothing_is_known(void **state)
{
	struct room *room = *state;
	struct asked asked = usual();
	char id[DLK_EVENT_ID_TEXT + 1];
	struct dlk_event event;
	struct dlk_mark mark;
	struct dlk_finding trouble;

	settle_marked(room, id);
	memset(asked.request.octets, 0, sizeof(asked.request.octets));
	assert_int_equal(recall(room, &asked, &mark, &event), -ENOENT);
	assert_false(mark.set);
	asked = usual();
	room_add_key(room, "k2", true);
	room_reopen(room);
	assert_int_equal(recall(room, &asked, &mark, &event), -ENOENT);
	assert_true(mark.set);
	dlk_record_close(room->record);
	assert_int_equal(dlk_record_open(room->db, NULL, &room->record, &trouble), 0);
	assert_int_equal(recall(room, &asked, &mark, &event), -ENOENT);
	assert_false(mark.set);
}

/* Neither the octets nor their digest are in the file. */
static void
the_file_does_not_tell_the_octets(void **state)
{
	struct room *room = *state;
	char id[DLK_EVENT_ID_TEXT + 1];

	settle_marked(room, id);
	assert_int_equal(
	    room_number(room, "SELECT count(*) FROM attempt WHERE length(mark) = 32"), 1);
	assert_int_equal(
	    room_number(room, "SELECT count(*) FROM attempt WHERE hex(mark) LIKE '%5A5A5A%'"),
	    0);
}

static void
a_damaged_row_is_no_answer(void **state)
{
	static const char *const damage[] = {
		"UPDATE attempt SET mark = zeroblob(32)",
		"UPDATE attempt SET mark = 'text'",
		"UPDATE attempt SET event_row = 4711",
		"UPDATE attempt SET event = 'somebody-elses'",
		"UPDATE event SET reason = 'unheard-of'",
	};
	struct room *room = *state;
	struct asked asked = usual();
	char id[DLK_EVENT_ID_TEXT + 1];
	struct dlk_event event;
	struct dlk_mark mark;

	settle_marked(room, id);
	room_sql(room, "CREATE TABLE a AS SELECT * FROM attempt");
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		room_sql(room, damage[i]);
		if (recall(room, &asked, &mark, &event) == 0)
			fail_msg("%s", damage[i]);
		room_sql(room, "DELETE FROM attempt");
		room_sql(room, "INSERT INTO attempt SELECT * FROM a");
	}
}

/* A refusal under the name of an attempt that is over is somebody with a copy: recorded beside
 * the attempt, which stays what it was. */
static void
a_copy_is_recorded(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 7);
	struct asked asked = usual();
	char first[DLK_EVENT_ID_TEXT + 1], id[DLK_EVENT_ID_TEXT + 1];
	struct dlk_event event;
	struct dlk_mark mark;

	settle_marked(room, first);
	s.event.type = DLK_EVENT_DECISION_REFUSED;
	s.event.reason = DLK_R_OTP_REPLAYED;
	assert_int_equal(room_settle(room, &s, id), 0);
	assert_string_not_equal(id, first);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), 2);
	assert_int_equal(recall(room, &asked, &mark, &event), 0);
	assert_string_equal(event.id, first);
	s = room_settlement(&subject, ROOM_NOW, 7);
	assert_int_equal(room_settle(room, &s, id), -EALREADY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(the_same_request_has_its_answer),
		IN_ROOM(whatever_differs_has_none),
		IN_ROOM(without_octets_or_key_nothing_is_known),
		IN_ROOM(the_file_does_not_tell_the_octets),
		IN_ROOM(a_damaged_row_is_no_answer),
		IN_ROOM(a_copy_is_recorded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
