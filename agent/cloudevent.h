/* SPDX-License-Identifier: MIT */
/* cloudevent.h - an event as CloudEvents 1.0, structured mode (JSON). */
#ifndef DLK_AGENT_CLOUDEVENT_H
#define DLK_AGENT_CLOUDEVENT_H

#include "store/events.h"

#define DLK_CLOUDEVENT_TYPE "application/cloudevents+json; charset=utf-8"

/* `host` is this machine's name, for `source`. Text for free(), or NULL: no memory. Every
 * text of an event is printable ASCII already (model/event.h). */
char *dlk_cloudevent_text(const struct dlk_delivery *delivery, const char *host);

#endif
