/* SPDX-License-Identifier: MIT */
/* Lists are read strictly; what is in one is found, and what is not is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "core/crlset.h"
#include "crlmake.h"

static struct dlk_crls *
new_set(void)
{
	struct dlk_crls *crls;

	assert_int_equal(dlk_crls_new(&crls), 0);
	return crls;
}

struct row {
	const char *name;
	struct crl_recipe recipe;
	const char *rule; /* a part of the words; NULL: taken */
};

#define REASON(n) "300a0603551d1504030a010" #n
#define ENTRY_REMOVE                                                                          \
	"302102010"                                                                           \
	"1170d3236303130313030303030305a300c" REASON(8)
#define ENTRY(ext, n)  "30" n "020101170d3236303130313030303030305a" ext
#define ISSUER_CN_B    "0603551d1d0101ff0411300fa40d300b3109300706035504031300"
#define NUMBER         "300a0603551d140403020101"
#define IDP(len, body) "30" len "0603551d1c0101ff04" body

static const struct row rows[] = {
	{ "a good one", { 0 }, NULL },
	{ "no entries", { .entries = "" }, NULL },
	{ "no extensions at all", { .extensions = "" }, NULL },
	{ "v1", { .version = "", .extensions = "" }, NULL },
	{ "v1 with extensions", { .version = "" }, "v1" },
	{ "v1 with entry extensions",
	    { .version = "", .extensions = "", .entries = ENTRY("300c" REASON(1), "20") },
	    "v1 list" },
	{ "version DEFAULT encoded", { .version = "020100" }, "version" },
	{ "version unknown", { .version = "020102" }, "version" },
	{ "version too long", { .version = "02020001" }, "version" },
	{ "signed with SHA-1", { .algorithm = "300906072a8648ce3d0401" }, "SHA-256" },
	{ "signed with MD5", { .algorithm = "300d06092a864886f70d0101040500" }, "SHA-256" },
	{ "two algorithms", { .outer_algorithm = "300a06082a8648ce3d040303" }, "different" },
	{ "ECDSA with parameters", { .algorithm = "300c06082a8648ce3d0403020500" },
	    "SHA-256" },
	{ "no issuer", { .issuer = "3000" }, "issuer" },
	{ "no nextUpdate", { .next_update = "" }, "nextUpdate" },
	{ "nextUpdate before thisUpdate", { .next_update = "170d3235303130313030303030305a" },
	    "before" },
	{ "GeneralizedTime before 2050",
	    { .this_update = "180f32303236303130313030303030305a" }, NULL },
	{ "time without seconds", { .this_update = "170b323630313031303030305a" },
	    "thisUpdate" },
	{ "empty revokedCertificates", { .list = "3000" }, "empty" },
	{ "serial number padded",
	    { .entries = "302202"
			 "020001170d3236303130313030303030305a" },
	    "entr" },
	{ "serial number without octets",
	    { .entries = "30110200170d3236303130313030303030305a" }, "serial" },
	{ "serial number negative", { .entries = "30120201ff170d3236303130313030303030305a" },
	    NULL },
	{ "serial number padded, whole",
	    { .entries = "301302020001170d3236303130313030303030305a" }, "serial" },
	{ "two entries of a day",
	    { .entries = "30120201"
			 "01170d3236303130313030303030305a"
			 "3012020102170d3236303130313233353935395a" },
	    NULL },
	{ "the second at 24 o'clock",
	    { .entries = "3012020101170d3236303130313030303030305a"
			 "3012020102170d3236303130313234303030305a" },
	    "date" },
	{ "the second in no zone",
	    { .entries = "3012020101170d3236303130313030303030305a"
			 "3012020102170d32363031303130303030303058" },
	    "date" },
	{ "entry without a date", { .entries = "3003020101" }, "date" },
	{ "entry with a reason", { .entries = ENTRY("300c" REASON(1), "20") }, NULL },
	{ "entry with a reason unknown", { .entries = ENTRY("300c" REASON(f), "20") }, NULL },
	{ "entry with the reason twice",
	    { .entries = ENTRY("3018" REASON(1) REASON(1), "2c") }, "extensions of an entry" },
	{ "entry with empty extensions", { .entries = ENTRY("3000", "14") },
	    "extensions of an entry" },
	{ "entry with a reason that is none",
	    { .entries = ENTRY("300c300a0603551d150403020101", "20") }, "reasonCode" },
	{ "entry with an invalidityDate",
	    { .entries =
		    ENTRY("301a30180603551d180411180f32303235303130313030303030305a", "2e") },
	    NULL },
	{ "entry with an invalidityDate as UTCTime",
	    { .entries = ENTRY("301830160603551d18040f170d3235303130313030303030305a", "2c") },
	    "invalidityDate" },
	{ "entry with an invalidityDate that is none",
	    { .entries =
		    ENTRY("301a30180603551d180411180f32303235303130313030303030305b", "2e") },
	    "invalidityDate" },
	{ "entry with something critical",
	    { .entries = ENTRY("300e300c0603551d630101ff04020500", "22") }, "critical" },
	{ "entry with something not critical",
	    { .entries = ENTRY("300b30090603551d6304020500", "1f") }, NULL },
	{ "entry with more behind", { .entries = ENTRY("300c" REASON(1) "0500", "22") },
	    "extensions of an entry" },
	{ "entry issuer in a list that is not indirect",
	    { .entries = ENTRY("3020301e0603551d1d0101ff04143012a410300e310c300a06035504030c03"
			       "414243",
		  "34") },
	    "not indirect" },
	{ "removeFromCRL in a complete list", { .entries = ENTRY("300c" REASON(8), "20") },
	    NULL },
	{ "no CRLNumber",
	    { .extensions = "300906035504630402"
			    "0500" },
	    NULL },
	{ "CRLNumber critical", { .extensions = "300d0603551d140101ff0403020101" },
	    "CRLNumber" },
	{ "CRLNumber negative", { .extensions = "300a0603551d1404030201ff" }, "CRLNumber" },
	{ "CRLNumber of 20 octets",
	    { .extensions = "301d0603551d14041602147fffffffffffffffffffffffffffffffffffffff" },
	    NULL },
	{ "CRLNumber of 21 octets",
	    { .extensions =
		    "301e0603551d14041702157fffffffffffffffffffffffffffffffffffffff00" },
	    "CRLNumber" },
	{ "CRLNumber with more behind", { .extensions = "300c0603551d1404050201010500" },
	    "CRLNumber" },
	{ "extension twice", { .extensions = NUMBER NUMBER }, "extensions are malformed" },
	{ "something critical", { .extensions = "300c0603551d630101ff04020500" }, "critical" },
	{ "critical FALSE encoded", { .extensions = "300c0603551d6301010004020500" },
	    "extensions are malformed" },
	{ "critical TRUE as 1", { .extensions = "300c0603551d6301010104020500" },
	    "extensions are malformed" },
	{ "empty issuing distribution point", { .extensions = IDP("0c", "023000") },
	    "issuingDistributionPoint" },
	{ "junk in the issuing distribution point",
	    { .extensions = IDP("0f", "0530038901ff") }, "issuingDistributionPoint" },
	{ "user certificates only", { .extensions = IDP("0f", "0530038101ff") }, NULL },
	{ "TRUE as 1 in the issuing distribution point",
	    { .extensions = IDP("0f", "053003810101") }, "issuingDistributionPoint" },
	{ "FALSE encoded in the issuing distribution point",
	    { .extensions = IDP("12", "0830068101ff840100") }, "issuingDistributionPoint" },
	{ "users and CAs only", { .extensions = IDP("12", "0830068101ff8201ff") },
	    "issuingDistributionPoint" },
	{ "more behind the issuing distribution point",
	    { .extensions = IDP("11", "0730038101ff0500") }, "issuingDistributionPoint" },
	{ "delta without a number", { .extensions = "300d0603551d1b0101ff0403020101" },
	    "delta" },
	{ "delta before its base", { .extensions = NUMBER "300d0603551d1b0101ff0403020102" },
	    "delta" },
	{ "delta", { .extensions = NUMBER "300d0603551d1b0101ff0403020101" }, NULL },
	{ "more in tbsCertList", { .behind_tbs = "0500" }, "tbsCertList" },
	{ "more in CertificateList", { .behind = "0500" }, "CertificateList" },
};

