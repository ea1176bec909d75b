/* SPDX-License-Identifier: MIT */
/* The record: created once, opened with doubt, and what is damaged is no answer. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/db.h"
#include "tests/unit/room.h"

#define KEY    "12345678901234567890"
#define NOBODY 65534

static void
opening_never_creates(void **state)
{
	struct room *room = *state;
	struct dlk_record *record = NULL;
	struct dlk_finding trouble = { 0 };
	char path[128];

	dlk_path_join(path, sizeof(path), room->dir, "none.db");
	assert_int_equal(dlk_record_open(path, room->seal, &record, &trouble), -ENOENT);
	assert_null(record);
	assert_int_equal(trouble.reason, DLK_R_FAULT_STORE);
	assert_non_null(strstr(trouble.detail, path));
	assert_int_equal(access(path, F_OK), -1);
}

static void
the_file_is_private_and_kept(void **state)
{
	struct room *room = *state;
	struct dlk_record *record = NULL;
	struct dlk_finding trouble = { 0 };
	struct stat st;

	assert_int_equal(stat(room->db, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	room_enrol(room, "alice", "phone", DLK_OTP_TOTP, KEY);
	assert_int_equal(dlk_record_create(room->db, room->seal, &record, &trouble), 0);
	dlk_record_close(record);
	assert_int_equal(room_number(room, "SELECT count(*) FROM token"), 1);
	assert_int_equal(chmod(room->db, 0620), 0);
	assert_int_equal(dlk_record_open(room->db, room->seal, &record, &trouble), -EACCES);
	assert_non_null(strstr(trouble.detail, "chmod 0600"));
	assert_int_equal(chmod(room->db, 0600), 0);
}

static void
other_files_are_not_ours(void **state)
{
	struct room *room = *state;
	struct dlk_record *record = NULL;
	struct dlk_finding trouble = { 0 };
	char path[128];

	dlk_path_join(path, sizeof(path), room->dir, "other.db");
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(dlk_record_open(path, room->seal, &record, &trouble), -EBADMSG);
	for (int i = 0; i < 300; i++)
		assert_int_equal(write(fd, "no database here", 16), 16);
	close(fd);
	assert_int_equal(dlk_record_open(path, room->seal, &record, &trouble), -EBADMSG);
	assert_non_null(strstr(trouble.detail, "no database of Doublelock"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(room->db, path), 0);
	assert_int_equal(dlk_record_open(path, room->seal, &record, &trouble), -EACCES);
	assert_non_null(strstr(trouble.detail, "not a regular file"));
}

static void
a_newer_one_is_refused(void **state)
{
	struct room *room = *state;
	struct dlk_record *record = NULL;
	struct dlk_finding trouble = { 0 };

	room_sql(room, "PRAGMA user_version = 99");
	assert_int_equal(dlk_record_open(room->db, room->seal, &record, &trouble), -ESTALE);
	assert_non_null(strstr(trouble.detail, "schema version 99"));
	assert_null(strchr(trouble.detail, '\n'));
}

static void
damaged_rows_are_no_answer(void **state)
{
	static const struct {
		const char *name, *sql;
		int r;
	} rows[] = {
		{ "kind", "UPDATE token SET kind = 'totpx'", -EBADMSG },
		{ "kind that differs", "UPDATE token SET kind = 'hotp'", -EKEYREJECTED },
		{ "algorithm", "UPDATE token SET algorithm = 'MD5'", -EBADMSG },
		{ "algorithm that differs", "UPDATE token SET algorithm = 'SHA512'",
		    -EKEYREJECTED },
		{ "digits", "UPDATE token SET digits = 5", -EBADMSG },
		{ "digits that differ", "UPDATE token SET digits = 8", -EKEYREJECTED },
		{ "period", "UPDATE token SET period = 1", -EBADMSG },
		{ "period that differs", "UPDATE token SET period = 300", -EKEYREJECTED },
		{ "step", "UPDATE token SET last_step = -2", -EBADMSG },
		{ "step as text", "UPDATE token SET last_step = 'x'", -EBADMSG },
		{ "binding", "UPDATE token SET key_id = x'00'", -EBADMSG },
		{ "binding that differs", "UPDATE token SET key_id = zeroblob(32)",
		    -EKEYREJECTED },
		{ "label", "UPDATE token SET label = ''", -EBADMSG },
		{ "label with a NUL", "UPDATE token SET label = 'phone' || char(0)",
		    -EBADMSG },
		{ "label that differs", "UPDATE token SET label = 'other'", -EKEYREJECTED },
		{ "long label", "UPDATE token SET label = hex(zeroblob(32))", -EBADMSG },
		{ "secret", "UPDATE token SET sealed = x'01'", -EKEYREJECTED },
		{ "secret as text", "UPDATE token SET sealed = 'secret'", -EKEYREJECTED },
		{ "recovery", "UPDATE recovery SET mac = x'00'", -EBADMSG },
		{ "failures", "UPDATE failure SET count = -1", -EBADMSG },
		{ "lockout as text", "UPDATE failure SET locked_until = 'never'", -EBADMSG },
		{ "login", "UPDATE login SET until = 1e300", -EBADMSG },
		{ "head", "UPDATE state SET head = x''", -EBADMSG },
		{ "no state", "DELETE FROM state", -EBADMSG },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct room room;
		struct dlk_subject subject = room_subject("alice");
		struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 0);
		DLK_AUTO_MEMORY memory = { 0 };
		DLK_AUTO_SECRET code = { 0 };
		room_init(&room);
		room_enrol(&room, "alice", "phone", DLK_OTP_TOTP, KEY);
		assert_int_equal(dlk_recovery_generate(&code), 0);
		assert_int_equal(
		    dlk_recovery_replace(room.record, "alice", &code, 1, "uid:0", ROOM_NOW),
		    0);
		s.remember_until = ROOM_NOW + 1;
		s.failures_changed = true;
		s.failures = (struct dlk_failures){ 1, ROOM_NOW, 0, 0 };
		assert_int_equal(room_settle(&room, &s, NULL), 0);
		room_sql(&room, rows[i].sql);
		int r = dlk_record_begin(room.record, &subject, ROOM_NOW, &memory);
		if (r != rows[i].r)
			fail_msg(
			    "%s: %d, %s", rows[i].name, r, dlk_record_trouble(room.record));
		assert_int_equal(memory.n_tokens, 0);
		assert_non_null(strstr(dlk_record_trouble(room.record), room.db));
		room_fini(&room);
	}
}

/* What was sealed for one user and one certificate opens for no other. */
static void
tokens_stay_where_they_are(void **state)
{
	struct room *room = *state;
	struct dlk_subject alice = room_subject("alice"), bob = room_subject("bob");
	struct dlk_token token = room_token("phone", DLK_OTP_TOTP, KEY);
	DLK_AUTO_MEMORY memory = { 0 };
	int64_t id;

	token.bound = true;
	memset(token.key_id, 1, sizeof(token.key_id));
	assert_int_equal(
	    dlk_tokens_add(room->record, "alice", &token, "uid:0", ROOM_NOW, &id), 0);
	room_sql(room, "UPDATE token SET user = 'bob'");
	assert_int_equal(
	    dlk_record_begin(room->record, &bob, ROOM_NOW, &memory), -EKEYREJECTED);
	room_sql(room, "UPDATE token SET user = 'alice', key_id = zeroblob(32)");
	assert_int_equal(
	    dlk_record_begin(room->record, &alice, ROOM_NOW, &memory), -EKEYREJECTED);
	room_sql(room, "UPDATE token SET key_id = NULL");
	assert_int_equal(
	    dlk_record_begin(room->record, &alice, ROOM_NOW, &memory), -EKEYREJECTED);
}

