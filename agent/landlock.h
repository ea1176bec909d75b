/* SPDX-License-Identifier: MIT */
/*
 * landlock.h - which files are left to a thread and all that it starts, landlock(7). Kernels
 * differ in what they can take away; what this one cannot is left out.
 */
#ifndef DLK_AGENT_LANDLOCK_H
#define DLK_AGENT_LANDLOCK_H

#include <stdbool.h>

enum dlk_landlock_right { DLK_LANDLOCK_READ, DLK_LANDLOCK_WRITE /* and read */ };

struct dlk_landlock {
	int ruleset; /* -1: this kernel has no Landlock, and every call is 0 */
	int abi;     /* 0: none */
	bool reads;
};

/* `reads`: reading is taken away as well, beside changing. 0 or -errno. */
int dlk_landlock_open(bool reads, struct dlk_landlock *ret_landlock);
/* Likewise with reading, and TCP is left. */
int dlk_landlock_open_outward(struct dlk_landlock *ret_landlock);
/* TCP alone is gone from here on: sockets that are bound already go on, and none connects. */
int dlk_landlock_forbid_tcp(void);
/* A file, or a directory and all below it. What is not there is no error. */
int dlk_landlock_allow(
    const struct dlk_landlock *landlock, const char *path, enum dlk_landlock_right right);
/* What the links in a directory lead to, for reading. */
int dlk_landlock_allow_links(const struct dlk_landlock *landlock, const char *directory);
/* From here on nothing else can be opened; TCP and signals to others are gone too. */
int dlk_landlock_enter(const struct dlk_landlock *landlock);
void dlk_landlock_fini(struct dlk_landlock *landlock);
#define DLK_AUTO_LANDLOCK __attribute__((cleanup(dlk_landlock_fini))) struct dlk_landlock

#endif
