/* SPDX-License-Identifier: MIT */
/* remote.h - the gateways on other hosts that a configuration lets come, by name. */
#ifndef DLK_CONFIG_REMOTE_H
#define DLK_CONFIG_REMOTE_H

#include "config/settings.h"
#include "store/clients.h"

/* Those in [agent] clients; each name in vouch, ask-for and readers is one of them. 0 and NULL
 * where there are none; or -errno with words in `finding` (fault-config). */
int dlk_remote_load(const struct dlk_settings *settings, const struct dlk_care *care,
    struct dlk_clients **ret_clients, struct dlk_finding *finding);

#endif