static void
a_missing_key_is_said(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	DLK_AUTO_MEMORY memory = { 0 };
	struct dlk_finding trouble = { 0 };

	room_enrol(room, "alice", "phone", DLK_OTP_TOTP, KEY);
	room_add_key(room, "k2", true);
	room_recall(room, "alice", &memory);
	room_drop_key(room, "k1");
	assert_int_equal(dlk_record_begin(room->record, &subject, ROOM_NOW, &memory), -ENOKEY);
	assert_non_null(strstr(dlk_record_trouble(room->record), "seal.key"));
	room_add_key(room, "k1", false);
	assert_int_equal(
	    dlk_record_begin(room->record, &subject, ROOM_NOW, &memory), -EKEYREJECTED);
	assert_non_null(strstr(dlk_record_trouble(room->record), "seal.key"));
	dlk_record_close(room->record);
	room->record = NULL;
	assert_int_equal(dlk_record_open(room->db, NULL, &room->record, &trouble), 0);
	assert_int_equal(dlk_record_begin(room->record, &subject, ROOM_NOW, &memory), -ENOKEY);
	/* Who has no token needs no key. */
	subject = room_subject("bob");
	assert_int_equal(dlk_record_begin(room->record, &subject, ROOM_NOW, &memory), 0);
	dlk_record_abandon(room->record);
}

