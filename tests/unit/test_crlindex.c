/* SPDX-License-Identifier: MIT */
/* An index answers as its list does, and is never believed beyond it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ec.h>

#include "core/crlset.h"
#include "crlmake.h"
#include "store/anchors.h"
#include "store/crlindex.h"
#include "store/indexhead.h"

#define ENTRIES 3000

struct place {
	char dir[64], list[96], index[96], file[160];
	EVP_PKEY *key;
};

static void
write_file(const char *path, struct dlk_bytes content)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(content.p, 1, content.n, f), content.n);
	assert_int_equal(fclose(f), 0);
}

static void
write_list(const struct place *p, size_t entries)
{
	struct dlk_buf der = crl_make_big(entries, 16, p->key);

	write_file(p->list, dlk_bytes_of(&der));
	dlk_buf_free(&der);
}

static int
set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	char name[DLK_INDEX_NAME];

	strcpy(p->dir, "/tmp/dlk-crlindex.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->list, sizeof(p->list), "%s/a.crl", p->dir);
	snprintf(p->index, sizeof(p->index), "%s/index", p->dir);
	assert_int_equal(mkdir(p->index, 0700), 0);
	assert_int_equal(dlk_index_name(p->list, name), 0);
	snprintf(p->file, sizeof(p->file), "%s/%s", p->index, name);
	p->key = EVP_EC_gen("P-256");
	write_list(p, ENTRIES);
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
	EVP_PKEY_free(p->key);
	free(p);
	return 0;
}

static enum dlk_crlindex_outcome
compile(const struct place *p)
{
	enum dlk_crlindex_outcome outcome;
	struct dlk_finding why = { 0 };

	if (dlk_crlindex_compile(p->list, p->index, NULL, &outcome, &why) != 0)
		fail_msg("%s", why.detail);
	return outcome;
}

/* 1: from the index, 0: there is none that is current. */
static int
load_index(const struct place *p, struct dlk_crls **ret_crls)
{
	DLK_AUTO_FD fd = -1;

	assert_int_equal(dlk_file_open(p->list, NULL, &fd), 0);
	assert_int_equal(dlk_crls_new(ret_crls), 0);
	return dlk_crlindex_load(p->list, fd, p->index, NULL, *ret_crls);
}

static bool
is_current(const struct place *p)
{
	struct dlk_crls *crls;
	int r = load_index(p, &crls);

	assert_int_equal(dlk_crls_count(crls), r);
	dlk_crls_free(crls);
	return r == 1;
}

/* Entries [0, n) are found, and those behind them not. */
static void
answers_as(struct dlk_crls *crls, size_t n)
{
	struct dlk_crl *crl = crls->crl[0];
	struct dlk_crl_hit hit;
	uint8_t serial[16];

	for (size_t i = 0; i < n + 200; i++) {
		crl_big_serial(i, 16, serial);
		if (dlk_crl_find(crl, crl->issuer, DLK_BYTES(serial, 16), &hit) != (i < n))
			fail_msg("entry %zu", i);
	}
}

static void
an_index_answers_as_its_list(void **state)
{
	const struct place *p = *state;
	struct dlk_crls *crls;

	assert_false(is_current(p));
	assert_int_equal(compile(p), DLK_CRLINDEX_MADE);
	assert_int_equal(compile(p), DLK_CRLINDEX_CURRENT);
	assert_int_equal(load_index(p, &crls), 1);
	assert_int_equal(crls->crl[0]->image.entries, ENTRIES);
	answers_as(crls, ENTRIES);
	dlk_crls_free(crls);
}

static void
any_change_of_the_list_ends_it(void **state)
{
	struct place *p = *state;
	struct stat st;

	compile(p);
	assert_int_equal(stat(p->list, &st), 0);
	/* the same size and time of modification again */
	write_list(p, ENTRIES);
	const struct timespec times[2] = { st.st_atim, st.st_mtim };
	assert_int_equal(utimensat(AT_FDCWD, p->list, times, 0), 0);
	assert_false(is_current(p));
	assert_int_equal(compile(p), DLK_CRLINDEX_MADE);
	assert_true(is_current(p));
	write_list(p, ENTRIES + 1);
	assert_false(is_current(p));
	assert_int_equal(compile(p), DLK_CRLINDEX_MADE);
	assert_true(is_current(p));
}

