/* SPDX-License-Identifier: MIT */
/*
 * db.c - statements, transactions and columns of the one SQLite file. It knows how SQLite
 * answers and says it in words; what the tables mean is for the files that use them.
 */
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define LOG_AT_COMMIT 256 /* pages of the log; one that stays open has them in memory */

static const char *const texts[] = {
#define TEXT(symbol, text) [DLK_SQL_##symbol] = text,
	DLK_SQL(TEXT)
#undef TEXT
};

int
dlk_db_say(struct dlk_record *record, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = snprintf(record->words, sizeof(record->words), "%.255s: ", record->file);
	if (n > 0 && (size_t)n < sizeof(record->words))
		(void)vsnprintf(
		    record->words + n, sizeof(record->words) - (size_t)n, format, args);
	va_end(args);
	return error;
}

struct trouble {
	int code, error;
	const char *words;
};

/* By extended code first, by primary code then. */
static const struct trouble troubles[] = {
	{ SQLITE_CORRUPT, -EBADMSG,
	    "the database is damaged; restore a backup: 'doublelock status'" },
	{ SQLITE_NOTADB, -EBADMSG,
	    "this is no database of Doublelock; move it away and restore a backup" },
	{ SQLITE_FULL, -ENOSPC, "the disk is full; free space below this directory" },
	{ SQLITE_READONLY, -EROFS,
	    "cannot be written; mount it read-write, and give file and directory to the "
	    "user doublelock" },
	{ SQLITE_CANTOPEN, -EACCES,
	    "cannot be opened; file and directory have to belong to the user doublelock" },
	{ SQLITE_PERM, -EACCES,
	    "access denied; file and directory have to belong to the user doublelock" },
	{ SQLITE_AUTH, -EACCES, "access denied" },
	{ SQLITE_BUSY, -EBUSY,
	    "another process has held the database for too long; see 'doublelock status'" },
	{ SQLITE_PROTOCOL, -EBUSY,
	    "too many processes open the database at once; see 'doublelock status'" },
	{ SQLITE_LOCKED, -EBUSY, "the database is locked by this process" },
	{ SQLITE_NOMEM, -ENOMEM, "out of memory" },
	{ SQLITE_IOERR_NOMEM, -ENOMEM, "out of memory" },
	{ SQLITE_IOERR, -EIO, "input/output error; check the disk and the kernel's log" },
	{ SQLITE_CONSTRAINT, -EEXIST, "a row is there already" },
	{ SQLITE_ERROR, -EBADMSG,
	    "the tables are not those of this program; restore a backup" },
};

static const struct trouble *
find_trouble(int code)
{
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
		if (troubles[i].code == code)
			return &troubles[i];
	return NULL;
}

int
dlk_db_error(struct dlk_record *record, const char *doing)
{
	static const struct trouble other = { 0, -EIO, "the database cannot be used" };
	int code = sqlite3_extended_errcode(record->db), system;
	const struct trouble *t = find_trouble(code);

	record->failed = true;
	if (!t)
		t = find_trouble(code & 0xff);
	if (!t)
		t = &other;
	/* SQLite maps a full disk to SQLITE_FULL in some places only. */
	system = sqlite3_system_errno(record->db);
	if (t->error == -EIO && (system == ENOSPC || system == EDQUOT))
		t = find_trouble(SQLITE_FULL);
	if (t->error == -EIO && system == EROFS)
		t = find_trouble(SQLITE_READONLY);
	return dlk_db_say(
	    record, t->error, "%s (%s: %s)", t->words, doing, sqlite3_errmsg(record->db));
}

int
dlk_db_unsound(struct dlk_record *record, const char *table, int64_t row)
{
	return dlk_db_say(record, -EBADMSG,
	    "row %lld of table %s is damaged; restore a backup, or remove and enrol again",
	    (long long)row, table);
}

int
dlk_db_seal_error(struct dlk_record *record, int r, const char *what)
{
	if (r == -ENOKEY && !record->seal)
		return dlk_db_say(record, r,
		    "%s needs the sealing key; [state] seal-key names no usable seal.key",
		    what);
	if (r == -ENOKEY)
		return dlk_db_say(record, r,
		    "%s is sealed under a key that is not in seal.key; put that key back, "
		    "or remove and enrol again",
		    what);
	if (r == -EKEYREJECTED)
		return dlk_db_say(record, r,
		    "%s does not open: seal.key has another key of that name, or the row was "
		    "changed; put the right seal.key back",
		    what);
	return dlk_db_say(record, r, "%s: %s", what, dlk_file_error(r));
}

