/* SPDX-License-Identifier: MIT */
/*
 * modules.h - the door for PAM modules whose program is not root's, or that were given agent=:
 * the frames of docs/PROTOCOL.md on a unix socket. Everything here is for the loop's thread.
 */
#ifndef DLK_AGENT_MODULES_H
#define DLK_AGENT_MODULES_H

#include "agent/house.h"
#include "agent/listen.h"

#define DLK_MODULES_SOCKET "module.sock" /* a socket of this name, in whatever directory */

#define DLK_MODULES_MAX        256  /* connections; each is one login */
#define DLK_MODULES_OF_ONE_MAX 8    /* of one uid that is not 0 */
#define DLK_MODULES_SMALL      4096 /* octets that one that is not root has to say at most */
#define DLK_MODULES_ARRIVE_S   10

struct event_base;
struct dlk_modules;

/* Takes the sockets of that name out of `listeners`; there may be none. 0 or -errno. */
int dlk_modules_new(struct event_base *base, const struct dlk_house *house,
    struct dlk_listeners *listeners, struct dlk_modules **ret_modules);
size_t dlk_modules_open(const struct dlk_modules *modules); /* questions not answered yet */
void dlk_modules_stop_listening(struct dlk_modules *modules);

#endif
