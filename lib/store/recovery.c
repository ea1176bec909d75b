/* SPDX-License-Identifier: MIT */
/*
 * recovery.c - recovery codes: random, shown once, kept as MACs under a key of seal.key, each
 * good for one login. Whether one is asked for is decided elsewhere.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/text.h"
#include "store/db.h"
#include "store/tokens.h"

#define SYMBOLS 12 /* of 5 bits each */
#define GROUP   4

/* Crockford's base 32: nothing in it looks like something else. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

int
dlk_recovery_normalise(const struct dlk_secret *typed, struct dlk_secret *ret_code)
{
	DLK_AUTO_SECRET code = { 0 };

	for (size_t i = 0; i < typed->n; i++) {
		uint8_t c = typed->b[i];
		if (c == ' ' || c == '-')
			continue;
		if (c >= 'a' && c <= 'z')
			c = (uint8_t)(c - 'a' + 'A');
		if (c == 'O')
			c = '0';
		if (c == 'I' || c == 'L')
			c = '1';
		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')) ||
		    code.n == DLK_RECOVERY_TEXT_MAX)
			return -EINVAL;
		code.b[code.n++] = c;
	}
	if (code.n == 0)
		return -EINVAL;
	return dlk_secret_set(ret_code, DLK_BYTES(code.b, code.n));
}

int
dlk_recovery_generate(struct dlk_secret *ret_code)
{
	uint8_t random[SYMBOLS];
	DLK_AUTO_SECRET code = { 0 };

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	for (size_t i = 0; i < SYMBOLS; i++) {
		if (i > 0 && i % GROUP == 0)
			code.b[code.n++] = '-';
		code.b[code.n++] = (uint8_t)alphabet[random[i] & 31];
	}
	explicit_bzero(random, sizeof(random));
	return dlk_secret_set(ret_code, DLK_BYTES(code.b, code.n));
}

/* The user's name stands before the code, so that the same code of two users differs. */
static int
mac_of(const struct dlk_seal *seal, const char *id, const char *purpose, const char *user,
    const struct dlk_secret *code, uint8_t *ret_mac)
{
	uint8_t what[1 + DLK_NAME_MAX + DLK_SECRET_MAX];
	size_t n = strlen(user);

	if (n > DLK_NAME_MAX)
		return -EINVAL;
	what[0] = (uint8_t)n;
	memcpy(what + 1, user, n);
	memcpy(what + 1 + n, code->b, code->n);
	int r = dlk_seal_mac(seal, id, purpose, DLK_BYTES(what, 1 + n + code->n), ret_mac);
	explicit_bzero(what, sizeof(what));
	return r;
}

/* The key that the user's codes were made under; "" where there are none. */
static int
find_seal(struct dlk_record *record, const char *user, char *ret_id)
{
	bool sound = true;
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(record, DLK_SQL_RECOVERY_SEAL, DLK_VALUES(DLK_T(user)), &row);

	ret_id[0] = '\0';
	if (r == 0)
		r = dlk_db_step(record, row);
	if (r <= 0)
		return r;
	dlk_db_text(row, 0, ret_id, DLK_SEAL_ID_MAX + 1, &sound);
	return sound ? 0 : dlk_db_unsound(record, "recovery", 0);
}

int
dlk_record_recovery_mac(
    void *ctx, const char *user, const struct dlk_secret *typed, uint8_t *ret_mac)
{
	struct dlk_record *record = ctx;
	DLK_AUTO_SECRET code = { 0 };
	char id[DLK_SEAL_ID_MAX + 1];
	int r = find_seal(record, user, id);

	if (r < 0)
		return r;
	if (!record->seal)
		return dlk_db_seal_error(record, -ENOKEY, "a recovery code");
	/* What cannot be a code gets a MAC that none has, for the same work. */
	bool is_code = dlk_recovery_normalise(typed, &code) == 0;
	r = mac_of(record->seal, id[0] != '\0' ? id : NULL, is_code ? "recovery" : "no code",
	    user, is_code ? &code : typed, ret_mac);
	return r < 0 ? dlk_db_seal_error(record, r, "a recovery code") : 0;
}

static int
add(struct dlk_record *record, const char *user, const struct dlk_secret *typed)
{
	DLK_AUTO_SECRET code = { 0 };
	uint8_t mac[DLK_SHA256_SIZE];
	const char *seal = dlk_seal_current(record->seal);
	int r = dlk_recovery_normalise(typed, &code);

	if (r < 0)
		return dlk_db_say(record, r, "a recovery code has 1 to %d letters and digits",
		    DLK_RECOVERY_TEXT_MAX);
	r = mac_of(record->seal, seal, "recovery", user, &code, mac);
	if (r < 0)
		return dlk_db_seal_error(record, r, "a recovery code");
	r = dlk_db_run(record, DLK_SQL_RECOVERY_ADD,
	    DLK_VALUES(DLK_T(user), DLK_T(seal), DLK_B(mac, sizeof(mac))));
	return r < 0 ? r : 0;
}

int
dlk_recovery_replace(struct dlk_record *record, const char *user,
    const struct dlk_secret *codes, size_t n, const char *actor, int64_t now)
{
	char detail[64];

	if (n > DLK_RECOVERY_MAX || !dlk_text_is_name(user))
		return dlk_db_say(record, -EINVAL, "at most %d recovery codes, for a user",
		    DLK_RECOVERY_MAX);
	if (n > 0 && !record->seal)
		return dlk_db_seal_error(record, -ENOKEY, "a recovery code");
	int r = dlk_db_begin(record);
	if (r < 0)
		return r;
	r = dlk_db_run(record, DLK_SQL_RECOVERY_REMOVE, DLK_VALUES(DLK_T(user)));
	for (size_t i = 0; i < n && r >= 0; i++)
		r = add(record, user, &codes[i]);
	if (r >= 0)
		r = dlk_logins_end(record, user);
	dlk_text_print(detail, sizeof(detail), "%zu new recovery codes", n);
	if (r >= 0)
		r = dlk_operator_event(
		    record, DLK_EVENT_RECOVERY_REPLACED, user, "", detail, actor, now);
	return dlk_db_finish(record, r);
}

int
dlk_recovery_left(struct dlk_record *record, const char *user, size_t *ret_n)
{
	int64_t n = 0;
	int r = dlk_db_number(record, DLK_SQL_RECOVERY_COUNT, DLK_VALUES(DLK_T(user)), &n);

	if (r == 0)
		*ret_n = (size_t)n;
	return r;
}
