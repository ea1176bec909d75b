/* SPDX-License-Identifier: MIT */
/* wanted.c - the table of lists that are wanted. It fetches none and judges none. */
#include "store/wanted.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "core/points.h"
#include "store/db.h"

#define DAY         86400
#define KEPT        (40 * DAY)
#define ISSUER_MOST ((size_t)8192) /* octets of a certificate that is kept */

struct adding {
	struct dlk_wants *wants;
	const struct dlk_cert *issuer;
};

static bool
is_web(struct dlk_bytes url)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < url.n; i++)
		if (url.p[i] <= ' ' || url.p[i] >= 0x7f)
			return false;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (url.n > strlen(schemes[i]) &&
		    strncasecmp((const char *)url.p, schemes[i], strlen(schemes[i])) == 0)
			return true;
	return false;
}

static void
add(struct dlk_bytes url, void *arg)
{
	const struct adding *adding = arg;
	struct dlk_wants *wants = adding->wants;
	struct dlk_want *want = &wants->want[wants->n];

	if (wants->n == DLK_WANTS_MAX || url.n > DLK_WANTED_URL_MAX || !is_web(url))
		return;
	for (size_t i = 0; i < wants->n; i++)
		if (dlk_bytes_equal(dlk_bytes_str(wants->want[i].url), url))
			return;
	memcpy(want->url, url.p, url.n);
	want->url[url.n] = '\0';
	want->issuer = dlk_cert_ref(adding->issuer);
	wants->n++;
}

void
dlk_wants_add(
    struct dlk_wants *wants, const struct dlk_cert *cert, const struct dlk_cert *issuer)
{
	struct adding adding = { wants, issuer };

	dlk_cert_points(cert, add, &adding);
}

void
dlk_wants_fini(struct dlk_wants *wants)
{
	for (size_t i = 0; i < wants->n; i++)
		dlk_cert_free(wants->want[i].issuer);
	wants->n = 0;
}

/* 1: it stands there, as of today. */
static int
is_known(struct dlk_record *record, const struct dlk_want *want, int64_t now)
{
	int64_t n = 0;
	int r = dlk_db_number(record, DLK_SQL_WANTED_KNOWN,
	    DLK_VALUES(DLK_T(want->url), DLK_I(now - DAY), DLK_I(now)), &n);

	return r < 0 ? r : n > 0;
}

static int
write_one(struct dlk_record *record, const struct dlk_want *want, int64_t now)
{
	struct dlk_bytes der = dlk_cert_der(want->issuer);
	const char *name = dlk_cert_subject(want->issuer);

	if (der.n > ISSUER_MOST)
		der.n = 0;
	int r = dlk_db_run(record, DLK_SQL_WANTED_SET,
	    DLK_VALUES(DLK_T(want->url), DLK_B(der.p, der.n), DLK_T(name), DLK_I(now)));
	if (r >= 0)
		r = dlk_db_run(
		    record, DLK_SQL_WANTED_FEW, DLK_VALUES(DLK_T(name), DLK_I(DLK_WANTS_MAX)));
	return r < 0 ? r : 0;
}

static int
write_all(struct dlk_record *record, const struct dlk_wants *wants, int64_t now)
{
	int r = dlk_db_begin_quick(record);

	if (r < 0)
		return r;
	for (size_t i = 0; i < wants->n && r == 0; i++) {
		r = is_known(record, &wants->want[i], now);
		if (r == 0)
			r = write_one(record, &wants->want[i], now);
		else if (r == 1)
			r = 0;
	}
	if (r == 0)
		r = dlk_db_run(record, DLK_SQL_WANTED_OLD,
		    DLK_VALUES(DLK_I(now - KEPT), DLK_I(DLK_WANTED_MOST)));
	return dlk_db_finish(record, r < 0 ? r : 0);
}

int
dlk_wanted_note(struct dlk_record *record, const struct dlk_wants *wants, int64_t now)
{
	bool all = true;
	int r = 0;

	record->hurried = true;
	for (size_t i = 0; i < wants->n && r >= 0 && all; i++) {
		r = is_known(record, &wants->want[i], now);
		all = r == 1;
	}
	if (r >= 0 && !all)
		r = write_all(record, wants, now);
	record->hurried = false;
	return r < 0 ? r : 0;
}

static int
tell(struct dlk_record *record, sqlite3_stmt *row,
    int (*each)(const struct dlk_wanted *wanted, void *arg), void *arg)
{
	struct dlk_wanted wanted = { .row = sqlite3_column_int64(row, 0) };
	struct dlk_finding ignored = { 0 };
	DLK_AUTO_CERT *issuer = NULL;
	bool sound = true;

	dlk_db_text(row, 1, wanted.url, sizeof(wanted.url), &sound);
	dlk_db_text(row, 3, wanted.name, sizeof(wanted.name), &sound);
	wanted.since = dlk_db_int(row, 4, 0, INT64_MAX / 2, &sound);
	wanted.at = dlk_db_int(row, 5, 0, INT64_MAX / 2, &sound);
	if (!sound || !is_web(dlk_bytes_str(wanted.url)))
		return dlk_db_unsound(record, "wanted", wanted.row);
	struct dlk_bytes der = dlk_db_blob(row, 2);
	if (der.n > 0 && dlk_cert_parse(der, &issuer, &ignored) == DLK_R_OK)
		wanted.issuer = issuer;
	return each(&wanted, arg);
}

int
dlk_wanted_each(struct dlk_record *record,
    int (*each)(const struct dlk_wanted *wanted, void *arg), void *arg)
{
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(record, DLK_SQL_WANTED, DLK_VALUES(DLK_I(DLK_WANTED_MOST)), &row);

	while (r == 0 && (r = dlk_db_step(record, row)) > 0)
		r = tell(record, row, each, arg);
	return r;
}

int
dlk_wanted_latest(struct dlk_record *record, int64_t *ret_row)
{
	return dlk_db_number(record, DLK_SQL_WANTED_LATEST, NULL, 0, ret_row);
}
