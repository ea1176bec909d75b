/* SPDX-License-Identifier: MIT */
/*
 * setup_files.c - the files below /etc/doublelock that the first setup would write: compared
 * with what is there, shown, put together aside so that the judge can look at the whole, and
 * written. It knows names and octets, and reads none of them.
 */
#include "setup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define FILE_MAX ((size_t)256 * 1024 * 1024)

static const char *const dirs[] = { "trust.d", "intermediates.d", "crl.d", "conf.d" };
enum { N_DIRS = sizeof(dirs) / sizeof(dirs[0]) };

void
setup_found_fini(struct setup_found *found)
{
	for (size_t i = 0; i < found->n_files; i++)
		dlk_buf_free(&found->file[i].content);
	dlk_buf_free(&found->about);
	dlk_buf_free(&found->sample);
}

struct setup_file *
setup_add(
    struct setup_found *found, const char *dir, const char *name, struct dlk_bytes content)
{
	struct setup_file *file = &found->file[found->n_files];

	if (found->n_files == SETUP_FILES) {
		(void)ctl_fault("more than %d files", SETUP_FILES);
		return NULL;
	}
	*file = (struct setup_file){ .dir = "" };
	if (!dlk_text_copy(file->dir, sizeof(file->dir), dir) ||
	    !dlk_text_copy(file->name, sizeof(file->name), name) ||
	    dlk_buf_add(&file->content, FILE_MAX, content) != 0) {
		(void)ctl_fault("%s/%s: out of memory", dir, name);
		return NULL;
	}
	found->n_files++;
	return file;
}

static int
trouble(const char *dir, const char *name, int error)
{
	return ctl_fault("%s/%s/%s: %s", DLK_SYSCONFDIR, dir, name, dlk_file_error(error));
}

int
setup_compare(struct setup_found *found)
{
	for (size_t i = 0; i < found->n_files; i++) {
		struct setup_file *file = &found->file[i];
		DLK_AUTO_BUF there = { 0 };
		char path[PATH_MAX];
		int error;

		dlk_text_print(
		    path, sizeof(path), "%s/%s/%s", DLK_SYSCONFDIR, file->dir, file->name);
		error = dlk_file_read(path, FILE_MAX, NULL, &there);
		if (error == -ENOENT)
			file->state = SETUP_NEW;
		else if (error != 0)
			return trouble(file->dir, file->name, error);
		else
			file->state =
			    dlk_bytes_equal(dlk_bytes_of(&there), dlk_bytes_of(&file->content))
				? SETUP_SAME
				: SETUP_BECOMES;
	}
	return CTL_YES;
}

static void
show_lines(const struct dlk_buf *content)
{
	struct dlk_bytes rest = dlk_bytes_of(content);

	while (rest.n > 0) {
		const uint8_t *end = memchr(rest.p, '\n', rest.n);
		size_t n = end ? (size_t)(end - rest.p) + 1 : rest.n;

		printf("    %.*s%s", (int)n, (const char *)rest.p, end ? "" : "\n");
		rest = DLK_BYTES(rest.p + n, rest.n - n);
	}
}

void
setup_show(const struct setup_found *found)
{
	static const char *const words[] = { "new", "becomes", "same" };

	for (size_t i = 0; i < found->n_files; i++) {
		const struct setup_file *file = &found->file[i];

		printf("%-8s%s/%s/%s\n", words[file->state], DLK_SYSCONFDIR, file->dir,
		    file->name);
		if (strcmp(file->dir, "conf.d") == 0 && file->state != SETUP_SAME)
			show_lines(&file->content);
	}
}

/* ---- aside ---- */

