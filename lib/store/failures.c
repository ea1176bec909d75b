/* SPDX-License-Identifier: MIT */
/*
 * failures.c - counts of failures shown and cleared, and users listed and removed whole.
 * When a failure counts and when a lockout begins is decided elsewhere.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "store/db.h"
#include "store/tokens.h"

int
dlk_failures_clear(
    struct dlk_record *record, const char *user, const char *actor, int64_t now, size_t *ret_n)
{
	int r = dlk_db_begin(record);

	if (r < 0)
		return r;
	int n = dlk_db_run(record, DLK_SQL_FAILURES_REMOVE, DLK_VALUES(DLK_T(user)));
	r = n < 0 ? n : 0;
	if (n > 0)
		r = dlk_operator_event(record, DLK_EVENT_LOCKOUT_ENDED, user, "",
		    "the operator has cleared what was counted", actor, now);
	r = dlk_db_finish(record, r);
	if (r == 0)
		*ret_n = (size_t)n;
	return r;
}

int
dlk_failures_each(struct dlk_record *record, const char *user,
    int (*each)(const struct dlk_failures_row *row, void *arg), void *arg)
{
	struct dlk_failures_row found;
	const struct dlk_value value[] = { DLK_T(user) };
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(record, user ? DLK_SQL_FAILURES_OF : DLK_SQL_FAILURES_ALL, value,
	    user ? 1 : 0, &row);

	while (r == 0 && (r = dlk_db_step(record, row)) > 0) {
		bool sound = true;
		dlk_db_text(row, 0, found.user, sizeof(found.user), &sound);
		dlk_db_text(row, 1, found.what, sizeof(found.what), &sound);
		dlk_db_text(row, 2, found.key, sizeof(found.key), &sound);
		dlk_failures_read(row, 3, &found.failures, &sound);
		if (!sound)
			return dlk_db_unsound(record, "failure", 0);
		r = each(&found, arg);
	}
	return r;
}

int
dlk_user_remove(struct dlk_record *record, const char *user, const char *actor, int64_t now)
{
	static const enum dlk_sql removals[] = { DLK_SQL_TOKENS_REMOVE,
		DLK_SQL_RECOVERY_REMOVE, DLK_SQL_FAILURES_REMOVE, DLK_SQL_LOGINS_REMOVE,
		DLK_SQL_VISITS_END };
	char detail[64];
	int n = 0, tokens = 0, r = dlk_db_begin(record);

	if (r < 0)
		return r;
	r = dlk_db_run(record, DLK_SQL_USED_KEEP, DLK_VALUES(DLK_T(user), DLK_NULL));
	for (size_t i = 0; i < sizeof(removals) / sizeof(removals[0]) && r >= 0; i++) {
		r = dlk_db_run(record, removals[i], DLK_VALUES(DLK_T(user)));
		n += r > 0 ? r : 0;
		if (i == 0)
			tokens = r;
	}
	if (r >= 0 && n == 0)
		r = dlk_db_say(record, -ENOENT, "nothing is known of %s", user);
	dlk_text_print(detail, sizeof(detail), "the user was removed, with %d tokens", tokens);
	if (r >= 0)
		r = dlk_operator_event(
		    record, DLK_EVENT_TOKEN_REMOVED, user, "", detail, actor, now);
	return dlk_db_finish(record, r);
}

int
dlk_users_each(struct dlk_record *record,
    int (*each)(const struct dlk_user_row *row, void *arg), void *arg)
{
	struct dlk_user_row found;
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(record, DLK_SQL_USERS, NULL, 0, &row);

	while (r == 0 && (r = dlk_db_step(record, row)) > 0) {
		bool sound = true;
		dlk_db_text(row, 0, found.user, sizeof(found.user), &sound);
		found.n_tokens = (size_t)dlk_db_int(row, 1, 0, INT_MAX, &sound);
		found.n_recovery = (size_t)dlk_db_int(row, 2, 0, INT_MAX, &sound);
		found.locked_until = dlk_db_int(row, 3, 0, INT64_MAX, &sound);
		if (!sound)
			return dlk_db_unsound(record, "token", 0);
		r = each(&found, arg);
	}
	return r;
}
