/* SPDX-License-Identifier: MIT */
/* Trust and lists are read from files and directories that nobody else can write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crlmake.h"
#include "pki.h"
#include "store/anchors.h"
#include "store/crlindex.h"

static const struct dlk_care owned = { .owned = true };

struct place {
	char dir[64], index[96];
	struct dlk_trust *trust;
	struct dlk_crls *crls;
	struct dlk_finding why;
};

static int
set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->dir, "/tmp/dlk-anchors.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->index, sizeof(p->index), "%s/index", p->dir);
	assert_int_equal(mkdir(p->index, 0700), 0);
	assert_int_equal(dlk_trust_new(&p->trust), 0);
	assert_int_equal(dlk_crls_new(&p->crls), 0);
	*state = p;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", p->dir);
	assert_int_equal(system(command), 0);
	dlk_trust_free(p->trust);
	dlk_crls_free(p->crls);
	free(p);
	return 0;
}

static const char *
put(const struct place *p, const char *name, struct dlk_bytes content)
{
	static char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", p->dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(content.p, 1, content.n, f), content.n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0644), 0);
	return path;
}

static const char *
put_ca(const struct place *p, const char *name, const char *subject, bool pem)
{
	struct pki_spec ca = pki_ca(subject, NULL, NULL);
	DLK_AUTO_BUF content = { 0 };

	if (pem)
		pki_pem(&ca, &content);
	else
		pki_make(&ca, &content);
	return put(p, name, dlk_bytes_of(&content));
}

static const char *
put_list(const struct place *p, const char *name, size_t entries)
{
	struct dlk_buf der = crl_make_big(entries, 8, NULL);
	const char *path = put(p, name, dlk_bytes_of(&der));

	dlk_buf_free(&der);
	return path;
}

static int
load_anchors(struct place *p, const char *path)
{
	return dlk_anchors_load(path, 3, &owned, p->trust, &p->why);
}

static void
anchors_come_from_files_and_directories(void **state)
{
	struct place *p = *state;

	assert_int_equal(load_anchors(p, put_ca(p, "a.pem", "CN=A", true)), 0);
	assert_int_equal(dlk_trust_anchors(p->trust), 1);
	put_ca(p, "b.der", "CN=B", false);
	put_ca(p, ".hidden.pem", "CN=C", true);
	put_ca(p, "c.pem.bak", "CN=D", true);
	assert_int_equal(load_anchors(p, p->dir), 0);
	assert_int_equal(dlk_trust_anchors(p->trust), 3);
	assert_string_equal(dlk_cert_subject(dlk_trust_anchor_at(p->trust, 2)), "CN=B");
}

static void
a_damaged_file_is_left_out(void **state)
{
	struct place *p = *state;
	const char *path = put(p, "bad.pem", dlk_bytes_str("-----BEGIN CERTIFICATE-----\nAA"));

	assert_int_equal(load_anchors(p, path), -ENODATA);
	assert_int_equal(p->why.reason, DLK_R_FAULT_CONFIG);
	assert_non_null(strstr(p->why.detail, "bad.pem"));
	put_ca(p, "good.pem", "CN=A", true);
	assert_int_equal(load_anchors(p, p->dir), 0);
	assert_int_equal(dlk_trust_anchors(p->trust), 1);
}

static void
intermediates_may_be_none(void **state)
{
	struct place *p = *state;

	assert_int_equal(dlk_intermediates_load(p->dir, &owned, p->trust, &p->why), 0);
	assert_null(dlk_trust_intermediate_at(p->trust, 0));
	put_ca(p, "a.crt", "CN=A", true);
	assert_int_equal(dlk_intermediates_load(p->dir, &owned, p->trust, &p->why), 0);
	assert_non_null(dlk_trust_intermediate_at(p->trust, 0));
	assert_int_equal(dlk_trust_anchors(p->trust), 0);
	assert_int_equal(
	    dlk_intermediates_load("/nonexistent/x", &owned, p->trust, &p->why), -ENOENT);
}

/* Each of the three refuses what somebody else could have written. */
static void
what_others_can_write_is_an_error(void **state)
{
	struct place *p = *state;
	const char *path = put_ca(p, "a.pem", "CN=A", true);

	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(load_anchors(p, path), -DLK_EOWNER);
	assert_int_equal(p->why.reason, DLK_R_FAULT_CONFIG);
	assert_non_null(strstr(p->why.detail, "a.pem"));
	assert_int_equal(load_anchors(p, p->dir), -DLK_EOWNER);
	assert_int_equal(dlk_intermediates_load(path, &owned, p->trust, &p->why), -DLK_EOWNER);
	assert_int_equal(dlk_trust_anchors(p->trust), 0);
	path = put_list(p, "a.crl", 3);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(dlk_crls_load(path, NULL, &owned, p->crls, &p->why), -DLK_EOWNER);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chmod(p->dir, 0777), 0);
	assert_int_equal(dlk_crls_load(p->dir, NULL, &owned, p->crls, &p->why), -DLK_EOWNER);
	assert_int_equal(dlk_crls_count(p->crls), 0);
}

static void
lists_come_with_and_without_an_index(void **state)
{
	struct place *p = *state;
	struct dlk_crl_about about;
	size_t made;

	put_list(p, "a.crl", 3000);
	put_list(p, "b.der", 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(dlk_crls_load(p->dir, p->index, &owned, p->crls, &p->why), 0);
		assert_int_equal(dlk_crls_count(p->crls), 2 + 2 * i);
		dlk_crls_describe(p->crls, (size_t)(2 * i), &about);
		assert_int_equal(about.entries, 3000);
		assert_string_equal(about.issuer, "CN=CA");
		assert_string_equal(about.number, "01");
		assert_non_null(strstr(about.label, "/a.crl"));
		assert_int_equal(
		    dlk_crlindex_compile_all(p->dir, p->index, &owned, &made, &p->why), 0);
		assert_int_equal(made, i == 0 ? 2 : 0);
	}
	assert_int_equal(dlk_crls_load(p->dir, NULL, &owned, p->crls, &p->why), 0);
	assert_int_equal(
	    dlk_crls_load(p->dir, "/nonexistent/index", &owned, p->crls, &p->why), 0);
	assert_int_equal(dlk_crls_count(p->crls), 8);
}

static void
a_damaged_list_is_remembered(void **state)
{
	struct place *p = *state;
	const char *label, *words;

	put_list(p, "a.crl", 3);
	put(p, "b.crl", dlk_bytes_str("no list"));
	assert_int_equal(dlk_crls_load(p->dir, p->index, &owned, p->crls, &p->why), 0);
	assert_int_equal(dlk_crls_count(p->crls), 1);
	assert_int_equal(dlk_crls_refused(p->crls), 1);
	dlk_crls_refusal(p->crls, 0, &label, &words);
	assert_non_null(strstr(label, "/b.crl"));
	assert_non_null(strstr(words, "no X.509 CRL"));
	assert_int_equal(
	    dlk_crls_load("/nonexistent/x", p->index, &owned, p->crls, &p->why), -ENOENT);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED(anchors_come_from_files_and_directories),
		PLACED(a_damaged_file_is_left_out),
		PLACED(intermediates_may_be_none),
		PLACED(what_others_can_write_is_an_error),
		PLACED(lists_come_with_and_without_an_index),
		PLACED(a_damaged_list_is_remembered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
