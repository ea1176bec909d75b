/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"

static char dir[64];
static int dir_fd = -1;

static int
make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/dlk-file-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -1 : 0;
}

static int
remove_dir(void **state)
{
	static const char *const names[] = { "a.pem", "b.pem", "c.txt", "link.pem",
		"pipe.pem" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlinkat(dir_fd, names[i], 0);
	close(dir_fd);
	return rmdir(dir);
}

static void
put(const char *name, mode_t mode, const char *text)
{
	assert_int_equal(dlk_file_replace(dir_fd, name, mode, dlk_bytes_str(text)), 0);
}

static void
a_file_is_replaced_whole(void **state)
{
	DLK_AUTO_BUF buf = { 0 };
	char path[128];

	(void)state;
	put("a.pem", 0600, "one");
	put("a.pem", 0644, "second");
	assert_int_equal(dlk_path_join(path, sizeof(path), dir, "a.pem"), 0);
	assert_int_equal(dlk_file_read(path, 100, NULL, &buf), 0);
	assert_true(dlk_bytes_equal(dlk_bytes_of(&buf), dlk_bytes_str("second")));
	assert_int_equal(dlk_file_read(path, 6, NULL, &buf), 0);
	assert_int_equal(dlk_file_read(path, 5, NULL, &buf), -EFBIG);
	assert_int_equal(dlk_file_read(dir, 5, NULL, &buf), -DLK_EFTYPE);
	assert_int_equal(dlk_path_join(path, 5, dir, "a.pem"), -ENAMETOOLONG);
}

static void
modes_are_asked_for(void **state)
{
	static const struct {
		mode_t mode;
		bool secret;
		int error;
	} rows[] = {
		{ 0600, true, 0 },
		{ 0640, true, 0 },
		{ 0644, true, -DLK_EOWNER },
		{ 0644, false, 0 },
		{ 0664, false, -DLK_EOWNER },
		{ 0646, false, -DLK_EOWNER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct dlk_care care = {
			.owned = true, .secret = rows[i].secret, .owner = geteuid()
		};
		DLK_AUTO_FD fd = -1;

		put("a.pem", rows[i].mode, "x");
		assert_int_equal(dlk_file_open_at(dir_fd, "a.pem", &care, &fd), rows[i].error);
	}
}

static void
only_files_are_opened(void **state)
{
	DLK_AUTO_FD fd = -1;
	struct dlk_care care = { .owned = true, .owner = geteuid() };

	(void)state;
	assert_int_equal(mkfifoat(dir_fd, "pipe.pem", 0600), 0);
	assert_int_equal(dlk_file_open_at(dir_fd, "pipe.pem", NULL, &fd), -DLK_EFTYPE);
	assert_int_equal(symlinkat("/dev/null", dir_fd, "link.pem"), 0);
	assert_int_equal(dlk_file_open_at(dir_fd, "link.pem", &care, &fd), -DLK_EFTYPE);
	assert_int_equal(dlk_file_open_at(dir_fd, "missing.pem", &care, &fd), -ENOENT);
	assert_int_equal(unlinkat(dir_fd, "pipe.pem", 0), 0);
	assert_int_equal(unlinkat(dir_fd, "link.pem", 0), 0);
}

static void
names_are_sorted_and_chosen(void **state)
{
	static const char *const suffixes[] = { ".pem", ".crt", NULL };
	char **names;
	size_t n;

	(void)state;
	put("b.pem", 0644, "x");
	put("a.pem", 0644, "x");
	put("c.txt", 0644, "x");
	assert_int_equal(dlk_dir_list(dir_fd, suffixes, 10, &names, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(names[0], "a.pem");
	assert_string_equal(names[1], "b.pem");
	dlk_names_free(names, n);
	assert_int_equal(dlk_dir_list(dir_fd, suffixes, 1, &names, &n), -EFBIG);
}

static void
a_path_is_checked_upwards(void **state)
{
	(void)state;
	assert_int_equal(dlk_path_check("/usr/bin/env", 0), 0);
	assert_int_equal(dlk_path_check("usr/bin/env", 0), -EINVAL);
	assert_int_equal(dlk_path_check("/no/such/path", 0), -ENOENT);
	assert_int_equal(fchmod(dir_fd, 0777), 0);
	assert_int_equal(dlk_path_check(dir, geteuid()), -DLK_EOWNER);
	assert_int_equal(fchmod(dir_fd, 0700), 0);
	assert_int_equal(dlk_path_check(dir, geteuid()), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_file_is_replaced_whole, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(modes_are_asked_for, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(only_files_are_opened, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
		    names_are_sorted_and_chosen, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
		    a_path_is_checked_upwards, make_dir, remove_dir),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