void
dlk_db_end(sqlite3_stmt **statement)
{
	if (!*statement)
		return;
	sqlite3_reset(*statement);
	sqlite3_clear_bindings(*statement);
	*statement = NULL;
}

static int
bind(sqlite3_stmt *statement, int at, const struct dlk_value *value)
{
	switch (value->kind) {
	case DLK_VALUE_NULL:
		return sqlite3_bind_null(statement, at);
	case DLK_VALUE_TEXT:
		return sqlite3_bind_text(statement, at, value->text, -1, SQLITE_STATIC);
	case DLK_VALUE_INT:
		return sqlite3_bind_int64(statement, at, value->number);
	case DLK_VALUE_BLOB:
		return sqlite3_bind_blob64(
		    statement, at, value->blob.p, value->blob.n, SQLITE_STATIC);
	}
	return SQLITE_MISUSE;
}

int
dlk_db_start(struct dlk_record *record, enum dlk_sql sql, const struct dlk_value *value,
    size_t n, sqlite3_stmt **ret_statement)
{
	sqlite3_stmt **kept = &record->statement[sql];

	if (!*kept && sqlite3_prepare_v3(record->db, texts[sql], -1, SQLITE_PREPARE_PERSISTENT,
			  kept, NULL) != SQLITE_OK)
		return dlk_db_error(record, "preparing");
	for (size_t i = 0; i < n; i++)
		if (bind(*kept, (int)i + 1, &value[i]) != SQLITE_OK) {
			int r = dlk_db_error(record, "binding");
			sqlite3_clear_bindings(*kept);
			return r;
		}
	*ret_statement = *kept;
	return 0;
}

int
dlk_db_step(struct dlk_record *record, sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE)
		return 0;
	return dlk_db_error(record, "reading or writing");
}

int
dlk_db_run(
    struct dlk_record *record, enum dlk_sql sql, const struct dlk_value *value, size_t n)
{
	DLK_AUTO_ROWS *statement = NULL;
	int r = dlk_db_start(record, sql, value, n, &statement);

	if (r == 0)
		r = dlk_db_step(record, statement);
	return r < 0 ? r : sqlite3_changes(record->db);
}

int
dlk_db_number(struct dlk_record *record, enum dlk_sql sql, const struct dlk_value *value,
    size_t n, int64_t *ret_number)
{
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(record, sql, value, n, &row);

	if (r == 0)
		r = dlk_db_step(record, row);
	if (r < 0)
		return r;
	*ret_number = r > 0 ? sqlite3_column_int64(row, 0) : 0;
	return 0;
}

static int
read_state(struct dlk_record *record)
{
	DLK_AUTO_ROWS *row = NULL;
	struct dlk_db_state *state = &record->state;
	bool sound = true;
	int r = dlk_db_start(record, DLK_SQL_STATE, NULL, 0, &row);

	if (r == 0)
		r = dlk_db_step(record, row);
	if (r < 0)
		return r;
	if (r == 0)
		return dlk_db_unsound(record, "state", 1);
	state->highest = dlk_db_int(row, 0, INT64_MIN, INT64_MAX, &sound);
	state->last_row = dlk_db_int(row, 1, 0, INT64_MAX - 1, &sound);
	dlk_db_octets(row, 2, state->head, sizeof(state->head), &sound);
	dlk_db_octets(row, 3, state->base, sizeof(state->base), &sound);
	dlk_place_compare(record, row, 4, &sound);
	return sound ? 0 : dlk_db_unsound(record, "state", 1);
}

/* `synchronous` cannot be changed within a transaction. */
static int
set_quick(struct dlk_record *record, bool quick)
{
	if (record->quick == quick)
		return 0;
	if (sqlite3_exec(record->db,
		quick ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL", NULL,
		NULL, NULL) != SQLITE_OK)
		return dlk_db_error(record, "setting synchronous");
	record->quick = quick;
	return 0;
}

static int
begin(struct dlk_record *record, enum dlk_sql sql, bool quick)
{
	int r = 0;

	if (record->gather.on)
		return dlk_gather_begin(record);
	assert(!record->locked);
	/* A rollback that failed, for want of memory, would keep everybody else out. */
	if (!sqlite3_get_autocommit(record->db))
		r = dlk_db_run(record, DLK_SQL_ROLLBACK, NULL, 0);
	if (r >= 0)
		r = set_quick(record, quick);
	if (r >= 0)
		r = dlk_db_run(record, sql, NULL, 0);
	if (r < 0)
		return r;
	record->locked = true;
	record->changed = false;
	record->failed = false;
	r = read_state(record);
	if (r < 0)
		dlk_db_rollback(record);
	return r;
}

