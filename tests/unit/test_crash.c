/* SPDX-License-Identifier: MIT */
/* A disk that fails, a process that is killed and a power that goes away, at each single
 * operation of three logins and a checkpoint: never a yes without its record, never a code
 * usable twice, and the record always opens again. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/db.h"
#include "tests/unit/fault.h"
#include "tests/unit/room.h"

#define KEY    "12345678901234567890"
#define LOGINS 3
/* Frames of the log at which it is moved into the database, and their size. */
#define LOG_PAGES 256
#define FRAME     (4096 + 24)

/* The files as they are before each trial. */
struct copy {
	char path[128];
	struct dlk_buf content;
};
static struct room room;
static struct copy copies[2];
static int64_t token;
static int before;    /* logins of before the trial */
static bool gathered; /* all logins of a trial are one transaction */

static void
write_file(const char *path, struct dlk_bytes content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content.p, content.n), (ssize_t)content.n);
	close(fd);
}

static void
restore(void)
{
	char shm[128];

	dlk_record_close(room.record);
	room.record = NULL;
	fault_arm(FAULT_NONE, 0, 0);
	for (size_t i = 0; i < 2; i++)
		write_file(copies[i].path, dlk_bytes_of(&copies[i].content));
	snprintf(shm, sizeof(shm), "%s-shm", room.db);
	(void)unlink(shm);
}

/* The certificate is good, and the code was asked for: nothing is lost without it. */
static int
ask(struct dlk_record *record, int64_t step)
{
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW + step, (unsigned)step);
	char id[DLK_EVENT_ID_TEXT + 1];
	int r = dlk_record_begin(record, NULL, ROOM_NOW + step, NULL);

	s.provisional = true;
	s.event.reason = DLK_R_OTP_REQUIRED;
	s.event.type = DLK_EVENT_DECISION_REFUSED;
	return r < 0 ? r : dlk_record_settle(record, &s, id);
}

/* One login that uses `step`: what settle, or begin, returned. */
static int
login(struct dlk_record *record, int64_t step, char *ret_event_id)
{
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW + step, (unsigned)step);
	DLK_AUTO_MEMORY memory = { 0 };
	char id[DLK_EVENT_ID_TEXT + 1];
	int r = step % 2 ? ask(record, step) : 0;

	if (r == 0)
		r = dlk_record_begin(record, &subject, ROOM_NOW + step, &memory);
	if (r == -EALREADY)
		return -EEXIST;
	if (r < 0)
		return r;
	s.token = token;
	s.step_before = memory.token[0].otp.last_step;
	s.step = step;
	if (s.step <= s.step_before) {
		dlk_record_abandon(record);
		return -EEXIST;
	}
	s.remember_until = ROOM_NOW + step + 100;
	return dlk_record_settle(record, &s, ret_event_id ? ret_event_id : id);
}

/* The logins of a trial, one after another; 0, or what the first one that was refused was
 * refused with. `let_in` is called for each that may be let in, with the number of it. */
static int
log_in(struct dlk_record *record, void (*let_in)(int login, int arg), int arg)
{
	bool good[LOGINS] = { false };
	int first = 0;

	if (gathered)
		dlk_record_gather(record);
	for (int i = 0; i < LOGINS; i++) {
		int r = login(record, before + i, NULL);
		good[i] = r == 0;
		if (r != 0 && first == 0)
			first = r;
		if (!gathered && r != 0)
			return r;
		if (!gathered)
			let_in(i, arg);
	}
	if (!gathered)
		return 0;
	int r = dlk_record_commit(record);
	for (int i = 0; i < LOGINS && r == 0; i++)
		if (good[i])
			let_in(i, arg);
	return first ? first : r;
}

static off_t
log_size(void)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s-wal", room.db);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static int
setup(void **state)
{
	(void)state;
	fault_install();
	room_init(&room);
	token = room_enrol(&room, "alice", "phone", DLK_OTP_TOTP, KEY);
	/* So many that the first login of a trial fills the log and the second begins anew. */
	while (log_size() < (LOG_PAGES - 6) * FRAME)
		assert_int_equal(login(room.record, before++, NULL), 0);
	for (size_t i = 0; i < 2; i++) {
		snprintf(copies[i].path, sizeof(copies[i].path), "%s%s", room.db,
		    i == 0 ? "" : "-wal");
		assert_int_equal(
		    dlk_file_read(copies[i].path, 1 << 24, NULL, &copies[i].content), 0);
	}
	/* Closing would shorten the log. */
	dlk_record_close(room.record);
	room.record = NULL;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fault_arm(FAULT_NONE, 0, 0);
	dlk_buf_free(&copies[0].content);
	dlk_buf_free(&copies[1].content);
	room_fini(&room);
	return 0;
}

