/* SPDX-License-Identifier: MIT */
/* file.c - opens what nobody else can have put there, and replaces files whole. Knows modes
 * and owners; what stands in a file is its reader's affair. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
dlk_fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

static bool
trusted_owner(const struct stat *st, uid_t owner)
{
	return st->st_uid == 0 || st->st_uid == owner;
}

static int
check_care(const struct stat *st, const struct dlk_care *care)
{
	if (!care || !care->owned)
		return 0;
	if (!trusted_owner(st, care->owner) || (st->st_mode & (S_IWGRP | S_IWOTH)))
		return -DLK_EOWNER;
	if (care->secret && (st->st_mode & S_IRWXO))
		return -DLK_EOWNER;
	return 0;
}

static int
open_checked(int dir, const char *path, int flags, mode_t type, const struct dlk_care *care,
    int *ret_fd)
{
	DLK_AUTO_FD fd =
	    openat(dir, path, flags | O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int error;

	if (fd < 0)
		return errno == ELOOP ? -DLK_EFTYPE : -errno;
	if (fstat(fd, &st) != 0)
		return -errno;
	if ((st.st_mode & S_IFMT) != type)
		return -DLK_EFTYPE;
	error = check_care(&st, care);
	if (error == 0) {
		*ret_fd = fd;
		fd = -1;
	}
	return error;
}

int
dlk_file_open_at(int dir, const char *name, const struct dlk_care *care, int *ret_fd)
{
	return open_checked(dir, name, 0, S_IFREG, care, ret_fd);
}

int
dlk_file_open(const char *path, const struct dlk_care *care, int *ret_fd)
{
	return dlk_file_open_at(AT_FDCWD, path, care, ret_fd);
}

int
dlk_dir_open(const char *path, const struct dlk_care *care, int *ret_fd)
{
	return open_checked(AT_FDCWD, path, O_DIRECTORY, S_IFDIR, care, ret_fd);
}

int
dlk_fd_read(int fd, size_t most, struct dlk_buf *buf)
{
	size_t start = buf->n;
	uint8_t block[16 * 1024];
	ssize_t n = 0;
	int error = 0;

	while (error == 0) {
		n = read(fd, block, sizeof(block));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if ((size_t)n > most - (buf->n - start))
			error = -EFBIG;
		else
			error = dlk_buf_add(buf, SIZE_MAX, DLK_BYTES(block, (size_t)n));
	}
	if (n < 0)
		error = -errno;
	explicit_bzero(block, sizeof(block));
	return error;
}

int
dlk_file_read(const char *path, size_t most, const struct dlk_care *care, struct dlk_buf *buf)
{
	DLK_AUTO_FD fd = -1;
	int error = dlk_file_open(path, care, &fd);

	return error ? error : dlk_fd_read(fd, most, buf);
}

static int
check_one(const char *path, uid_t owner)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return -errno;
	if (!trusted_owner(&st, owner))
		return -DLK_EOWNER;
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) &&
	    !(S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX)))
		return -DLK_EOWNER;
	return 0;
}

int
dlk_path_check(const char *path, uid_t owner)
{
	char real[PATH_MAX];

	if (path[0] != '/')
		return -EINVAL;
	if (!realpath(path, real))
		return -errno;
	for (;;) {
		int error = check_one(real, owner);
		char *slash = strrchr(real, '/');

		if (error != 0 || strcmp(real, "/") == 0)
			return error;
		slash[slash == real] = '\0';
	}
}

int
dlk_fd_write(int fd, struct dlk_bytes content)
{
	while (content.n > 0) {
		ssize_t n = write(fd, content.p, content.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		content.p += n;
		content.n -= (size_t)n;
	}
	return 0;
}

static int
write_all(int fd, struct dlk_bytes content)
{
	int r = dlk_fd_write(fd, content);

	return r == 0 && fsync(fd) < 0 ? -errno : r;
}

int
dlk_file_replace(int dir, const char *name, mode_t mode, struct dlk_bytes content)
{
	char aside[NAME_MAX + 1];
	int error;

	if (snprintf(aside, sizeof(aside), ".%s.%ld", name, (long)getpid()) >=
	    (int)sizeof(aside))
		return -ENAMETOOLONG;
	if (unlinkat(dir, aside, 0) != 0 && errno != ENOENT)
		return -errno;
	{
		DLK_AUTO_FD fd = openat(
		    dir, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

		if (fd < 0)
			return -errno;
		error = fchmod(fd, mode) == 0 ? write_all(fd, content) : -errno;
	}
	if (error == 0 && renameat(dir, aside, dir, name) != 0)
		error = -errno;
	if (error != 0)
		unlinkat(dir, aside, 0);
	else if (fsync(dir) != 0)
		error = -errno;
	return error;
}

static bool
wanted(const char *name, const char *const *suffixes)
{
	size_t n = strlen(name);

	if (name[0] == '.')
		return false;
	for (; *suffixes; suffixes++) {
		size_t m = strlen(*suffixes);

		if (n > m && strcmp(name + n - m, *suffixes) == 0)
			return true;
	}
	return false;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
add_name(char ***names, size_t *n, const char *name)
{
	char **more = reallocarray(*names, *n + 1, sizeof(**names));

	if (!more)
		return -ENOMEM;
	*names = more;
	more[*n] = strdup(name);
	if (!more[*n])
		return -ENOMEM;
	(*n)++;
	return 0;
}

static void
close_stream(DIR **stream)
{
	if (*stream)
		closedir(*stream);
}

static int
read_names(DIR *stream, const char *const *suffixes, size_t most, char ***names, size_t *n)
{
	for (;;) {
		struct dirent *entry;
		int error;

		errno = 0;
		entry = readdir(stream);
		if (!entry)
			return -errno;
		if (!wanted(entry->d_name, suffixes))
			continue;
		error = *n < most ? add_name(names, n, entry->d_name) : -EFBIG;
		if (error != 0)
			return error;
	}
}

int
dlk_dir_list(
    int dir, const char *const *suffixes, size_t most, char ***ret_names, size_t *ret_n)
{
	__attribute__((cleanup(close_stream))) DIR *stream = NULL;
	DLK_AUTO_FD fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char **names = NULL;
	size_t n = 0;
	int error;

	if (fd < 0)
		return -errno;
	stream = fdopendir(fd);
	if (!stream)
		return -errno;
	fd = -1;
	error = read_names(stream, suffixes, most, &names, &n);
	if (error != 0) {
		dlk_names_free(names, n);
		return error;
	}
	if (n > 0)
		qsort(names, n, sizeof(*names), by_name);
	*ret_names = names;
	*ret_n = n;
	return 0;
}

void
dlk_names_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

int
dlk_path_join(char *out, size_t size, const char *dir, const char *name)
{
	size_t n = strlen(dir);
	const char *slash = n > 0 && dir[n - 1] == '/' ? "" : "/";
	int len = snprintf(out, size, "%s%s%s", dir, slash, name);

	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

const char *
dlk_file_error(int error)
{
	switch (error < 0 ? -error : error) {
	case DLK_EFTYPE:
		return "not a regular file or directory as expected";
	case DLK_EOWNER:
		return "its owner or mode lets somebody else change or read it";
	case EFBIG:
		return "too large";
	default:
		return strerrordesc_np(error < 0 ? -error : error);
	}
}
