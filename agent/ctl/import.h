/* SPDX-License-Identifier: MIT */
/* import.h - tokens of other programs: what reading a file and reporting on it share. */
#ifndef DLK_AGENT_CTL_IMPORT_H
#define DLK_AGENT_CTL_IMPORT_H

#include "core/gafile.h"
#include "ctl.h"
#include "store/tokens.h"

#define CTL_IMPORT_CHUNK 500 /* tokens of one transaction */

struct import {
	const char *config, *user, *label;
	bool json, dry_run;
	char actor[CTL_ACTOR];
	int64_t now;
	char owner[DLK_NAME_MAX + 1]; /* of the file, "" for root's */
	struct ctl_files files;
	struct dlk_engine *engine; /* NULL in a dry run */
	void *seen;                /* tree of the users that were met, for labels */
	struct dlk_token_row row[CTL_IMPORT_CHUNK];
	size_t line[CTL_IMPORT_CHUNK];
	const char *note[CTL_IMPORT_CHUNK]; /* static words */
	int result[CTL_IMPORT_CHUNK];
	size_t n;
	size_t taken, present, bad;
	int end; /* CTL_FAULT ends the run */
};

/* What becomes of a line; `user` may be NULL. */
void ctl_import_tell(struct import *i, size_t line, enum dlk_import_note note,
    const char *user, const char *words);
/* One token more, under the next free one of its user's labels; stored in chunks. The key is
 * copied. `note` is static words or NULL. */
void ctl_import_add(struct import *i, size_t line, const char *user, const struct dlk_otp *otp,
    const char *note);
/* Stores what is left over. */
void ctl_import_settle(struct import *i);

#endif
