/* SPDX-License-Identifier: MIT */
/* Where lists of revocation are: told by certificates and lists, and kept within bounds. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/judge.h"
#include "core/points.h"
#include "store/wanted.h"
#include "tests/unit/crlmake.h"
#include "tests/unit/pki.h"
#include "tests/unit/room.h"

#define POINTS   "2.5.29.31"
#define FRESHEST "2.5.29.46"
#define DAY      86400

struct told {
	char all[2048];
	size_t n;
};

static void
hear(struct dlk_bytes uri, void *arg)
{
	struct told *told = arg;
	size_t at = strlen(told->all);

	snprintf(
	    told->all + at, sizeof(told->all) - at, "%.*s ", (int)uri.n, (const char *)uri.p);
	told->n++;
}

static struct dlk_cert *
pointed(const struct pki_spec *by, const char *points, const char *freshest)
{
	struct pki_spec leaf = pki_leaf("CN=alice", by);

	if (points)
		pki_set(&leaf, POINTS, false, points);
	if (freshest)
		pki_set(&leaf, FRESHEST, false, freshest);
	return pki_cert(&leaf);
}

static void
a_certificate_tells_its_points(void **state)
{
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 1));
	DLK_AUTO_CERT *two =
	    pointed(&root, "URI:http://a.test/1.crl,URI:ldap://a.test/cn=a,DNS:a.test",
		"URI:http://a.test/d");
	DLK_AUTO_CERT *none = pointed(&root, NULL, NULL);
	struct told told = { .n = 0 };

	(void)state;
	dlk_cert_points(two, hear, &told);
	assert_string_equal(
	    told.all, "http://a.test/1.crl ldap://a.test/cn=a http://a.test/d ");
	told = (struct told){ .n = 0 };
	dlk_cert_points(none, hear, &told);
	assert_int_equal(told.n, 0);
}

static void
a_list_tells_its_freshest(void **state)
{
	/* DistributionPoint, distributionPoint, fullName, uniformResourceIdentifier */
	char *uri = der_hex(0x86, "687474703a2f2f612f64", NULL); /* http://a/d */
	char *name = der_hex(0xa0, uri, NULL), *point = der_hex(0xa0, name, NULL);
	char *one = der_hex(0x30, point, NULL), *all = der_hex(0x30, one, NULL);
	char *extension = extension_hex("0603551d2e", false, all);
	struct dlk_buf der = crl_make(&(struct crl_recipe){ .extensions = extension });
	struct dlk_finding why = { 0 };
	struct told told = { .n = 0 };
	struct dlk_crls *crls;

	(void)state;
	assert_int_equal(dlk_crls_new(&crls), 0);
	if (dlk_crls_add_file(crls, dlk_bytes_of(&der), "test", &why) != DLK_R_OK)
		fail_msg("%s", why.detail);
	dlk_crls_points(crls, 0, hear, &told);
	assert_string_equal(told.all, "http://a/d ");
	dlk_crls_free(crls);
	dlk_buf_free(&der);
	free(uri);
	free(name);
	free(point);
	free(one);
	free(all);
	free(extension);
}

static void
only_the_web_is_wanted(void **state)
{
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 1));
	DLK_AUTO_CERT *ca = pki_cert(&root);
	DLK_AUTO_CERT *cert = pointed(&root,
	    "URI:ldap://a/b,URI:file:///etc/passwd,URI:HTTPS://a/1,URI:http://,URI:http://a/1,"
	    "URI:http://a/1,URI:ftp://a/b",
	    NULL);
	struct dlk_wants wants = { .n = 0 };

	(void)state;
	dlk_wants_add(&wants, cert, ca);
	dlk_wants_add(&wants, cert, ca);
	assert_int_equal(wants.n, 2);
	assert_string_equal(wants.want[0].url, "HTTPS://a/1");
	assert_string_equal(wants.want[1].url, "http://a/1");
	dlk_wants_fini(&wants);
	assert_int_equal(wants.n, 0);
}

/* ---- the table ---- */

static void
want(struct dlk_wants *wants, struct dlk_cert *issuer, const char *url)
{
	assert_true(wants->n < DLK_WANTS_MAX);
	snprintf(wants->want[wants->n].url, sizeof(wants->want[0].url), "%s", url);
	wants->want[wants->n++].issuer = dlk_cert_ref(issuer);
}

