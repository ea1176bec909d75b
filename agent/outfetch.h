/* SPDX-License-Identifier: MIT */
/* outfetch.h - one file from the web, by doublelock-outward. */
#ifndef DLK_AGENT_OUTFETCH_H
#define DLK_AGENT_OUTFETCH_H

#include "agent/download.h"
#include "agent/outward.h"

/* As dlk_download(), into the descriptor. Where doublelock-outward dies it begins again. */
int dlk_outfetch(struct dlk_outward *outward, const struct dlk_download *download,
    int64_t *ret_modified, char *words);

#endif
