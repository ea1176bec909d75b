/* SPDX-License-Identifier: MIT */
/* client.h - the asker's end of a unix socket of the agent. Who answers there is proven. */
#ifndef DLK_WIRE_CLIENT_H
#define DLK_WIRE_CLIENT_H

#include "wire/codec.h"

/* root's, where there is no account of the agent's. */
uid_t dlk_client_agent(void);
/* Connects, without waiting. Each directory above the socket is root's or the agent's, so that
 * nobody else can have put their own there, and the process that listens is one of them. 0,
 * -DLK_EOWNER, -EAGAIN (its queue is full), -errno. */
int dlk_client_connect(const char *path, uid_t agent, int *ret_fd);
/* One request, one verdict, before the deadline, and its challenge where it has one (appended;
 * NULL: not wanted). 0, or -errno and no verdict. */
int dlk_client_ask(int fd, const struct dlk_request *request, int64_t deadline_ms,
    struct dlk_verdict *ret_verdict, struct dlk_buf *challenge);
/* Its two halves, for who does something else in between. */
int dlk_client_say(int fd, const struct dlk_request *request, int64_t deadline_ms);
int dlk_client_hear(
    int fd, int64_t deadline_ms, struct dlk_verdict *ret_verdict, struct dlk_buf *challenge);
/* As dlk_client_ask of a key that sshd was shown: the line for it is appended to `offer`. */
int dlk_client_offer(int fd, const struct dlk_request *request, int64_t deadline_ms,
    struct dlk_verdict *ret_verdict, struct dlk_buf *offer);
/* Plain words for what these have returned. */
const char *dlk_client_error(int error);

#endif
