/* SPDX-License-Identifier: MIT */
/*
 * schema.c - how the database comes to be, and from one version to the next. Migrations only
 * add, so that a program of the release before works with it too, and all that are missing
 * happen in one transaction. The file is made aside and linked
 * into place whole: nobody ever opens half a database, and nobody's is replaced.
 */
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define APPLICATION 0x444c4b31 /* "DLK1", in the header of the file */

static const char version_1[] =
    "CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), highest INTEGER NOT NULL,"
    " last_row INTEGER NOT NULL, head BLOB NOT NULL, base BLOB NOT NULL,"
    " probed INTEGER NOT NULL);"
    "INSERT INTO state VALUES (1, 0, 0, zeroblob(32), zeroblob(32), 0);"
    "CREATE TABLE token (id INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL,"
    " label TEXT NOT NULL, kind TEXT NOT NULL, algorithm TEXT NOT NULL,"
    " digits INTEGER NOT NULL, period INTEGER NOT NULL, last_step INTEGER NOT NULL,"
    " key_id BLOB, created INTEGER NOT NULL, seal TEXT NOT NULL, sealed BLOB NOT NULL,"
    " mac BLOB NOT NULL, UNIQUE (user, label));"
    "CREATE TABLE used (seal TEXT NOT NULL, mac BLOB NOT NULL, last_step INTEGER NOT NULL,"
    " PRIMARY KEY (seal, mac)) WITHOUT ROWID;"
    "CREATE TABLE recovery (id INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL,"
    " seal TEXT NOT NULL, mac BLOB NOT NULL);"
    "CREATE INDEX recovery_user ON recovery (user);"
    "CREATE TABLE failure (row INTEGER PRIMARY KEY, user TEXT NOT NULL, kind TEXT NOT NULL,"
    " key TEXT NOT NULL, count INTEGER NOT NULL, since INTEGER NOT NULL,"
    " locked_until INTEGER NOT NULL, lockouts INTEGER NOT NULL, UNIQUE (user, kind, key));"
    "CREATE TABLE login (row INTEGER PRIMARY KEY, user TEXT NOT NULL, key TEXT NOT NULL,"
    " service TEXT NOT NULL, source TEXT NOT NULL, token INTEGER NOT NULL,"
    " step INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,"
    " at INTEGER NOT NULL, UNIQUE (user, key, service, source));"
    "CREATE TABLE attempt (row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
    " final INTEGER NOT NULL, at INTEGER NOT NULL, event TEXT NOT NULL);"
#define EVENT                                                                                 \
	" id TEXT NOT NULL, at INTEGER NOT NULL, type TEXT NOT NULL, reason TEXT NOT NULL,"   \
	" stage TEXT NOT NULL, entrance TEXT NOT NULL, possession TEXT NOT NULL,"             \
	" user TEXT NOT NULL, service TEXT NOT NULL, source TEXT NOT NULL, tty TEXT NOT "     \
	"NULL,"                                                                               \
	" caller TEXT NOT NULL, policy TEXT NOT NULL, relaxed TEXT NOT NULL,"                 \
	" subject TEXT NOT NULL, issuer TEXT NOT NULL, serial TEXT NOT NULL,"                 \
	" fingerprint TEXT NOT NULL, detail TEXT NOT NULL, token TEXT NOT NULL,"              \
	" good_until INTEGER NOT NULL"
    "CREATE TABLE pending (attempt BLOB PRIMARY KEY," EVENT ");"
    "CREATE TABLE event (row INTEGER PRIMARY KEY," EVENT ", chain BLOB NOT NULL);"
    "CREATE INDEX event_user ON event (user);"
    "CREATE TABLE outbox (row INTEGER PRIMARY KEY, attempts INTEGER NOT NULL,"
    " due INTEGER NOT NULL, error TEXT NOT NULL);"
    "CREATE INDEX outbox_due ON outbox (due);";

/* What 0.2.0 adds, all of it: a version of the schema belongs to a release. `process` is from
 * which login a process's session will be, `place` which file this is, `checkpoint` where the
 * events begin that are kept, `wanted` where lists of revocation are to be fetched from,
 * `revoked` what sshd is to refuse, `kept` certificates between a gateway's two calls, `visit`
 * its connections, `ending` certificates whose end was told of; by `mark` an attempt's request
 * is known again. */
