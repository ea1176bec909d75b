/* SPDX-License-Identifier: MIT */
/* child.h - a program of ours as a child process at the other end of a socket. */
#ifndef DLK_PAM_CHILD_H
#define DLK_PAM_CHILD_H

#include <stdint.h>
#include <sys/types.h>

/* Starts `path` with two arguments (NULL: left out) in a session of its own with nothing but
 * the socket: no environment, no other descriptors, default signals. Its path has to be root's
 * from "/" on. 0 or -errno; dlk_file_error() has words. */
int dlk_child_start(
    const char *path, const char *first, const char *second, pid_t *ret_pid, int *ret_fd);
/* Closes the socket and leaves no process behind: what has not ended by then is killed. The
 * host's signal handling is not touched, and what it has reaped itself is never signalled. */
void dlk_child_end(pid_t pid, int *fd, int64_t deadline_ms);

#endif
