/* SPDX-License-Identifier: MIT */
/*
 * modules.h - the doors that speak the frames of docs/PROTOCOL.md on a unix socket: one for
 * PAM modules whose program is not root's, or that were given agent=, and one for what runs in
 * or for a gateway. Everything here is for the loop's thread.
 */
#ifndef DLK_AGENT_MODULES_H
#define DLK_AGENT_MODULES_H

#include "agent/house.h"
#include "agent/listen.h"

/* Sockets of these names, in whatever directory. */
#define DLK_MODULES_SOCKET  "module.sock"
#define DLK_GATEWAYS_SOCKET "gateway.sock"

#define DLK_MODULES_MAX 256 /* connections of one door; each is one login */
/* Of one uid that is not 0: connections, and octets that it has to say at most. */
#define DLK_MODULES_OF_ONE_MAX  8
#define DLK_MODULES_OFFERS_MAX  128 /* of the agent's own user: sshd's command */
#define DLK_MODULES_SMALL       4096
#define DLK_GATEWAYS_OF_ONE_MAX 128
#define DLK_GATEWAYS_SMALL      (128 * 1024)
#define DLK_MODULES_ARRIVE_S    10

struct event_base;
struct dlk_modules;

/* The door of this entrance (pam or gateway): takes the sockets of its name out of
 * `listeners`; there may be none. 0 or -errno. */
int dlk_modules_new(struct event_base *base, const struct dlk_house *house,
    enum dlk_entrance entrance, struct dlk_listeners *listeners,
    struct dlk_modules **ret_modules);
void dlk_modules_stop_listening(struct dlk_modules *modules);

#endif