static const char version_2[] =
    "CREATE TABLE process (row INTEGER PRIMARY KEY, pid INTEGER NOT NULL,"
    " started INTEGER NOT NULL, parent INTEGER NOT NULL, parent_started INTEGER NOT NULL,"
    " user TEXT NOT NULL, service TEXT NOT NULL, at INTEGER NOT NULL,"
    " login INTEGER NOT NULL, event TEXT NOT NULL);"
    "CREATE INDEX process_pid ON process (pid, started);"
    "CREATE INDEX process_parent ON process (parent, parent_started);"
    "CREATE TABLE checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), row INTEGER NOT NULL,"
    " seal TEXT NOT NULL, mac BLOB NOT NULL);"
    "CREATE TABLE place (one INTEGER PRIMARY KEY CHECK (one = 1), inode INTEGER NOT NULL,"
    " born INTEGER NOT NULL);"
    "CREATE TABLE wanted (row INTEGER PRIMARY KEY AUTOINCREMENT, url TEXT NOT NULL UNIQUE,"
    " issuer BLOB NOT NULL, name TEXT NOT NULL, since INTEGER NOT NULL,"
    " at INTEGER NOT NULL);"
    "CREATE TABLE revoked (row INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE,"
    " key TEXT NOT NULL, good INTEGER NOT NULL, until INTEGER NOT NULL,"
    " at INTEGER NOT NULL);"
    "CREATE INDEX revoked_key ON revoked (key);"
    "CREATE TABLE kept (row INTEGER PRIMARY KEY AUTOINCREMENT, caller TEXT NOT NULL,"
    " service TEXT NOT NULL, source TEXT NOT NULL, fingerprint TEXT NOT NULL,"
    " at INTEGER NOT NULL, attempt BLOB NOT NULL, certificate BLOB NOT NULL,"
    " chain BLOB NOT NULL, UNIQUE (caller, service, source, fingerprint));"
    "CREATE TABLE visit (row INTEGER PRIMARY KEY, caller TEXT NOT NULL,"
    " service TEXT NOT NULL, name TEXT NOT NULL, user TEXT NOT NULL, key TEXT NOT NULL,"
    " at INTEGER NOT NULL, UNIQUE (caller, service, name));"
    "CREATE TABLE ending (fingerprint TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;"
    "ALTER TABLE attempt ADD COLUMN mark BLOB;"
    "ALTER TABLE attempt ADD COLUMN event_row INTEGER NOT NULL DEFAULT 0;";

static const char *const versions[] = { version_1, version_2 };
#define VERSIONS ((int)(sizeof(versions) / sizeof(versions[0])))