static void
an_index_of_another_list_is_refused(void **state)
{
	struct place *p = *state, other = *p;
	char name[DLK_INDEX_NAME];

	/* the same file by another name: alike in everything else */
	snprintf(other.list, sizeof(other.list), "%s/b.crl", p->dir);
	assert_int_equal(link(p->list, other.list), 0);
	compile(p);
	assert_int_equal(dlk_index_name(other.list, name), 0);
	snprintf(other.file, sizeof(other.file), "%s/%s", p->index, name);
	assert_int_equal(rename(p->file, other.file), 0);
	assert_false(is_current(&other));
	/* nor is one that others could have written */
	assert_int_equal(rename(other.file, p->file), 0);
	assert_true(is_current(p));
	assert_int_equal(chmod(p->file, 0666), 0);
	assert_false(is_current(p));
	if (geteuid() == 0) {
		assert_int_equal(chmod(p->file, 0644), 0);
		assert_int_equal(chown(p->file, 12345, 12345), 0);
		assert_false(is_current(p));
	}
}

static struct dlk_buf
read_whole(const char *path)
{
	struct dlk_buf buf = { 0 };

	assert_int_equal(dlk_file_read(path, SIZE_MAX / 2, NULL, &buf), 0);
	return buf;
}

/* In place, so that the file keeps its owner and mode. */
static void
put_octet(const char *path, size_t at, uint8_t octet)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &octet, 1, (off_t)at), 1);
	assert_int_equal(close(fd), 0);
}

/* Wherever an octet is wrong: refused on opening, or found where it is searched and the list
 * read anew; and compiled anew in any case. */
static void
a_damaged_index_never_answers(void **state)
{
	const struct place *p = *state;
	struct dlk_crls *crls;

	compile(p);
	struct dlk_buf whole = read_whole(p->file);
	for (size_t at = 0; at < whole.n; at += at < 300 ? 7 : 9973) {
		put_octet(p->file, at, whole.p[at] ^ 1);
		if (load_index(p, &crls) == 1)
			answers_as(crls, ENTRIES);
		dlk_crls_free(crls);
		put_octet(p->file, at, whole.p[at]);
	}
	assert_true(is_current(p));
	put_octet(p->file, whole.n / 2, whole.p[whole.n / 2] ^ 1);
	assert_int_equal(compile(p), DLK_CRLINDEX_MADE);
	assert_int_equal(compile(p), DLK_CRLINDEX_CURRENT);
	dlk_buf_free(&whole);
}

static void
a_cut_index_is_refused(void **state)
{
	const struct place *p = *state;
	struct stat st;

	compile(p);
	assert_int_equal(stat(p->file, &st), 0);
	for (off_t n = st.st_size - 1; n > 0; n = n * 2 / 3) {
		assert_int_equal(truncate(p->file, n), 0);
		assert_false(is_current(p));
	}
	assert_int_equal(compile(p), DLK_CRLINDEX_MADE);
	assert_true(is_current(p));
}

/* Damaged where it is searched, and its list has changed meanwhile: no answer at all. */
static void
damage_without_the_list_is_an_error(void **state)
{
	struct place *p = *state;
	struct dlk_crls *crls;
	struct dlk_crl_hit hit;
	uint8_t serial[16];
	size_t errors = 0;

	compile(p);
	assert_int_equal(load_index(p, &crls), 1);
	struct dlk_buf whole = read_whole(p->file);
	for (size_t at = DLK_INDEX_HEAD + 200; at < whole.n * 9 / 10; at += 512)
		put_octet(p->file, at, whole.p[at] ^ 1);
	write_list(p, 10);
	for (size_t i = 0; i < ENTRIES; i++) {
		crl_big_serial(i, 16, serial);
		int r = dlk_crl_find(
		    crls->crl[0], crls->crl[0]->issuer, DLK_BYTES(serial, 16), &hit);
		assert_true(r == 1 || r == -EBADMSG);
		errors += r < 0;
	}
	assert_true(errors > 0);
	dlk_crls_free(crls);
	dlk_buf_free(&whole);
}

