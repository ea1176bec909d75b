/* SPDX-License-Identifier: MIT */
/* Secrets at rest: what was sealed opens again, in its place and under its key only. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/room.h"

static struct dlk_secret
secret_of(const char *text)
{
	struct dlk_secret secret = { 0 };

	assert_int_equal(dlk_secret_set(&secret, dlk_bytes_str(text)), 0);
	return secret;
}

static void
what_is_sealed_opens(void **state)
{
	struct room *room = *state;

	for (size_t n = 0; n <= DLK_SECRET_MAX; n += 32) {
		DLK_AUTO_BUF sealed = { 0 };
		DLK_AUTO_SECRET secret = { .n = n }, opened = { 0 };
		memset(secret.b, 'x', n);
		assert_int_equal(
		    dlk_seal_close(room->seal, &secret, dlk_bytes_str("row"), &sealed), 0);
		assert_int_equal(dlk_seal_open(room->seal, dlk_bytes_of(&sealed),
				     dlk_bytes_str("row"), &opened),
		    0);
		assert_true(dlk_secret_equal(&secret, &opened));
	}
}

static void
nothing_that_was_touched_opens(void **state)
{
	struct room *room = *state;
	DLK_AUTO_BUF sealed = { 0 };
	DLK_AUTO_SECRET secret = secret_of("a secret of some octets"), opened = { 0 };
	struct dlk_bytes row = dlk_bytes_str("alice/phone");

	assert_int_equal(dlk_seal_close(room->seal, &secret, row, &sealed), 0);
	for (size_t i = 0; i < sealed.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			sealed.p[i] ^= (uint8_t)(1 << bit);
			int r = dlk_seal_open(room->seal, dlk_bytes_of(&sealed), row, &opened);
			/* In the key's id or its length the change may name another key. */
			if (i >= 1 && i <= 3)
				assert_true(r == -ENOKEY || r == -EKEYREJECTED);
			else
				assert_int_equal(r, -EKEYREJECTED);
			assert_int_equal(opened.n, 0);
			sealed.p[i] ^= (uint8_t)(1 << bit);
		}
	for (size_t n = 0; n < sealed.n; n++)
		assert_true(
		    dlk_seal_open(room->seal, DLK_BYTES(sealed.p, n), row, &opened) < 0);
	assert_int_equal(dlk_seal_open(room->seal, dlk_bytes_of(&sealed),
			     dlk_bytes_str("mallory/phone"), &opened),
	    -EKEYREJECTED);
	assert_int_equal(
	    dlk_seal_open(room->seal, dlk_bytes_of(&sealed), (struct dlk_bytes){ 0 }, &opened),
	    -EKEYREJECTED);
	assert_int_equal(dlk_seal_open(room->seal, dlk_bytes_of(&sealed), row, &opened), 0);
}

static void
no_two_sealings_are_alike(void **state)
{
	struct room *room = *state;
	DLK_AUTO_BUF one = { 0 }, two = { 0 };
	DLK_AUTO_SECRET secret = secret_of("the same");

	assert_int_equal(dlk_seal_close(room->seal, &secret, dlk_bytes_str("r"), &one), 0);
	assert_int_equal(dlk_seal_close(room->seal, &secret, dlk_bytes_str("r"), &two), 0);
	assert_false(dlk_bytes_equal(dlk_bytes_of(&one), dlk_bytes_of(&two)));
}

static void
keys_come_and_go(void **state)
{
	struct room *room = *state;
	DLK_AUTO_BUF sealed = { 0 };
	DLK_AUTO_SECRET secret = secret_of("sealed under k1"), opened = { 0 };
	struct dlk_bytes row = dlk_bytes_str("row");

	assert_string_equal(dlk_seal_current(room->seal), "k1");
	assert_int_equal(dlk_seal_close(room->seal, &secret, row, &sealed), 0);
	room_add_key(room, "k2", true);
	assert_string_equal(dlk_seal_current(room->seal), "k2");
	assert_true(dlk_seal_has(room->seal, "k1"));
	assert_int_equal(dlk_seal_open(room->seal, dlk_bytes_of(&sealed), row, &opened), 0);
	room_drop_key(room, "k1");
	assert_false(dlk_seal_has(room->seal, "k1"));
	assert_int_equal(
	    dlk_seal_open(room->seal, dlk_bytes_of(&sealed), row, &opened), -ENOKEY);
	/* Another key under the old name is not the old key. */
	room_add_key(room, "k1", false);
	assert_int_equal(
	    dlk_seal_open(room->seal, dlk_bytes_of(&sealed), row, &opened), -EKEYREJECTED);
}