static void
shapes_are_strict(void **state)
{
	bool good_all = true;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dlk_finding why = { 0 };
		struct dlk_crls *crls = new_set();
		struct dlk_buf der = crl_make(&rows[i].recipe);
		enum dlk_reason reason =
		    dlk_crls_add_file(crls, dlk_bytes_of(&der), "x.crl", &why);
		bool good = rows[i].rule ? reason == DLK_R_REVOCATION_UNKNOWN &&
					       strstr(why.detail, rows[i].rule)
					 : reason == DLK_R_OK;
		if (!good)
			print_error(
			    "%s: %s %s\n", rows[i].name, dlk_reason_str(reason), why.detail);
		good_all = good_all && good;
		dlk_buf_free(&der);
		dlk_crls_free(crls);
	}
	assert_true(good_all);
}

static EVP_PKEY *
new_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_non_null(key);
	return key;
}

static void
every_entry_is_found_and_no_other(void **state)
{
	static const size_t counts[] = { 0, 1, 255, 1000, 20000 };
	EVP_PKEY *key = new_key();
	struct dlk_crl_hit hit;
	uint8_t serial[16];

	(void)state;
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		struct dlk_crls *crls = new_set();
		struct dlk_buf der = crl_make_big(counts[c], 16, key);
		assert_int_equal(
		    dlk_crls_add_file(crls, dlk_bytes_of(&der), "big", NULL), DLK_R_OK);
		struct dlk_crl *crl = crls->crl[0];
		assert_int_equal(crl->image.entries, counts[c]);
		assert_true(dlk_crlimage_sound(&crl->image));
		for (size_t i = 0; i < counts[c] + 100; i++) {
			crl_big_serial(i, 16, serial);
			assert_int_equal(
			    dlk_crl_find(crl, crl->issuer, DLK_BYTES(serial, 16), &hit),
			    i < counts[c]);
			if (i >= counts[c])
				continue;
			assert_int_equal(hit.reason, i % 4 == 0 ? 1 : 0);
			assert_int_equal(hit.date, 1767225600);
		}
		dlk_buf_free(&der);
		dlk_crls_free(crls);
	}
	EVP_PKEY_free(key);
}

