/* SPDX-License-Identifier: MIT */
/*
 * record.c - the record opened, locked for one decision, and closed. What a decision reads
 * is memory.c's, what it writes is settle.c's.
 */
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define PATIENCE_MS 5000 /* for a lock; a login has 15 s in all */
/* Pages of the log that are left to the next one who opens: it reads all of them. */
#define LOG_AT_CLOSE 128
#define CLOCK_SLACK  300 /* seconds that a clock may go back */

static int64_t
monotonic_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* SQLite's own handler sleeps up to 100 ms while a settlement takes one or two: with many
 * logins at once the unlucky would wait for seconds. */
static int
wait_a_little(void *arg, int tries)
{
	struct dlk_record *record = arg;
	uint16_t chance = 0;

	if (record->hurried)
		return 0;
	if (tries == 0)
		record->waiting_since = monotonic_ms();
	else if (monotonic_ms() - record->waiting_since > PATIENCE_MS)
		return 0;
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = 0;
	long most = tries < 4 ? 500 : 4000; /* microseconds */
	struct timespec ts = { .tv_nsec = (200 + chance % most) * 1000L };
	(void)nanosleep(&ts, NULL);
	return 1;
}

static int
see_log(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct dlk_record *record = arg;

	(void)db;
	(void)name;
	record->log_pages = pages;
	return SQLITE_OK;
}

static int
check_file(struct dlk_record *record)
{
	struct stat st;
	uid_t self = geteuid();

	if (lstat(record->file, &st) != 0)
		return dlk_db_say(record, -errno, "%s%s", dlk_file_error(errno),
		    errno == ENOENT ? "; 'doublelock enroll USER' makes it" : "");
	if (!S_ISREG(st.st_mode))
		return dlk_db_say(record, -EACCES, "is not a regular file");
	if (st.st_uid != self && self != 0)
		return dlk_db_say(record, -EACCES,
		    "belongs to uid %lu, and this is uid %lu; give it to the user doublelock",
		    (unsigned long)st.st_uid, (unsigned long)self);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return dlk_db_say(record, -EACCES, "can be written by others; chmod 0600 it");
	return 0;
}

static int
configure(struct dlk_record *record)
{
	sqlite3 *db = record->db;

	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_handler(db, wait_a_little, record);
	/* The file belongs to a user who may have been taken over: its text runs no code. */
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* A helper lives for one login. It would be the last one to close each time, and pay
	 * each time for moving the log into the database: see dlk_db_shorten(). */
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_wal_hook(db, see_log, record);
	if (sqlite3_exec(db,
		"PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; "
		"PRAGMA cell_size_check = ON",
		NULL, NULL, NULL) != SQLITE_OK)
		return dlk_db_error(record, "opening");
	return 0;
}