static void
macs_differ_by_key_purpose_and_text(void **state)
{
	struct room *room = *state;
	uint8_t a[32], b[32];
	struct dlk_bytes text = dlk_bytes_str("text");

	room_add_key(room, "k2", false);
	assert_int_equal(dlk_seal_mac(room->seal, NULL, "purpose", text, a), 0);
	assert_int_equal(dlk_seal_mac(room->seal, "k1", "purpose", text, b), 0);
	assert_memory_equal(a, b, 32);
	assert_int_equal(dlk_seal_mac(room->seal, "k2", "purpose", text, b), 0);
	assert_memory_not_equal(a, b, 32);
	assert_int_equal(dlk_seal_mac(room->seal, NULL, "purposes", text, b), 0);
	assert_memory_not_equal(a, b, 32);
	assert_int_equal(
	    dlk_seal_mac(room->seal, NULL, "purpose", dlk_bytes_str("texts"), b), 0);
	assert_memory_not_equal(a, b, 32);
	assert_int_equal(dlk_seal_mac(room->seal, "k3", "purpose", text, b), -ENOKEY);
}

#define B64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void
files_are_read_strictly(void **state)
{
	static const struct {
		const char *name, *text;
		int r;
	} rows[] = {
		{ "one key", "a:" B64 "\n", 0 },
		{ "no newline", "a:" B64, 0 },
		{ "two keys", "a:" B64 "\nb-2._Z:" B64 "\n", 0 },
		{ "empty", "", -EBADMSG },
		{ "only a newline", "\n", -EBADMSG },
		{ "an empty line", "a:" B64 "\n\n", -EBADMSG },
		{ "the same id twice", "a:" B64 "\na:" B64 "\n", -EBADMSG },
		{ "no id", ":" B64 "\n", -EBADMSG },
		{ "no colon", B64 "\n", -EBADMSG },
		{ "a bad id", "a b:" B64 "\n", -EBADMSG },
		{ "a long id", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:" B64 "\n", -EBADMSG },
		{ "a short key", "a:AAAA\n", -EBADMSG },
		{ "a blank in front", "a: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		    -EBADMSG },
		{ "a blank behind", "a:" B64 " \n", -EBADMSG },
		{ "carriage return", "a:" B64 "\r\n", -EBADMSG },
		{ "padding bits set", "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n",
		    -EBADMSG },
		{ "another alphabet", "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-_=\n",
		    -EBADMSG },
		{ "33 octets", "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", -EBADMSG },
	};
	struct room *room = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dlk_seal *seal = NULL;
		int fd = open(room->keys, O_WRONLY | O_TRUNC | O_CLOEXEC);
		size_t n = strlen(rows[i].text);
		assert_int_equal(write(fd, rows[i].text, n), (ssize_t)n);
		close(fd);
		int r = dlk_seal_load(room->keys, NULL, &seal);
		dlk_seal_free(seal);
		if (r != rows[i].r)
			fail_msg("%s: %d", rows[i].name, r);
	}
}

static void
files_are_believed_with_care(void **state)
{
	struct room *room = *state;
	const struct dlk_care care = { .owned = true, .secret = true, .owner = geteuid() };
	struct dlk_seal *seal = NULL;
	char missing[128];

	assert_int_equal(dlk_seal_load(room->keys, &care, &seal), 0);
	dlk_seal_free(seal);
	assert_int_equal(chmod(room->keys, 0604), 0);
	assert_int_equal(dlk_seal_load(room->keys, &care, &seal), -DLK_EOWNER);
	assert_int_equal(chmod(room->keys, 0620), 0);
	assert_int_equal(dlk_seal_load(room->keys, &care, &seal), -DLK_EOWNER);
	dlk_path_join(missing, sizeof(missing), room->dir, "missing");
	assert_int_equal(dlk_seal_load(missing, &care, &seal), -ENOENT);
}

static void
generated_keys_have_names(void **state)
{
	DLK_AUTO_BUF buf = { 0 };

	(void)state;
	assert_int_equal(dlk_seal_generate("2026-11.a_b", &buf), 0);
	assert_int_equal(dlk_seal_generate("", &buf), -EINVAL);
	assert_int_equal(dlk_seal_generate("a:b", &buf), -EINVAL);
	assert_int_equal(dlk_seal_generate("a\n", &buf), -EINVAL);
	assert_int_equal(dlk_seal_generate("0123456789012345678901234567890x", &buf), -EINVAL);
	assert_int_equal(buf.n, strlen("2026-11.a_b:") + strlen(B64) + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(what_is_sealed_opens),
		IN_ROOM(nothing_that_was_touched_opens),
		IN_ROOM(no_two_sealings_are_alike),
		IN_ROOM(keys_come_and_go),
		IN_ROOM(macs_differ_by_key_purpose_and_text),
		IN_ROOM(files_are_read_strictly),
		IN_ROOM(files_are_believed_with_care),
		cmocka_unit_test(generated_keys_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
