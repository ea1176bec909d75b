/* SPDX-License-Identifier: MIT */
/* keystate.c - the table of keys of revoked certificates. It judges none. */
#include "store/keystate.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "core/sshkey.h"
#include "store/db.h"

void
dlk_keystates_add(struct dlk_keystates *states, const struct dlk_cert *cert, bool good)
{
	if (states->n == DLK_KEYSTATES_MAX)
		return;
	states->of[states->n].cert = dlk_cert_ref(cert);
	states->of[states->n++].good = good;
}

void
dlk_keystates_fini(struct dlk_keystates *states)
{
	for (size_t i = 0; i < states->n; i++)
		dlk_cert_free(states->of[i].cert);
	states->n = 0;
}

/* "" where SSH knows no such key. */
static int
key_text(const struct dlk_cert *cert, char *ret_text)
{
	DLK_AUTO_SSHKEY key = { .type = "" };
	DLK_AUTO_BUF text = { 0 };
	struct dlk_finding ignored = { 0 };

	ret_text[0] = '\0';
	if (dlk_sshkey_of_cert(cert, &key, &ignored) != DLK_R_OK)
		return 0;
	int r = dlk_sshkey_text(&key, &text);
	if (r == 0 && text.n <= DLK_KEYSTATE_TEXT) {
		memcpy(ret_text, text.p, text.n);
		ret_text[text.n] = '\0';
	}
	return r;
}

/* 1: it has to be written. A good one is of interest only beside one that is not. */
static int
is_news(struct dlk_record *record, const struct dlk_cert *cert, bool good, const char *key)
{
	int64_t same = 0, others = 0;
	int r = dlk_db_number(record, DLK_SQL_KEY_STATE,
	    DLK_VALUES(DLK_T(dlk_cert_fingerprint_text(cert)), DLK_I(good)), &same);

	if (r == 0 && same == 0 && good)
		r = dlk_db_number(record, DLK_SQL_KEY_KNOWN, DLK_VALUES(DLK_T(key)), &others);
	return r < 0 ? r : same == 0 && (!good || others > 0);
}

static int
write_one(struct dlk_record *record, const struct dlk_cert *cert, bool good, const char *key,
    int64_t now)
{
	int r = dlk_db_begin_quick(record);

	if (r < 0)
		return r;
	r = dlk_db_run(record, DLK_SQL_KEY_SET,
	    DLK_VALUES(DLK_T(dlk_cert_fingerprint_text(cert)), DLK_T(key), DLK_I(good),
		DLK_I(dlk_cert_not_after(cert)), DLK_I(now)));
	if (r >= 0)
		r = dlk_db_run(
		    record, DLK_SQL_KEYS_FEW, DLK_VALUES(DLK_I(DLK_KEYSTATES_MOST)));
	return dlk_db_finish(record, r < 0 ? r : 0);
}

int
dlk_keystates_note(struct dlk_record *record, const struct dlk_keystates *states, int64_t now)
{
	char key[DLK_KEYSTATE_TEXT + 1];
	int r = 0;

	record->hurried = true;
	for (size_t i = 0; i < states->n && r >= 0; i++) {
		const struct dlk_cert *cert = states->of[i].cert;
		r = key_text(cert, key);
		if (r == 0 && key[0])
			r = is_news(record, cert, states->of[i].good, key);
		if (r == 1)
			r = write_one(record, cert, states->of[i].good, key, now);
	}
	record->hurried = false;
	return r < 0 ? r : 0;
}

/* It becomes a line of a file: two words, and nothing that could be a further line. */
static bool
is_key(const char *text)
{
	struct dlk_sshkey key = { .type = "" };
	struct dlk_finding ignored = { 0 };
	bool good = !strpbrk(text, "\r\n\t") &&
		    dlk_sshkey_parse(dlk_bytes_str(text), &key, &ignored) == DLK_R_OK;

	dlk_sshkey_fini(&key);
	return good;
}

static int
tell(struct dlk_record *record, sqlite3_stmt *row, int64_t now,
    int (*each)(const struct dlk_keystate *state, void *arg), void *arg)
{
	struct dlk_keystate state = { .good = false };
	char fingerprint[2 * DLK_SHA256_SIZE + 1];
	uint8_t octets[DLK_SHA256_SIZE];
	bool sound = true;

	dlk_db_text(row, 1, fingerprint, sizeof(fingerprint), &sound);
	dlk_db_text(row, 2, state.key, sizeof(state.key), &sound);
	state.good = dlk_db_int(row, 3, 0, 1, &sound) == 1 &&
		     dlk_db_int(row, 4, INT64_MIN, INT64_MAX, &sound) >= now;
	if (!sound || !is_key(state.key) || dlk_unhex(fingerprint, octets, sizeof(octets)) < 0)
		return dlk_db_unsound(record, "revoked", sqlite3_column_int64(row, 0));
	dlk_text_print(state.name, sizeof(state.name), "- %s", fingerprint);
	return each(&state, arg);
}

int
dlk_keystates_each(struct dlk_record *record, int64_t now,
    int (*each)(const struct dlk_keystate *state, void *arg), void *arg)
{
	DLK_AUTO_ROWS *row = NULL;
	int r =
	    dlk_db_start(record, DLK_SQL_KEYS, DLK_VALUES(DLK_I(DLK_KEYSTATES_MOST)), &row);

	while (r == 0 && (r = dlk_db_step(record, row)) > 0)
		r = tell(record, row, now, each, arg);
	return r;
}
