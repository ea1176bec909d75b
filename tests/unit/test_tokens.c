/* SPDX-License-Identifier: MIT */
/* What the operator does: tokens, recovery codes, failures, users. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "tests/unit/room.h"

#define KEY "12345678901234567890"

static int
add(struct room *room, const char *user, const struct dlk_token *token)
{
	int64_t id;

	return dlk_tokens_add(room->record, user, token, "uid:0", ROOM_NOW, &id);
}

static int64_t
last_step(struct room *room)
{
	return room_number(room, "SELECT last_step FROM token");
}

static int
keep_row(const struct dlk_token_row *row, void *arg)
{
	*(struct dlk_token_row *)arg = *row;
	return 0;
}

static void
what_is_enrolled_is_listed(void **state)
{
	struct room *room = *state;
	struct dlk_token token = room_token("phone", DLK_OTP_TOTP, KEY);
	struct dlk_token_row row = { 0 };

	token.otp.algorithm = DLK_OTP_SHA512;
	token.otp.digits = 8;
	token.otp.period = 60;
	token.otp.last_step = 17;
	token.bound = true;
	memset(token.key_id, 0x5a, sizeof(token.key_id));
	assert_int_equal(add(room, "alice", &token), 0);
	assert_int_equal(dlk_tokens_each(room->record, "alice", keep_row, &row), 0);
	assert_string_equal(row.user, "alice");
	assert_string_equal(row.token.label, "phone");
	assert_int_equal(row.token.otp.algorithm, DLK_OTP_SHA512);
	assert_int_equal(row.token.otp.digits, 8);
	assert_int_equal(row.token.otp.period, 60);
	assert_int_equal(row.token.otp.last_step, 17);
	assert_true(row.token.bound);
	assert_memory_equal(row.token.key_id, token.key_id, sizeof(token.key_id));
	assert_int_equal(row.token.otp.key.n, 0);
	assert_int_equal(row.created, ROOM_NOW);
	assert_string_equal(row.seal, "k1");
	assert_int_equal(
	    room_number(room, "SELECT count(*) FROM event WHERE type = "
			      "'doublelock.token.enrolled' AND user = 'alice' AND token = "
			      "'phone' AND caller = 'uid:0'"),
	    1);
	/* The secret is nowhere in the file. */
	assert_int_equal(
	    room_number(room, "SELECT instr(sealed, CAST('" KEY "' AS BLOB)) FROM token"), 0);
}

static void
what_cannot_be_a_token_is_refused(void **state)
{
	struct room *room = *state;
	const struct dlk_token good = room_token("phone", DLK_OTP_TOTP, KEY);
	struct dlk_token bad = good;

	bad.label[0] = '\0';
	assert_int_equal(add(room, "alice", &bad), -EINVAL);
	assert_true(dlk_text_copy(bad.label, sizeof(bad.label), "a\nb"));
	assert_int_equal(add(room, "alice", &bad), -EINVAL);
	assert_true(dlk_text_copy(bad.label, sizeof(bad.label), "\xff\xfe"));
	assert_int_equal(add(room, "alice", &bad), -EINVAL);
	bad = good;
	bad.otp.key.n = 9;
	assert_int_equal(add(room, "alice", &bad), -EINVAL);
	bad = good;
	bad.otp.period = 14;
	assert_int_equal(add(room, "alice", &bad), -EINVAL);
	assert_int_equal(add(room, "", &good), -EINVAL);
	assert_int_equal(add(room, "a b", &good), -EINVAL);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), 0);
	assert_int_equal(add(room, "alice", &good), 0);
	assert_int_equal(add(room, "alice", &good), -EEXIST);
	bad = room_token("again", DLK_OTP_HOTP, KEY);
	assert_int_equal(add(room, "alice", &bad), -EEXIST);
	assert_non_null(strstr(dlk_record_trouble(room->record), "this secret"));
	assert_int_equal(add(room, "bob", &good), 0);
	for (int i = 1; i < DLK_TOKENS_MAX; i++) {
		char label[32];
		snprintf(label, sizeof(label), "token number %02d", i);
		bad = room_token(label, DLK_OTP_TOTP, label);
		assert_int_equal(add(room, "alice", &bad), 0);
	}
	bad = room_token("one more", DLK_OTP_TOTP, "another secret of some octets");
	assert_int_equal(add(room, "alice", &bad), -ENOSPC);
}