/* By the handle that is open: each further one would read the log once more. */
static int64_t
ask_open(const char *sql)
{
	sqlite3_stmt *row = NULL;

	assert_int_equal(sqlite3_prepare_v2(room.record->db, sql, -1, &row, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(row), SQLITE_ROW);
	int64_t number = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	return number;
}

/* What has to hold after whatever happened, where `yes` logins were let in. */
static void
check_after(const char *what, long at, int yes)
{
	struct dlk_finding trouble = { 0 };
	char sql[160];
	int64_t row;

	fault_arm(FAULT_NONE, 0, 0);
	dlk_record_close(room.record);
	room.record = NULL;
	if (dlk_record_open(room.db, room.seal, &room.record, &trouble) != 0)
		fail_msg("%s at %ld: %s", what, at, trouble.detail);
	if (dlk_events_verify(room.record, &row) != 0)
		fail_msg("%s at %ld: %s", what, at, dlk_record_trouble(room.record));
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM event WHERE at = %lld + %d",
	    (long long)ROOM_NOW, before + yes - 1);
	if (ask_open(sql) != 1)
		fail_msg("%s at %ld: a yes without its record", what, at);
	int r = login(room.record, before + yes - 1, NULL);
	if (r != -EEXIST)
		fail_msg("%s at %ld: a code was used twice: %d", what, at, r);
	if (login(room.record, before + 101, NULL) != 0)
		fail_msg("%s at %ld: no login afterwards: %s", what, at,
		    dlk_record_trouble(room.record));
	assert_int_equal(
	    room_number(&room, "SELECT count(*) FROM pragma_integrity_check WHERE "
			       "integrity_check <> 'ok'"),
	    0);
}

static int last_yes;

static void
remember_yes(int which, int arg)
{
	(void)arg;
	last_yes = which + 1;
}

/* The disk has an error, the process goes on. */
static bool
fails_here(enum fault_kind kind, const char *what, long at)
{
	struct dlk_finding trouble = { 0 };
	bool hit;

	restore();
	assert_int_equal(dlk_record_open(room.db, room.seal, &room.record, &trouble), 0);
	fault_arm(kind, at, 0);
	last_yes = 0;
	int r = log_in(room.record, remember_yes, 0);
	if (r != 0) {
		if (r != (kind >= FAULT_NOMEM ? -ENOMEM : r == -EIO ? -EIO : -ENOSPC))
			fail_msg("%s at %ld: %d", what, at, r);
		const char *words = dlk_record_trouble(room.record);
		if (!strstr(words, room.db) ||
		    (r == -ENOSPC && !strstr(words, "the disk is full")))
			fail_msg("%s at %ld: %s", what, at, words);
	}
	hit = fault.hit;
	/* Nothing is left behind in a process that goes on. */
	fault_arm(FAULT_NONE, 0, 0);
	if (kind >= FAULT_NOMEM && dlk_record_probe(room.record) != 0)
		fail_msg("%s at %ld: %s", what, at, dlk_record_trouble(room.record));
	check_after(what, at, last_yes);
	return hit;
}

static void
every_error(enum fault_kind kind, const char *what)
{
	long at = 1;

	while (fails_here(kind, what, at))
		at++;
	/* Three logins write some dozens of pages, and a checkpoint is among them. */
	if (at <= (gathered ? 30 : 60))
		fail_msg("only %ld", at);
}

static void
an_error_at_each_operation(void **state)
{
	(void)state;
	every_error(FAULT_EIO, "input/output error");
	every_error(FAULT_SHORT, "half a write");
}

static void
a_full_disk_at_each_operation(void **state)
{
	(void)state;
	every_error(FAULT_FULL, "a full disk");
}

static void
a_disk_that_dies_at_each_operation(void **state)
{
	(void)state;
	every_error(FAULT_DEAD, "a dead disk");
}

