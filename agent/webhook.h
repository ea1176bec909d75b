/* SPDX-License-Identifier: MIT */
/* webhook.h - one receiver, and events that are written and signed for it (Standard Webhooks).
 * What carries them there has no secret of it. */
#ifndef DLK_AGENT_WEBHOOK_H
#define DLK_AGENT_WEBHOOK_H

#include "agent/outward.h"
#include "config/settings.h"
#include "store/events.h"

struct dlk_webhook;
/* *ret_webhook is NULL where no receiver is configured. The secret is read here; the other
 * files for each batch. 0, or -errno with words in `finding` (fault-config). */
int dlk_webhook_new(const struct dlk_settings *settings, uid_t owner,
    struct dlk_webhook **ret_webhook, struct dlk_finding *finding);
void dlk_webhook_free(struct dlk_webhook *webhook); /* wipes; NULL is fine */

/* The files of TLS, for what follows. 0, or -errno; with words where it is a file's fault. */
int dlk_webhook_say_files(
    const struct dlk_webhook *webhook, struct dlk_outward *outward, char *words, size_t size);
/* An event, by its number in the batch. 0, -ENOMEM, -EINVAL, or as dlk_outward_say(). */
int dlk_webhook_say_event(const struct dlk_webhook *webhook, struct dlk_outward *outward,
    size_t index, const struct dlk_delivery *delivery, int64_t now);

#endif