static int
execute(struct dlk_record *record, const char *sql)
{
	if (sqlite3_exec(record->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return dlk_db_error(record, "preparing the tables");
	return 0;
}

static int
pragma(struct dlk_record *record, const char *sql, int64_t *ret_value)
{
	sqlite3_stmt *row = NULL;
	int r = 0;

	if (sqlite3_prepare_v2(record->db, sql, -1, &row, NULL) != SQLITE_OK ||
	    sqlite3_step(row) != SQLITE_ROW)
		r = dlk_db_error(record, "opening");
	else
		*ret_value = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	return r;
}

static int
set_version(struct dlk_record *record, int version)
{
	char sql[96];

	dlk_text_print(sql, sizeof(sql),
	    "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION, version);
	return execute(record, sql);
}

static int
upgrade(struct dlk_record *record, const char *const *step, int n)
{
	int64_t version = 0;
	/* Read again: another process may have been faster. */
	int r = pragma(record, "PRAGMA user_version", &version);

	for (int64_t i = version; i < n && r == 0; i++)
		r = execute(record, step[i]);
	return r == 0 && version < n ? set_version(record, n) : r;
}

int
dlk_db_migrate(struct dlk_record *record, const char *const *step, int n)
{
	int64_t version = 0;
	int r = pragma(record, "PRAGMA user_version", &version);

	/* migrations only add, so the release before may go on with what the next one made */
	if (r < 0 || version == n || version == n + 1)
		return r;
	if (version > n)
		return dlk_db_say(record, -ESTALE,
		    "has schema version %lld, this program knows %d; install the newer "
		    "doublelock again",
		    (long long)version, n);
	r = execute(record, "BEGIN IMMEDIATE");
	if (r < 0)
		return r;
	r = upgrade(record, step, n);
	if (r == 0)
		r = execute(record, "COMMIT");
	if (r < 0)
		(void)sqlite3_exec(record->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

int
dlk_db_prepare_schema(struct dlk_record *record)
{
	int64_t application = 0;
	int r = pragma(record, "PRAGMA application_id", &application);

	if (r < 0)
		return r;
	if (application != APPLICATION)
		return dlk_db_say(record, -EBADMSG,
		    "this is no database of Doublelock; move it away and restore a backup");
	return dlk_db_migrate(record, versions, VERSIONS);
}

/* The tables, in a file that exists and is empty. The log comes last: what is in it when the
 * file is closed would be moved into the file without a word about whether that succeeded. */
static int
fill(const char *aside, struct dlk_record *record)
{
	int64_t ignored;

	if (sqlite3_open_v2(aside, &record->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		NULL) != SQLITE_OK)
		return dlk_db_error(record, "creating");
	int r = dlk_db_migrate(record, versions, VERSIONS);
	if (r == 0)
		r = pragma(record, "PRAGMA journal_mode = WAL", &ignored);
	(void)sqlite3_close(record->db);
	record->db = NULL;
	return r;
}

static int
sync_path(const char *path, int flags)
{
	DLK_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | flags);

	return fd < 0 || fsync(fd) != 0 ? -errno : 0;
}

static int
link_into_place(const char *aside, const char *file, const char *directory)
{
	int r = sync_path(aside, O_NOFOLLOW);

	if (r == 0 && link(aside, file) != 0)
		r = -errno;
	return r == 0 ? sync_path(directory, O_DIRECTORY) : r;
}

static void
forget_aside(const char *aside)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-journal" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		dlk_text_print(path, sizeof(path), "%s%s", aside, tails[i]);
		(void)unlink(path);
	}
}

/* "DIR" of "DIR/NAME", and a template beside NAME. */
static int
split(const char *file, char *directory, char *aside)
{
	const char *slash = strrchr(file, '/');
	size_t n = slash ? (size_t)(slash - file) : 0;

	if (strlen(file) + 16 >= PATH_MAX)
		return -ENAMETOOLONG;
	dlk_text_print(
	    directory, PATH_MAX, "%.*s", slash ? (int)(n ? n : 1) : 1, slash ? file : ".");
	dlk_text_print(aside, PATH_MAX, "%.*s.new-XXXXXX", (int)strlen(file), file);
	return 0;
}

static int
no_room(const char *file, int error, struct dlk_finding *trouble)
{
	dlk_find(trouble, DLK_STAGE_SETTLE, DLK_R_FAULT_STORE,
	    "%.255s: cannot be created: %s; its directory has to be there and to belong to "
	    "the "
	    "user doublelock",
	    file, dlk_file_error(error));
	return error;
}

int
dlk_db_make(const char *file, struct dlk_finding *trouble)
{
	char directory[PATH_MAX], aside[PATH_MAX];
	int r = split(file, directory, aside);

	if (r < 0)
		return no_room(file, r, trouble);
	DLK_AUTO_FD fd = mkostemp(aside, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return no_room(file, -errno, trouble);
	struct dlk_record *record = calloc(1, sizeof(*record));
	if (!record) {
		r = no_room(file, -ENOMEM, trouble);
	} else {
		(void)dlk_text_copy(record->file, sizeof(record->file), file);
		r = fill(aside, record);
		if (r < 0)
			dlk_find(
			    trouble, DLK_STAGE_SETTLE, DLK_R_FAULT_STORE, "%s", record->words);
		free(record);
	}
	if (r == 0) {
		r = link_into_place(aside, file, directory);
		if (r < 0 && r != -EEXIST)
			(void)no_room(file, r, trouble);
	}
	forget_aside(aside);
	return r;
}
