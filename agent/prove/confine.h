/* SPDX-License-Identifier: MIT */
/* confine.h - what is left to doublelock-prove once it is the user. */
#ifndef DLK_PROVE_CONFINE_H
#define DLK_PROVE_CONFINE_H

/* The descriptors that it has, sockets of this machine by their path, memory and the clock: no
 * file can be opened, no program or process started, nobody looked into or signalled, and
 * nobody may look into it. Every call that is not in a short list is EPERM (seccomp), and the
 * file system is gone besides where the kernel has Landlock. 0 or -errno: it may not go on. */
int dlk_prove_confine(void);

#endif
