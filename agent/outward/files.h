/* SPDX-License-Identifier: MIT */
/* files.h - the files of TLS that the configuration names, as the agent has read them. */
#ifndef DLK_OUTWARD_FILES_H
#define DLK_OUTWARD_FILES_H

#include "agent/outwire.h"

/* Zeroed memory has none; each by its number of enum dlk_out_file. */
struct dlk_out_files {
	struct dlk_buf content[DLK_OUT_FILES];
};

/* Takes the place of the one before. 0, -ENOMEM, -EBADMSG. */
int dlk_out_files_set(struct dlk_out_files *files, int64_t which, struct dlk_bytes content);
void dlk_out_files_fini(struct dlk_out_files *files); /* wipes */
/* For libraries that only read a path: a file in memory, and its name in `path`. 0 or
 * -errno. */
int dlk_out_files_path(
    const struct dlk_out_files *files, enum dlk_out_file which, int *ret_fd, char path[64]);

#endif