static void
note(struct room *room, struct dlk_cert *issuer, const char *url, int64_t now)
{
	struct dlk_wants wants = { .n = 0 };

	want(&wants, issuer, url);
	assert_int_equal(dlk_wanted_note(room->record, &wants, now), 0);
	dlk_wants_fini(&wants);
}

struct read {
	struct dlk_wanted last;
	char issuer[64];
	size_t n;
};

static int
keep(const struct dlk_wanted *wanted, void *arg)
{
	struct read *read = arg;

	read->last = *wanted;
	snprintf(read->issuer, sizeof(read->issuer), "%s",
	    wanted->issuer ? dlk_cert_subject(wanted->issuer) : "none");
	read->n++;
	return 0;
}

static struct read
read_all(struct room *room)
{
	struct read read = { .n = 0 };

	assert_int_equal(dlk_wanted_each(room->record, keep, &read), 0);
	return read;
}

static void
what_is_wanted_is_written_once_a_day(void **state)
{
	struct room *room = *state;
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 1));
	DLK_AUTO_CERT *ca = pki_cert(&root);
	int64_t latest = -1;

	assert_int_equal(dlk_wanted_latest(room->record, &latest), 0);
	assert_int_equal(latest, 0);
	note(room, ca, "http://a/1", ROOM_NOW);
	struct read read = read_all(room);
	assert_int_equal(read.n, 1);
	assert_string_equal(read.last.url, "http://a/1");
	assert_string_equal(read.issuer, "CN=Root");
	assert_string_equal(read.last.name, "CN=Root");
	assert_int_equal(read.last.since, ROOM_NOW);
	int64_t before = room_number(room, "PRAGMA data_version");
	note(room, ca, "http://a/1", ROOM_NOW + DAY);
	assert_int_equal(room_number(room, "PRAGMA data_version"), before);
	assert_int_equal(read_all(room).last.at, ROOM_NOW);
	note(room, ca, "http://a/1", ROOM_NOW + DAY + 1);
	read = read_all(room);
	assert_int_equal(read.last.at, ROOM_NOW + DAY + 1);
	assert_int_equal(read.last.since, ROOM_NOW);
	assert_int_equal(dlk_wanted_latest(room->record, &latest), 0);
	assert_int_equal(latest, read.last.row);
	/* a time that never was does not keep it from being written */
	note(room, ca, "http://a/1", ROOM_NOW - DAY);
	assert_int_equal(read_all(room).last.at, ROOM_NOW - DAY);
}

static void
what_nobody_wants_any_more_goes(void **state)
{
	struct room *room = *state;
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 1));
	DLK_AUTO_CERT *ca = pki_cert(&root);

	note(room, ca, "http://a/1", ROOM_NOW);
	int64_t first = read_all(room).last.row;
	note(room, ca, "http://a/2", ROOM_NOW + 39 * DAY);
	assert_int_equal(read_all(room).n, 2);
	note(room, ca, "http://a/3", ROOM_NOW + 41 * DAY);
	assert_int_equal(read_all(room).n, 2);
	/* and is new where it comes back */
	note(room, ca, "http://a/1", ROOM_NOW + 42 * DAY);
	assert_true(read_all(room).last.row > first + 2);
}

static void
the_table_is_bounded(void **state)
{
	struct room *room = *state;
	char subject[32], url[64];

	for (int issuer = 0; issuer < 6; issuer++) {
		snprintf(subject, sizeof(subject), "CN=CA %d", issuer);
		struct pki_spec spec = pki_ca(subject, NULL, pki_key(PKI_P256, 1));
		DLK_AUTO_CERT *ca = pki_cert(&spec);
		for (int i = 0; i < DLK_WANTS_MAX + 4; i++) {
			snprintf(url, sizeof(url), "http://a/%d/%d", issuer, i);
			note(room, ca, url, ROOM_NOW + 100 * issuer + i);
		}
		if (issuer == 0)
			assert_int_equal(read_all(room).n, DLK_WANTS_MAX);
	}
	assert_int_equal(read_all(room).n, DLK_WANTED_MOST);
	assert_int_equal(
	    room_number(room, "SELECT count(*) FROM wanted WHERE url = 'http://a/5/19'"), 1);
	assert_int_equal(
	    room_number(room, "SELECT count(*) FROM wanted WHERE url LIKE 'http://a/0/%'"), 0);
}

