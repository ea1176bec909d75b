/* SPDX-License-Identifier: MIT */
/* inquiry.h - what a gateway has seen, put to the agent as one question. */
#ifndef DLK_AGENT_GATEWAYS_INQUIRY_H
#define DLK_AGENT_GATEWAYS_INQUIRY_H

#include "model/verdict.h"

#ifndef DLK_GATEWAY_SOCKET
#define DLK_GATEWAY_SOCKET DLK_RUNDIR "/gateway.sock"
#endif
#define DLK_CERTIFICATE_TEXT_MAX (64 * 1024) /* octets of one in PEM */

/* A request of a gateway for this service, of a fresh attempt. 0, -EINVAL (the name is none),
 * -EIO (no random octets). */
int dlk_inquiry_begin(const char *service, struct dlk_request *request);
/* States the certificate, as text (PEM) or as DER, whose key the gateway saw used. */
int dlk_inquiry_certify(
    struct dlk_request *request, enum dlk_evidence kind, struct dlk_bytes certificate);
/* A source that is no address is none: some gateways have a telephone number there. */
void dlk_inquiry_locate(struct dlk_request *request, const char *source);

/* Asks on *fd, which is connected first where it is -1 or the agent has gone, and closed where
 * that failed. The
 * verdict is complete in every case; where the agent cannot be asked, believed or understood
 * it is fault-internal, with words. */
void dlk_inquiry_put(const char *path, uid_t agent, int *fd, const struct dlk_request *request,
    int64_t deadline_ms, struct dlk_verdict *ret_verdict);
/* The answer to what dlk_client_say() has said on *fd; as above. */
void dlk_inquiry_hear(
    const char *path, int *fd, int64_t deadline_ms, struct dlk_verdict *ret_verdict);
/* The agent has neither gone nor said anything: it gives up a connection on which no question,
 * or no code, has come. */
bool dlk_inquiry_waits(int fd);
/* A whole yes: recorded, in force, and for the user who was asked for. */
bool dlk_inquiry_allows(const struct dlk_request *request, const struct dlk_verdict *verdict);

#endif