static int
open_file(struct dlk_record *record)
{
	int r = check_file(record);

	if (r < 0)
		return r;
	r = dlk_place_find(record->file, &record->place);
	if (r < 0)
		return dlk_db_say(record, r, "%s", dlk_file_error(r));
	if (sqlite3_open_v2(record->file, &record->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return dlk_db_error(record, "opening");
	/* SQLite opens what it may not write for reading alone. */
	if (sqlite3_db_readonly(record->db, "main") == 1)
		return dlk_db_say(record, -EROFS,
		    "cannot be written; mount it read-write, and give file and directory to "
		    "the user doublelock");
	r = configure(record);
	return r < 0 ? r : dlk_db_prepare_schema(record);
}

int
dlk_record_open(const char *file, const struct dlk_seal *seal, struct dlk_record **ret_record,
    struct dlk_finding *trouble)
{
	DLK_AUTO_RECORD *record = calloc(1, sizeof(*record));
	int r = record ? 0 : -ENOMEM;

	if (r == 0 && !dlk_text_copy(record->file, sizeof(record->file), file))
		r = -ENAMETOOLONG;
	if (r < 0) {
		dlk_find(trouble, DLK_STAGE_SETTLE, DLK_R_FAULT_STORE, "%s: %s", file,
		    dlk_file_error(r));
		return r;
	}
	record->seal = seal;
	r = open_file(record);
	if (r < 0) {
		dlk_find(trouble, DLK_STAGE_SETTLE, DLK_R_FAULT_STORE, "%s", record->words);
		return r;
	}
	*ret_record = record;
	record = NULL;
	return 0;
}

int
dlk_record_create(const char *file, const struct dlk_seal *seal,
    struct dlk_record **ret_record, struct dlk_finding *trouble)
{
	struct stat st;

	if (lstat(file, &st) != 0 && errno == ENOENT) {
		int r = dlk_db_make(file, trouble);
		if (r < 0 && r != -EEXIST) /* somebody else made it meanwhile */
			return r;
	}
	return dlk_record_open(file, seal, ret_record, trouble);
}

void
dlk_record_close(struct dlk_record *record)
{
	if (!record)
		return;
	dlk_db_rollback(record);
	dlk_db_shorten(record, LOG_AT_CLOSE);
	for (size_t i = 0; i < DLK_SQL_COUNT; i++)
		sqlite3_finalize(record->statement[i]);
	/* Statements are all finalised, so this cannot be refused. */
	(void)sqlite3_close(record->db);
	free(record);
}

void
dlk_record_cleanup(struct dlk_record **record)
{
	dlk_record_close(*record);
}

static int
check_clock(struct dlk_record *record, int64_t now)
{
	char then[DLK_TIME_TEXT], text[DLK_TIME_TEXT];

	if (record->state.highest < INT64_MIN + CLOCK_SLACK ||
	    now >= record->state.highest - CLOCK_SLACK)
		return 0;
	dlk_time_text(record->state.highest, then);
	dlk_time_text(now, text);
	return dlk_db_say(record, -ETIME,
	    "the clock says %s, but a decision was recorded at %s; set the clock, or "
	    "'doublelock doctor --accept-clock'",
	    text, then);
}

int
dlk_record_begin(
    void *ctx, const struct dlk_subject *subject, int64_t now, struct dlk_memory *memory)
{
	struct dlk_record *record = ctx;

	assert(!record->locked);
	int r = dlk_db_begin(record);
	if (r < 0)
		return r;
	record->now = now;
	r = check_clock(record, now);
	if (r == 0 && subject)
		r = dlk_memory_load(record, subject, memory);
	if (r < 0)
		dlk_db_rollback(record);
	return r;
}

void
dlk_record_abandon(void *ctx)
{
	dlk_db_rollback(ctx);
}

const char *
dlk_record_trouble(const struct dlk_record *record)
{
	return record->words;
}

int
dlk_record_probe(struct dlk_record *record)
{
	int r = dlk_db_begin(record);

	if (r < 0)
		return r;
	r = dlk_db_run(record, DLK_SQL_PROBE, NULL, 0);
	return dlk_db_finish(record, r < 0 ? r : 0);
}

int
dlk_record_accept_clock(struct dlk_record *record, int64_t now)
{
	/* What began in a time that never was counts from now, and is not remembered. */
	static const enum dlk_sql from_now[] = { DLK_SQL_FAILURES_FROM_NOW,
		DLK_SQL_LOGINS_FROM_NOW, DLK_SQL_ATTEMPTS_FROM_NOW, DLK_SQL_OUTBOX_RETRY };
	int r = dlk_db_begin(record);

	if (r < 0)
		return r;
	record->state.highest = now;
	record->changed = true;
	for (size_t i = 0; i < sizeof(from_now) / sizeof(from_now[0]) && r >= 0; i++)
		r = dlk_db_run(record, from_now[i], DLK_VALUES(DLK_I(now)));
	return dlk_db_finish(record, r < 0 ? r : 0);
}
