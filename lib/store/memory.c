/* SPDX-License-Identifier: MIT */
/*
 * memory.c - what the record knows of one subject, read under its lock. Every row is doubted:
 * the file belongs to a user who may have been taken over, and a guess could be a yes.
 */
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"

const char dlk_failure_key[] = "key", dlk_failure_user[] = "user",
	   dlk_failure_source[] = "source";

static size_t
put(uint8_t *out, size_t at, const void *octets, size_t n)
{
	assert(n <= UINT8_MAX && at + 1 + n <= DLK_TOKEN_BOUND_MAX);
	out[at] = (uint8_t)n;
	if (n > 0)
		memcpy(out + at + 1, octets, n);
	return at + 1 + n;
}

/* All that decides what the secret opens; a row that was changed does not open any more.
 * The step is not here: it changes with each login. */
struct dlk_bytes
dlk_token_bound(const char *user, const struct dlk_token *token, uint8_t *out)
{
	const struct dlk_otp *otp = &token->otp;
	uint8_t numbers[8] = { (uint8_t)otp->kind, (uint8_t)otp->algorithm,
		(uint8_t)otp->digits, token->bound };
	size_t n = put(out, 0, "token", 5);

	dlk_put_be32(numbers + 4, otp->period);
	n = put(out, n, user, strlen(user));
	n = put(out, n, token->label, strlen(token->label));
	n = put(out, n, numbers, sizeof(numbers));
	n = put(out, n, token->key_id, token->bound ? DLK_SHA256_SIZE : 0);
	return DLK_BYTES(out, n);
}

static void
read_kind(sqlite3_stmt *row, int column, struct dlk_otp *otp, bool *sound)
{
	char kind[8], algorithm[8];

	dlk_db_text(row, column, kind, sizeof(kind), sound);
	dlk_db_text(row, column + 1, algorithm, sizeof(algorithm), sound);
	if (strcmp(kind, dlk_otp_kind_str(DLK_OTP_HOTP)) == 0)
		otp->kind = DLK_OTP_HOTP;
	else if (strcmp(kind, dlk_otp_kind_str(DLK_OTP_TOTP)) != 0)
		*sound = false;
	if (dlk_otp_algorithm_find(algorithm, &otp->algorithm) < 0)
		*sound = false;
}

/* Everything but the secret. */
static bool
read_token(sqlite3_stmt *row, char *user, struct dlk_token *token)
{
	struct dlk_otp *otp = &token->otp;
	bool sound = true;

	token->id = dlk_db_int(row, 0, 1, INT64_MAX, &sound);
	dlk_db_text(row, 1, user, DLK_NAME_MAX + 1, &sound);
	dlk_db_text(row, 2, token->label, sizeof(token->label), &sound);
	read_kind(row, 3, otp, &sound);
	otp->digits =
	    (unsigned)dlk_db_int(row, 5, DLK_OTP_DIGITS_MIN, DLK_OTP_DIGITS_MAX, &sound);
	otp->period = (unsigned)dlk_db_int(row, 6,
	    otp->kind == DLK_OTP_TOTP ? DLK_OTP_PERIOD_MIN : 0, DLK_OTP_PERIOD_MAX, &sound);
	otp->last_step = dlk_db_int(row, 7, -1, INT64_MAX - 1, &sound);
	token->bound = sqlite3_column_type(row, 8) != SQLITE_NULL;
	if (token->bound)
		dlk_db_octets(row, 8, token->key_id, sizeof(token->key_id), &sound);
	return sound && user[0] != '\0' && token->label[0] != '\0';
}

int
dlk_token_read(struct dlk_record *record, sqlite3_stmt *row, bool open, char *ret_user,
    struct dlk_token *ret_token)
{
	uint8_t bound[DLK_TOKEN_BOUND_MAX];
	char what[DLK_TOKEN_LABEL_MAX + DLK_NAME_MAX + 32];
	int r = -ENOKEY;

	memset(ret_token, 0, sizeof(*ret_token));
	if (!read_token(row, ret_user, ret_token))
		return dlk_db_unsound(record, "token", sqlite3_column_int64(row, 0));
	if (!open)
		return 0;
	if (record->seal)
		r = dlk_seal_open(record->seal, dlk_db_blob(row, 11),
		    dlk_token_bound(ret_user, ret_token, bound), &ret_token->otp.key);
	if (r == 0 && ret_token->otp.key.n < DLK_OTP_KEY_MIN)
		return dlk_db_unsound(record, "token", ret_token->id);
	if (r == 0)
		return 0;
	dlk_text_print(what, sizeof(what), "token '%s' of %s", ret_token->label, ret_user);
	return dlk_db_seal_error(record, r, what);
}

static int
load_tokens(struct dlk_record *record, const char *user, struct dlk_memory *memory)
{
	char owner[DLK_NAME_MAX + 1];
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(record, DLK_SQL_TOKENS_OF, DLK_VALUES(DLK_T(user)), &row);

	while (r == 0 && (r = dlk_db_step(record, row)) > 0) {
		if (memory->n_tokens == DLK_TOKENS_MAX)
			return dlk_db_unsound(record, "token", sqlite3_column_int64(row, 0));
		r = dlk_token_read(record, row, true, owner, &memory->token[memory->n_tokens]);
		if (r == 0)
			memory->n_tokens++;
	}
	return r;
}

