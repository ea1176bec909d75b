/* SPDX-License-Identifier: MIT */
/* gateway.h - what a program that stands beside a gateway asks, made a request for the core.
 */
#ifndef DLK_AGENT_GATEWAY_H
#define DLK_AGENT_GATEWAY_H

#include "model/request.h"

/* A certificate as the gateway wrote it becomes DER; what is none stays as it came, for the
 * core to refuse with an event. 0 or -ENOMEM. */
int dlk_gateway_read(struct dlk_request *request);

#endif
