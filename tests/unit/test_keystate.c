/* SPDX-License-Identifier: MIT */
/* Keys of revoked certificates, as they are remembered beside what was decided. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/keystate.h"
#include "tests/unit/pki.h"
#include "tests/unit/room.h"

static struct dlk_cert *
cert_of(unsigned serial, unsigned key)
{
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 0));
	struct pki_spec leaf = pki_leaf("CN=alice", &root);

	leaf.serial = serial;
	leaf.key = pki_key(PKI_P256, key);
	return pki_cert(&leaf);
}

static void
note(struct room *room, const struct dlk_cert *cert, bool good)
{
	struct dlk_keystates states = { .n = 0 };

	dlk_keystates_add(&states, cert, good);
	assert_int_equal(dlk_keystates_note(room->record, &states, PKI_NOW), 0);
	dlk_keystates_fini(&states);
	assert_int_equal(states.n, 0);
}

struct read {
	char good[64], bad[64]; /* the end of each key, and a space */
	char name[512];
};

static int
keep(const struct dlk_keystate *state, void *arg)
{
	struct read *read = arg;
	char *out = state->good ? read->good : read->bad;
	size_t n = strlen(out);

	assert_ptr_equal(strstr(state->key, "ecdsa-sha2-nistp256 "), state->key);
	snprintf(out + n, sizeof(read->good) - n, "%s ", state->key + strlen(state->key) - 4);
	snprintf(read->name, sizeof(read->name), "%s", state->name);
	return 0;
}

static struct read
read_all(struct room *room, int64_t now)
{
	struct read read = { .name = "" };

	assert_int_equal(dlk_keystates_each(room->record, now, keep, &read), 0);
	return read;
}

static void
what_is_good_is_of_no_interest(void **state)
{
	struct room *room = *state;
	DLK_AUTO_CERT *cert = cert_of(1, 1);

	note(room, cert, true);
	assert_int_equal(room_number(room, "SELECT count(*) FROM revoked"), 0);
}

static void
what_is_revoked_is_kept_once(void **state)
{
	struct room *room = *state;
	DLK_AUTO_CERT *cert = cert_of(1, 1);
	char name[512];

	note(room, cert, false);
	int64_t before = room_number(room, "PRAGMA data_version");
	note(room, cert, false);
	assert_int_equal(room_number(room, "PRAGMA data_version"), before);
	struct read read = read_all(room, PKI_NOW);
	assert_int_equal(strlen(read.bad), 5);
	assert_string_equal(read.good, "");
	snprintf(name, sizeof(name), "- %s", dlk_cert_fingerprint_text(cert));
	assert_string_equal(read.name, name);
	/* it was a hold */
	note(room, cert, true);
	read = read_all(room, PKI_NOW);
	assert_string_equal(read.bad, "");
	assert_int_equal(strlen(read.good), 5);
}

/* Who shows the older one again changes nothing for who has the newer one. */
static void
two_with_one_key_stand_side_by_side(void **state)
{
	struct room *room = *state;
	DLK_AUTO_CERT *older = cert_of(1, 1);
	DLK_AUTO_CERT *newer = cert_of(2, 1);
	DLK_AUTO_CERT *other = cert_of(3, 2);

	note(room, older, false);
	note(room, newer, true);
	note(room, other, true);
	note(room, older, false);
	struct read read = read_all(room, PKI_NOW);
	assert_string_equal(read.bad, read.good);
	/* one that is over speaks for nobody */
	read = read_all(room, dlk_cert_not_after(newer) + 1);
	assert_string_equal(read.good, "");
	assert_int_equal(strlen(read.bad), 10);
	note(room, newer, false);
	read = read_all(room, PKI_NOW);
	assert_string_equal(read.good, "");
}

static void
the_table_is_bounded(void **state)
{
	struct room *room = *state;
	DLK_AUTO_CERT *cert = cert_of(1, 1);

	room_sql(room, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
		       "i < 4096) INSERT INTO revoked (fingerprint, key, good, until, at) "
		       "SELECT 'f' || i, 'k' || i, 0, 0, 0 FROM n");
	note(room, cert, false);
	assert_int_equal(
	    room_number(room, "SELECT count(*) FROM revoked"), DLK_KEYSTATES_MOST);
	assert_int_equal(
	    room_number(room, "SELECT count(*) FROM revoked WHERE fingerprint = 'f1'"), 0);
}

/* A row becomes a line of sshd's file. */
static void
a_row_is_doubted(void **state)
{
	static const char *const damage[] = {
		"UPDATE revoked SET key = key || char(10) || key",
		"UPDATE revoked SET key = 'ssh-ed25519'",
		"UPDATE revoked SET key = '@cert-authority * ' || key",
		"UPDATE revoked SET fingerprint = 'a' || char(10)",
		"UPDATE revoked SET good = 2",
	};
	struct room *room = *state;
	DLK_AUTO_CERT *cert = cert_of(1, 1);
	struct read read = { .name = "" };

	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		room_sql(room, "DELETE FROM revoked");
		note(room, cert, false);
		room_sql(room, damage[i]);
		assert_int_equal(
		    dlk_keystates_each(room->record, PKI_NOW, keep, &read), -EBADMSG);
	}
	assert_string_equal(read.bad, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(what_is_good_is_of_no_interest),
		IN_ROOM(what_is_revoked_is_kept_once),
		IN_ROOM(two_with_one_key_stand_side_by_side),
		IN_ROOM(the_table_is_bounded),
		IN_ROOM(a_row_is_doubted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
