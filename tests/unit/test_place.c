/* SPDX-License-Identifier: MIT */
/* A backup that was put back is known, and said to be meant. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "store/db.h"
#include "tests/unit/room.h"

static void
copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;

	assert_true(in >= 0 && out >= 0);
	assert_int_equal(fstat(in, &st), 0);
	assert_int_equal(sendfile(out, in, NULL, (size_t)st.st_size), st.st_size);
	close(in);
	close(out);
}

static bool
is_restored(struct room *room)
{
	assert_int_equal(dlk_record_probe(room->record), 0);
	return dlk_record_is_restored(room->record);
}

static void
log_into_file(struct room *room)
{
	dlk_db_shorten(room->record, 0);
}

static void
the_same_file_is_the_same(void **state)
{
	struct room *room = *state;

	assert_false(is_restored(room));
	room_reopen(room);
	assert_false(is_restored(room));
	assert_int_equal(room_number(room, "SELECT count(*) FROM place"), 1);
}

static void
a_copy_in_its_place_is_known(void **state)
{
	struct room *room = *state;
	char aside[128];
	struct dlk_memory memory = { 0 };

	room_enrol(room, "alice", "fob", DLK_OTP_HOTP, "12345678901234567890");
	log_into_file(room);
	dlk_record_close(room->record);
	room->record = NULL;
	dlk_text_print(aside, sizeof(aside), "%s.backup", room->db);
	copy(room->db, aside);
	assert_int_equal(rename(aside, room->db), 0);
	room_reopen(room);
	assert_true(is_restored(room));
	room_recall(room, "alice", &memory);
	assert_true(memory.restored);
	assert_int_equal(memory.n_tokens, 1);
	dlk_memory_fini(&memory);
	/* a login does not settle that, only somebody who says so does */
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement settlement = room_settlement(&subject, ROOM_NOW, 1);
	char id[DLK_EVENT_ID_TEXT + 1];
	assert_int_equal(room_settle(room, &settlement, id), 0);
	room_reopen(room);
	assert_true(is_restored(room));
	assert_int_equal(dlk_record_accept_restore(room->record), 0);
	assert_false(dlk_record_is_restored(room->record));
	room_reopen(room);
	assert_false(is_restored(room));
	room_recall(room, "alice", &memory);
	assert_false(memory.restored);
	dlk_memory_fini(&memory);
}

static void
a_place_that_is_no_place_is_a_fault(void **state)
{
	struct room *room = *state;

	assert_false(is_restored(room));
	room_sql(room, "UPDATE place SET inode = 'here'");
	assert_true(dlk_record_probe(room->record) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(the_same_file_is_the_same),
		IN_ROOM(a_copy_in_its_place_is_known),
		IN_ROOM(a_place_that_is_no_place_is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
