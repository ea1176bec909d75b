/* SPDX-License-Identifier: MIT */
/* tokens.h - what the operator does to tokens, recovery codes and failures. Each call is one
 * transaction with its event; `actor` is who did it ("uid:0"). 0 or -errno. */
#ifndef DLK_STORE_TOKENS_H
#define DLK_STORE_TOKENS_H

#include "store/record.h"

struct dlk_token_row {
	char user[DLK_NAME_MAX + 1];
	struct dlk_token token; /* the key is empty when listed */
	int64_t created;
	char seal[DLK_SEAL_ID_MAX + 1]; /* key that it is sealed under */
};

/* *ret_id; -EEXIST where the user has that label or that secret; -ENOSPC at DLK_TOKENS_MAX;
 * -EINVAL for a label that is not printable ASCII, or what no code can be made of. */
int dlk_tokens_add(struct dlk_record *record, const char *user, const struct dlk_token *token,
    const char *actor, int64_t now, int64_t *ret_id);
/* Many in one transaction; result[i] is 0, -EEXIST or -ENOSPC for each. */
int dlk_tokens_add_many(struct dlk_record *record, const struct dlk_token_row *row, size_t n,
    const char *actor, int64_t now, int *result);
/* -ENOENT. Ends what was remembered of the user. */
int dlk_tokens_remove(struct dlk_record *record, const char *user, const char *label,
    const char *actor, int64_t now);
/* user NULL: of all users, in order. A return other than 0 of `each` ends it. */
int dlk_tokens_each(struct dlk_record *record, const char *user,
    int (*each)(const struct dlk_token_row *row, void *arg), void *arg);
/* HOTP: sets the counter that two codes in a row have proven; never back. -ENOENT, -ERANGE,
 * -EINVAL for a token without a counter. */
int dlk_tokens_resync(struct dlk_record *record, const char *user, const char *label,
    const struct dlk_secret *first, const struct dlk_secret *second, const char *actor,
    int64_t now);
/* Seals every secret under the current key again. *ret_n: how many were changed. */
int dlk_tokens_reseal(
    struct dlk_record *record, const char *actor, int64_t now, size_t *ret_n);

/* Voids the user's codes and stores these (as typed, normalised); with n 0 only voids. */
int dlk_recovery_replace(struct dlk_record *record, const char *user,
    const struct dlk_secret *codes, size_t n, const char *actor, int64_t now);
int dlk_recovery_left(struct dlk_record *record, const char *user, size_t *ret_n);
/* Upper case, without spaces and dashes, O I L as 0 1 1: how codes are compared. -EINVAL. */
int dlk_recovery_normalise(const struct dlk_secret *typed, struct dlk_secret *ret_code);
/* A new random code in groups, 50 bits or more; its text in `ret_code`. */
int dlk_recovery_generate(struct dlk_secret *ret_code);

struct dlk_failures_row {
	char what[8]; /* "key", "user" or "source" */
	char user[DLK_NAME_MAX + 1];
	char key[2 * DLK_SHA256_SIZE + 1]; /* hex of the key id, or the source */
	struct dlk_failures failures;
};
/* All of the user's; *ret_n how many. */
int dlk_failures_clear(struct dlk_record *record, const char *user, const char *actor,
    int64_t now, size_t *ret_n);
int dlk_failures_each(struct dlk_record *record, const char *user,
    int (*each)(const struct dlk_failures_row *row, void *arg), void *arg);

/* Tokens, recovery codes, failures and remembered logins of the user; the used steps of
 * removed tokens stay used for a token of the same secret. -ENOENT where there was nothing. */
int dlk_user_remove(
    struct dlk_record *record, const char *user, const char *actor, int64_t now);
struct dlk_user_row {
	char user[DLK_NAME_MAX + 1];
	size_t n_tokens, n_recovery;
	int64_t locked_until; /* the latest lockout of the user, 0 for none */
};
int dlk_users_each(struct dlk_record *record,
    int (*each)(const struct dlk_user_row *row, void *arg), void *arg);

#endif
