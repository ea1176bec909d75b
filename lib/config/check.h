/* SPDX-License-Identifier: MIT */
/* check.h - what a configuration must not say as a whole. Private to this folder. */
#ifndef DLK_CONFIG_CHECK_H
#define DLK_CONFIG_CHECK_H

#include "config/settings.h"

/* Gives exceptions what they do not state themselves, and refuses what makes no sense. 0, or
 * -errno with words in `finding`. */
int dlk_settings_check(
    struct dlk_settings *settings, const char *file, struct dlk_finding *finding);

#endif
