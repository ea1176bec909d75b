/* SPDX-License-Identifier: MIT */
/*
 * tokens.c - tokens put in and taken out by the operator. A token's secret leaves a MAC of
 * itself behind, so that the same secret enrolled again does not reopen steps that were used.
 */
#include "store/tokens.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/db.h"

#define RESYNC_FAR 1000 /* counters that two codes in a row are looked for in */
#define SEALS_MAX  32

static void
token_wipe(struct dlk_token *token)
{
	explicit_bzero(token, sizeof(*token));
}
#define AUTO_TOKEN __attribute__((cleanup(token_wipe))) struct dlk_token

int
dlk_operator_event(struct dlk_record *record, enum dlk_event_type type, const char *user,
    const char *token, const char *detail, const char *actor, int64_t now)
{
	struct dlk_event event = {
		.at = now, .type = type, .entrance = DLK_ENTRANCE_OPERATOR
	};

	(void)dlk_text_copy(event.user, sizeof(event.user), user);
	(void)dlk_text_copy(event.caller, sizeof(event.caller), actor);
	(void)dlk_text_copy(event.token, sizeof(event.token), token);
	(void)dlk_text_copy(event.detail, sizeof(event.detail), detail);
	return dlk_events_append(record, &event);
}

static bool
is_label(const char *label)
{
	size_t n = strlen(label);

	if (n == 0 || n > DLK_TOKEN_LABEL_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)label[i] < ' ' || (unsigned char)label[i] == 0x7f)
			return false;
	return true;
}

static int
check(struct dlk_record *record, const char *user, const struct dlk_token *token)
{
	char code[DLK_OTP_DIGITS_MAX + 1];

	if (!dlk_text_is_name(user))
		return dlk_db_say(record, -EINVAL, "that is no name of a user");
	if (!is_label(token->label))
		return dlk_db_say(
		    record, -EINVAL, "a label has 1 to 63 characters, no control characters");
	/* What no code can be made of is no token. */
	int r = dlk_otp_code(&token->otp, 0, code);
	explicit_bzero(code, sizeof(code));
	return r < 0
		   ? dlk_db_say(record, r,
			 "token '%s' of %s: key, digits, period or algorithm is out of range",
			 token->label, user)
		   : 0;
}

/* One row of a statement that lists ids of sealing keys. */
struct seals {
	size_t n;
	char id[SEALS_MAX][DLK_SEAL_ID_MAX + 1];
};

static int
list_seals(struct dlk_record *record, enum dlk_sql sql, const struct dlk_value *value,
    size_t n, struct seals *seals)
{
	bool sound = true;
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(record, sql, value, n, &row);

	seals->n = 0;
	while (r == 0 && seals->n < SEALS_MAX && (r = dlk_db_step(record, row)) > 0) {
		dlk_db_text(row, 0, seals->id[seals->n], sizeof(seals->id[seals->n]), &sound);
		/* What was sealed under a key that is gone cannot be recognised. */
		if (sound && dlk_seal_has(record->seal, seals->id[seals->n]))
			seals->n++;
		sound = true;
		r = 0;
	}
	return r;
}

static int
mac_of(struct dlk_record *record, const char *seal, const struct dlk_secret *key, uint8_t *mac)
{
	int r = dlk_seal_mac(record->seal, seal, "token", DLK_BYTES(key->b, key->n), mac);

	return r < 0 ? dlk_db_seal_error(record, r, "the memory of removed tokens") : 0;
}

/* The highest step that any token with this secret has used before it was removed. */
static int
find_used(struct dlk_record *record, const struct dlk_secret *key, int64_t *last_step)
{
	struct seals seals;
	uint8_t mac[DLK_SHA256_SIZE];
	int r = list_seals(record, DLK_SQL_USED_SEALS, NULL, 0, &seals);

	for (size_t i = 0; i < seals.n && r == 0; i++) {
		int64_t used = 0;
		r = mac_of(record, seals.id[i], key, mac);
		DLK_AUTO_ROWS *row = NULL;
		if (r == 0)
			r = dlk_db_start(record, DLK_SQL_USED,
			    DLK_VALUES(DLK_T(seals.id[i]), DLK_B(mac, sizeof(mac))), &row);
		if (r == 0)
			r = dlk_db_step(record, row);
		if (r > 0) {
			used = sqlite3_column_int64(row, 0);
			r = 0;
			*last_step = used > *last_step ? used : *last_step;
		}
	}
	return r;
}

