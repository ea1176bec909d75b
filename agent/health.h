/* SPDX-License-Identifier: MIT */
/* health.h - GET /healthz: can this agent say yes right now? */
#ifndef DLK_AGENT_HEALTH_H
#define DLK_AGENT_HEALTH_H

#include "agent/http.h"
#include "agent/house.h"

/* A route's handler; `arg` is the struct dlk_house. 200 where the record can be written and
 * no issuer's list of revocation is over, 503 otherwise. Why not, and why a newer
 * configuration is not in force, is shown to root and to the agent's own user alone. */
void dlk_health_handle(struct dlk_http *http, const struct dlk_http_request *request,
    const struct dlk_peer *peer, void *arg);

#endif
