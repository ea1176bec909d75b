/* SPDX-License-Identifier: MIT */
/* A path is cleared only by fresh lists of the right scope from somebody who may sign them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "core/revoked.h"
#include "crlmake.h"

#define NOW  1780272000 /* 2026-06-01 */
#define NEXT 1798761600 /* 2027-01-01, nextUpdate of a list unless told */
#define DAY  86400

/* Who is there. ROOT issued CA, OLD (an older key of CA), LISTER and MUTE; CA issued LEAF and
 * POINTED, which has distribution points. OTHER is an anchor as well, and issued OUTSIDER. */
enum who { ROOT, CA, OLD, LISTER, MUTE, OTHER, OUTSIDER, STRANGER, LEAF, POINTED, ALL };

static struct {
	EVP_PKEY *key[ALL];
	struct dlk_cert *cert[ALL];
	struct dlk_trust *trust;
} world;

static const struct {
	enum who issuer;
	const char *name, *serial, *usage, *points;
	bool ca;
} people[ALL] = {
	[ROOT] = { ROOT, "Root", "01", "critical,keyCertSign,cRLSign", NULL, true },
	[CA] = { ROOT, "CA", "02", "critical,keyCertSign,cRLSign", NULL, true },
	[OLD] = { ROOT, "CA", "03", "critical,keyCertSign,cRLSign", NULL, true },
	[LISTER] = { ROOT, "Lister", "04", "critical,cRLSign", NULL, false },
	[MUTE] = { ROOT, "Mute", "05", "critical,digitalSignature", NULL, false },
	[OTHER] = { OTHER, "Other", "07", "critical,keyCertSign,cRLSign", NULL, true },
	[OUTSIDER] = { OTHER, "Outsider", "08", "critical,cRLSign", NULL, false },
	[STRANGER] = { STRANGER, "CA", "06", "critical,keyCertSign,cRLSign", NULL, true },
	[LEAF] = { CA, "leaf", "2A", "critical,digitalSignature", NULL, false },
	[POINTED] = { CA, "pointed", "2B", "critical,digitalSignature", "@points", false },
};

static void
add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
	static const char text[] = "[points]\nfullname=URI:http://x/a.crl\n";
	X509V3_CTX ctx;
	CONF *conf = NCONF_new(NULL);
	BIO *bio = BIO_new_mem_buf(text, -1);
	long line;

	assert_int_equal(NCONF_load_bio(conf, bio, &line), 1);
	X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
	X509V3_set_nconf(&ctx, conf);
	X509_EXTENSION *ext = X509V3_EXT_nconf_nid(conf, &ctx, nid, value);
	assert_non_null(ext);
	X509_add_ext(x509, ext, -1);
	X509_EXTENSION_free(ext);
	NCONF_free(conf);
	BIO_free(bio);
}

static X509_NAME *
name_of(const char *cn)
{
	X509_NAME *name = X509_NAME_new();

	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	return name;
}

static DIST_POINT *
new_point(const char *uri, const char *signer)
{
	DIST_POINT *point = DIST_POINT_new();

	if (uri) {
		GENERAL_NAME *name = a2i_GENERAL_NAME(NULL, NULL, NULL, GEN_URI, uri, 0);
		point->distpoint = DIST_POINT_NAME_new();
		point->distpoint->type = 0;
		point->distpoint->name.fullname = GENERAL_NAMES_new();
		sk_GENERAL_NAME_push(point->distpoint->name.fullname, name);
	}
	if (signer) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		name->type = GEN_DIRNAME;
		name->d.directoryName = name_of(signer);
		point->CRLissuer = GENERAL_NAMES_new();
		sk_GENERAL_NAME_push(point->CRLissuer, name);
	}
	return point;
}

