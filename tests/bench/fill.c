/* SPDX-License-Identifier: MIT */
/*
 * fill.c - a record with many users, for measuring.
 *
 *   fill DATABASE SEAL-KEY FROM TO USER SECRET
 *
 * Enrols fill-FROM to fill-TO with random HOTP tokens, and USER with the secret if it has
 * none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <liboath/oath.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/tokens.h"

#define CHUNK 1000

static void
make(struct dlk_token_row *row, const char *user)
{
	memset(row, 0, sizeof(*row));
	dlk_text_copy(row->user, sizeof(row->user), user);
	dlk_text_copy(row->token.label, sizeof(row->token.label), "default");
	row->token.otp = (struct dlk_otp){
		.kind = DLK_OTP_HOTP, .digits = 6, .period = 30, .last_step = -1
	};
	row->token.otp.key.n = 20;
	if (getrandom(row->token.otp.key.b, 20, 0) != 20)
		abort();
}

static int
fill(struct dlk_record *record, long from, long to)
{
	struct dlk_token_row *rows = calloc(CHUNK, sizeof(*rows));
	int *results = calloc(CHUNK, sizeof(*results));
	int error = rows && results ? 0 : -ENOMEM;

	while (from < to && error == 0) {
		size_t n = 0;

		for (; n < CHUNK && from < to; n++, from++) {
			char user[32];

			snprintf(user, sizeof(user), "fill-%ld", from);
			make(&rows[n], user);
		}
		error =
		    dlk_tokens_add_many(record, rows, n, "bench", dlk_clock_now(), results);
	}
	free(rows);
	free(results);
	return error;
}

static int
enrol(struct dlk_record *record, const char *user, const char *secret)
{
	struct dlk_token_row row;
	char *octets = NULL;
	size_t n = 0;
	int64_t id;
	int error;

	make(&row, user);
	if (oath_base32_decode(secret, strlen(secret), &octets, &n) != OATH_OK)
		return -EINVAL;
	error = dlk_secret_set(&row.token.otp.key, DLK_BYTES(octets, n));
	free(octets);
	if (error == 0)
		error =
		    dlk_tokens_add(record, user, &row.token, "bench", dlk_clock_now(), &id);
	return error == -EEXIST ? 0 : error;
}

int
main(int argc, char **argv)
{
	struct dlk_seal *seal = NULL;
	DLK_AUTO_RECORD *record = NULL;
	struct dlk_finding trouble = { 0 };
	int error;

	if (argc != 7) {
		fputs("usage: fill DATABASE SEAL-KEY FROM TO USER SECRET\n", stderr);
		return 2;
	}
	error = dlk_seal_load(argv[2], NULL, &seal);
	if (error == 0)
		error = dlk_record_create(argv[1], seal, &record, &trouble);
	if (error == 0)
		error = fill(record, atol(argv[3]), atol(argv[4]));
	if (error == 0)
		error = enrol(record, argv[5], argv[6]);
	if (error != 0)
		fprintf(stderr, "fill: %s %s\n", strerrordesc_np(-error), trouble.detail);
	dlk_record_close(record);
	record = NULL;
	dlk_seal_free(seal);
	return error ? 1 : 0;
}
