/* SPDX-License-Identifier: MIT */
/* status.h - GET /metrics and GET /v1/status: the agent about itself. */
#ifndef DLK_AGENT_STATUS_H
#define DLK_AGENT_STATUS_H

#include "agent/house.h"
#include "agent/http.h"

/* Handlers of routes that are restricted; `arg` is the struct dlk_house. */
void dlk_status_metrics(struct dlk_http *http, const struct dlk_http_request *request,
    const struct dlk_peer *peer, void *arg);
void dlk_status_handle(struct dlk_http *http, const struct dlk_http_request *request,
    const struct dlk_peer *peer, void *arg);

#endif
