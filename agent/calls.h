/* SPDX-License-Identifier: MIT */
/*
 * calls.h - calls of the kernel that a process of ours gives up for good, seccomp(2):
 * programs, other processes, namespaces, and the interfaces by which kernels were broken.
 */
#ifndef DLK_AGENT_CALLS_H
#define DLK_AGENT_CALLS_H

enum dlk_calls {
	DLK_CALLS_LOCAL,   /* of sockets those of this machine are left */
	DLK_CALLS_OUTWARD, /* and those of the internet; but nobody can be listened to */
};

/* Of the calling thread and all that it starts from then on. Sets no_new_privs where it may
 * not do so otherwise. 0 or -errno. */
int dlk_calls_forbid(enum dlk_calls left);

#endif
