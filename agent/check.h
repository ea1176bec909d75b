/* SPDX-License-Identifier: MIT */
/* check.h - POST /v1/check: a question and its verdict as JSON. */
#ifndef DLK_AGENT_CHECK_H
#define DLK_AGENT_CHECK_H

#include "agent/http.h"
#include "agent/question.h"

/* A route's handler; `arg` is the struct dlk_house. */
void dlk_check_handle(struct dlk_http *http, const struct dlk_http_request *request,
    const struct dlk_peer *peer, void *arg);
/* Reads the body into the request of a gateway, and into `named` where the certificate is
 * named by issuer and serial number. 0; or -EINVAL, -EMSGSIZE, -ENOMEM and in `text` (of
 * `size` octets) words for whoever asked. */
int dlk_check_parse(struct dlk_bytes body, struct dlk_request *request,
    struct dlk_naming *named, char *text, size_t size);

#endif
