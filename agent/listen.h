/* SPDX-License-Identifier: MIT */
/* listen.h - the sockets that the agent is asked on. 0 or -errno, words in `finding`. */
#ifndef DLK_AGENT_LISTEN_H
#define DLK_AGENT_LISTEN_H

#include "config/settings.h"

#define DLK_LISTEN_MAX 8

/* What is spoken there. */
enum dlk_speech { DLK_SPEECH_HTTP = 0, DLK_SPEECH_SPOP, DLK_SPEECH_FASTCGI, DLK_SPEECH_TLS };

struct dlk_listeners {
	int fd[DLK_LISTEN_MAX];
	enum dlk_speech speech[DLK_LISTEN_MAX];
	size_t n;
};

/* Those that systemd has opened (LISTEN_FDS, sd_listen_fds(3)); none is 0 and n = 0. One that
 * is named (FileDescriptorName=) spop or fastcgi speaks that, and one of TCP speaks TLS. */
int dlk_listen_inherited(struct dlk_listeners *ret_listeners, struct dlk_finding *finding);
/*
 * Adds "unix:/path", "spop:/path", "fastcgi:/path" and "tls:address:port" of [agent] listen.
 * Where some were inherited they stand for all of unix:, and for the others whose path or
 * address they have; one of TCP that no tls: has is refused. To a path anybody may connect:
 * who it is, the kernel says (SO_PEERCRED). The path appears whole, ready and with its mode; a
 * socket that another agent answers on is -EADDRINUSE, a dead one is replaced.
 */
int dlk_listen_open(const struct dlk_strings *where, struct dlk_listeners *listeners,
    struct dlk_finding *finding);
/* Moves those that speak so into `ret_taken`. */
void dlk_listeners_take(
    struct dlk_listeners *listeners, enum dlk_speech speech, struct dlk_listeners *ret_taken);

#endif