/* Serial numbers are compared as they are, not by value or by their first octets. */
static void
serials_are_exact(void **state)
{
	static const char *const listed[] = { "00", "01", "7f", "0080", "ff", "0102", "010203",
		"7fffffffffffffffffffffffffffffffffffffff" };
	static const char *const others[] = { "02", "7e", "0081", "fe", "01020304", "0201",
		"7ffffffffffffffffffffffffffffffffffffffe",
		"7fffffffffffffffffffffffffffffffffffff" };
	char entries[2048] = "";
	struct dlk_crls *crls = new_set();
	struct dlk_crl_hit hit;
	uint8_t serial[32];

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		char *entry = crl_entry_hex(listed[i], "");
		strcat(entries, entry);
		free(entry);
	}
	struct dlk_buf der = crl_make(&(struct crl_recipe){ .entries = entries });
	assert_int_equal(dlk_crls_add_file(crls, dlk_bytes_of(&der), "x", NULL), DLK_R_OK);
	for (size_t i = 0; i < 16; i++) {
		const char *hex = i < 8 ? listed[i] : others[i - 8];
		size_t n = strlen(hex) / 2;
		assert_int_equal(dlk_unhex(hex, serial, n), 0);
		if (dlk_crl_find(crls->crl[0], crls->crl[0]->issuer, DLK_BYTES(serial, n),
			&hit) != (i < 8))
			fail_msg("%s", hex);
	}
	dlk_buf_free(&der);
	dlk_crls_free(crls);
}

