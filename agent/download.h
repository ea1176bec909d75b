/* SPDX-License-Identifier: MIT */
/*
 * download.h - one file from the web into an open file. http and https alone, redirections
 * within the scheme, bounded in time and size; what the octets mean is for somebody else. The
 * command line asks by itself (agent/outward/download.c), the agent has it asked (outfetch.h).
 */
#ifndef DLK_AGENT_DOWNLOAD_H
#define DLK_AGENT_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define DLK_DOWNLOAD_MAX   (256L * 1024 * 1024) /* octets */
#define DLK_DOWNLOAD_WORDS 512
#define DLK_DOWNLOAD_S     120 /* until it is given up */

struct dlk_download {
	const char *url;
	int fd; /* empty, open for writing, where there is no `put` */
	/* all octets, one run after the other; another return than 0 ends it */
	int (*put)(void *ctx, struct dlk_bytes octets);
	int64_t since; /* only what was modified later; 0: in every case */
	/* an operator named it; what a certificate names leads neither to this machine nor to
	 * its link */
	bool anywhere;
	bool (*stop)(void *ctx); /* asked now and then; may be NULL */
	void *ctx;
};

/* 1 and *ret_modified, as the server says (0: it does not); 0 nothing was modified;
 * -ECANCELED stopped; -EIO. `words` (DLK_DOWNLOAD_WORDS) say why, escaped. Blocks. */
int dlk_download(const struct dlk_download *download, int64_t *ret_modified, char *words);

#endif
