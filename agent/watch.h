/* SPDX-License-Identifier: MIT */
/* watch.h - has anything changed of the files that a configuration was read from? */
#ifndef DLK_AGENT_WATCH_H
#define DLK_AGENT_WATCH_H

#include "config/settings.h"

/* A number that is another one (but for 1 in 2^64) when a file or directory that the
 * settings name was changed, replaced, added or removed. Not what the agent itself writes:
 * of the database only which file it is. */
uint64_t dlk_watch_print(const struct dlk_settings *settings);

#endif
