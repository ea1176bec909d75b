/* SPDX-License-Identifier: MIT */
/*
 * openvpn_line.h - a connection to the agent that stands before there is anything to ask, so
 * that a login does not wait for it. There is one: whoever comes with a certificate and
 * without its key takes no place of the agent's from anybody.
 */
#ifndef DLK_AGENT_GATEWAYS_OPENVPN_LINE_H
#define DLK_AGENT_GATEWAYS_OPENVPN_LINE_H

#include <sys/types.h>

#include "openvpn_pool.h"

struct dlk_line;
/* `agent` is borrowed for as long as the line. 0 or -ENOMEM. */
int dlk_line_new(
    const char *agent, uid_t uid, struct dlk_pool *pool, struct dlk_line **ret_line);
/* Only when the pool's threads have ended. */
void dlk_line_free(struct dlk_line *line);
/* Has it made by a thread, where there is none. Waits for nothing. */
void dlk_line_raise(struct dlk_line *line);
/* The caller's own from now on; -1 where there is none, or the agent has given it up. */
int dlk_line_take(struct dlk_line *line);

#endif