/* http://x/a.crl of the issuer itself, and indirect lists of three signers. */
static void
add_points(X509 *x509)
{
	CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();

	sk_DIST_POINT_push(points, new_point("http://x/a.crl", NULL));
	sk_DIST_POINT_push(points, new_point(NULL, "Lister"));
	sk_DIST_POINT_push(points, new_point(NULL, "Mute"));
	sk_DIST_POINT_push(points, new_point(NULL, "Outsider"));
	assert_int_equal(
	    X509_add1_ext_i2d(x509, NID_crl_distribution_points, points, 0, 0), 1);
	CRL_DIST_POINTS_free(points);
}

static void
make_cert(enum who who)
{
	enum who issuer = people[who].issuer;
	X509 *x509 = X509_new();
	X509_NAME *subject = name_of(people[who].name), *above = name_of(people[issuer].name);
	BIGNUM *serial = NULL;
	unsigned char *der = NULL;
	struct dlk_finding why = { 0 };

	world.key[who] = EVP_EC_gen("P-256");
	X509_set_version(x509, 2);
	BN_hex2bn(&serial, people[who].serial);
	BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x509));
	X509_set_subject_name(x509, subject);
	X509_set_issuer_name(x509, above);
	ASN1_TIME_set(X509_getm_notBefore(x509), NOW - 100 * DAY);
	ASN1_TIME_set(X509_getm_notAfter(x509), NOW + 1000 * DAY);
	X509_set_pubkey(x509, world.key[who]);
	add_extension(x509, x509, NID_key_usage, people[who].usage);
	if (people[who].ca)
		add_extension(x509, x509, NID_basic_constraints, "critical,CA:TRUE");
	if (people[who].points)
		add_points(x509);
	assert_true(X509_sign(x509, world.key[issuer], EVP_sha256()) > 0);
	int n = i2d_X509(x509, &der);
	if (dlk_cert_parse(DLK_BYTES(der, (size_t)n), &world.cert[who], &why) != DLK_R_OK)
		fail_msg("%s: %s", people[who].name, why.detail);
	OPENSSL_free(der);
	BN_free(serial);
	X509_NAME_free(subject);
	X509_NAME_free(above);
	X509_free(x509);
}

static int
make_world(void **state)
{
	(void)state;
	assert_int_equal(dlk_trust_new(&world.trust), 0);
	for (enum who who = 0; who < ALL; who++) {
		make_cert(who);
		if (who > ROOT && who < STRANGER)
			assert_int_equal(
			    dlk_trust_add_intermediate(world.trust, world.cert[who]), 0);
	}
	assert_int_equal(dlk_trust_add_anchor(world.trust, 1, world.cert[OTHER]), 0);
	return dlk_trust_add_anchor(world.trust, 0, world.cert[ROOT]);
}

static int
free_world(void **state)
{
	(void)state;
	dlk_trust_free(world.trust);
	for (enum who who = 0; who < ALL; who++) {
		dlk_cert_free(world.cert[who]);
		EVP_PKEY_free(world.key[who]);
	}
	return 0;
}

#define HOLD   "300c300a0603551d1504030a0106"
#define REMOVE "300c300a0603551d1504030a0108"
#define KEYS   "300c300a0603551d1504030a0101"
/* IssuingDistributionPoint, content */
#define ONLY_USERS      "8101ff"
#define ONLY_CAS        "8201ff"
#define ONLY_ATTRIBUTES "8501ff"
#define POINT(last)     "a012a010860e687474703a2f2f782f" last "2e63726c"
#define INDIRECT        "8401ff"
#define SOME_REASONS    "83020640"   /* keyCompromise */
#define OTHER_REASONS   "8303073f80" /* all but it */

/* One list. Zeroed but for `by`: number 1, thisUpdate 2026-01-01, nextUpdate 2027-01-01,
 * nothing in it. */
