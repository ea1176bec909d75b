/* SPDX-License-Identifier: MIT */
/* sandbox.h - what a process of ours gives up before it reads a foreign byte. 0 or -errno. */
#ifndef DLK_AGENT_SANDBOX_H
#define DLK_AGENT_SANDBOX_H

#include <sys/types.h>

#ifndef DLK_USER
#define DLK_USER "doublelock"
#endif

/* Limits, signal mask and dispositions, umask and working directory as for a daemon. */
int dlk_sandbox_reset(void);
/* So many descriptors, or as many as it may have. 0 or -errno. */
int dlk_sandbox_allow_files(unsigned n);
/* Becomes the user for good (all three uids and gids, its one group) and proves that the way
 * back is shut. Not root already: 0 only where the process is that user. */
int dlk_sandbox_become(const char *user);
/* no_new_privs, not dumpable, no core. */
int dlk_sandbox_harden(void);

#endif
