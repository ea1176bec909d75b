/* SPDX-License-Identifier: MIT */
/* auth.h - ANY /v1/auth/PROFILE/SERVICE[/...]: forward authentication for gateways. */
#ifndef DLK_AGENT_AUTH_H
#define DLK_AGENT_AUTH_H

#include "agent/http.h"
#include "agent/question.h"

#define DLK_AUTH_PATH "/v1/auth/"

/* A route's handler; `arg` is the struct dlk_house. Answers 200, 401 (certificate or code
 * missing) or 403 and nothing else, with headers and never a body. */
void dlk_auth_handle(struct dlk_http *http, const struct dlk_http_request *request,
    const struct dlk_peer *peer, void *arg);

#endif