struct list {
	bool there;
	enum who by;      /* whose name and key */
	enum who key;     /* another key; ROOT: the same */
	unsigned number;  /* 0: none */
	unsigned base;    /* 0: no delta */
	int begins, ends; /* days from NOW; 0 usual */
	const char *serial;
	const char *with; /* extensions of the entry, in a SEQUENCE */
	const char *of;   /* certificateIssuer CN=CA before the entry */
	const char *scope;
};

#define ENTRY_OF_CA "301d0603551d1d0101ff04133011a40f300d310b3009060355040313024341"

static char *
time_hex(int days)
{
	char text[DLK_TIME_TEXT], hex[64];

	dlk_time_compact(NOW + (int64_t)days * DAY, text);
	dlk_hex(DLK_BYTES(text, 15), hex);
	return der_hex(0x18, hex, NULL);
}

static char *
list_entry(const struct list *l)
{
	char *number, *date, *whole, *extensions = NULL;

	if (!l->serial)
		return strdup("");
	if (l->of)
		extensions = der_hex(0x30, l->of, NULL);
	number = der_hex(0x02, l->serial, NULL);
	date = time_hex(-1);
	whole = der_hex(
	    0x30, number, date, extensions ? extensions : "", l->with ? l->with : "", NULL);
	free(number);
	free(date);
	free(extensions);
	return whole;
}

static void
append(char **text, char *more)
{
	char *both = malloc(strlen(*text) + strlen(more) + 1);

	strcpy(both, *text);
	strcat(both, more);
	free(*text);
	free(more);
	*text = both;
}

static char *
number_extension(const char *oid, bool critical, unsigned number)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "%02x", number);
	char *value = der_hex(0x02, digits, NULL);
	char *whole = extension_hex(oid, critical, value);
	free(value);
	return whole;
}

static char *
list_extensions(const struct list *l)
{
	char *all = strdup("");

	if (l->number)
		append(&all, number_extension("0603551d14", false, l->number));
	if (l->base)
		append(&all, number_extension("0603551d1b", true, l->base));
	if (l->scope) {
		char *value = der_hex(0x30, l->scope, NULL);
		append(&all, extension_hex("0603551d1c", true, value));
		free(value);
	}
	return all;
}

static void
add_list(struct dlk_crls *crls, const struct list *l, const char *label)
{
	struct dlk_bytes issuer = dlk_cert_subject_der(world.cert[l->by]);
	char *name = malloc(2 * issuer.n + 1);
	struct dlk_finding why = { 0 };
	char *entries = list_entry(l), *extensions = list_extensions(l);
	char *begins = time_hex(l->begins ? l->begins : -151),
	     *ends = time_hex(l->ends ? l->ends : 214);

	dlk_hex(issuer, name);
	struct dlk_buf der = crl_make(&(struct crl_recipe){ .issuer = name,
	    .this_update = begins,
	    .next_update = ends,
	    .entries = entries,
	    .extensions = extensions,
	    .key = world.key[l->key == ROOT ? l->by : l->key] });
	if (dlk_crls_add_file(crls, dlk_bytes_of(&der), label, &why) != DLK_R_OK)
		fail_msg("%s", why.detail);
	dlk_buf_free(&der);
	free(name);
	free(entries);
	free(extensions);
	free(begins);
	free(ends);
}

struct row {
	const char *name;
	struct list list[4];
	struct dlk_revocation_rules rules;
	int64_t now;         /* 0: NOW */
	bool pointed;        /* POINTED in place of LEAF */
	bool no_root;        /* no list of ROOT, which covers CA */
	const char *refused; /* words of a file that cannot be used */
	enum dlk_reason reason;
	const char *words;
	int64_t good_until; /* 0: not asked */
};

#define L(...)                                                                                \
	{                                                                                     \
		.there = true, __VA_ARGS__                                                    \
	}
#define LISTS(...) .list = { __VA_ARGS__ }
#define OF_CA      .by = CA, .number = 1