/* Processes that live for one login shorten the log together, and wait for no reader. */
static void
the_log_stays_short(void **state)
{
	struct room *room = *state, reader = *room;
	struct dlk_subject subject = room_subject("alice");
	struct stat st;
	char log[128];

	snprintf(log, sizeof(log), "%s-wal", room->db);
	for (int i = 0; i < 60; i++) {
		struct dlk_settlement s = room_settlement(&subject, ROOM_NOW + i, 0);
		assert_int_equal(room_settle(room, &s, NULL), 0);
		room_reopen(room);
	}
	assert_int_equal(stat(log, &st), 0);
	assert_true(st.st_size < 200 * 4120);
	reader.record = NULL;
	room_reopen(&reader);
	assert_int_equal(dlk_record_begin(reader.record, NULL, ROOM_NOW + 60, NULL), 0);
	dlk_record_abandon(reader.record);
	assert_int_equal(dlk_db_snapshot(reader.record), 0);
	for (int i = 0; i < 60; i++) {
		struct dlk_settlement s = room_settlement(&subject, ROOM_NOW + 60 + i, 0);
		assert_int_equal(room_settle(room, &s, NULL), 0);
	}
	dlk_record_close(reader.record);
}

/* As somebody who may not write, whoever runs the tests. */
static void
expect_open(struct room *room, int expected, const char *words)
{
	struct dlk_record *record = NULL;
	struct dlk_finding trouble = { 0 };
	uid_t self = geteuid();

	if (self == 0) {
		assert_int_equal(chown(room->db, NOBODY, NOBODY), 0);
		assert_int_equal(chown(room->dir, NOBODY, NOBODY), 0);
		assert_int_equal(seteuid(NOBODY), 0);
	}
	int r = dlk_record_open(room->db, room->seal, &record, &trouble);
	if (self == 0)
		assert_int_equal(seteuid(0), 0);
	dlk_record_close(record);
	if (r != expected || !strstr(trouble.detail, words) ||
	    !strstr(trouble.detail, room->db) || strchr(trouble.detail, '\n'))
		fail_msg("%d: %s", r, trouble.detail);
}

static void
what_cannot_be_written_is_said(void **state)
{
	struct room *room = *state;

	dlk_record_close(room->record);
	room->record = NULL;
	assert_int_equal(chmod(room->db, 0400), 0);
	expect_open(room, -EROFS, "cannot be written");
	assert_int_equal(chmod(room->db, 0000), 0);
	expect_open(room, -EACCES, "have to belong to the user doublelock");
	assert_int_equal(chmod(room->db, 0600), 0);
	assert_int_equal(chmod(room->dir, 0000), 0);
	if (geteuid() != 0)
		expect_open(room, -EACCES, "access");
	assert_int_equal(chmod(room->dir, 0700), 0);
}

static void
the_probe_writes(void **state)
{
	struct room *room = *state;

	assert_int_equal(dlk_record_probe(room->record), 0);
	room_sql(room, "DROP TABLE state");
	assert_int_equal(dlk_record_probe(room->record), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(opening_never_creates),
		IN_ROOM(the_file_is_private_and_kept),
		IN_ROOM(other_files_are_not_ours),
		IN_ROOM(a_newer_one_is_refused),
		cmocka_unit_test(damaged_rows_are_no_answer),
		IN_ROOM(tokens_stay_where_they_are),
		IN_ROOM(a_missing_key_is_said),
		IN_ROOM(the_log_stays_short),
		IN_ROOM(what_cannot_be_written_is_said),
		IN_ROOM(the_probe_writes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
