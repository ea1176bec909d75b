/* SPDX-License-Identifier: MIT */
/* session.h - sessions on record, each beside the login that it comes from. */
#ifndef DLK_STORE_SESSION_H
#define DLK_STORE_SESSION_H

#include "store/record.h"

/* Appends the event of a session that begins or ends (request->session). Where the calling
 * process had a login of the same service allowed, or one that it has started a login of the
 * same user and service, the event carries that login's certificate, and "login ID" in its
 * detail; "login ID of USER" where that is another user. A gateway names the login itself, and
 * what it counted stands behind that. 0 or -errno; ret_event_id has
 * DLK_EVENT_ID_TEXT + 1. */
int dlk_session_note(struct dlk_record *record, const struct dlk_caller *caller,
    const struct dlk_request *request, int64_t now, char *ret_event_id);

#endif
