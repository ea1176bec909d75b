/* SPDX-License-Identifier: MIT */
/* listen.h - the sockets that the agent is asked on. 0 or -errno, words in `finding`. */
#ifndef DLK_AGENT_LISTEN_H
#define DLK_AGENT_LISTEN_H

#include "config/settings.h"

#define DLK_LISTEN_MAX 8

struct dlk_listeners {
	int fd[DLK_LISTEN_MAX];
	size_t n;
};

/* Those that systemd has opened (LISTEN_FDS, sd_listen_fds(3)); none is 0 and n = 0. */
int dlk_listen_inherited(struct dlk_listeners *ret_listeners, struct dlk_finding *finding);
/*
 * "unix:/path" for each of [agent] listen. Anybody may connect: who it is, the kernel says
 * (SO_PEERCRED). The path appears whole, ready and with its mode; a socket that another agent
 * answers on is -EADDRINUSE, a dead one is replaced.
 */
int dlk_listen_open(const struct dlk_strings *where, struct dlk_listeners *ret_listeners,
    struct dlk_finding *finding);

#endif
