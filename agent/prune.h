/* SPDX-License-Identifier: MIT */
/* prune.h - fetched lists that nobody asks for any more. */
#ifndef DLK_AGENT_PRUNE_H
#define DLK_AGENT_PRUNE_H

#include "agent/crlurls.h"

/* Removes the fetched files whose URL is not among `urls` and whose lists were all over a week
 * before `now`: they cover nobody, and who tries to put them back is told by their dates. */
void dlk_prune(
    const struct dlk_settings *settings, const struct dlk_crl_urls *urls, int64_t now);

#endif
