/* SPDX-License-Identifier: MIT */
/*
 * gather.c - several decisions in one transaction, so that one wait for the disk is enough for
 * all of them. Each is a savepoint: it is undone alone where it fails, and sees what the ones
 * before it have used. None of them is durable before the commit of all; where the transaction
 * is lost on the way, all are.
 */
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void
dlk_record_gather(struct dlk_record *record)
{
	assert(!record->locked && !record->gather.on);
	record->gather = (struct dlk_gather){ .on = true };
}

static int
open_all(struct dlk_record *record)
{
	record->gather.on = false;
	int r = dlk_db_begin(record);
	record->gather.on = true;
	if (r < 0)
		return r;
	record->locked = false;
	record->gather.open = true;
	return 0;
}

int
dlk_gather_begin(struct dlk_record *record)
{
	struct dlk_gather *g = &record->gather;

	assert(!record->locked);
	if (g->lost == 0 && g->open && sqlite3_get_autocommit(record->db))
		g->lost = dlk_db_say(record, -EIO, "the transaction was lost");
	if (g->lost != 0)
		return g->lost; /* and its words */
	int r = g->open ? 0 : open_all(record);
	if (r == 0)
		r = dlk_db_run(record, DLK_SQL_SAVEPOINT, NULL, 0);
	if (r < 0)
		return r;
	g->before = record->state;
	record->locked = true;
	record->changed = false;
	record->failed = false;
	return 0;
}

static void
undo(struct dlk_record *record)
{
	int r = 0;

	/* SQLite ends the whole transaction by itself where the disk is full, or fails */
	if (sqlite3_get_autocommit(record->db))
		r = -EIO;
	if (r == 0)
		r = dlk_db_run(record, DLK_SQL_UNDO, NULL, 0);
	if (r >= 0)
		r = dlk_db_run(record, DLK_SQL_RELEASE, NULL, 0);
	if (r < 0 && record->gather.lost == 0)
		record->gather.lost = r;
}

void
dlk_gather_rollback(struct dlk_record *record)
{
	char words[sizeof(record->words)];

	if (!record->locked)
		return;
	record->locked = false;
	record->state = record->gather.before;
	memcpy(words, record->words, sizeof(words));
	undo(record);
	memcpy(record->words, words, sizeof(words));
}

int
dlk_gather_commit(struct dlk_record *record)
{
	int r = dlk_db_run(record, DLK_SQL_RELEASE, NULL, 0);

	if (r < 0) {
		dlk_gather_rollback(record);
		return r;
	}
	record->locked = false;
	record->gather.changed |= record->changed;
	return 0;
}

int
dlk_record_commit(struct dlk_record *record)
{
	struct dlk_gather g = record->gather;

	assert(g.on && !record->locked);
	record->gather = (struct dlk_gather){ 0 };
	if (!g.open)
		return g.lost;
	record->locked = true;
	record->changed = g.changed;
	if (g.lost == 0 && sqlite3_get_autocommit(record->db))
		g.lost = dlk_db_say(record, -EIO, "the transaction was lost");
	if (g.lost != 0) {
		dlk_db_rollback(record);
		return g.lost;
	}
	return dlk_db_commit(record);
}