static void
empty_dir(int above, const char *name)
{
	int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		dlk_fd_close(&fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			(void)unlinkat(fd, entry->d_name, 0);
	closedir(dir);
}

void
setup_unstage(void)
{
	DLK_AUTO_FD fd = open(SETUP_STAGE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	for (size_t i = 0; i < N_DIRS; i++) {
		empty_dir(fd, dirs[i]);
		(void)unlinkat(fd, dirs[i], AT_REMOVEDIR);
	}
	empty_dir(AT_FDCWD, SETUP_STAGE);
	(void)rmdir(SETUP_STAGE);
}

static bool
is_ours(const struct setup_found *found, const char *dir, const char *name)
{
	for (size_t i = 0; i < found->n_files; i++)
		if (strcmp(found->file[i].dir, dir) == 0 &&
		    strcmp(found->file[i].name, name) == 0)
			return true;
	return false;
}

/* What is there already, as links. */
static int
link_present(const struct setup_found *found, int stage, const char *dir)
{
	static const char *const any[] = { "", NULL };
	DLK_AUTO_FD real = -1, staged = -1;
	char path[PATH_MAX], **name = NULL;
	size_t n = 0;
	int error;

	if (mkdirat(stage, dir, 0755) != 0)
		return -errno;
	staged = openat(stage, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (staged < 0)
		return -errno;
	dlk_text_print(path, sizeof(path), "%s/%s", DLK_SYSCONFDIR, dir);
	error = dlk_dir_open(path, NULL, &real);
	if (error != 0)
		return error == -ENOENT ? 0 : error;
	error = dlk_dir_list(real, any, 4096, &name, &n);
	for (size_t i = 0; i < n && error == 0; i++) {
		dlk_text_print(path, sizeof(path), "%s/%s/%s", DLK_SYSCONFDIR, dir, name[i]);
		if (!is_ours(found, dir, name[i]) && symlinkat(path, staged, name[i]) != 0)
			error = -errno;
	}
	dlk_names_free(name, n);
	return error;
}

static int
write_file(const char *base, const struct setup_file *file)
{
	DLK_AUTO_FD dir = -1;
	char path[PATH_MAX];
	int error;

	dlk_text_print(path, sizeof(path), "%s/%s", base, file->dir);
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return -errno;
	error = dlk_dir_open(path, &(struct dlk_care){ .owned = true }, &dir);
	return error ? error
		     : dlk_file_replace(dir, file->name, 0644, dlk_bytes_of(&file->content));
}

static int
fill_stage(const struct setup_found *found, int stage)
{
	int error = 0;

	if (faccessat(AT_FDCWD, DLK_CONFIG_FILE, F_OK, 0) != 0)
		error = dlk_file_replace(stage, "doublelock.conf", 0644, DLK_BYTES("", 0));
	else if (symlinkat(DLK_CONFIG_FILE, stage, "doublelock.conf") != 0)
		error = -errno;
	for (size_t i = 0; i < N_DIRS && error == 0; i++)
		error = link_present(found, stage, dirs[i]);
	for (size_t i = 0; i < found->n_files && error == 0; i++)
		error = write_file(SETUP_STAGE, &found->file[i]);
	return error
		   ? error
		   : dlk_file_replace(stage, "sample.pem", 0644, dlk_bytes_of(&found->sample));
}

int
setup_stage(const struct setup_found *found)
{
	DLK_AUTO_FD fd = -1;
	int error = 0;

	setup_unstage();
	(void)umask(022);
	if (mkdir(SETUP_STAGE, 0755) != 0)
		error = -errno;
	if (error == 0)
		error = dlk_dir_open(SETUP_STAGE, &(struct dlk_care){ .owned = true }, &fd);
	if (error == 0)
		error = fill_stage(found, fd);
	return error ? ctl_fault("%s: %s", SETUP_STAGE, dlk_file_error(error)) : CTL_YES;
}

int
setup_write(const struct setup_found *found)
{
	if (mkdir(DLK_SYSCONFDIR "/certs.d", 0755) != 0 && errno != EEXIST)
		return trouble("certs.d", "", -errno);
	for (size_t d = 0; d < N_DIRS; d++) {
		for (size_t i = 0; i < found->n_files; i++) {
			const struct setup_file *file = &found->file[i];
			int error;

			if (strcmp(file->dir, dirs[d]) != 0 || file->state == SETUP_SAME)
				continue;
			error = write_file(DLK_SYSCONFDIR, file);
			if (error != 0)
				return trouble(file->dir, file->name, error);
		}
	}
	return CTL_YES;
}