static void
the_worst_of_two_entries_holds(void **state)
{
	char *hold = crl_entry_hex("05", REASON(6)), *remove = crl_entry_hex("05", REASON(8)),
	     *key = crl_entry_hex("05", REASON(1));
	struct dlk_crls *crls = new_set();
	struct dlk_crl_hit hit;
	char entries[512];

	(void)state;
	strcpy(entries, remove);
	strcat(entries, key);
	strcat(entries, hold);
	struct dlk_buf der = crl_make(&(struct crl_recipe){ .entries = entries });
	assert_int_equal(dlk_crls_add_file(crls, dlk_bytes_of(&der), "x", NULL), DLK_R_OK);
	assert_int_equal(
	    dlk_crl_find(crls->crl[0], crls->crl[0]->issuer, DLK_BYTES("\x05", 1), &hit), 1);
	assert_int_equal(hit.reason, 1);
	dlk_buf_free(&der);
	dlk_crls_free(crls);
	free(hold);
	free(remove);
	free(key);
}

static char *
pem_of(struct dlk_bytes der, const char *type, size_t line)
{
	size_t n = 4 * ((der.n + 2) / 3), at;
	char *digits = malloc(n + 1), *text = malloc(2 * n + 200);

	assert_non_null(digits);
	assert_non_null(text);
	EVP_EncodeBlock((uint8_t *)digits, der.p, (int)der.n);
	at = (size_t)sprintf(text, "-----BEGIN %s-----\n", type);
	for (size_t i = 0; i < n; i += line)
		at += (size_t)sprintf(text + at, "%.*s\n", (int)line, digits + i);
	sprintf(text + at, "-----END %s-----\n", type);
	free(digits);
	return text;
}

static enum dlk_reason
add_text(struct dlk_crls *crls, const char *text, struct dlk_finding *why)
{
	return dlk_crls_add_file(crls, dlk_bytes_str(text), "x.pem", why);
}

static void
pem_is_taken_off(void **state)
{
	static const size_t lines[] = { 64, 76, 4, 4000 };
	struct dlk_buf der = crl_make(&(struct crl_recipe){ 0 });
	struct dlk_buf big = crl_make_big(3000, 16, NULL);
	char *other = pem_of(dlk_bytes_of(&der), "CERTIFICATE", 64);

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct dlk_crls *crls = new_set();
		char *a = pem_of(dlk_bytes_of(&der), "X509 CRL", lines[i]);
		char *b = pem_of(dlk_bytes_of(&big), "X509 CRL", lines[i]);
		char *text = malloc(strlen(a) + strlen(b) + strlen(other) + 100);
		sprintf(text, "0 words before\r\n%swords between\n%s%s", a, other, b);
		assert_int_equal(add_text(crls, text, NULL), DLK_R_OK);
		assert_int_equal(dlk_crls_count(crls), 2);
		assert_int_equal(dlk_crls_refused(crls), 0);
		assert_int_equal(crls->crl[1]->image.entries, 3000);
		dlk_crls_free(crls);
		free(text);
		free(a);
		free(b);
	}
	free(other);
	dlk_buf_free(&der);
	dlk_buf_free(&big);
}

