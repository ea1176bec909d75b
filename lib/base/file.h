/* SPDX-License-Identifier: MIT */
/*
 * file.h - files and directories that are believed, opened so that nobody else can have
 * put them there. Every call returns 0 or -errno; dlk_file_error() has words for it.
 */
#ifndef DLK_BASE_FILE_H
#define DLK_BASE_FILE_H

#include <sys/types.h>

#include "base/bytes.h"

/* Beyond errno.h, returned negated. */
#define DLK_EFTYPE 4001 /* not a regular file, or not a directory */
#define DLK_EOWNER 4002 /* owner or mode let somebody else change or read it */

/* What is asked of a file: nothing where zeroed. */
struct dlk_care {
	bool owned;  /* root's or `owner`'s, not writable by group or others */
	bool secret; /* besides: not readable by others; group reading is for the group's owner
		      */
	uid_t owner; /* besides root; 0: root alone */
};

#define DLK_AUTO_FD __attribute__((cleanup(dlk_fd_close))) int
void dlk_fd_close(int *fd); /* closes and sets -1; keeps errno */

/* Regular files alone, a fifo does not block. A link is followed: with `care` its target is
 * looked at, and only the owner of its directory can have made it. */
int dlk_file_open(const char *path, const struct dlk_care *care, int *ret_fd);
int dlk_dir_open(const char *path, const struct dlk_care *care, int *ret_fd);
int dlk_file_open_at(int dir, const char *name, const struct dlk_care *care, int *ret_fd);
/* Appends the whole file; -EFBIG where it is longer than `most` octets. */
int dlk_file_read(
    const char *path, size_t most, const struct dlk_care *care, struct dlk_buf *buf);
int dlk_fd_read(int fd, size_t most, struct dlk_buf *buf);
int dlk_fd_write(int fd, struct dlk_bytes content);
/* Each directory above an absolute path, and the path itself, is root's or `owner`'s and not
 * writable by others, sticky directories aside. */
int dlk_path_check(const char *path, uid_t owner);
/* Replaces dir/name atomically: temporary file, fsync, rename, fsync of the directory. */
int dlk_file_replace(int dir, const char *name, mode_t mode, struct dlk_bytes content);
/* Sorted names in a directory that end in one of the suffixes (NULL-ended list), at most
 * `most`, without those that begin with a dot. Freed by dlk_names_free. */
int dlk_dir_list(
    int dir, const char *const *suffixes, size_t most, char ***ret_names, size_t *ret_n);
void dlk_names_free(char **names, size_t n);
/* "dir/name"; 0 or -ENAMETOOLONG. */
int dlk_path_join(char *out, size_t size, const char *dir, const char *name);
/* Plain words for what a call here has returned (either sign). */
const char *dlk_file_error(int error);

#endif
