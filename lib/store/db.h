/* SPDX-License-Identifier: MIT */
/*
 * db.h - the SQLite handle behind struct dlk_record, for the files of the record alone:
 * statements that are prepared when first used, errors in words, columns read with doubt.
 */
#ifndef DLK_STORE_DB_H
#define DLK_STORE_DB_H

#include <limits.h>

#include <sqlite3.h>

#include "store/record.h"
#include "store/sql.h"

#define DLK_CHAIN_SIZE DLK_SHA256_SIZE
#define DLK_KEY_HEX    (2 * DLK_SHA256_SIZE)

/* The one row of `state`, read when a transaction begins and written when it ends. */
struct dlk_db_state {
	int64_t highest;              /* time settled */
	int64_t last_row;             /* of the last event */
	uint8_t head[DLK_CHAIN_SIZE]; /* chain up to it */
	uint8_t base[DLK_CHAIN_SIZE]; /* chain before the first event that is kept */
};

/* Which file it is, whatever its name: a copy has another inode, made at another time. */
struct dlk_place {
	int64_t inode;
	int64_t born; /* nanoseconds; 0 where the file system does not tell */
};

/* Several decisions in one transaction: gather.c. */
struct dlk_gather {
	bool on;      /* begin and commit are those of one decision */
	bool open;    /* the transaction of all is there */
	bool changed; /* one of them has changed `state` */
	int lost;     /* the transaction is no more: nothing of it will be durable */
	struct dlk_db_state before; /* the decision under way */
};

struct dlk_record {
	sqlite3 *db;
	const struct dlk_seal *seal;
	sqlite3_stmt *statement[DLK_SQL_COUNT];
	bool failed;            /* SQLite has refused something since the transaction began */
	bool locked;            /* a transaction of ours is open */
	bool changed;           /* `state` has to be written before it ends */
	bool quick;             /* synchronous is NORMAL just now */
	int64_t now;            /* of begin */
	int64_t waiting_since;  /* for a lock, monotonic ms */
	int log_pages;          /* of the log, after our last commit */
	bool hurried;           /* waits for nobody */
	bool unplaced;          /* it remembers no place yet */
	bool moved;             /* the place that it remembers is another one: restored */
	struct dlk_place place; /* where it is opened */
	struct dlk_gather gather;
	struct dlk_db_state state;
	char file[PATH_MAX];
	char words[DLK_DETAIL_MAX + 1];
};

int dlk_gather_begin(struct dlk_record *record);
int dlk_gather_commit(struct dlk_record *record);
void dlk_gather_rollback(struct dlk_record *record);

/* Moves the log into the database where it has that many pages, unless somebody reads. */
void dlk_db_shorten(struct dlk_record *record, int pages);

struct dlk_value {
	enum { DLK_VALUE_NULL = 0, DLK_VALUE_TEXT, DLK_VALUE_INT, DLK_VALUE_BLOB } kind;
	const char *text;
	int64_t number;
	struct dlk_bytes blob;
};
#define DLK_T(t)      ((struct dlk_value){ .kind = DLK_VALUE_TEXT, .text = (t) })
#define DLK_I(i)      ((struct dlk_value){ .kind = DLK_VALUE_INT, .number = (int64_t)(i) })
#define DLK_B(p_, n_) ((struct dlk_value){ .kind = DLK_VALUE_BLOB, .blob = DLK_BYTES(p_, n_) })
#define DLK_NULL      ((struct dlk_value){ .kind = DLK_VALUE_NULL })
#define DLK_VALUES(...)                                                                       \
	(const struct dlk_value[]){ __VA_ARGS__ },                                            \
	    sizeof((const struct dlk_value[]){ __VA_ARGS__ }) / sizeof(struct dlk_value)

/* A statement in use; reset when it leaves its block. */
void dlk_db_end(sqlite3_stmt **statement);
#define DLK_AUTO_ROWS __attribute__((cleanup(dlk_db_end))) sqlite3_stmt

/* Values are borrowed until the statement has ended. 0 or -errno. */
int dlk_db_start(struct dlk_record *record, enum dlk_sql sql, const struct dlk_value *value,
    size_t n, sqlite3_stmt **ret_statement);
/* 1: there is a row; 0: there is none; -errno. */
int dlk_db_step(struct dlk_record *record, sqlite3_stmt *statement);
/* A statement without rows: how many rows it has changed, or -errno. */
int dlk_db_run(
    struct dlk_record *record, enum dlk_sql sql, const struct dlk_value *value, size_t n);
/* One number (0 where there is no row). 0 or -errno. */
int dlk_db_number(struct dlk_record *record, enum dlk_sql sql, const struct dlk_value *value,
    size_t n, int64_t *ret_number);

/* BEGIN IMMEDIATE and the state. commit is durable when it returns 0; an
 * error has rolled back. rollback may always be called. */
