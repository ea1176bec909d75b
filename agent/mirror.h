/* SPDX-License-Identifier: MIT */
/*
 * mirror.h - keeps the cache of a directory's certificates (store/directory.h) as the
 * directory is, in a thread of its own. A login never waits for it; where the directory cannot
 * be reached, what was read last stays.
 */
#ifndef DLK_AGENT_MIRROR_H
#define DLK_AGENT_MIRROR_H

#include <sys/types.h>

#include "agent/keeper.h"

struct dlk_mirror;
/* `config` and the keeper are borrowed; the configuration is read again each time. 0 or
 * -errno. */
int dlk_mirror_new(const char *config, uid_t owner, const struct dlk_keeper *keeper,
    struct dlk_mirror **ret_mirror);
/* The configuration may be another one: looks at once. From any thread. */
void dlk_mirror_wake(struct dlk_mirror *mirror);
/* Gives up what is under way. NULL is fine. */
void dlk_mirror_free(struct dlk_mirror *mirror);

#endif