static int
load_recovery(struct dlk_record *record, const char *user, struct dlk_memory *memory)
{
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(record, DLK_SQL_RECOVERY_OF, DLK_VALUES(DLK_T(user)), &row);

	while (r == 0 && (r = dlk_db_step(record, row)) > 0) {
		bool sound = memory->n_recovery < DLK_RECOVERY_MAX;
		if (sound) {
			struct dlk_recovery_code *code =
			    &memory->recovery[memory->n_recovery++];
			code->id = dlk_db_int(row, 0, 1, INT64_MAX, &sound);
			dlk_db_octets(row, 1, code->mac, sizeof(code->mac), &sound);
		}
		if (!sound)
			return dlk_db_unsound(
			    record, "recovery", sqlite3_column_int64(row, 0));
		r = 0;
	}
	return r;
}

void
dlk_failures_read(sqlite3_stmt *row, int first, struct dlk_failures *ret_failures, bool *sound)
{
	ret_failures->count = (unsigned)dlk_db_int(row, first, 0, UINT_MAX, sound);
	ret_failures->since = dlk_db_int(row, first + 1, 0, INT64_MAX / 2, sound);
	ret_failures->locked_until = dlk_db_int(row, first + 2, 0, INT64_MAX / 2, sound);
	ret_failures->lockouts = (unsigned)dlk_db_int(row, first + 3, 0, UINT_MAX, sound);
}

static int
load_failures(struct dlk_record *record, const char *user, const char *kind, const char *key,
    struct dlk_failures *failures)
{
	DLK_AUTO_ROWS *row = NULL;
	bool sound = true;
	int r = dlk_db_start(
	    record, DLK_SQL_FAILURE, DLK_VALUES(DLK_T(user), DLK_T(kind), DLK_T(key)), &row);

	if (r == 0)
		r = dlk_db_step(record, row);
	if (r <= 0)
		return r;
	dlk_failures_read(row, 0, failures, &sound);
	if (sound)
		return 0;
	if (user[0] == '\0')
		return dlk_db_say(record, -EBADMSG,
		    "the failures of '%s' are damaged; restore a backup", key);
	return dlk_db_say(record, -EBADMSG,
	    "the failures of %s are damaged; 'doublelock user unlock %s' clears them", user,
	    user);
}

int
dlk_memory_login(struct dlk_record *record, const struct dlk_subject *subject, const char *key,
    struct dlk_memory *memory)
{
	DLK_AUTO_ROWS *row = NULL;
	bool sound = true;
	int r = dlk_db_start(record, DLK_SQL_LOGIN,
	    DLK_VALUES(DLK_T(subject->user), DLK_T(key), DLK_T(subject->service),
		DLK_T(subject->source)),
	    &row);

	if (r == 0)
		r = dlk_db_step(record, row);
	if (r <= 0)
		return r;
	memory->last_token = dlk_db_int(row, 0, 0, INT64_MAX, &sound);
	memory->last_step = dlk_db_int(row, 1, -1, INT64_MAX, &sound);
	memory->remembered_since = dlk_db_int(row, 2, 0, INT64_MAX / 2, &sound);
	memory->remembered_until = dlk_db_int(row, 3, 0, INT64_MAX / 2, &sound);
	return sound ? 0 : dlk_db_unsound(record, "login", 0);
}

int
dlk_logins_end(struct dlk_record *record, const char *user)
{
	int r = dlk_db_run(record, DLK_SQL_LOGINS_END, DLK_VALUES(DLK_T(user)));

	return r < 0 ? r : dlk_db_run(record, DLK_SQL_VISITS_END, DLK_VALUES(DLK_T(user)));
}

static int
load_visit(struct dlk_record *record, const struct dlk_subject *subject, const char *key,
    bool *ret_visited)
{
	int64_t n = 0;

	if (!subject->visit || !subject->visit[0])
		return 0;
	int r = dlk_db_number(record, DLK_SQL_VISIT,
	    DLK_VALUES(DLK_T(subject->caller), DLK_T(subject->service), DLK_T(subject->visit),
		DLK_T(subject->user), DLK_T(key), DLK_I(record->now)),
	    &n);
	*ret_visited = n == 1;
	return r;
}

int
dlk_memory_load(struct dlk_record *record, const struct dlk_subject *subject,
    struct dlk_memory *ret_memory)
{
	char key[DLK_KEY_HEX + 1];

	memset(ret_memory, 0, sizeof(*ret_memory));
	dlk_hex(DLK_BYTES(subject->key_id, sizeof(subject->key_id)), key);
	int r = load_tokens(record, subject->user, ret_memory);
	if (r == 0)
		r = load_recovery(record, subject->user, ret_memory);
	if (r == 0)
		r = load_failures(
		    record, subject->user, dlk_failure_key, key, &ret_memory->failures);
	if (r == 0)
		r = load_failures(
		    record, subject->user, dlk_failure_user, "", &ret_memory->user_failures);
	if (r == 0 && subject->source[0] != '\0')
		r = load_failures(record, "", dlk_failure_source, subject->source,
		    &ret_memory->source_failures);
	if (r == 0)
		r = dlk_memory_login(record, subject, key, ret_memory);
	if (r == 0)
		r = load_visit(record, subject, key, &ret_memory->visited);
	ret_memory->restored = record->moved;
	if (r < 0)
		dlk_memory_fini(ret_memory);
	return r;
}
