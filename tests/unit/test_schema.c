/* SPDX-License-Identifier: MIT */
/* From one version of the tables to the next: all that is missing at once, or nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/db.h"
#include "tests/unit/room.h"

#define THERE 2 /* versions that this program has */

/* As later programs will know them, after those that there are. */
static const char *const steps[] = { "CREATE TABLE never (x)", "CREATE TABLE never (x)",
	"ALTER TABLE token ADD COLUMN nickname TEXT; CREATE TABLE extra (x);"
	"INSERT INTO extra VALUES (1)",
	"ALTER TABLE extra ADD COLUMN y INTEGER DEFAULT 7" };
static const char *const broken[] = { "CREATE TABLE never (x)", "CREATE TABLE never (x)",
	"CREATE TABLE extra (x)", "CREATE TABLE extra (x)" };

static void
all_steps_that_are_missing(void **state)
{
	struct room *room = *state;

	room_enrol(room, "alice", "phone", DLK_OTP_TOTP, "12345678901234567890");
	assert_int_equal(dlk_db_migrate(room->record, steps, THERE + 2), 0);
	assert_int_equal(room_number(room, "PRAGMA user_version"), THERE + 2);
	assert_int_equal(room_number(room, "SELECT y FROM extra"), 7);
	assert_int_equal(room_number(room, "SELECT count(*) FROM token"), 1);
	assert_int_equal(
	    room_number(room, "SELECT count(*) FROM sqlite_master WHERE name = 'never'"), 0);
	/* Once is enough. */
	assert_int_equal(dlk_db_migrate(room->record, steps, THERE + 2), 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM extra"), 1);
	/* The release before goes on with it; the one before that says so and leaves it alone.
	 */
	assert_int_equal(dlk_db_migrate(room->record, steps, THERE + 1), 0);
	assert_int_equal(dlk_db_migrate(room->record, steps, THERE), -ESTALE);
	assert_non_null(strstr(dlk_record_trouble(room->record), "schema version 4"));
	assert_non_null(strstr(dlk_record_trouble(room->record), "knows 2"));
}

static void
one_that_fails_changes_nothing(void **state)
{
	struct room *room = *state;

	assert_int_equal(dlk_db_migrate(room->record, broken, THERE + 2), -EBADMSG);
	assert_int_equal(room_number(room, "PRAGMA user_version"), THERE);
	assert_int_equal(
	    room_number(room, "SELECT count(*) FROM sqlite_master WHERE name = 'extra'"), 0);
	assert_int_equal(dlk_record_probe(room->record), 0);
	assert_int_equal(dlk_db_migrate(room->record, steps, THERE + 2), 0);
}

/* A file of the release before, with what it had in it. */
static void
an_older_one_gets_what_is_missing(void **state)
{
	struct room *room = *state;

	room_enrol(room, "alice", "phone", DLK_OTP_TOTP, "12345678901234567890");
	room_sql(room,
	    "DROP TABLE wanted; DROP TABLE revoked;DROP TABLE process; DROP TABLE checkpoint;"
	    "DROP TABLE place; DROP TABLE kept; DROP TABLE visit; DROP TABLE ending;"
	    "ALTER TABLE attempt DROP COLUMN mark; ALTER TABLE attempt DROP COLUMN event_row;"
	    "PRAGMA user_version = 1");
	room_reopen(room);
	assert_int_equal(room_number(room, "PRAGMA user_version"), THERE);
	assert_int_equal(room_number(room, "SELECT count(*) FROM wanted"), 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM token"), 1);
}

static void
many_at_once_migrate_once(void **state)
{
	enum { PROCESSES = 16 };
	struct room *room = *state;
	struct dlk_finding trouble = { 0 };
	int status;

	dlk_record_close(room->record);
	room->record = NULL;
	for (int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid > 0)
			continue;
		struct dlk_record *record = NULL;
		int r = dlk_record_open(room->db, room->seal, &record, &trouble);
		/* The version may be there already; then it is newer to the next opener. */
		if (r == 0)
			r = dlk_db_migrate(record, steps, THERE + 2);
		dlk_record_close(record);
		_exit(r == 0 || r == -ESTALE ? 0 : 1);
	}
	for (int i = 0; i < PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	assert_int_equal(room_number(room, "PRAGMA user_version"), THERE + 2);
	assert_int_equal(room_number(room, "SELECT count(*) FROM extra"), 1);
}

static void
many_at_once_make_one(void **state)
{
	enum { PROCESSES = 16 };
	struct room *room = *state;
	struct dlk_finding trouble = { 0 };
	char path[128];
	int status;

	dlk_path_join(path, sizeof(path), room->dir, "new.db");
	for (int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid > 0)
			continue;
		struct dlk_record *record = NULL;
		if (dlk_record_create(path, room->seal, &record, &trouble) != 0)
			_exit(1);
		struct dlk_event event = { .at = ROOM_NOW, .type = DLK_EVENT_WEBHOOK_TEST };
		if (dlk_events_add(record, &event) != 0)
			_exit(2);
		dlk_record_close(record);
		_exit(0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	struct dlk_record *record = NULL;
	int64_t last = 0;
	assert_int_equal(dlk_record_open(path, room->seal, &record, &trouble), 0);
	assert_int_equal(dlk_events_verify(record, &last), 0);
	assert_int_equal(last, PROCESSES);
	dlk_record_close(record);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(all_steps_that_are_missing),
		IN_ROOM(one_that_fails_changes_nothing),
		IN_ROOM(an_older_one_gets_what_is_missing),
		IN_ROOM(many_at_once_migrate_once),
		IN_ROOM(many_at_once_make_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