static void
damage_is_refused(void **state)
{
	struct dlk_buf der = crl_make(&(struct crl_recipe){ 0 });
	struct dlk_buf good = crl_make_big(100, 16, NULL);
	char *pem = pem_of(dlk_bytes_of(&der), "X509 CRL", 64);
	char *other = pem_of(dlk_bytes_of(&good), "X509 CRL", 64);
	struct dlk_crls *crls = new_set();
	struct dlk_finding why = { 0 };
	char text[20000];

	(void)state;
	for (size_t n = 0; n < der.n; n++)
		assert_int_equal(dlk_crls_add_file(crls, DLK_BYTES(der.p, n), "cut", NULL),
		    DLK_R_REVOCATION_UNKNOWN);
	assert_int_equal(dlk_buf_add(&der, 100000, dlk_bytes_str("x")), 0);
	assert_int_equal(dlk_crls_add_file(crls, dlk_bytes_of(&der), "more", &why),
	    DLK_R_REVOCATION_UNKNOWN);
	assert_non_null(strstr(why.detail, "behind"));
	assert_int_equal(add_text(crls, "", &why), DLK_R_REVOCATION_UNKNOWN);
	assert_non_null(strstr(why.detail, "no X.509 CRL"));
	/* without its last line; with a digit less; with one that is none; = in the middle */
	strcpy(text, pem);
	*strstr(text, "-----END") = '\0';
	assert_int_equal(add_text(crls, text, &why), DLK_R_REVOCATION_UNKNOWN);
	assert_non_null(strstr(why.detail, "the PEM around it"));
	strcpy(text, pem);
	memmove(text + 30, text + 31, strlen(text + 31) + 1);
	assert_int_equal(add_text(crls, text, NULL), DLK_R_REVOCATION_UNKNOWN);
	strcpy(text, pem);
	text[40] = '!';
	assert_int_equal(add_text(crls, text, NULL), DLK_R_REVOCATION_UNKNOWN);
	text[40] = '=';
	assert_int_equal(add_text(crls, text, NULL), DLK_R_REVOCATION_UNKNOWN);
	assert_int_equal(dlk_crls_count(crls), 0);
	assert_int_equal(dlk_crls_refused(crls), 0);
	/* beside a good one, the good one serves and the other is remembered */
	strcat(text, other);
	assert_int_equal(add_text(crls, text, NULL), DLK_R_OK);
	assert_int_equal(dlk_crls_count(crls), 1);
	assert_int_equal(dlk_crls_refused(crls), 1);
	dlk_crls_free(crls);
	dlk_buf_free(&der);
	dlk_buf_free(&good);
	free(pem);
	free(other);
}

static void
ber_is_refused(void **state)
{
	struct dlk_buf der = crl_make(&(struct crl_recipe){ 0 });
	struct dlk_crls *crls = new_set();
	uint8_t ber[1024] = { 0x30, 0x80 };
	size_t head = der.p[1] < 0x80 ? 2 : der.p[1] == 0x81 ? 3 : 4;

	(void)state;
	memcpy(ber + 2, der.p + head, der.n - head);
	assert_int_equal(
	    dlk_crls_add_file(crls, DLK_BYTES(ber, der.n - head + 4), "ber", NULL),
	    DLK_R_REVOCATION_UNKNOWN);
	/* a length that is longer than it has to be */
	ber[1] = 0x83;
	ber[2] = 0;
	dlk_put_be16(ber + 3, (uint16_t)(der.n - head));
	memcpy(ber + 5, der.p + head, der.n - head);
	assert_int_equal(
	    dlk_crls_add_file(crls, DLK_BYTES(ber, der.n - head + 5), "ber", NULL),
	    DLK_R_REVOCATION_UNKNOWN);
	dlk_crls_free(crls);
	dlk_buf_free(&der);
}

/* No octet of an image can be changed without being noticed before it is believed. */
static void
damage_of_an_image_is_seen(void **state)
{
	EVP_PKEY *key = new_key();
	struct dlk_buf der = crl_make_big(700, 16, key);
	struct dlk_crls *crls = new_set();
	struct dlk_crlimage image;

	(void)state;
	assert_int_equal(dlk_crls_add_file(crls, dlk_bytes_of(&der), "x", NULL), DLK_R_OK);
	struct dlk_bytes whole = crls->crl[0]->image.whole;
	uint8_t *copy = malloc(whole.n);
	for (size_t i = 0; i < whole.n; i += 3) {
		memcpy(copy, whole.p, whole.n);
		copy[i] ^= 0x10;
		/* what stands behind the digest in the head says nothing */
		if (i >= 112 && i < 128)
			continue;
		if (dlk_crlimage_open(DLK_BYTES(copy, whole.n), &image) == 0 &&
		    dlk_crlimage_sound(&image))
			fail_msg("octet %zu of %zu", i, whole.n);
	}
	for (size_t n = 0; n < whole.n; n += 101)
		assert_int_equal(dlk_crlimage_open(DLK_BYTES(whole.p, n), &image), -EBADMSG);
	free(copy);
	dlk_crls_free(crls);
	dlk_buf_free(&der);
	EVP_PKEY_free(key);
}

