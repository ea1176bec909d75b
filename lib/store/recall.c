/* SPDX-License-Identifier: MIT */
/*
 * recall.c - who lost the answer asks again: the same octets, in the same attempt, from the
 * same process, within half a minute. It is known by a MAC under the sealing key over all of
 * that, so the file says nothing of a code, and whoever has only the file makes none. What
 * differs in anything is not known here, and judged like any other.
 */
#include "store/db.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

#define MARKED_MAX (4 * DLK_NAME_MAX)

static bool
is_zero(const uint8_t octets[DLK_SHA256_SIZE])
{
	static const uint8_t none[DLK_SHA256_SIZE];

	return memcmp(octets, none, sizeof(none)) == 0;
}

static int
add_number(struct dlk_buf *buf, int64_t number)
{
	uint8_t octets[8];

	dlk_put_be64(octets, (uint64_t)number);
	return dlk_buf_add(buf, MARKED_MAX, DLK_BYTES(octets, sizeof(octets)));
}

/* The texts' lengths stand before them. */
static int
add_text(struct dlk_buf *buf, const char *text)
{
	int r = add_number(buf, (int64_t)strlen(text));

	return r < 0 ? r : dlk_buf_add(buf, MARKED_MAX, dlk_bytes_str(text));
}

static int
make_mark(const struct dlk_seal *seal, const struct dlk_caller *caller,
    const struct dlk_request *request, struct dlk_mark *ret_mark)
{
	DLK_AUTO_BUF marked = { 0 };
	int r = add_number(&marked, (int64_t)caller->entrance);

	if (r == 0)
		r = add_number(&marked, caller->uid);
	if (r == 0)
		r = add_number(&marked, caller->pid);
	if (r == 0)
		r = add_number(&marked, caller->started);
	if (r == 0)
		r = add_text(&marked, caller->name);
	if (r == 0)
		r = add_text(&marked, caller->peer);
	if (r == 0)
		r = dlk_buf_add(&marked, MARKED_MAX,
		    DLK_BYTES(caller->peer_key, sizeof(caller->peer_key)));
	if (r == 0)
		r = dlk_buf_add(
		    &marked, MARKED_MAX, DLK_BYTES(request->attempt, DLK_ATTEMPT_SIZE));
	if (r == 0)
		r = dlk_buf_add(
		    &marked, MARKED_MAX, DLK_BYTES(request->octets, DLK_SHA256_SIZE));
	if (r == 0)
		r = dlk_seal_mac(seal, NULL, "request", dlk_bytes_of(&marked), ret_mark->mac);
	ret_mark->set = r == 0;
	return r;
}

static int
read_event(
    struct dlk_record *record, int64_t number, const char *id, struct dlk_event *ret_event)
{
	DLK_AUTO_ROWS *row = NULL;
	int r =
	    dlk_db_start(record, DLK_SQL_EVENT, DLK_VALUES(DLK_I(number), DLK_T(id)), &row);

	if (r == 0)
		r = dlk_db_step(record, row);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	return dlk_event_read(row, 0, ret_event) ? 0 : dlk_db_unsound(record, "event", number);
}

static int
find(struct dlk_record *record, const uint8_t *attempt, int64_t now,
    const struct dlk_mark *mark, struct dlk_event *ret_event)
{
	DLK_AUTO_ROWS *row = NULL;
	uint8_t mac[DLK_SHA256_SIZE];
	char id[DLK_EVENT_ID_TEXT + 1];
	bool sound = true;
	/* one of the future is of a clock that was set back */
	int r = dlk_db_start(record, DLK_SQL_ATTEMPT_MARK,
	    DLK_VALUES(
		DLK_B(attempt, DLK_ATTEMPT_SIZE), DLK_I(now - DLK_RECALL_SECONDS), DLK_I(now)),
	    &row);

	if (r == 0)
		r = dlk_db_step(record, row);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	dlk_db_octets(row, 0, mac, sizeof(mac), &sound);
	dlk_db_text(row, 1, id, sizeof(id), &sound);
	int64_t number = dlk_db_int(row, 2, 1, INT64_MAX, &sound);
	if (!sound)
		return dlk_db_unsound(record, "attempt", 0);
	if (!dlk_octets_equal(mac, mark->mac, sizeof(mac)))
		return -ENOENT;
	return read_event(record, number, id, ret_event);
}

int
dlk_record_recall(void *ctx, const struct dlk_caller *caller,
    const struct dlk_request *request, int64_t now, struct dlk_mark *ret_mark,
    struct dlk_event *ret_event)
{
	struct dlk_record *record = ctx;

	*ret_mark = (struct dlk_mark){ 0 };
	/* without the key nobody could be told from somebody who has the file */
	if (is_zero(request->octets) || !record->seal ||
	    make_mark(record->seal, caller, request, ret_mark) < 0)
		return -ENOENT;
	return find(record, request->attempt, now, ret_mark, ret_event);
}
