/* SPDX-License-Identifier: MIT */
/*
 * porch.h - where those come in who speak no HTTP: listening unix sockets, and who it is that
 * connects, as the kernel says. Everything here is for the loop's thread.
 */
#ifndef DLK_AGENT_PORCH_H
#define DLK_AGENT_PORCH_H

#include <sys/socket.h>

#include "agent/listen.h"

struct event_base;
struct dlk_porch;
/* Takes the descriptor; borrows who it is. */
typedef void dlk_porch_come(void *arg, int fd, const struct ucred *peer);

/* `name` is said where descriptors run out. 0 or -ENOMEM. */
int dlk_porch_new(struct event_base *base, const char *name, dlk_porch_come *come, void *arg,
    struct dlk_porch **ret_porch);
/* Takes the socket. 0 or -errno. */
int dlk_porch_listen(struct dlk_porch *porch, int fd);
void dlk_porch_stop_listening(struct dlk_porch *porch);
/* NULL is fine. */
void dlk_porch_free(struct dlk_porch *porch);

#endif