#define NUMBER_2 "300a0603551d140403020102"
#define HEX_CN_B "300d310b3009060355040313024242"
#define AFTER    "170d3236303230313030303030305a"

static const struct {
	const char *name;
	struct crl_recipe held, fresh;
	bool may;
} replacements[] = {
	{ "the same", { 0 }, { 0 }, true },
	{ "a higher number", { 0 }, { .extensions = NUMBER_2 }, true },
	{ "a lower number", { .extensions = NUMBER_2 }, { 0 }, false },
	{ "a lower number, later", { .extensions = NUMBER_2 }, { .this_update = AFTER },
	    false },
	{ "without numbers, later", { .extensions = "" },
	    { .extensions = "", .this_update = AFTER }, true },
	{ "without numbers, earlier", { .extensions = "", .this_update = AFTER },
	    { .extensions = "" }, false },
	{ "another issuer", { 0 }, { .issuer = HEX_CN_B, .extensions = NUMBER_2 }, false },
	{ "another scope", { 0 },
	    { .extensions = NUMBER_2 "300f0603551d1c0101ff040530038101ff" }, false },
	{ "a delta", { 0 }, { .extensions = NUMBER_2 "300d0603551d1b0101ff0403020101" },
	    false },
};

static struct dlk_crls *
set_of(const struct crl_recipe *recipe)
{
	struct dlk_crls *crls = new_set();
	struct dlk_buf der = crl_make(recipe);

	assert_int_equal(dlk_crls_add_file(crls, dlk_bytes_of(&der), "x", NULL), DLK_R_OK);
	dlk_buf_free(&der);
	return crls;
}

static const struct {
	const char *name;
	struct crl_recipe held, fresh;
	bool may;
} companies[] = {
	{ "the same", { 0 }, { 0 }, true },
	{ "a higher number", { 0 }, { .extensions = NUMBER_2 }, true },
	{ "a lower number", { .extensions = NUMBER_2 }, { 0 }, false },
	{ "another issuer's", { .extensions = NUMBER_2 }, { .issuer = HEX_CN_B }, true },
};

static void
nothing_older_comes_to_the_lists_that_are_held(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(companies) / sizeof(companies[0]); i++) {
		struct dlk_crls *held = set_of(&companies[i].held);
		struct dlk_crls *fresh = set_of(&companies[i].fresh);
		struct dlk_finding why = { 0 };
		enum dlk_reason reason = dlk_crls_are_newest(fresh, held, &why);
		if (reason != (companies[i].may ? DLK_R_OK : DLK_R_REVOCATION_UNKNOWN))
			fail_msg("%s", companies[i].name);
		dlk_crls_free(held);
		dlk_crls_free(fresh);
	}
}

static void
nothing_older_replaces_a_list(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(replacements) / sizeof(replacements[0]); i++) {
		struct dlk_crls *held = set_of(&replacements[i].held);
		struct dlk_crls *fresh = set_of(&replacements[i].fresh);
		struct dlk_finding why = { 0 };
		enum dlk_reason reason = dlk_crls_may_replace(fresh, held, &why);
		if (reason != (replacements[i].may ? DLK_R_OK : DLK_R_REVOCATION_UNKNOWN))
			fail_msg("%s", replacements[i].name);
		assert_true(replacements[i].may || strstr(why.detail, "CN=CA"));
		dlk_crls_free(held);
		dlk_crls_free(fresh);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_are_strict),
		cmocka_unit_test(every_entry_is_found_and_no_other),
		cmocka_unit_test(serials_are_exact),
		cmocka_unit_test(the_worst_of_two_entries_holds),
		cmocka_unit_test(pem_is_taken_off),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(ber_is_refused),
		cmocka_unit_test(damage_of_an_image_is_seen),
		cmocka_unit_test(nothing_older_replaces_a_list),
		cmocka_unit_test(nothing_older_comes_to_the_lists_that_are_held),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
