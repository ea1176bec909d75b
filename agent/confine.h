/* SPDX-License-Identifier: MIT */
/*
 * confine.h - what is left to a judge: the files of its configuration and of the system's
 * accounts to read, its state to write, sockets of this machine. Whoever takes it over by a
 * certificate can open nothing else, reach no network and start no program.
 */
#ifndef DLK_AGENT_CONFINE_H
#define DLK_AGENT_CONFINE_H

#include <stdbool.h>

#include "config/settings.h"

enum dlk_confine {
	DLK_CONFINE_ONCE,  /* one configuration for this process: nothing else is readable */
	DLK_CONFINE_STAYS, /* others may follow: reading is left as it was */
};

/*
 * Of the calling thread and all that it starts from then on, for good. `settings` NULL (they
 * could not be read): the usual places. Sockets and programs are gone when this returns 0,
 * and files where the kernel has Landlock, which *ret_landlock says. -errno: it may not go on.
 */
int dlk_confine(const char *config, const struct dlk_settings *settings, enum dlk_confine how,
    bool *ret_landlock);

#endif