static void
no_memory_at_each_allocation(void **state)
{
	static const enum fault_kind kinds[] = { FAULT_NOMEM, FAULT_POOR };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		long at = 1;
		/* There are thousands; the first ones one by one. */
		while (fails_here(kinds[i], "no memory", at))
			at += 1 + at / 32;
		assert_true(at > 1000);
	}
}

static void
say_yes(int which, int out)
{
	char c = (char)('1' + which);

	if (write(out, &c, 1) != 1)
		_exit(4);
}

/* A process that says over a pipe which logins it has let in. */
static void
be_killed(enum fault_kind kind, long at, int out)
{
	struct dlk_record *record = NULL;
	struct dlk_finding trouble = { 0 };

	fault_arm(kind, at, (uint64_t)at);
	if (dlk_record_open(room.db, room.seal, &record, &trouble) != 0)
		_exit(2);
	_exit(log_in(record, say_yes, out) == 0 ? 0 : 3);
}

static bool
dies_here(enum fault_kind kind, const char *what, long at)
{
	int pipes[2], status, yes = 0;
	char c, shm[128];

	restore();
	assert_int_equal(pipe(pipes), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		be_killed(kind, at, pipes[1]);
	close(pipes[1]);
	while (read(pipes[0], &c, 1) == 1)
		yes = c - '0';
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || (WEXITSTATUS(status) != 9 && WEXITSTATUS(status) != 0))
		fail_msg("%s at %ld: status %x", what, at, (unsigned)status);
	/* The power takes the shared memory along. */
	snprintf(shm, sizeof(shm), "%s-shm", room.db);
	if (kind == FAULT_POWER || kind == FAULT_LOTS)
		(void)unlink(shm);
	check_after(what, at, yes);
	return WEXITSTATUS(status) == 9;
}

static void
every_death(enum fault_kind kind, const char *what)
{
	long at = 1;

	while (dies_here(kind, what, at))
		at++;
	if (at <= (gathered ? 30 : 60))
		fail_msg("only %ld", at);
}

static void
killed_at_each_operation(void **state)
{
	(void)state;
	every_death(FAULT_KILL, "killed");
	every_death(FAULT_TORN, "killed in a write");
}

static void
without_power_at_each_operation(void **state)
{
	(void)state;
	every_death(FAULT_POWER, "no power");
	every_death(FAULT_LOTS, "no power, some of it written");
}

/* The same where all of them wait for the disk together. */
static int
gather(void **state)
{
	(void)state;
	gathered = true;
	return 0;
}

static int
part(void **state)
{
	(void)state;
	gathered = false;
	return 0;
}
#define GATHERED(test)                                                                        \
	{                                                                                     \
		"gathered: " #test, test, gather, part, NULL                                  \
	}

/* At each operation of its making: there is no database, or there is a whole one. */
static void
a_database_is_made_whole_or_not_at_all(void **state)
{
	char path[128];
	bool hit = true;
	long at = 0;

	(void)state;
	dlk_path_join(path, sizeof(path), room.dir, "new.db");
	while (hit) {
		struct dlk_record *record = NULL;
		struct dlk_finding trouble = { 0 };
		(void)unlink(path);
		fault_arm(FAULT_FULL, ++at, 0);
		int r = dlk_record_create(path, room.seal, &record, &trouble);
		hit = fault.hit;
		fault_arm(FAULT_NONE, 0, 0);
		dlk_record_close(record);
		record = NULL;
		if (r != 0 && r != -ENOSPC)
			fail_msg("at %ld: %d, %s", at, r, trouble.detail);
		assert_int_equal(dlk_record_create(path, room.seal, &record, &trouble), 0);
		assert_int_equal(dlk_record_probe(record), 0);
		dlk_record_close(record);
	}
	assert_true(at > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_at_each_operation),
		cmocka_unit_test(a_full_disk_at_each_operation),
		cmocka_unit_test(a_disk_that_dies_at_each_operation),
		cmocka_unit_test(no_memory_at_each_allocation),
		cmocka_unit_test(killed_at_each_operation),
		cmocka_unit_test(without_power_at_each_operation),
		GATHERED(an_error_at_each_operation),
		GATHERED(a_full_disk_at_each_operation),
		GATHERED(a_disk_that_dies_at_each_operation),
		GATHERED(no_memory_at_each_allocation),
		GATHERED(killed_at_each_operation),
		GATHERED(without_power_at_each_operation),
		cmocka_unit_test(a_database_is_made_whole_or_not_at_all),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