static void
many_at_once(void **state)
{
	enum { N = 40 };
	struct room *room = *state;
	struct dlk_token_row *row = calloc(N, sizeof(*row));
	int result[N];
	char key[32];

	assert_non_null(row);
	for (int i = 0; i < N; i++) {
		snprintf(key, sizeof(key), "the secret of user %02d", i);
		row[i].token = room_token("batch", DLK_OTP_TOTP, key);
		snprintf(row[i].user, sizeof(row[i].user), "user%02d", i);
	}
	row[7].token.otp.digits = 4;
	row[9] = row[8];
	assert_int_equal(
	    dlk_tokens_add_many(room->record, row, N, "uid:0", ROOM_NOW, result), 0);
	for (int i = 0; i < N; i++)
		assert_int_equal(result[i], i == 7 ? -EINVAL : i == 9 ? -EEXIST : 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM token"), N - 2);
	/* Again: all are there already, and that is all that happens. */
	assert_int_equal(
	    dlk_tokens_add_many(room->record, row, N, "uid:0", ROOM_NOW, result), 0);
	assert_int_equal(result[0], -EEXIST);
	assert_int_equal(room_number(room, "SELECT count(*) FROM token"), N - 2);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), N - 2);
	free(row);
}

static void
used_steps_survive_removal(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 0);
	struct dlk_token token = room_token("new", DLK_OTP_TOTP, KEY);
	struct dlk_token other = room_token("other", DLK_OTP_TOTP, "another secret");

	s.token = room_enrol(room, "alice", "old", DLK_OTP_TOTP, KEY);
	s.step_before = -1;
	s.step = 500;
	assert_int_equal(room_settle(room, &s, NULL), 0);
	assert_int_equal(
	    dlk_tokens_remove(room->record, "alice", "old", "uid:0", ROOM_NOW), 0);
	assert_int_equal(
	    dlk_tokens_remove(room->record, "alice", "old", "uid:0", ROOM_NOW), -ENOENT);
	assert_int_equal(add(room, "alice", &other), 0);
	assert_int_equal(last_step(room), -1);
	assert_int_equal(
	    dlk_tokens_remove(room->record, "alice", "other", "uid:0", ROOM_NOW), 0);
	assert_int_equal(add(room, "alice", &token), 0);
	assert_int_equal(last_step(room), 500);
	/* Under whatever name and for whatever user, and after the user was removed. */
	assert_int_equal(dlk_user_remove(room->record, "alice", "uid:0", ROOM_NOW), 0);
	assert_int_equal(dlk_user_remove(room->record, "alice", "uid:0", ROOM_NOW), -ENOENT);
	assert_int_equal(add(room, "bob", &token), 0);
	assert_int_equal(last_step(room), 500);
	/* And what the operator states himself counts where it is more. */
	assert_int_equal(dlk_user_remove(room->record, "bob", "uid:0", ROOM_NOW), 0);
	token.otp.last_step = 600;
	assert_int_equal(add(room, "alice", &token), 0);
	assert_int_equal(last_step(room), 600);
	assert_int_equal(dlk_user_remove(room->record, "alice", "uid:0", ROOM_NOW), 0);
	token.otp.last_step = -1;
	assert_int_equal(add(room, "alice", &token), 0);
	assert_int_equal(last_step(room), 600);
}

