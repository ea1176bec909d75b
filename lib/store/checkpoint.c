/* SPDX-License-Identifier: MIT */
/*
 * checkpoint.c - where the events begin that are kept. The chain shows a row that was changed
 * or taken out of the middle; that the oldest ones were let go on purpose shows a signature
 * under the sealing key, which whoever has only the file, or a backup of it, does not have.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "store/db.h"

static const char purpose[] = "checkpoint";

struct checkpoint {
	int64_t row;
	char seal[DLK_SEAL_ID_MAX + 1];
	uint8_t mac[DLK_SHA256_SIZE];
};

static int
sign(struct dlk_record *record, const char *seal, int64_t row, uint8_t *ret_mac)
{
	uint8_t what[8 + DLK_CHAIN_SIZE];
	int r = -ENOKEY;

	dlk_put_be64(what, (uint64_t)row);
	memcpy(what + 8, record->state.base, DLK_CHAIN_SIZE);
	if (record->seal)
		r = dlk_seal_mac(
		    record->seal, seal, purpose, DLK_BYTES(what, sizeof(what)), ret_mac);
	return r < 0 ? dlk_db_seal_error(record, r, "the beginning of the events") : 0;
}

int
dlk_checkpoint_set(struct dlk_record *record, int64_t row)
{
	uint8_t mac[DLK_SHA256_SIZE];
	int r = sign(record, NULL, row, mac);

	if (r == 0)
		r = dlk_db_run(record, DLK_SQL_CHECKPOINT_SET,
		    DLK_VALUES(DLK_I(row), DLK_T(dlk_seal_current(record->seal)),
			DLK_B(mac, sizeof(mac))));
	return r < 0 ? r : 0;
}

/* 1, or 0 for none. */
static int
read_checkpoint(struct dlk_record *record, struct checkpoint *ret)
{
	DLK_AUTO_ROWS *row = NULL;
	bool sound = true;
	int r = dlk_db_start(record, DLK_SQL_CHECKPOINT, NULL, 0, &row);

	if (r == 0)
		r = dlk_db_step(record, row);
	if (r <= 0)
		return r;
	ret->row = dlk_db_int(row, 0, 1, INT64_MAX - 1, &sound);
	dlk_db_text(row, 1, ret->seal, sizeof(ret->seal), &sound);
	dlk_db_octets(row, 2, ret->mac, sizeof(ret->mac), &sound);
	return sound ? 1 : dlk_db_unsound(record, "checkpoint", 1);
}

int
dlk_checkpoint_check(struct dlk_record *record, int64_t *ret_row)
{
	static const uint8_t nothing[DLK_CHAIN_SIZE];
	struct checkpoint c;
	uint8_t mac[DLK_SHA256_SIZE];
	int r = read_checkpoint(record, &c);

	*ret_row = r > 0 ? c.row : 0;
	if (r == 0)
		return memcmp(record->state.base, nothing, sizeof(nothing)) == 0
			   ? 0
			   : dlk_db_say(record, -EBADMSG,
				 "events are gone from the beginning of the chain, and "
				 "nothing was signed about that");
	if (r > 0)
		r = sign(record, c.seal, c.row, mac);
	if (r < 0)
		return r;
	return dlk_octets_equal(mac, c.mac, sizeof(mac))
		   ? 0
		   : dlk_db_say(record, -EBADMSG,
			 "the events that are kept do not begin where was signed that they "
			 "do");
}

int
dlk_checkpoint_reseal(struct dlk_record *record)
{
	struct checkpoint c;
	int64_t row = 0;
	int r = read_checkpoint(record, &c);

	if (r <= 0 || strcmp(c.seal, dlk_seal_current(record->seal)) == 0)
		return r < 0 ? r : 0;
	r = dlk_checkpoint_check(record, &row);
	return r < 0 ? r : dlk_checkpoint_set(record, row);
}