/* Two tokens of one user with one secret would take the same code twice. */
static int
refuse_same(struct dlk_record *record, const char *user, const struct dlk_secret *key)
{
	struct seals seals;
	uint8_t mac[DLK_SHA256_SIZE];
	int r = list_seals(record, DLK_SQL_TOKEN_SEALS, DLK_VALUES(DLK_T(user)), &seals);

	for (size_t i = 0; i < seals.n && r == 0; i++) {
		int64_t n = 0;
		r = mac_of(record, seals.id[i], key, mac);
		if (r == 0)
			r = dlk_db_number(record, DLK_SQL_TOKEN_SAME,
			    DLK_VALUES(
				DLK_T(user), DLK_T(seals.id[i]), DLK_B(mac, sizeof(mac))),
			    &n);
		if (r == 0 && n > 0)
			return dlk_db_say(
			    record, -EEXIST, "%s has a token with this secret already", user);
	}
	return r;
}

static int
refuse_more(struct dlk_record *record, const char *user, const struct dlk_token *token)
{
	int64_t n = 0, same = 0;
	int r = dlk_db_number(record, DLK_SQL_TOKEN_COUNT, DLK_VALUES(DLK_T(user)), &n);

	if (r == 0 && n > 0)
		r = dlk_db_number(record, DLK_SQL_TOKEN_LABEL,
		    DLK_VALUES(DLK_T(user), DLK_T(token->label)), &same);
	if (r < 0)
		return r;
	if (same > 0)
		return dlk_db_say(
		    record, -EEXIST, "%s has a token '%s' already", user, token->label);
	if (n >= DLK_TOKENS_MAX)
		return dlk_db_say(record, -ENOSPC,
		    "%s has %d tokens, which is the most; remove one first", user,
		    DLK_TOKENS_MAX);
	return n > 0 ? refuse_same(record, user, &token->otp.key) : 0;
}

static int
insert(struct dlk_record *record, const char *user, const struct dlk_token *token,
    int64_t last_step, int64_t now)
{
	const struct dlk_otp *otp = &token->otp;
	uint8_t bound[DLK_TOKEN_BOUND_MAX], mac[DLK_SHA256_SIZE];
	DLK_AUTO_BUF sealed = { 0 };
	const char *seal = dlk_seal_current(record->seal);
	int r = dlk_seal_close(
	    record->seal, &otp->key, dlk_token_bound(user, token, bound), &sealed);

	if (r == 0)
		r = mac_of(record, seal, &otp->key, mac);
	if (r < 0)
		return dlk_db_seal_error(record, r, "the token");
	return dlk_db_run(record, DLK_SQL_TOKEN_ADD,
	    DLK_VALUES(DLK_T(user), DLK_T(token->label), DLK_T(dlk_otp_kind_str(otp->kind)),
		DLK_T(dlk_otp_algorithm_str(otp->algorithm)), DLK_I(otp->digits),
		DLK_I(otp->kind == DLK_OTP_TOTP ? otp->period : 0), DLK_I(last_step),
		token->bound ? DLK_B(token->key_id, DLK_SHA256_SIZE) : DLK_NULL, DLK_I(now),
		DLK_T(seal), DLK_B(sealed.p, sealed.n), DLK_B(mac, sizeof(mac))));
}

static int
add(struct dlk_record *record, const char *user, const struct dlk_token *given,
    const char *actor, int64_t now, int64_t *ret_id)
{
	AUTO_TOKEN token = *given;
	int64_t last_step = given->otp.last_step;
	int r = check(record, user, &token);

	/* A HOTP token has no period: what is bound to the secret is what is read back. */
	if (token.otp.kind == DLK_OTP_HOTP)
		token.otp.period = 0;
	if (r == 0)
		r = refuse_more(record, user, &token);
	if (r == 0)
		r = find_used(record, &token.otp.key, &last_step);
	if (r == 0)
		r = insert(record, user, &token, last_step, now);
	if (r < 0)
		return r;
	*ret_id = sqlite3_last_insert_rowid(record->db);
	r = dlk_db_run(record, DLK_SQL_LOGINS_END, DLK_VALUES(DLK_T(user)));
	return r < 0 ? r
		     : dlk_operator_event(record, DLK_EVENT_TOKEN_ENROLLED, user, token.label,
			   "", actor, now);
}

