/* SPDX-License-Identifier: MIT */
/*
 * tokens.c - tokens that are in the record: listed, removed, resynchronised, sealed again.
 */
#include "store/tokens.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "store/db.h"

#define RESYNC_FAR 1000 /* counters that two codes in a row are looked for in */

void
dlk_token_wipe(struct dlk_token *token)
{
	explicit_bzero(token, sizeof(*token));
}

int
dlk_operator_event(struct dlk_record *record, enum dlk_event_type type, const char *user,
    const char *token, const char *detail, const char *actor, int64_t now)
{
	struct dlk_event event = {
		.at = now, .type = type, .entrance = DLK_ENTRANCE_OPERATOR
	};

	dlk_text_escape(event.user, sizeof(event.user), dlk_bytes_str(user));
	dlk_text_escape(event.caller, sizeof(event.caller), dlk_bytes_str(actor));
	dlk_text_escape(event.token, sizeof(event.token), dlk_bytes_str(token));
	(void)dlk_text_copy(event.detail, sizeof(event.detail), detail);
	return dlk_events_append(record, &event);
}

int
dlk_token_mac(struct dlk_record *record, const char *seal, const struct dlk_secret *key,
    uint8_t *ret_mac)
{
	int r = dlk_seal_mac(record->seal, seal, "token", DLK_BYTES(key->b, key->n), ret_mac);

	return r < 0 ? dlk_db_seal_error(record, r, "the memory of removed tokens") : 0;
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
		r = dlk_logins_end(record, user);
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
	DLK_AUTO_TOKEN token = { 0 };
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
		r = dlk_logins_end(record, user);
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
	DLK_AUTO_TOKEN token = { 0 };
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
		r = dlk_token_mac(record, current, &token.otp.key, mac);
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
		if (r < 0)
			return r;
		if (r == 0)
			return dlk_checkpoint_reseal(record);
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
