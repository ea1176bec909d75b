/* SPDX-License-Identifier: MIT */
/* value.h - values as the keys of a configuration have them. 0, or -EINVAL and why in
 * `ret_why`, or -ENOMEM. Private to this folder. */
#ifndef DLK_CONFIG_VALUE_H
#define DLK_CONFIG_VALUE_H

#include "config/build.h"

/* -EINVAL; `why` lasts as long as `build` or the program. */
int dlk_value_wrong(const char **ret_why, const char *why);
int dlk_value_yes(const char *value, bool *ret, const char **ret_why); /* yes, no */
int dlk_value_number(struct dlk_build *build, const char *value, int64_t least, int64_t most,
    unsigned *ret, const char **ret_why);
int dlk_value_duration(const char *value, int64_t *ret, const char **ret_why); /* seconds */
/* Absolute. Replaces what was there. */
int dlk_value_path(const char *value, char **ret, const char **ret_why);
int dlk_value_add_path(struct dlk_strings *strings, const char *value, const char **ret_why);
/* Each word of a list that is separated by commas. */
int dlk_value_words(struct dlk_build *build, const char *value,
    int (*each)(struct dlk_build *, const char *, const char **), const char **ret_why);
bool dlk_value_is_web(const char *value); /* http:// or https:// */

#endif
