/* SPDX-License-Identifier: MIT */
/*
 * outward.h - the agent's side of one doublelock-outward: started when there is something to
 * do, spoken with in messages (outwire.h), dropped when it says what it must not, and started
 * again. Who asks knows what it was doing, and begins that again. Of one thread.
 */
#ifndef DLK_AGENT_OUTWARD_H
#define DLK_AGENT_OUTWARD_H

#include "agent/keeper.h"
#include "agent/outwire.h"

struct dlk_outward;
/* All are borrowed; `purpose` is for the log; `stop`, asked now and then, may be NULL. 0 or
 * -ENOMEM. */
int dlk_outward_new(const struct dlk_keeper *keeper, const char *purpose,
    bool (*stop)(void *ctx), void *ctx, struct dlk_outward **ret_outward);
void dlk_outward_free(struct dlk_outward *outward); /* ends the process; NULL is fine */

/* Until when (monotonic) it is not to be started, because it has died; 0: now. */
int64_t dlk_outward_rest_until(const struct dlk_outward *outward);
unsigned dlk_outward_failures(const struct dlk_outward *outward); /* in a row */
/* Waits until then. 0, -ECANCELED. */
int dlk_outward_rest(const struct dlk_outward *outward);
/* A process that listens, the one before or a new one. 0, -ECANCELED, -errno. */
int dlk_outward_begin(struct dlk_outward *outward);
int dlk_outward_say(struct dlk_outward *outward, const struct dlk_out_message *message);
/* A file of TLS, for what follows; empty: none. */
int dlk_outward_say_file(
    struct dlk_outward *outward, enum dlk_out_file which, struct dlk_bytes content);
/* The next message, borrowed until the one after it. Another error than -ECANCELED is the
 * process's fault: it is told, and the process ended. */
int dlk_outward_hear(
    struct dlk_outward *outward, int64_t until_ms, struct dlk_out_message *ret_message);
/* It has said something that is not said now. -EBADMSG, as above. */
int dlk_outward_out_of_step(struct dlk_outward *outward);
void dlk_outward_end(struct dlk_outward *outward);
/* Plain words for what these have returned. */
const char *dlk_outward_error(int error);

#endif