int
dlk_tokens_add(struct dlk_record *record, const char *user, const struct dlk_token *token,
    const char *actor, int64_t now, int64_t *ret_id)
{
	if (!record->seal)
		return dlk_db_seal_error(record, -ENOKEY, "a new token");
	int r = dlk_db_begin(record);
	return r < 0 ? r : dlk_db_finish(record, add(record, user, token, actor, now, ret_id));
}

/* What is wrong with one row alone, and leaves nothing of it behind. */
static bool
is_own_fault(int r)
{
	return r == 0 || r == -EEXIST || r == -ENOSPC || r == -EINVAL;
}

int
dlk_tokens_add_many(struct dlk_record *record, const struct dlk_token_row *row, size_t n,
    const char *actor, int64_t now, int *result)
{
	int64_t id;

	if (!record->seal)
		return dlk_db_seal_error(record, -ENOKEY, "a new token");
	int r = dlk_db_begin(record);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++) {
		result[i] = add(record, row[i].user, &row[i].token, actor, now, &id);
		/* -ENOSPC is the user's limit as well as the disk's. */
		if (!is_own_fault(result[i]) || record->failed)
			r = result[i];
	}
	return dlk_db_finish(record, r);
}

int
dlk_tokens_remove(struct dlk_record *record, const char *user, const char *label,
    const char *actor, int64_t now)
{
	int n = 0, r = dlk_db_begin(record);

	if (r < 0)
		return r;
	r = dlk_db_run(record, DLK_SQL_USED_KEEP, DLK_VALUES(DLK_T(user), DLK_T(label)));
	if (r >= 0)
		r = n = dlk_db_run(
		    record, DLK_SQL_TOKEN_REMOVE, DLK_VALUES(DLK_T(user), DLK_T(label)));
	if (r >= 0)
		r = dlk_db_run(record, DLK_SQL_LOGINS_END, DLK_VALUES(DLK_T(user)));
	if (r >= 0 && n == 0)
		r = dlk_db_say(record, -ENOENT, "%s has no token '%s'", user, label);
	else if (r >= 0)
		r = dlk_operator_event(
		    record, DLK_EVENT_TOKEN_REMOVED, user, label, "", actor, now);
	return dlk_db_finish(record, r);
}

int
dlk_tokens_each(struct dlk_record *record, const char *user,
    int (*each)(const struct dlk_token_row *row, void *arg), void *arg)
{
	struct dlk_token_row found;
	const struct dlk_value value[] = { DLK_T(user) };
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(
	    record, user ? DLK_SQL_TOKENS_OF : DLK_SQL_TOKENS_ALL, value, user ? 1 : 0, &row);

	while (r == 0 && (r = dlk_db_step(record, row)) > 0) {
		bool sound = true;
		r = dlk_token_read(record, row, false, found.user, &found.token);
		if (r < 0)
			return r;
		found.created = dlk_db_int(row, 9, INT64_MIN, INT64_MAX, &sound);
		dlk_db_text(row, 10, found.seal, sizeof(found.seal), &sound);
		if (!sound)
			return dlk_db_unsound(record, "token", found.token.id);
		r = each(&found, arg);
	}
	return r;
}

static int
find_token(struct dlk_record *record, const char *user, const char *label,
    struct dlk_token *ret_token)
{
	char owner[DLK_NAME_MAX + 1];
	DLK_AUTO_ROWS *row = NULL;
	int r =
	    dlk_db_start(record, DLK_SQL_TOKEN, DLK_VALUES(DLK_T(user), DLK_T(label)), &row);

	if (r == 0)
		r = dlk_db_step(record, row);
	if (r == 0)
		return dlk_db_say(record, -ENOENT, "%s has no token '%s'", user, label);
	return r < 0 ? r : dlk_token_read(record, row, true, owner, ret_token);
}

