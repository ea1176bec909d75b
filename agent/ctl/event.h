/* SPDX-License-Identifier: MIT */
/* event.h - one event of the record, for people and for programs. */
#ifndef DLK_AGENT_CTL_EVENT_H
#define DLK_AGENT_CTL_EVENT_H

#include "ctl.h"

json_t *ctl_event_json(const struct dlk_event *event); /* NULL: out of memory */
int ctl_event_print(const struct dlk_event *event);    /* one line; 0 or -1 */

#endif
