/* SPDX-License-Identifier: MIT */
/*
 * crlindex.h - compiled lists on disk: one index file per file of CRLs, found by its path and
 * current as long as that file is the one that was compiled.
 */
#ifndef DLK_STORE_CRLINDEX_H
#define DLK_STORE_CRLINDEX_H

#include "base/file.h"
#include "core/crl.h"

/* Names of files of CRLs, for dlk_dir_list(). */
extern const char *const dlk_crl_suffixes[];

enum dlk_crlindex_outcome {
	DLK_CRLINDEX_CURRENT = 0, /* there was one already, and all of it is sound */
	DLK_CRLINDEX_MADE,
	DLK_CRLINDEX_IMPOSSIBLE /* signed whole (Ed25519), or too many lists: read each time */
};

/*
 * Compiles the file `path` (absolute; opened with `care`) into the directory `index` unless
 * the index there is current and sound. 0; -EBADMSG where a list in the file breaks a rule;
 * -errno; with words in `finding`. Memory does not grow with the lists. Several processes may
 * do this at the same time.
 */
int dlk_crlindex_compile(const char *path, const char *index, const struct dlk_care *care,
    enum dlk_crlindex_outcome *ret_outcome, struct dlk_finding *finding);
/* `path` may be a directory too: each of its lists; *ret_made counts those that were made.
 * The first error is returned, after all files had their turn. */
int dlk_crlindex_compile_all(const char *path, const char *index, const struct dlk_care *care,
    size_t *ret_made, struct dlk_finding *finding);
/* Removes index files whose list is gone, and what a killed compiler left. 0 or -errno. */
int dlk_crlindex_sweep(const char *index);

/* Adds the lists of `path`, open as `fd`, from their index. 1 added, 0 there is no current
 * index (nothing was added), -ENOMEM. */
int dlk_crlindex_load(const char *path, int fd, const char *index, const struct dlk_care *care,
    struct dlk_crls *crls);

/* Whether there is a current index for the open file, every octet of it sound. */
bool dlk_crlindex_is_sound(const char *path, int fd, const char *index);

/* Adds the lists of an index that is open itself, whatever it was made of: to see whether
 * they can be used. 0, -EBADMSG with words in `finding`, -errno. */
int dlk_crlindex_check(int index, struct dlk_crls *crls, struct dlk_finding *finding);

/* A file as a source of octets, from where it stands. */
struct dlk_octet_source dlk_fd_source(int *fd);

#endif