static void
used_steps_survive_a_new_key(void **state)
{
	struct room *room = *state;
	struct dlk_token token = room_token("phone", DLK_OTP_HOTP, KEY);
	struct dlk_token same = room_token("again", DLK_OTP_HOTP, KEY);
	size_t n = 0;

	token.otp.last_step = 41;
	assert_int_equal(add(room, "alice", &token), 0);
	room_add_key(room, "k2", true);
	/* Sealed under k1 or under k2: the same secret is the same. */
	assert_int_equal(add(room, "alice", &same), -EEXIST);
	assert_int_equal(dlk_tokens_reseal(room->record, "uid:0", ROOM_NOW, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(dlk_tokens_reseal(room->record, "uid:0", ROOM_NOW, &n), 0);
	assert_int_equal(n, 0);
	room_drop_key(room, "k1");
	assert_int_equal(add(room, "alice", &same), -EEXIST);
	assert_int_equal(
	    dlk_tokens_remove(room->record, "alice", "phone", "uid:0", ROOM_NOW), 0);
	room_add_key(room, "k3", true);
	assert_int_equal(add(room, "alice", &same), 0);
	assert_int_equal(last_step(room), 41);
}

static void
resealed_tokens_open(void **state)
{
	enum { N = 30 };
	struct room *room = *state;
	DLK_AUTO_MEMORY memory = { 0 };
	char user[16], key[32];
	size_t n = 0;

	for (int i = 0; i < N; i++) {
		snprintf(user, sizeof(user), "user%02d", i);
		snprintf(key, sizeof(key), "the secret of %s", user);
		if (i == N / 2)
			room_add_key(room, "k2", true);
		room_enrol(room, user, "phone", DLK_OTP_TOTP, key);
	}
	assert_int_equal(dlk_tokens_reseal(room->record, "uid:0", ROOM_NOW, &n), 0);
	assert_int_equal(n, N / 2);
	room_drop_key(room, "k1");
	for (int i = 0; i < N; i++) {
		snprintf(user, sizeof(user), "user%02d", i);
		snprintf(key, sizeof(key), "the secret of %s", user);
		room_recall(room, user, &memory);
		assert_int_equal(memory.n_tokens, 1);
		assert_memory_equal(memory.token[0].otp.key.b, key, strlen(key));
	}
	/* One that does not open stops it, and nothing has changed. */
	room_add_key(room, "k4", true);
	room_sql(room, "UPDATE token SET sealed = zeroblob(60) WHERE user = 'user20'");
	assert_int_equal(
	    dlk_tokens_reseal(room->record, "uid:0", ROOM_NOW, &n), -EKEYREJECTED);
	assert_int_equal(room_number(room, "SELECT count(*) FROM token WHERE seal = 'k4'"), 0);
}

static int
resync(struct room *room, int64_t first, int64_t second)
{
	struct dlk_token token = room_token("key fob", DLK_OTP_HOTP, KEY);
	DLK_AUTO_SECRET one = { 0 }, two = { 0 };
	char code[DLK_OTP_DIGITS_MAX + 1];

	assert_int_equal(dlk_otp_code(&token.otp, first, code), 0);
	assert_int_equal(dlk_secret_set(&one, dlk_bytes_str(code)), 0);
	assert_int_equal(dlk_otp_code(&token.otp, second, code), 0);
	assert_int_equal(dlk_secret_set(&two, dlk_bytes_str(code)), 0);
	return dlk_tokens_resync(
	    room->record, "alice", "key fob", &one, &two, "uid:0", ROOM_NOW);
}

static void
a_counter_is_found_again(void **state)
{
	struct room *room = *state;

	assert_int_equal(resync(room, 100, 101), -ENOENT);
	room_enrol(room, "alice", "key fob", DLK_OTP_HOTP, KEY);
	assert_int_equal(resync(room, 100, 102), -ERANGE);
	assert_int_equal(resync(room, 100, 101), 0);
	assert_int_equal(last_step(room), 101);
	assert_int_equal(resync(room, 100, 101), -ERANGE);
	assert_int_equal(resync(room, 50, 51), -ERANGE);
	assert_int_equal(last_step(room), 101);
	assert_int_equal(resync(room, 5000, 5001), -ERANGE);
}

static void
token_changes_end_what_was_remembered(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 0);
	struct dlk_token token = room_token("other", DLK_OTP_TOTP, "another secret");

	s.remember_until = ROOM_NOW + 3600;
	assert_int_equal(room_settle(room, &s, NULL), 0);
	assert_int_equal(add(room, "alice", &token), 0);
	assert_int_equal(room_number(room, "SELECT max(until) FROM login"), 0);
	assert_int_equal(room_settle(room, &s, NULL), 0);
	assert_int_equal(
	    dlk_tokens_remove(room->record, "alice", "other", "uid:0", ROOM_NOW), 0);
	assert_int_equal(room_number(room, "SELECT max(until) FROM login"), 0);
	assert_int_equal(room_settle(room, &s, NULL), 0);
	assert_int_equal(
	    dlk_recovery_replace(room->record, "alice", NULL, 0, "uid:0", ROOM_NOW), 0);
	assert_int_equal(room_number(room, "SELECT max(until) FROM login"), 0);
	assert_int_equal(room_settle(room, &s, NULL), 0);
	assert_int_equal(dlk_user_remove(room->record, "alice", "uid:0", ROOM_NOW), 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM login"), 0);
}

static void
recovery_codes_are_compared_as_typed_by_people(void **state)
{
	static const struct {
		const char *typed, *code;
	} rows[] = {
		{ "ABCD-EFGH-2345", "ABCDEFGH2345" },
		{ "abcd efgh 2345", "ABCDEFGH2345" },
		{ "oOiIlL", "001111" },
		{ "  1-2 ", "12" },
		{ "12345678", "12345678" },
		{ "", NULL },
		{ "- -", NULL },
		{ "ABC_D", NULL },
		{ "ABC\n", NULL },
		{ "\xc3\x84", NULL },
		{ "0123456789012345678901234567890", "0123456789012345678901234567890" },
		{ "01234567890123456789012345678901", NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		DLK_AUTO_SECRET typed = { 0 }, code = { 0 };
		assert_int_equal(dlk_secret_set(&typed, dlk_bytes_str(rows[i].typed)), 0);
		int r = dlk_recovery_normalise(&typed, &code);
		assert_int_equal(r, rows[i].code ? 0 : -EINVAL);
		if (rows[i].code)
			assert_true(dlk_bytes_equal(
			    DLK_BYTES(code.b, code.n), dlk_bytes_str(rows[i].code)));
	}
}

static void
recovery_codes_are_random_and_survive_rotation(void **state)
{
	struct room *room = *state;
	struct dlk_secret codes[DLK_RECOVERY_MAX] = { 0 };
	DLK_AUTO_MEMORY memory = { 0 };
	uint8_t mac[DLK_SHA256_SIZE];
	size_t n = 0;

	for (size_t i = 0; i < DLK_RECOVERY_MAX; i++) {
		assert_int_equal(dlk_recovery_generate(&codes[i]), 0);
		assert_int_equal(codes[i].n, 14);
		for (size_t j = 0; j < i; j++)
			assert_false(dlk_secret_equal(&codes[i], &codes[j]));
	}
	assert_int_equal(dlk_recovery_replace(room->record, "alice", codes, DLK_RECOVERY_MAX,
			     "uid:0", ROOM_NOW),
	    0);
	assert_int_equal(dlk_recovery_left(room->record, "alice", &n), 0);
	assert_int_equal(n, DLK_RECOVERY_MAX);
	/* The same code of another user is another code. */
	room_recall(room, "alice", &memory);
	assert_int_equal(dlk_record_recovery_mac(room->record, "bob", &codes[0], mac), 0);
	assert_memory_not_equal(memory.recovery[0].mac, mac, sizeof(mac));
	room_add_key(room, "k2", true);
	assert_int_equal(dlk_tokens_reseal(room->record, "uid:0", ROOM_NOW, &n), 0);
	room_recall(room, "alice", &memory);
	for (size_t i = 0; i < DLK_RECOVERY_MAX; i++) {
		assert_int_equal(
		    dlk_record_recovery_mac(room->record, "alice", &codes[i], mac), 0);
		assert_memory_equal(memory.recovery[i].mac, mac, sizeof(mac));
	}
	/* What cannot be a code is wrong, and no fault. */
	codes[0].b[3] = '!';
	assert_int_equal(dlk_record_recovery_mac(room->record, "alice", &codes[0], mac), 0);
	for (size_t i = 0; i < DLK_RECOVERY_MAX; i++)
		assert_memory_not_equal(memory.recovery[i].mac, mac, sizeof(mac));
	assert_int_equal(
	    dlk_recovery_replace(room->record, "alice", codes, 2, "uid:0", ROOM_NOW), -EINVAL);
	assert_int_equal(dlk_recovery_left(room->record, "alice", &n), 0);
	assert_int_equal(n, DLK_RECOVERY_MAX);
	room_drop_key(room, "k1");
	assert_int_equal(
	    dlk_record_recovery_mac(room->record, "alice", &codes[1], mac), -ENOKEY);
	assert_int_equal(
	    dlk_recovery_replace(room->record, "alice", codes + 1, 3, "uid:0", ROOM_NOW), 0);
	assert_int_equal(dlk_recovery_left(room->record, "alice", &n), 0);
	assert_int_equal(n, 3);
}

static int
count_failures(const struct dlk_failures_row *row, void *arg)
{
	int *n = arg;

	if (strcmp(row->what, "key") == 0)
		assert_int_equal(strlen(row->key), 2 * DLK_SHA256_SIZE);
	if (strcmp(row->what, "source") == 0)
		assert_string_equal(row->key, "192.0.2.7");
	else
		assert_string_equal(row->user, "alice");
	n[0]++;
	return 0;
}

static int
keep_user(const struct dlk_user_row *row, void *arg)
{
	if (strcmp(row->user, "alice") == 0)
		*(struct dlk_user_row *)arg = *row;
	return 0;
}

static void
failures_are_listed_and_cleared(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 0);
	struct dlk_user_row user = { 0 };
	int rows = 0;
	size_t n = 0;

	room_enrol(room, "alice", "phone", DLK_OTP_TOTP, KEY);
	room_enrol(room, "bob", "phone", DLK_OTP_TOTP, KEY);
	s.failures_changed = s.ceilings_changed = true;
	s.failures = (struct dlk_failures){ 0, ROOM_NOW, ROOM_NOW + 900, 1 };
	s.user_failures = s.source_failures = (struct dlk_failures){ 5, ROOM_NOW, 0, 0 };
	assert_int_equal(room_settle(room, &s, NULL), 0);
	assert_int_equal(dlk_failures_each(room->record, "alice", count_failures, &rows), 0);
	assert_int_equal(rows, 2);
	assert_int_equal(dlk_failures_each(room->record, NULL, count_failures, &rows), 0);
	assert_int_equal(rows, 5);
	assert_int_equal(dlk_users_each(room->record, keep_user, &user), 0);
	assert_int_equal(user.n_tokens, 1);
	assert_int_equal(user.locked_until, ROOM_NOW + 900);
	assert_int_equal(dlk_failures_clear(room->record, "alice", "uid:0", ROOM_NOW, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(dlk_failures_clear(room->record, "alice", "uid:0", ROOM_NOW, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event WHERE type = "
					   "'doublelock.lockout.ended'"),
	    1);
	assert_int_equal(room_number(room, "SELECT count(*) FROM failure"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(what_is_enrolled_is_listed),
		IN_ROOM(what_cannot_be_a_token_is_refused),
		IN_ROOM(many_at_once),
		IN_ROOM(used_steps_survive_removal),
		IN_ROOM(used_steps_survive_a_new_key),
		IN_ROOM(resealed_tokens_open),
		IN_ROOM(a_counter_is_found_again),
		IN_ROOM(token_changes_end_what_was_remembered),
		cmocka_unit_test(recovery_codes_are_compared_as_typed_by_people),
		IN_ROOM(recovery_codes_are_random_and_survive_rotation),
		IN_ROOM(failures_are_listed_and_cleared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
