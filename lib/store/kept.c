/* SPDX-License-Identifier: MIT */
/*
 * kept.c - what a gateway's calls have in common, where one handshake is several of them: a
 * certificate from the call that brings it to the one that brings the code, and which
 * connections stand. Each is of one caller and one service: no gateway finds another's.
 */
#include "store/db.h"

#include <errno.h>
#include <string.h>

#define KEPT_SECONDS 60
#define VISIT_KEPT   (31 * 86400) /* seconds without new keys */

static int
read_blob(sqlite3_stmt *row, int column, size_t most, struct dlk_buf *buf)
{
	struct dlk_bytes blob = dlk_db_blob(row, column);

	return blob.n > 0 ? dlk_buf_add(buf, most, blob) : 0;
}

static int
read_kept(struct dlk_record *record, sqlite3_stmt *row, struct dlk_kept *kept)
{
	bool sound = true;

	kept->row = dlk_db_int(row, 0, 1, INT64_MAX, &sound);
	dlk_db_octets(row, 1, kept->attempt, sizeof(kept->attempt), &sound);
	int r = read_blob(row, 2, DLK_EVIDENCE_MAX, &kept->certificate);
	if (r == 0)
		r = read_blob(row, 3, DLK_CHAIN_MAX, &kept->chain);
	if (r == -ENOMEM)
		return r;
	return r == 0 && sound ? 0 : dlk_db_unsound(record, "kept", kept->row);
}

int
dlk_record_kept(void *ctx, const struct dlk_caller *caller, const struct dlk_request *request,
    int64_t now, struct dlk_kept *ret_kept)
{
	struct dlk_record *record = ctx;
	char fingerprint[DLK_FINGERPRINT_HEX + 1];
	DLK_AUTO_ROWS *row = NULL;

	if (request->evidence.n != DLK_SHA256_SIZE)
		return -ENOENT;
	dlk_hex(dlk_bytes_of(&request->evidence), fingerprint);
	int r = dlk_db_start(record, DLK_SQL_KEPT,
	    DLK_VALUES(DLK_T(caller->name), DLK_T(request->service), DLK_T(request->source),
		DLK_T(fingerprint), DLK_I(now - KEPT_SECONDS), DLK_I(now)),
	    &row);
	if (r == 0)
		r = dlk_db_step(record, row);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	return read_kept(record, row, ret_kept);
}

/* An attempt that has its final verdict is not the next call's as well. */
static int
keep(struct dlk_record *record, const struct dlk_settlement *s)
{
	static const uint8_t none[DLK_ATTEMPT_SIZE];
	const struct dlk_event *event = &s->event;
	int r = dlk_db_run(record, DLK_SQL_KEPT_OLD,
	    DLK_VALUES(DLK_I(record->now - KEPT_SECONDS), DLK_I(record->now)));

	if (r >= 0)
		r = dlk_db_run(record, DLK_SQL_KEPT_ADD,
		    DLK_VALUES(DLK_T(event->caller), DLK_T(event->service),
			DLK_T(event->source), DLK_T(event->fingerprint), DLK_I(record->now),
			DLK_B(s->provisional ? s->attempt : none, DLK_ATTEMPT_SIZE),
			DLK_B(s->certificate.p, s->certificate.n),
			DLK_B(s->chain.n > 0 ? s->chain.p : none, s->chain.n)));
	return r < 0 ? r : 0;
}

static int
use(struct dlk_record *record, int64_t row)
{
	int n = dlk_db_run(record, DLK_SQL_KEPT_USE, DLK_VALUES(DLK_I(row)));

	if (n < 0)
		return n;
	return n == 1 ? 0 : dlk_db_say(record, -EEXIST, "the certificate was used meanwhile");
}

static int
visit(struct dlk_record *record, const struct dlk_subject *subject)
{
	char key[DLK_KEY_HEX + 1];

	dlk_hex(DLK_BYTES(subject->key_id, sizeof(subject->key_id)), key);
	int r = dlk_db_run(record, DLK_SQL_VISIT_SET,
	    DLK_VALUES(DLK_T(subject->caller), DLK_T(subject->service), DLK_T(subject->visit),
		DLK_T(subject->user), DLK_T(key), DLK_I(record->now)));
	if (r >= 0)
		r = dlk_db_run(
		    record, DLK_SQL_VISITS_OLD, DLK_VALUES(DLK_I(record->now - VISIT_KEPT)));
	return r < 0 ? r : 0;
}

int
dlk_kept_settle(struct dlk_record *record, const struct dlk_settlement *s)
{
	int r = s->kept != 0 ? use(record, s->kept) : 0;

	if (r == 0 && s->keep)
		r = keep(record, s);
	if (r == 0 && s->visited)
		r = visit(record, &s->subject);
	return r;
}
