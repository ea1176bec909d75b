/* SPDX-License-Identifier: MIT */
/*
 * place.c - is this the file that was written last, or a copy of an older one that somebody
 * put in its place? A code that counts, or one that works once, is only kept from working
 * again by what the record remembers: a backup does not remember what came after it.
 */
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

int
dlk_place_find(const char *file, struct dlk_place *ret_place)
{
	struct statx st;

	if (statx(AT_FDCWD, file, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &st) != 0)
		return -errno;
	ret_place->inode = (int64_t)st.stx_ino;
	ret_place->born =
	    st.stx_mask & STATX_BTIME
		? st.stx_btime.tv_sec * INT64_C(1000000000) + st.stx_btime.tv_nsec
		: 0;
	return 0;
}

void
dlk_place_compare(struct dlk_record *record, sqlite3_stmt *row, int first, bool *sound)
{
	const struct dlk_place *here = &record->place;

	record->unplaced = sqlite3_column_type(row, first) == SQLITE_NULL;
	record->moved = false;
	if (record->unplaced)
		return;
	int64_t inode = dlk_db_int(row, first, INT64_MIN, INT64_MAX, sound);
	int64_t born = dlk_db_int(row, first + 1, INT64_MIN, INT64_MAX, sound);
	/* one kernel may tell when a file was born where another one does not */
	record->moved =
	    inode != here->inode || (born != here->born && born != 0 && here->born != 0);
}

int
dlk_place_keep(struct dlk_record *record)
{
	int r = dlk_db_run(record, DLK_SQL_PLACE_SET,
	    DLK_VALUES(DLK_I(record->place.inode), DLK_I(record->place.born)));

	if (r < 0)
		return r;
	record->unplaced = record->moved = false;
	return 0;
}

bool
dlk_record_is_restored(const struct dlk_record *record)
{
	return record->moved;
}

int
dlk_record_accept_restore(struct dlk_record *record)
{
	int r = dlk_db_begin(record);

	return r < 0 ? r : dlk_db_finish(record, dlk_place_keep(record));
}
