/* SPDX-License-Identifier: MIT */
/* The cache of a directory's certificates: what was read is there, what was not is gone, and
 * only where all was read. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "store/directory.h"
#include "store/registry.h"
#include "tests/unit/pki.h"
#include "tests/unit/room.h"

struct site {
	struct room *room;
	char cache[96];
	struct dlk_buf alice, bob;
};

static void
make_cert(const char *name, unsigned serial, struct dlk_buf *der)
{
	struct pki_spec ca = pki_ca("CN=ca", NULL, pki_key(PKI_P256, 1));
	struct pki_spec spec = pki_leaf(name, &ca);

	spec.serial = serial;
	pki_make(&spec, der);
}

static void
open_site(struct site *site, struct room *room)
{
	*site = (struct site){ .room = room };
	dlk_path_join(site->cache, sizeof(site->cache), room->dir, "ldap");
	make_cert("CN=alice", 2, &site->alice);
	make_cert("CN=bob", 3, &site->bob);
}

static void
close_site(struct site *site)
{
	struct dlk_reading *reading = NULL;
	struct dlk_directory_state state = { 0 };
	char path[128];

	/* nothing was read: nothing stays */
	assert_int_equal(dlk_reading_new(site->cache, &reading), 0);
	assert_int_equal(dlk_reading_end(reading, &state), 0);
	dlk_reading_free(reading);
	assert_int_equal(state.users, 0);
	dlk_path_join(path, sizeof(path), site->cache, ".state");
	(void)unlink(path);
	assert_int_equal(rmdir(site->cache), 0);
	dlk_buf_free(&site->alice);
	dlk_buf_free(&site->bob);
}

static size_t
registered(const struct site *site, const char *user)
{
	const struct dlk_care own = { .owned = true, .owner = geteuid() };
	struct dlk_finding finding = { 0 };
	DLK_AUTO_CERTS certs = { 0 };

	assert_int_equal(dlk_registry_load(site->cache, user, &own, &certs, &finding), 0);
	assert_int_equal(finding.reason, DLK_R_UNDECIDED);
	return certs.n;
}

static void
a_reading_is_what_there_is(void **state)
{
	struct dlk_directory_state told = { 0 };
	struct dlk_reading *reading = NULL;
	struct site site;

	open_site(&site, *state);
	assert_int_equal(dlk_reading_new(site.cache, &reading), 0);
	assert_int_equal(dlk_reading_add(reading, "alice", dlk_bytes_of(&site.alice)), 0);
	assert_int_equal(dlk_reading_add(reading, "alice", dlk_bytes_of(&site.bob)), 0);
	assert_int_equal(dlk_reading_add(reading, "alice", dlk_bytes_of(&site.bob)), 0);
	assert_int_equal(dlk_reading_add(reading, "bob", dlk_bytes_of(&site.bob)), 0);
	assert_int_equal(dlk_reading_end(reading, &told), 0);
	dlk_reading_free(reading);
	assert_int_equal(told.users, 2);
	assert_int_equal(told.certificates, 3);
	assert_int_equal(registered(&site, "alice"), 2);
	assert_int_equal(registered(&site, "bob"), 1);
	/* one certificate of alice and all of bob are gone from the directory */
	assert_int_equal(dlk_reading_new(site.cache, &reading), 0);
	assert_int_equal(dlk_reading_add(reading, "alice", dlk_bytes_of(&site.alice)), 0);
	assert_int_equal(dlk_reading_end(reading, &told), 0);
	dlk_reading_free(reading);
	assert_int_equal(told.users, 1);
	assert_int_equal(registered(&site, "alice"), 1);
	assert_int_equal(registered(&site, "bob"), 0);
	close_site(&site);
}

static void
half_a_reading_removes_nothing(void **state)
{
	struct dlk_directory_state told = { 0 };
	struct dlk_reading *reading = NULL;
	struct site site;

	open_site(&site, *state);
	assert_int_equal(dlk_reading_new(site.cache, &reading), 0);
	assert_int_equal(dlk_reading_add(reading, "bob", dlk_bytes_of(&site.bob)), 0);
	assert_int_equal(dlk_reading_end(reading, &told), 0);
	dlk_reading_free(reading);
	assert_int_equal(dlk_reading_new(site.cache, &reading), 0);
	assert_int_equal(dlk_reading_add(reading, "alice", dlk_bytes_of(&site.alice)), 0);
	dlk_reading_free(reading); /* the server went away */
	assert_int_equal(registered(&site, "alice"), 1);
	assert_int_equal(registered(&site, "bob"), 1);
	close_site(&site);
}

static void
names_and_values_that_are_none(void **state)
{
	static const char *const names[] = { "", ".", "..", "../bob", "a/b", "Alice", "a b",
		"-x", "a\nb", "averyveryverylongnameofmorethan32octets" };
	static char large[DLK_CERT_MAX + 8] = "\x30\x83\x01\x00\x03";
	const struct dlk_bytes values[] = { DLK_BYTES("", 0), DLK_BYTES("x", 1),
		DLK_BYTES("\x30\x00\x00", 3), DLK_BYTES("\x30\x05\x00", 3),
		DLK_BYTES("\x31\x00", 2), DLK_BYTES(large, sizeof(large)) };
	struct dlk_reading *reading = NULL;
	struct site site;

	open_site(&site, *state);
	assert_int_equal(dlk_reading_new(site.cache, &reading), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (dlk_reading_add(reading, names[i], dlk_bytes_of(&site.alice)) != -EINVAL)
			fail_msg("'%s' was taken", names[i]);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (dlk_reading_add(reading, "alice", values[i]) != -EINVAL)
			fail_msg("value %zu was taken", i);
	dlk_reading_free(reading);
	assert_int_equal(registered(&site, "alice"), 0);
	close_site(&site);
}

static void
what_became_of_it_is_kept(void **state)
{
	const struct dlk_directory_state in = { .read = 1700000000,
		.tried = 1700000900,
		.users = 12,
		.certificates = 15,
		.error = "connecting: Can't contact LDAP server" };
	struct dlk_directory_state out = { 0 };
	struct room *room = *state;
	char path[128];

	assert_int_equal(dlk_directory_state_load(room->dir, &out), -ENOENT);
	assert_int_equal(dlk_directory_state_save(room->dir, &in), 0);
	assert_int_equal(dlk_directory_state_load(room->dir, &out), 0);
	assert_memory_equal(&out, &in, sizeof(in));
	dlk_path_join(path, sizeof(path), room->dir, ".state");
	FILE *file = fopen(path, "w");
	fputs("read x\ntried 1\n", file);
	fclose(file);
	assert_int_equal(dlk_directory_state_load(room->dir, &out), -EBADMSG);
	assert_int_equal(unlink(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(a_reading_is_what_there_is),
		IN_ROOM(half_a_reading_removes_nothing),
		IN_ROOM(names_and_values_that_are_none),
		IN_ROOM(what_became_of_it_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
