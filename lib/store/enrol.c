/* SPDX-License-Identifier: MIT */
/*
 * enrol.c - tokens put into the record. A token's secret leaves a MAC of itself there, by
 * which it is known again: twice with one user it would take a code twice, and enrolled anew
 * it would reopen steps that were used.
 */
#include "store/tokens.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "store/db.h"

#define SEALS_MAX 32

/* It goes into events, and from there into JSON and terminals. */
static bool
is_label(const char *label)
{
	size_t n = strlen(label);

	if (n == 0 || n > DLK_TOKEN_LABEL_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (label[i] < ' ' || label[i] > '~')
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
		    record, -EINVAL, "a label has 1 to 63 characters of printable ASCII");
	/* What no code can be made of is no token. */
	int r = dlk_otp_code(&token->otp, 0, code);
	explicit_bzero(code, sizeof(code));
	return r < 0
		   ? dlk_db_say(record, r,
			 "token '%s' of %s: key, digits, period or algorithm is out of range",
			 token->label, user)
		   : 0;
}

/* Ids of keys that something is kept under, and that are in seal.key: what was kept under a
 * key that is gone cannot be recognised. */
struct seals {
	size_t n;
	char id[SEALS_MAX][DLK_SEAL_ID_MAX + 1];
};

/* `sql` gives the least id above ?1: rows are many, ids are few. */
static int
list_seals(struct dlk_record *record, enum dlk_sql sql, const char *user, struct seals *seals)
{
	char last[DLK_SEAL_ID_MAX + 1] = "";

	seals->n = 0;
	while (seals->n < SEALS_MAX) {
		const struct dlk_value value[] = { DLK_T(last), DLK_T(user) };
		bool sound = true;
		DLK_AUTO_ROWS *row = NULL;
		int r = dlk_db_start(record, sql, value, user ? 2 : 1, &row);
		if (r == 0)
			r = dlk_db_step(record, row);
		if (r <= 0 || sqlite3_column_type(row, 0) == SQLITE_NULL)
			return r < 0 ? r : 0;
		char id[sizeof(last)];
		dlk_db_text(row, 0, id, sizeof(id), &sound);
		if (!sound)
			return dlk_db_unsound(record, "used", 0);
		dlk_db_end(&row);
		memcpy(last, id, sizeof(last));
		if (dlk_seal_has(record->seal, id))
			memcpy(seals->id[seals->n++], id, sizeof(id));
	}
	return 0;
}

/* The highest step that any token with this secret has used before it was removed. */
static int
find_used(struct dlk_record *record, const struct dlk_secret *key, int64_t *last_step)
{
	struct seals seals;
	uint8_t mac[DLK_SHA256_SIZE];
	int r = list_seals(record, DLK_SQL_USED_SEAL, NULL, &seals);

	for (size_t i = 0; i < seals.n && r == 0; i++) {
		int64_t used = 0;
		r = dlk_token_mac(record, seals.id[i], key, mac);
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
	int r = list_seals(record, DLK_SQL_TOKEN_SEAL, user, &seals);

	for (size_t i = 0; i < seals.n && r == 0; i++) {
		int64_t n = 0;
		r = dlk_token_mac(record, seals.id[i], key, mac);
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
		r = dlk_token_mac(record, seal, &otp->key, mac);
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
	DLK_AUTO_TOKEN token = *given;
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
	r = dlk_logins_end(record, user);
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
