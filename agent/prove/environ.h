/* SPDX-License-Identifier: MIT */
/*
 * environ.h - where the user's SSH agent listens, as the program that loaded the PAM module
 * was told when it was started: its first environment, which the kernel keeps (proc(5)). For
 * sudo and su that is the user's own, so that nothing need be let through by sudo's env_keep,
 * and the module reads no environment. Hostile octets.
 */
#ifndef DLK_PROVE_ENVIRON_H
#define DLK_PROVE_ENVIRON_H

#include <sys/types.h>

#include "base/bytes.h"

#define DLK_ENVIRON_MAX (4 * 1024 * 1024) /* octets; a program gets no more by default */
#define DLK_AGENT_PATH  107               /* characters of sun_path */

/* The block of a process; for root, before it becomes somebody else. 0 or -errno. */
int dlk_environ_open(pid_t pid, int *ret_fd);
/* The value of SSH_AUTH_SOCK in a block, the first one, as getenv() would have it; room for
 * DLK_AGENT_PATH + 1. -ENOENT where there is none; -EINVAL where it is no absolute path of
 * printable ASCII, or too long. */
int dlk_environ_agent(struct dlk_bytes block, char *ret_path);

#endif
