/* SPDX-License-Identifier: MIT */
/*
 * spopmessage.h - what a NOTIFY asks, and what its ACK says of the verdict.
 *
 *     src      address   the one source
 *     cert     binary    DER of the client's certificate; nothing: it has none
 *     chain    binary    further certificates in DER, one after another
 *     service  string    else the message's name is the service
 *     user, code         strings
 *     scope    string    "sess": the variables last as long as the connection; else "txn"
 *     verify   integer   is not looked at: every certificate is judged here
 */
#ifndef DLK_AGENT_SPOPMESSAGE_H
#define DLK_AGENT_SPOPMESSAGE_H

#include "agent/spopframe.h"
#include "model/verdict.h"

struct dlk_spop_question {
	struct dlk_request *request; /* borrowed; gets what is asked */
	struct dlk_finding refusal;  /* where something in it is nothing to judge */
	enum dlk_spop_scope scope;
};

/* A payload that is a list of messages with arguments. What is wrong with those is in the
 * refusal: then somebody has to be told no. */
enum dlk_spop_status dlk_spop_message_read(
    struct dlk_bytes payload, struct dlk_spop_question *question);

/* Sets ok, status (200, 401, 403), reason; and where ok user, subject, serial, fingerprint,
 * of which those after user are left out where the frame has no room. 0, -EMSGSIZE, ... */
int dlk_spop_put_verdict(struct dlk_buf *buf, size_t frame_max,
    const struct dlk_spop_ack *where, const struct dlk_verdict *verdict);

#endif
