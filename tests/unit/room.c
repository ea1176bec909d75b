/* SPDX-License-Identifier: MIT */
/* room.c - see room.h. */
#include "tests/unit/room.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/text.h"

static void
load_keys(struct room *room)
{
	dlk_seal_free(room->seal);
	room->seal = NULL;
	assert_int_equal(dlk_seal_load(room->keys, NULL, &room->seal), 0);
}

static void
write_keys(struct room *room, struct dlk_bytes first, struct dlk_bytes second)
{
	int fd = open(room->keys, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, first.p, first.n), (ssize_t)first.n);
	assert_int_equal(write(fd, second.p, second.n), (ssize_t)second.n);
	close(fd);
	load_keys(room);
}

void
room_add_key(struct room *room, const char *id, bool first)
{
	DLK_AUTO_BUF old = { 0 }, new = { 0 };

	if (access(room->keys, F_OK) == 0)
		assert_int_equal(dlk_file_read(room->keys, 4096, NULL, &old), 0);
	assert_int_equal(dlk_seal_generate(id, &new), 0);
	write_keys(room, dlk_bytes_of(first ? &new : &old), dlk_bytes_of(first ? &old : &new));
	if (room->record)
		room_reopen(room);
}

void
room_drop_key(struct room *room, const char *id)
{
	DLK_AUTO_BUF old = { 0 };
	char prefix[DLK_SEAL_ID_MAX + 3];

	assert_int_equal(dlk_file_read(room->keys, 4096, NULL, &old), 0);
	assert_int_equal(dlk_buf_add(&old, 8192, DLK_BYTES("", 1)), 0);
	snprintf(prefix, sizeof(prefix), "%s:", id);
	char *line = strstr((char *)old.p, prefix);
	assert_non_null(line);
	char *next = strchr(line, '\n') + 1;
	write_keys(
	    room, DLK_BYTES(old.p, (size_t)(line - (char *)old.p)), dlk_bytes_str(next));
	room_reopen(room);
}

void
room_init(struct room *room)
{
	struct dlk_finding trouble = { 0 };

	/* In memory where there is such a place: nothing here outlives the test. */
	*room = (struct room){ 0 };
	snprintf(room->dir, sizeof(room->dir), "%s/doublelock-test-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(room->dir));
	snprintf(room->db, sizeof(room->db), "%s/state.db", room->dir);
	snprintf(room->keys, sizeof(room->keys), "%s/seal.key", room->dir);
	room_add_key(room, "k1", true);
	if (dlk_record_create(room->db, room->seal, &room->record, &trouble) != 0)
		fail_msg("%s", trouble.detail);
}

void
room_fini(struct room *room)
{
	char path[512];
	DIR *dir = opendir(room->dir);

	dlk_record_close(room->record);
	dlk_seal_free(room->seal);
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));) {
		snprintf(path, sizeof(path), "%s/%s", room->dir, e->d_name);
		if (e->d_name[0] != '.' || e->d_name[1] != '\0')
			(void)unlink(path);
	}
	closedir(dir);
	assert_int_equal(rmdir(room->dir), 0);
}

void
room_reopen(struct room *room)
{
	struct dlk_finding trouble = { 0 };

	dlk_record_close(room->record);
	room->record = NULL;
	if (dlk_record_open(room->db, room->seal, &room->record, &trouble) != 0)
		fail_msg("%s", trouble.detail);
}

int
room_setup(void **state)
{
	static struct room room;

	room_init(&room);
	*state = &room;
	return 0;
}

int
room_teardown(void **state)
{
	room_fini(*state);
	return 0;
}

struct dlk_token
room_token(const char *label, enum dlk_otp_kind kind, const char *key)
{
	struct dlk_token token = {
		.otp = { .kind = kind, .digits = 6, .period = 30, .last_step = -1 }
	};

	assert_true(dlk_text_copy(token.label, sizeof(token.label), label));
	assert_int_equal(dlk_secret_set(&token.otp.key, dlk_bytes_str(key)), 0);
	return token;
}

int64_t
room_enrol(struct room *room, const char *user, const char *label, enum dlk_otp_kind kind,
    const char *key)
{
	struct dlk_token token = room_token(label, kind, key);
	int64_t id = 0;

	if (dlk_tokens_add(room->record, user, &token, "uid:0", ROOM_NOW, &id) != 0)
		fail_msg("%s", dlk_record_trouble(room->record));
	assert_true(id > 0);
	return id;
}

struct dlk_subject
room_subject(const char *user)
{
	struct dlk_subject subject = { .service = "sshd", .source = "192.0.2.7" };

	memset(subject.key_id, 0xa5, sizeof(subject.key_id));
	assert_true(dlk_text_copy(subject.user, sizeof(subject.user), user));
	return subject;
}

struct dlk_settlement
room_settlement(const struct dlk_subject *subject, int64_t now, unsigned n)
{
	struct dlk_settlement s = { .has_subject = true,
		.subject = *subject,
		.event = { .at = now,
		    .type = DLK_EVENT_DECISION_ALLOWED,
		    .reason = DLK_R_OK,
		    .stage = DLK_STAGE_SETTLE,
		    .entrance = DLK_ENTRANCE_PAM,
		    .possession = DLK_POSSESSION_SSHD,
		    .good_until = now + 1000 } };

	memcpy(s.event.user, subject->user, sizeof(s.event.user));
	memcpy(s.event.service, subject->service, sizeof(s.event.service));
	memcpy(s.event.source, subject->source, sizeof(s.event.source));
	dlk_put_be32(s.attempt, n);
	return s;
}

int
room_settle(struct room *room, const struct dlk_settlement *settlement, char *ret_event_id)
{
	char id[DLK_EVENT_ID_TEXT + 1];
	int r = dlk_record_begin(room->record, NULL, settlement->event.at, NULL);

	if (r < 0)
		return r;
	return dlk_record_settle(room->record, settlement, ret_event_id ? ret_event_id : id);
}

void
room_recall(struct room *room, const char *user, struct dlk_memory *ret_memory)
{
	struct dlk_subject subject = room_subject(user);

	if (dlk_record_begin(room->record, &subject, ROOM_NOW, ret_memory) != 0)
		fail_msg("%s", dlk_record_trouble(room->record));
	dlk_record_abandon(room->record);
}

static int
keep_number(void *arg, int n, char **value, char **name)
{
	(void)name;
	assert_int_equal(n, 1);
	*(int64_t *)arg = value[0] ? strtoll(value[0], NULL, 10) : -1;
	return 0;
}

int64_t
room_number(struct room *room, const char *sql)
{
	sqlite3 *db;
	int64_t number = INT64_MIN;

	assert_int_equal(sqlite3_open_v2(room->db, &db, SQLITE_OPEN_READWRITE, NULL), 0);
	sqlite3_busy_timeout(db, 5000);
	if (sqlite3_exec(db, sql, keep_number, &number, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
	return number;
}

void
room_sql(struct room *room, const char *sql)
{
	(void)room_number(room, sql);
}
