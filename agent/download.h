/* SPDX-License-Identifier: MIT */
/*
 * download.h - one file from the web into an open file. http and https alone, redirections
 * within the scheme, bounded in time and size; what the octets mean is for somebody else.
 */
#ifndef DLK_AGENT_DOWNLOAD_H
#define DLK_AGENT_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define DLK_DOWNLOAD_MAX   (256L * 1024 * 1024) /* octets */
#define DLK_DOWNLOAD_WORDS 512

struct dlk_download {
	const char *url;
	int fd;        /* empty, open for writing */
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

/* http or https, without a user's name. */
bool dlk_download_is_web(const char *url);
/* No loopback, link-local, multicast, unspecified or reserved address, in any spelling. */
bool dlk_download_may_reach(const struct sockaddr *address, size_t size);

#endif
