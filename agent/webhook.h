/* SPDX-License-Identifier: MIT */
/* webhook.h - one receiver, and one event on its way to it (libcurl, Standard Webhooks). */
#ifndef DLK_AGENT_WEBHOOK_H
#define DLK_AGENT_WEBHOOK_H

#include <curl/curl.h>

#include "config/settings.h"
#include "store/events.h"

#define DLK_WEBHOOK_WHOLE_MS   15000 /* of one delivery */
#define DLK_WEBHOOK_CONNECT_MS 5000

struct dlk_webhook;
/* *ret_webhook is NULL where no receiver is configured. The secret is read here; the other
 * files by each delivery. 0, or -errno with words in `finding` (fault-config). */
int dlk_webhook_new(const struct dlk_settings *settings, uid_t owner,
    struct dlk_webhook **ret_webhook, struct dlk_finding *finding);
void dlk_webhook_free(struct dlk_webhook *webhook); /* wipes; NULL is fine */

struct dlk_transfer;
/* Borrows the webhook. 0, -ENOMEM, -EIO. */
int dlk_transfer_new(const struct dlk_webhook *webhook, const struct dlk_delivery *delivery,
    int64_t now, struct dlk_transfer **ret_transfer);
CURL *dlk_transfer_easy(const struct dlk_transfer *transfer);
/* When it has ended: true where the receiver has it (2xx). Otherwise words why, and for how
 * many seconds the receiver asked to be left alone. */
bool dlk_transfer_delivered(const struct dlk_transfer *transfer, CURLcode result, char *words,
    size_t size, int64_t *ret_wait);
void dlk_transfer_free(struct dlk_transfer *transfer);

#endif