static void
what_breaks_a_rule_is_not_compiled(void **state)
{
	struct place *p = *state;
	enum dlk_crlindex_outcome outcome;
	struct dlk_finding why = { 0 };
	struct dlk_buf der =
	    crl_make(&(struct crl_recipe){ .extensions = "300a0603551d1404030201ff" });

	compile(p);
	/* found when the head is read, and while the entries are */
	write_file(p->list, dlk_bytes_of(&der));
	assert_int_equal(
	    dlk_crlindex_compile(p->list, p->index, NULL, &outcome, &why), -EBADMSG);
	assert_non_null(strstr(why.detail, "CRLNumber"));
	assert_false(is_current(p));
	write_file(p->list, DLK_BYTES(der.p, der.n - 1));
	assert_int_equal(
	    dlk_crlindex_compile(p->list, p->index, NULL, &outcome, &why), -EBADMSG);
	dlk_buf_free(&der);
	assert_int_equal(unlink(p->list), 0);
	assert_int_equal(
	    dlk_crlindex_compile(p->list, p->index, NULL, &outcome, &why), -ENOENT);
	assert_non_null(strstr(why.detail, p->list));
}

/* The whole of such a list is signed, so there is no digest to keep. */
static void
ed25519_is_read_each_time(void **state)
{
	struct place *p = *state;
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct dlk_crls *crls;
	struct dlk_buf der =
	    crl_make(&(struct crl_recipe){ .algorithm = "300506032b6570", .key = key });

	write_file(p->list, dlk_bytes_of(&der));
	assert_int_equal(compile(p), DLK_CRLINDEX_IMPOSSIBLE);
	assert_false(is_current(p));
	assert_int_equal(dlk_crls_new(&crls), 0);
	assert_int_equal(dlk_crls_load(p->list, p->index, NULL, crls, NULL), 0);
	assert_int_equal(dlk_crls_count(crls), 1);
	assert_true(dlk_sigalg_holds(&crls->crl[0]->algorithm, key,
	    dlk_bytes_of(&crls->crl[0]->signed_part), crls->crl[0]->image.signature));
	dlk_crls_free(crls);
	dlk_buf_free(&der);
	EVP_PKEY_free(key);
}

static size_t
files_in(const char *path)
{
	static const char *const all[] = { "", NULL };
	DLK_AUTO_FD dir = -1;
	char **names;
	size_t n;

	assert_int_equal(dlk_dir_open(path, NULL, &dir), 0);
	assert_int_equal(dlk_dir_list(dir, all, 1000, &names, &n), 0);
	dlk_names_free(names, n);
	return n;
}

static void
a_directory_is_compiled_and_swept(void **state)
{
	struct place *p = *state;
	char path[200];
	size_t made;
	struct dlk_finding why = { 0 };

	snprintf(path, sizeof(path), "%s/b.pem", p->dir);
	write_file(path, dlk_bytes_str("nothing in it"));
	/* one is bad, and the other is compiled nevertheless */
	assert_int_equal(
	    dlk_crlindex_compile_all(p->dir, p->index, NULL, &made, &why), -EBADMSG);
	assert_non_null(strstr(why.detail, "b.pem"));
	assert_int_equal(made, 1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(dlk_crlindex_compile_all(p->dir, p->index, NULL, &made, &why), 0);
	assert_int_equal(made, 0);
	snprintf(path, sizeof(path), "%s.77.new", p->file);
	write_file(path, dlk_bytes_str("half"));
	assert_int_equal(files_in(p->index), 2);
	assert_int_equal(dlk_crlindex_sweep(p->index), 0);
	assert_int_equal(files_in(p->index), 1);
	assert_int_equal(unlink(p->list), 0);
	assert_int_equal(dlk_crlindex_sweep(p->index), 0);
	assert_int_equal(files_in(p->index), 0);
}

static void
nobody_else_may_own_the_directory(void **state)
{
	struct place *p = *state;
	enum dlk_crlindex_outcome outcome;

	compile(p);
	assert_int_equal(chmod(p->index, 0777), 0);
	assert_false(is_current(p));
	assert_int_equal(
	    dlk_crlindex_compile(p->list, p->index, NULL, &outcome, NULL), -DLK_EOWNER);
	assert_int_equal(dlk_crlindex_sweep(p->index), -DLK_EOWNER);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED(an_index_answers_as_its_list),
		PLACED(any_change_of_the_list_ends_it),
		PLACED(an_index_of_another_list_is_refused),
		PLACED(a_damaged_index_never_answers),
		PLACED(a_cut_index_is_refused),
		PLACED(damage_without_the_list_is_an_error),
		PLACED(what_breaks_a_rule_is_not_compiled),
		PLACED(ed25519_is_read_each_time),
		PLACED(a_directory_is_compiled_and_swept),
		PLACED(nobody_else_may_own_the_directory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
