/* SPDX-License-Identifier: MIT */
/* build.h - settings while they are being read, for the table of options. Private to this
 * folder. */
#ifndef DLK_CONFIG_BUILD_H
#define DLK_CONFIG_BUILD_H

#include "config/ini.h"
#include "config/settings.h"

/* A key that was set: where, so that a second time can name the first. */
struct dlk_seen {
	char section[DLK_INI_NAME_MAX + 1];
	char key[DLK_INI_NAME_MAX + 1];
	char file[128];
	unsigned line;
};

struct dlk_build {
	struct dlk_settings *settings;
	struct dlk_trust_set *set;   /* of the current [trust ...] section */
	struct dlk_service *service; /* of the current [service ...] section */
	char section[DLK_INI_NAME_MAX + 1];
	struct dlk_seen *seen;
	size_t n_seen;
	char why[160]; /* room for reasons that name something */
	/* The first one in vouch or ask-for who is no user of this machine, and where. */
	char stranger[DLK_INI_LINE_MAX + 1];
	struct dlk_seen stranger_at;
};

/* An option: how a key of a section is read. */
typedef int dlk_option_set(struct dlk_build *build, const char *value, const char **ret_why);
struct dlk_option {
	const char *section; /* first word */
	const char *key;
	dlk_option_set *set;
	bool repeats;
	bool plain_only; /* not in [trust NAME] */
};
/* options_judge.c, options_service.c, options_agent.c, options_directory.c; each ends with an
 * empty row */
extern const struct dlk_option dlk_options_judge[], dlk_options_service[], dlk_options_agent[],
    dlk_options_directory[];
const struct dlk_option *dlk_option_find(const struct dlk_build *build, const char *key);
bool dlk_option_section_known(const char *word);

int dlk_strings_add(struct dlk_strings *strings, const char *text);
void dlk_strings_fini(struct dlk_strings *strings);

#endif