static const struct row rows[] = {
	{ .name = "nothing listed", LISTS(L(OF_CA)), .reason = DLK_R_OK, .good_until = NEXT },
	{ .name = "listed",
	    LISTS(L(OF_CA, .serial = "2a")),
	    .reason = DLK_R_REVOKED,
	    .words = "leaf" },
	{ .name = "another one listed", LISTS(L(OF_CA, .serial = "2c")), .reason = DLK_R_OK },
	{ .name = "on hold",
	    LISTS(L(OF_CA, .serial = "2a", .with = HOLD)),
	    .reason = DLK_R_REVOKED,
	    .words = "certificateHold" },
	{ .name = "removeFromCRL in a complete list",
	    LISTS(L(OF_CA, .serial = "2a", .with = REMOVE)),
	    .reason = DLK_R_REVOKED },
	{ .name = "the CA is listed",
	    LISTS(L(OF_CA), L(.by = ROOT, .number = 2, .serial = "02")),
	    .reason = DLK_R_REVOKED,
	    .words = "CN=CA" },
	{ .name = "no list", .reason = DLK_R_REVOCATION_UNKNOWN, .words = "no CRL covers" },
	{ .name = "no list for the CA",
	    LISTS(L(OF_CA)),
	    .no_root = true,
	    .reason = DLK_R_REVOCATION_UNKNOWN,
	    .words = "CN=Root" },
	{ .name = "prefer: no list",
	    .rules = { .mode = DLK_REVOCATION_PREFER },
	    .no_root = true,
	    .reason = DLK_R_OK },
	{ .name = "prefer: listed",
	    LISTS(L(OF_CA, .serial = "2a")),
	    .rules = { .mode = DLK_REVOCATION_PREFER },
	    .reason = DLK_R_REVOKED },
	{ .name = "prefer: a file is damaged",
	    .rules = { .mode = DLK_REVOCATION_PREFER },
	    .refused = "it is damaged",
	    .reason = DLK_R_REVOCATION_UNKNOWN,
	    .words = "it is damaged" },
	{ .name = "prefer: stale",
	    LISTS(L(OF_CA, .ends = -1)),
	    .rules = { .mode = DLK_REVOCATION_PREFER },
	    .reason = DLK_R_CRL_STALE },
	{ .name = "prefer: forged",
	    LISTS(L(OF_CA, .key = STRANGER)),
	    .rules = { .mode = DLK_REVOCATION_PREFER },
	    .reason = DLK_R_REVOCATION_UNKNOWN },
	{ .name = "off",
	    LISTS(L(OF_CA, .serial = "2a")),
	    .rules = { .mode = DLK_REVOCATION_OFF },
	    .reason = DLK_R_OK },
	{ .name = "the last second", LISTS(L(OF_CA)), .now = NEXT, .reason = DLK_R_OK },
	{ .name = "a second later",
	    LISTS(L(OF_CA)),
	    .now = NEXT + 1,
	    .reason = DLK_R_CRL_STALE,
	    .words = "1s ago" },
	{ .name = "grace",
	    LISTS(L(OF_CA)),
	    .rules = { .grace = DAY },
	    .now = NEXT + DAY,
	    .reason = DLK_R_OK,
	    .good_until = NEXT + DAY },
	{ .name = "behind the grace",
	    LISTS(L(OF_CA)),
	    .rules = { .grace = DAY },
	    .now = NEXT + DAY + 1,
	    .reason = DLK_R_CRL_STALE },
	{ .name = "max-age",
	    LISTS(L(OF_CA, .begins = -3)),
	    .rules = { .max_age = 2 * DAY },
	    .reason = DLK_R_CRL_STALE,
	    .words = "max-age" },
	{ .name = "stale and listed",
	    LISTS(L(OF_CA, .ends = -1, .serial = "2a")),
	    .reason = DLK_R_REVOKED },
	{ .name = "not begun",
	    LISTS(L(OF_CA, .begins = 1)),
	    .reason = DLK_R_REVOCATION_UNKNOWN,
	    .words = "thisUpdate" },
	{ .name = "forged",
	    LISTS(L(OF_CA, .key = STRANGER)),
	    .reason = DLK_R_REVOCATION_UNKNOWN,
	    .words = "not signed" },
	{ .name = "a forged one does not hide the other",
	    LISTS(L(OF_CA, .serial = "2a"), L(.by = CA, .number = 9, .key = STRANGER)),
	    .reason = DLK_R_REVOKED },
	{ .name = "a forged one revokes nobody",
	    LISTS(L(OF_CA), L(.by = CA, .number = 9, .key = STRANGER, .serial = "2a")),
	    .reason = DLK_R_OK },
	{ .name = "the higher number counts",
	    LISTS(L(OF_CA), L(.by = CA, .number = 2, .serial = "2a")),
	    .reason = DLK_R_REVOKED },
	{ .name = "the higher number counts, read first",
	    LISTS(L(.by = CA, .number = 2, .serial = "2a"), L(OF_CA)),
	    .reason = DLK_R_REVOKED },
	{ .name = "the lower number does not",
	    LISTS(L(OF_CA, .serial = "2a"), L(.by = CA, .number = 2)),
	    .reason = DLK_R_OK },
	{ .name = "a higher number, but earlier: both count",
	    LISTS(L(OF_CA, .serial = "2a"), L(.by = CA, .number = 2, .begins = -200)),
	    .reason = DLK_R_REVOKED },
	{ .name = "without numbers the later one counts",
	    LISTS(L(.by = CA, .begins = -5), L(.by = CA, .begins = -4, .serial = "2a")),
	    .reason = DLK_R_REVOKED },
	{ .name = "one that has not begun hides nothing",
	    LISTS(L(OF_CA, .serial = "2a"), L(.by = CA, .number = 2, .begins = 1)),
	    .reason = DLK_R_REVOKED },
	{ .name = "a delta revokes",
	    LISTS(L(OF_CA), L(.by = CA, .number = 2, .base = 1, .serial = "2a")),
	    .reason = DLK_R_REVOKED },
	{ .name = "a delta alone is no list",
	    LISTS(L(.by = CA, .number = 2, .base = 1)),
	    .reason = DLK_R_REVOCATION_UNKNOWN },
	{ .name = "a delta releases",
	    LISTS(L(OF_CA, .serial = "2a", .with = HOLD),
		L(.by = CA, .number = 2, .base = 1, .serial = "2a", .with = REMOVE)),
	    .reason = DLK_R_OK },
	{ .name = "a stale delta releases nobody",
	    LISTS(L(OF_CA, .serial = "2a", .with = HOLD),
		L(.by = CA, .number = 2, .base = 1, .serial = "2a", .with = REMOVE,
		    .ends = -1)),
	    .reason = DLK_R_REVOKED },
	{ .name = "nor does one of another base",
	    LISTS(L(OF_CA, .serial = "2a", .with = HOLD),
		L(.by = CA, .number = 3, .base = 2, .serial = "2a", .with = REMOVE)),
	    .reason = DLK_R_REVOKED },
	{ .name = "which still revokes",
	    LISTS(L(OF_CA), L(.by = CA, .number = 3, .base = 2, .serial = "2a")),
	    .reason = DLK_R_REVOKED },
	{ .name = "a forged delta releases nobody",
	    LISTS(L(OF_CA, .serial = "2a", .with = HOLD),
		L(.by = CA, .number = 2, .base = 1, .serial = "2a", .with = REMOVE,
		    .key = STRANGER)),
	    .reason = DLK_R_REVOKED },
	{ .name = "the newest delta counts",
	    LISTS(L(OF_CA), L(.by = CA, .number = 2, .base = 1, .serial = "2a", .with = HOLD),
		L(.by = CA, .number = 3, .base = 1)),
	    .reason = DLK_R_OK },
	{ .name = "a delta of another scope is not asked",
	    LISTS(L(OF_CA),
		L(.by = CA, .number = 2, .base = 1, .serial = "2a", .scope = ONLY_CAS)),
	    .reason = DLK_R_OK },
	{ .name = "a delta ends before its base",
	    LISTS(L(OF_CA), L(.by = CA, .number = 2, .base = 1, .ends = 5)),
	    .reason = DLK_R_OK,
	    .good_until = NOW + 5 * DAY },
	{ .name = "users only", LISTS(L(OF_CA, .scope = ONLY_USERS)), .reason = DLK_R_OK },
	{ .name = "CAs only",
	    LISTS(L(OF_CA, .scope = ONLY_CAS)),
	    .reason = DLK_R_REVOCATION_UNKNOWN },
	{ .name = "attribute certificates only",
	    LISTS(L(OF_CA, .scope = ONLY_ATTRIBUTES)),
	    .reason = DLK_R_REVOCATION_UNKNOWN },
	{ .name = "a newer list of CAs does not replace that of users",
	    LISTS(L(OF_CA, .scope = ONLY_USERS, .serial = "2a"),
		L(.by = CA, .number = 2, .scope = ONLY_CAS)),
	    .reason = DLK_R_REVOKED },
	{ .name = "some reasons",
	    LISTS(L(OF_CA, .scope = SOME_REASONS)),
	    .reason = DLK_R_REVOCATION_UNKNOWN,
	    .words = "some reasons" },
	{ .name = "all reasons, in two lists",
	    LISTS(L(OF_CA, .scope = SOME_REASONS), L(OF_CA, .scope = OTHER_REASONS)),
	    .reason = DLK_R_OK },
	{ .name = "all reasons, listed in the second",
	    LISTS(L(OF_CA, .scope = SOME_REASONS),
		L(OF_CA, .scope = OTHER_REASONS, .serial = "2a")),
	    .reason = DLK_R_REVOKED },
	{ .name = "a partition that the certificate does not name",
	    LISTS(L(OF_CA, .scope = POINT("61"))),
	    .reason = DLK_R_REVOCATION_UNKNOWN },
	{ .name = "a partition that it names",
	    LISTS(L(OF_CA, .scope = POINT("61"))),
	    .pointed = true,
	    .reason = DLK_R_OK },
	{ .name = "another partition than it names",
	    LISTS(L(OF_CA, .scope = POINT("62"))),
	    .pointed = true,
	    .reason = DLK_R_REVOCATION_UNKNOWN },
	{ .name = "an indirect list that it names",
	    LISTS(L(.by = LISTER, .number = 1, .scope = INDIRECT)),
	    .pointed = true,
	    .reason = DLK_R_OK },
	{ .name = "an indirect list that it does not name",
	    LISTS(L(.by = LISTER, .number = 1, .scope = INDIRECT)),
	    .reason = DLK_R_REVOCATION_UNKNOWN },
	{ .name = "a list of the indirect signer that is not indirect",
	    LISTS(L(.by = LISTER, .number = 1)),
	    .pointed = true,
	    .reason = DLK_R_REVOCATION_UNKNOWN },
	{ .name = "listed there, for its issuer",
	    LISTS(L(.by = LISTER, .number = 1, .scope = INDIRECT, .serial = "2b",
		.of = ENTRY_OF_CA)),
	    .pointed = true,
	    .reason = DLK_R_REVOKED },
	{ .name = "listed there, for the signer",
	    LISTS(L(.by = LISTER, .number = 1, .scope = INDIRECT, .serial = "2b")),
	    .pointed = true,
	    .reason = DLK_R_OK },
	{ .name = "an indirect signer without cRLSign",
	    LISTS(L(.by = MUTE, .number = 1, .scope = INDIRECT)),
	    .pointed = true,
	    .reason = DLK_R_REVOCATION_UNKNOWN,
	    .words = "not signed" },
	{ .name = "an indirect signer who is revoked",
	    LISTS(L(.by = LISTER, .number = 1, .scope = INDIRECT),
		L(.by = ROOT, .number = 2, .serial = "04")),
	    .pointed = true,
	    .reason = DLK_R_REVOCATION_UNKNOWN,
	    .words = "not signed" },
	{ .name = "an indirect signer below another anchor",
	    LISTS(L(.by = OUTSIDER, .number = 1, .scope = INDIRECT),
		L(.by = OTHER, .number = 1)),
	    .pointed = true,
	    .reason = DLK_R_REVOCATION_UNKNOWN,
	    .words = "not signed" },
	{ .name = "the issuer's older key signed",
	    LISTS(L(OF_CA, .key = OLD)),
	    .reason = DLK_R_OK },
	{ .name = "the issuer's older key signed, listed",
	    LISTS(L(OF_CA, .key = OLD, .serial = "2a")),
	    .reason = DLK_R_REVOKED },
	{ .name = "the older key is revoked",
	    LISTS(L(OF_CA, .key = OLD), L(.by = ROOT, .number = 2, .serial = "03")),
	    .reason = DLK_R_REVOCATION_UNKNOWN },
};

