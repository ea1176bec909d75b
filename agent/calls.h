/* SPDX-License-Identifier: MIT */
/* calls.h - calls of the kernel that are taken away for good, seccomp(2). */
#ifndef DLK_AGENT_CALLS_H
#define DLK_AGENT_CALLS_H

/* From the calling thread and all that it starts: other programs, sockets but AF_UNIX, what
 * looks into other processes, namespaces and mounts, io_uring, bpf. no_new_privs is set with
 * it. 0 or -errno: it may not go on. */
int dlk_calls_forbid(void);

#endif