int
dlk_db_begin(struct dlk_record *record)
{
	return begin(record, DLK_SQL_BEGIN, false);
}

int
dlk_db_begin_quick(struct dlk_record *record)
{
	return begin(record, DLK_SQL_BEGIN, true);
}

int
dlk_db_snapshot(struct dlk_record *record)
{
	return begin(record, DLK_SQL_BEGIN_READING, false);
}

void
dlk_db_rollback(struct dlk_record *record)
{
	char words[sizeof(record->words)];

	if (record->gather.on) {
		dlk_gather_rollback(record);
		return;
	}
	if (!record->locked)
		return;
	record->locked = false;
	/* An error may have rolled back already; its words are the ones that matter. */
	if (sqlite3_get_autocommit(record->db))
		return;
	memcpy(words, record->words, sizeof(words));
	(void)dlk_db_run(record, DLK_SQL_ROLLBACK, NULL, 0);
	memcpy(record->words, words, sizeof(words));
}

/* SQLite would begin the log anew by what stands in the shared memory, which is gone with
 * the last process: between processes that live for one login it would grow for ever. What
 * fails here is tried again after the next commit. */
void
dlk_db_shorten(struct dlk_record *record, int pages)
{
	if (record->log_pages < pages)
		return;
	record->hurried = true;
	if (sqlite3_wal_checkpoint_v2(
		record->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) == SQLITE_OK)
		record->log_pages = 0;
	record->hurried = false;
}

int
dlk_db_commit(struct dlk_record *record)
{
	const struct dlk_db_state *state = &record->state;

	if (record->gather.on)
		return dlk_gather_commit(record);
	int r = record->unplaced ? dlk_place_keep(record) : 0;

	if (r == 0 && record->changed)
		r = dlk_db_run(record, DLK_SQL_STATE_SET,
		    DLK_VALUES(DLK_I(state->highest), DLK_I(state->last_row),
			DLK_B(state->head, sizeof(state->head)),
			DLK_B(state->base, sizeof(state->base))));
	if (r >= 0)
		r = dlk_db_run(record, DLK_SQL_COMMIT, NULL, 0);
	if (r < 0) {
		dlk_db_rollback(record);
		return r;
	}
	record->locked = false;
	dlk_db_shorten(record, LOG_AT_COMMIT);
	return 0;
}

int
dlk_db_finish(struct dlk_record *record, int r)
{
	if (r == 0)
		return dlk_db_commit(record);
	dlk_db_rollback(record);
	return r;
}

void
dlk_db_text(sqlite3_stmt *row, int column, char *ret_text, size_t size, bool *sound)
{
	const unsigned char *text = sqlite3_column_text(row, column);
	size_t n = (size_t)sqlite3_column_bytes(row, column);

	ret_text[0] = '\0';
	if (!text || sqlite3_column_type(row, column) != SQLITE_TEXT || n >= size ||
	    memchr(text, '\0', n)) {
		*sound = false;
		return;
	}
	memcpy(ret_text, text, n);
	ret_text[n] = '\0';
}

int64_t
dlk_db_int(sqlite3_stmt *row, int column, int64_t least, int64_t most, bool *sound)
{
	int64_t value = sqlite3_column_int64(row, column);

	if (sqlite3_column_type(row, column) == SQLITE_INTEGER && value >= least &&
	    value <= most)
		return value;
	*sound = false;
	return 0;
}

struct dlk_bytes
dlk_db_blob(sqlite3_stmt *row, int column)
{
	if (sqlite3_column_type(row, column) != SQLITE_BLOB)
		return (struct dlk_bytes){ 0 };
	const void *p = sqlite3_column_blob(row, column);
	return DLK_BYTES(p, (size_t)sqlite3_column_bytes(row, column));
}

void
dlk_db_octets(sqlite3_stmt *row, int column, uint8_t *ret_octets, size_t n, bool *sound)
{
	struct dlk_bytes blob = dlk_db_blob(row, column);

	memset(ret_octets, 0, n);
	if (blob.p && blob.n == n)
		memcpy(ret_octets, blob.p, n);
	else
		*sound = false;
}