static void
find_path(enum who leaf, int64_t now, struct dlk_paths **ret_paths)
{
	const struct dlk_path_rules rules = { .any_purpose = true };
	const struct dlk_certs none = { 0 };
	struct dlk_finding why = { 0 };

	if (dlk_paths_find(world.trust, &rules, world.cert[leaf], &none, now, ret_paths,
		&why) != DLK_R_OK)
		fail_msg("%s", why.detail);
	assert_int_equal(dlk_paths_at(*ret_paths, 0)->n, 3);
}

static void
add_lists(struct dlk_crls *crls, const struct row *row)
{
	static const struct list root = { .there = true, .by = ROOT, .number = 1 };

	if (!row->no_root)
		add_list(crls, &root, "root.crl");
	for (size_t i = 0; i < 4 && row->list[i].there; i++)
		add_list(crls, &row->list[i], "x.crl");
	if (row->refused)
		assert_int_equal(dlk_crls_refuse(crls, "bad.crl", row->refused), 0);
}

static bool
row_holds(const struct row *row)
{
	const struct dlk_path_rules rules = { .any_purpose = true };
	int64_t now = row->now ? row->now : NOW;
	DLK_AUTO_PATHS *paths = NULL;
	struct dlk_cleared *cleared = NULL;
	struct dlk_finding why = { 0 };
	struct dlk_crls *crls;

	assert_int_equal(dlk_crls_new(&crls), 0);
	add_lists(crls, row);
	find_path(row->pointed ? POINTED : LEAF, now, &paths);
	/* the second time with signatures that are known */
	for (int i = 0; i < 2; i++) {
		enum dlk_reason reason = dlk_path_clear(dlk_paths_at(paths, 0), crls,
		    world.trust, &rules, &row->rules, now, &cleared, &why);
		bool good = reason == row->reason && (cleared != NULL) == (reason == DLK_R_OK);
		if (good && row->words)
			good = strstr(why.detail, row->words) != NULL;
		if (good && row->good_until)
			good = dlk_cleared_good_until(cleared) == row->good_until;
		if (!good) {
			print_error(
			    "%s: %s %s\n", row->name, dlk_reason_str(reason), why.detail);
			return false;
		}
		dlk_cleared_free(cleared);
		cleared = NULL;
	}
	dlk_crls_free(crls);
	return true;
}

static void
paths_are_cleared_by_rule(void **state)
{
	bool all = true;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		all = row_holds(&rows[i]) && all;
	assert_true(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_cleared_by_rule),
	};
	return cmocka_run_group_tests(tests, make_world, free_world);
}