int dlk_db_begin(struct dlk_record *record);
/* The same for what may be lost when the power fails: no wait for the disk. */
int dlk_db_begin_quick(struct dlk_record *record);
/* One state of the database to read, without the lock; ended by rollback. */
int dlk_db_snapshot(struct dlk_record *record);
int dlk_db_commit(struct dlk_record *record);
void dlk_db_rollback(struct dlk_record *record);
/* commit where r is 0, else rollback and r */
int dlk_db_finish(struct dlk_record *record, int r);

/* Columns of a row of a file that somebody may have damaged: what is not as it was written
 * clears *sound, and the value is empty. */
void dlk_db_text(sqlite3_stmt *row, int column, char *ret_text, size_t size, bool *sound);
int64_t dlk_db_int(sqlite3_stmt *row, int column, int64_t least, int64_t most, bool *sound);
void dlk_db_octets(sqlite3_stmt *row, int column, uint8_t *ret_octets, size_t n, bool *sound);
struct dlk_bytes dlk_db_blob(sqlite3_stmt *row, int column); /* until the next step */

/* Words for an error of SQLite (as the database has it), of a row that is not sound, or of
 * our own; -errno. */
int dlk_db_error(struct dlk_record *record, const char *doing);
int dlk_db_unsound(struct dlk_record *record, const char *table, int64_t row);
int dlk_db_say(struct dlk_record *record, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Words for -ENOKEY and -EKEYREJECTED of a secret; returns r. */
int dlk_db_seal_error(struct dlk_record *record, int r, const char *what);

/* schema.c */
int dlk_db_migrate(struct dlk_record *record, const char *const *step, int n);
int dlk_db_prepare_schema(struct dlk_record *record);
int dlk_db_make(const char *file, struct dlk_finding *trouble);

/* place.c: finds out where the file is, when it is opened. 0 or -errno. */
int dlk_place_find(const char *file, struct dlk_place *ret_place);
/* Columns inode and born of `state`: a record that remembers no place takes this one when
 * the transaction ends. */
void dlk_place_compare(struct dlk_record *record, sqlite3_stmt *row, int first, bool *sound);
int dlk_place_keep(struct dlk_record *record);

/* checkpoint.c: the chain up to `row` is state.base, and the rows are gone; signed, within a
 * transaction. */
int dlk_checkpoint_set(struct dlk_record *record, int64_t row);
/* *ret_row is the last row that is gone; 0: none is. -EBADMSG: not what was signed. */
int dlk_checkpoint_check(struct dlk_record *record, int64_t *ret_row);
/* Signs it under the current key, within a transaction. */
int dlk_checkpoint_reseal(struct dlk_record *record);

/* events.c: appends to the chain and the outbox, within a transaction; gives an id where
 * there is none. */
int dlk_events_append(struct dlk_record *record, struct dlk_event *event);
/* One provisional verdict that is over, in the transaction that is open: 1, or 0 for none. */
int dlk_events_abandon_one(struct dlk_record *record, int64_t now);
int dlk_event_id_new(char *ret_id);
#define DLK_EVENT_COLUMNS 21
/* tokens.c: what the operator did, within a transaction. */
int dlk_operator_event(struct dlk_record *record, enum dlk_event_type type, const char *user,
    const char *token, const char *detail, const char *actor, int64_t now);
void dlk_token_wipe(struct dlk_token *token);
#define DLK_AUTO_TOKEN __attribute__((cleanup(dlk_token_wipe))) struct dlk_token
/* By which a secret is known again; words where that fails. */
int dlk_token_mac(struct dlk_record *record, const char *seal, const struct dlk_secret *key,
    uint8_t *ret_mac);
/* Columns of an event from `first` on, in the order of DLK_COLUMNS_EVENT. */
bool dlk_event_read(sqlite3_stmt *row, int first, struct dlk_event *e);
void dlk_event_values(const struct dlk_event *e, struct dlk_value *v);

/* memory.c */
int dlk_memory_load(struct dlk_record *record, const struct dlk_subject *subject,
    struct dlk_memory *ret_memory);
/* The last login of a subject alone; `key` is its key_id in hex. */
int dlk_memory_login(struct dlk_record *record, const struct dlk_subject *subject,
    const char *key, struct dlk_memory *memory);
/* What an earlier code of the user opens without another one, closed. */
int dlk_logins_end(struct dlk_record *record, const char *user);
/* kept.c: what was kept and used, within a transaction; -EEXIST where it was used before. */
int dlk_kept_settle(struct dlk_record *record, const struct dlk_settlement *settlement);
/* A row of DLK_COLUMNS_TOKEN; `open` unseals. */
int dlk_token_read(struct dlk_record *record, sqlite3_stmt *row, bool open, char *ret_user,
    struct dlk_token *ret_token);
/* What a token's secret is bound to. out has DLK_TOKEN_BOUND_MAX. */
#define DLK_TOKEN_BOUND_MAX 512
struct dlk_bytes dlk_token_bound(
    const char *user, const struct dlk_token *token, uint8_t *out);
void dlk_failures_read(
    sqlite3_stmt *row, int first, struct dlk_failures *ret_failures, bool *sound);
/* How the key of a failure row is written: "key", "user", "source" in `kind`. */
extern const char dlk_failure_key[], dlk_failure_user[], dlk_failure_source[];

#endif