static void
who_is_at_work_is_not_waited_for(void **state)
{
	struct room *room = *state;
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 1));
	DLK_AUTO_CERT *ca = pki_cert(&root);
	struct dlk_wants wants = { .n = 0 };
	struct dlk_finding trouble = { 0 };
	struct dlk_record *other;

	assert_int_equal(dlk_record_open(room->db, room->seal, &other, &trouble), 0);
	assert_int_equal(dlk_record_begin(other, NULL, ROOM_NOW, NULL), 0);
	want(&wants, ca, "http://a/1");
	assert_int_equal(dlk_wanted_note(room->record, &wants, ROOM_NOW), -EBUSY);
	dlk_record_abandon(other);
	dlk_record_close(other);
	assert_int_equal(dlk_wanted_note(room->record, &wants, ROOM_NOW), 0);
	assert_int_equal(read_all(room).n, 1);
	dlk_wants_fini(&wants);
}

static void
a_row_is_doubted(void **state)
{
	struct room *room = *state;
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 1));
	DLK_AUTO_CERT *ca = pki_cert(&root);
	struct read read = { .n = 0 };

	note(room, ca, "http://a/1", ROOM_NOW);
	room_sql(room, "UPDATE wanted SET issuer = x'3000'");
	assert_string_equal(read_all(room).issuer, "none");
	room_sql(room, "UPDATE wanted SET url = 'file:///etc/shadow'");
	assert_int_equal(dlk_wanted_each(room->record, keep, &read), -EBADMSG);
	assert_int_equal(read.n, 0);
}

/* ---- who tells ---- */

static void
count(void *ctx, const struct dlk_cert *cert, const struct dlk_cert *issuer)
{
	assert_true(dlk_bytes_equal(dlk_cert_issuer_der(cert), dlk_cert_subject_der(issuer)));
	++*(size_t *)ctx;
}

static void
paths_that_hold_want_lists(void **state)
{
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 1));
	struct pki_spec ca = pki_ca("CN=CA", &root, pki_key(PKI_P256, 2));
	struct pki_spec stranger = pki_ca("CN=Stranger", NULL, pki_key(PKI_P256, 3));
	struct pki_spec forged = pki_leaf("CN=alice", &ca);
	DLK_AUTO_CERT *alice = pointed(&ca, "URI:http://a/1", NULL);
	DLK_AUTO_CERT *mallory = pointed(&stranger, "URI:http://a/1", NULL);
	forged.bad_signature = true;
	DLK_AUTO_CERT *unsigned_one = pki_cert(&forged);
	DLK_AUTO_CERT *anchor = pki_cert(&root);
	DLK_AUTO_CERT *issuing = pki_cert(&ca);
	const struct dlk_certs presented = { .cert = &issuing, .n = 1 };
	struct dlk_policy policy = { .n_services = 0 };
	struct dlk_judgement judgement;
	struct dlk_finding why = { 0 };
	struct dlk_trust *trust;
	struct dlk_crls *crls;
	size_t n = 0;

	(void)state;
	assert_int_equal(dlk_trust_new(&trust), 0);
	assert_int_equal(dlk_trust_add_anchor(trust, 0, anchor), 0);
	assert_int_equal(dlk_crls_new(&crls), 0);
	const struct dlk_ports ports = {
		.ctx = &n, .trust = trust, .crls = crls, .want = count
	};
	assert_int_equal(dlk_judge(&policy, NULL, &ports, alice, &presented, false, PKI_NOW,
			     &judgement, &why),
	    DLK_R_REVOCATION_UNKNOWN);
	assert_int_equal(n, 2);
	assert_int_equal(dlk_judge(&policy, NULL, &ports, mallory, &presented, false, PKI_NOW,
			     &judgement, &why),
	    DLK_R_UNTRUSTED_ISSUER);
	assert_int_equal(dlk_judge(&policy, NULL, &ports, unsigned_one, &presented, false,
			     PKI_NOW, &judgement, &why),
	    DLK_R_BAD_SIGNATURE);
	assert_int_equal(n, 2);
	dlk_crls_free(crls);
	dlk_trust_free(trust);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_tells_its_points),
		cmocka_unit_test(a_list_tells_its_freshest),
		cmocka_unit_test(only_the_web_is_wanted),
		IN_ROOM(what_is_wanted_is_written_once_a_day),
		IN_ROOM(what_nobody_wants_any_more_goes),
		IN_ROOM(the_table_is_bounded),
		IN_ROOM(who_is_at_work_is_not_waited_for),
		IN_ROOM(a_row_is_doubted),
		cmocka_unit_test(paths_that_hold_want_lists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