static int
resync(struct dlk_record *record, const char *user, const char *label,
    const struct dlk_secret *first, const struct dlk_secret *second, const char *actor,
    int64_t now)
{
	AUTO_TOKEN token = { 0 };
	int64_t step = -1;
	int r = find_token(record, user, label, &token);

	if (r < 0)
		return r;
	if (token.otp.kind != DLK_OTP_HOTP)
		return dlk_db_say(record, -EINVAL,
		    "token '%s' of %s follows the clock and has no counter; set the clock of "
		    "the device",
		    label, user);
	r = dlk_otp_resync(&token.otp, first, second, RESYNC_FAR, &step);
	if (r == -ENOENT)
		return dlk_db_say(record, -ERANGE,
		    "these are not two codes in a row within %d codes of the last one",
		    RESYNC_FAR);
	if (r == 0)
		r = dlk_db_run(
		    record, DLK_SQL_TOKEN_STEP, DLK_VALUES(DLK_I(token.id), DLK_I(step)));
	if (r >= 0)
		r = dlk_db_run(record, DLK_SQL_LOGINS_END, DLK_VALUES(DLK_T(user)));
	return r < 0 ? r
		     : dlk_operator_event(
			   record, DLK_EVENT_TOKEN_RESYNCED, user, label, "", actor, now);
}

int
dlk_tokens_resync(struct dlk_record *record, const char *user, const char *label,
    const struct dlk_secret *first, const struct dlk_secret *second, const char *actor,
    int64_t now)
{
	int r = dlk_db_begin(record);

	return r < 0 ? r
		     : dlk_db_finish(
			   record, resync(record, user, label, first, second, actor, now));
}

/* 1: sealed again. 0: it was under the current key. */
static int
reseal_one(struct dlk_record *record, sqlite3_stmt *row, int64_t *ret_id)
{
	AUTO_TOKEN token = { 0 };
	DLK_AUTO_BUF sealed = { 0 };
	uint8_t bound[DLK_TOKEN_BOUND_MAX], mac[DLK_SHA256_SIZE];
	char user[DLK_NAME_MAX + 1], seal[DLK_SEAL_ID_MAX + 1];
	const char *current = dlk_seal_current(record->seal);
	bool sound = true;
	int r = dlk_token_read(record, row, true, user, &token);

	if (r < 0)
		return r;
	*ret_id = token.id;
	dlk_db_text(row, 10, seal, sizeof(seal), &sound);
	if (sound && strcmp(seal, current) == 0)
		return 0;
	r = dlk_seal_close(
	    record->seal, &token.otp.key, dlk_token_bound(user, &token, bound), &sealed);
	if (r == 0)
		r = mac_of(record, current, &token.otp.key, mac);
	if (r < 0)
		return dlk_db_seal_error(record, r, "the token");
	return dlk_db_run(record, DLK_SQL_TOKEN_RESEAL,
	    DLK_VALUES(DLK_I(token.id), DLK_T(current), DLK_B(sealed.p, sealed.n),
		DLK_B(mac, sizeof(mac))));
}

static int
reseal(struct dlk_record *record, size_t *n)
{
	int64_t id = 0;
	int r = 0;

	for (;;) {
		DLK_AUTO_ROWS *row = NULL;
		r = dlk_db_start(record, DLK_SQL_TOKENS_AFTER, DLK_VALUES(DLK_I(id)), &row);
		if (r == 0)
			r = dlk_db_step(record, row);
		if (r <= 0)
			return r;
		r = reseal_one(record, row, &id);
		if (r < 0)
			return r;
		*n += r > 0;
	}
}

int
dlk_tokens_reseal(struct dlk_record *record, const char *actor, int64_t now, size_t *ret_n)
{
	size_t n = 0;
	int r;

	(void)actor; /* no secret changes hands: it is no event */
	(void)now;
	if (!record->seal)
		return dlk_db_seal_error(record, -ENOKEY, "sealing again");
	r = dlk_db_begin(record);
	if (r < 0)
		return r;
	r = dlk_db_finish(record, reseal(record, &n));
	if (r == 0)
		*ret_n = n;
	return r;
}
