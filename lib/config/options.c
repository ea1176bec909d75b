/* SPDX-License-Identifier: MIT */
/* options.c - every key that a configuration may have is in one of the tables; what is in none
 * does not exist. */
#include <string.h>

#include "config/build.h"

static const struct dlk_option *const tables[] = { dlk_options_judge, dlk_options_service,
	dlk_options_agent, dlk_options_directory };
#define N_TABLES (sizeof(tables) / sizeof(*tables))

bool
dlk_option_section_known(const char *word)
{
	for (size_t i = 0; i < N_TABLES; i++)
		for (const struct dlk_option *o = tables[i]; o->section; o++)
			if (strcmp(o->section, word) == 0)
				return true;
	return false;
}

static const struct dlk_option *
find(const char *section, size_t n, const char *key)
{
	for (size_t i = 0; i < N_TABLES; i++)
		for (const struct dlk_option *o = tables[i]; o->section; o++)
			if (strlen(o->section) == n && memcmp(o->section, section, n) == 0 &&
			    strcmp(o->key, key) == 0)
				return o;
	return NULL;
}

const struct dlk_option *
dlk_option_find(const struct dlk_build *build, const char *key)
{
	size_t word = strcspn(build->section, " ");
	bool named = build->section[word] != '\0';
	const struct dlk_option *option = find(build->section, word, key);

	return option && named && option->plain_only ? NULL : option;
}
