/* SPDX-License-Identifier: MIT */
/* prune.c - keeps the directory of fetched lists from growing. What is in force is not its
 * business: it takes away what no judgement can use. */
#include "agent/prune.h"

#include <string.h>
#include <unistd.h>

#include "base/say.h"
#include "base/text.h"
#include "store/anchors.h"
#include "store/crlindex.h"

#define FILES_MOST 65536
#define OVER_S     (7 * 86400)

static bool
is_asked_for(const struct dlk_crl_urls *urls, const char *name)
{
	for (size_t i = 0; i < urls->n; i++)
		if (strcmp(urls->url[i].name, name) == 0)
			return true;
	return false;
}

static bool
is_over(const char *path, const char *index, const struct dlk_care *care, int64_t now)
{
	struct dlk_crl_about about;
	struct dlk_finding ignored = { 0 };
	struct dlk_crls *crls;
	int64_t last = INT64_MIN;

	if (dlk_crls_new(&crls) < 0)
		return false;
	bool known =
	    dlk_crls_load(path, index, care, crls, &ignored) == 0 && dlk_crls_count(crls) > 0;
	for (size_t i = 0; known && i < dlk_crls_count(crls); i++) {
		dlk_crls_describe(crls, i, &about);
		last = about.next_update > last ? about.next_update : last;
	}
	dlk_crls_free(crls);
	return known && last < now - OVER_S;
}

void
dlk_prune(const struct dlk_settings *settings, const struct dlk_crl_urls *urls, int64_t now)
{
	static const char *const suffixes[] = { ".crl", NULL };
	const struct dlk_care own = { .owned = true, .owner = geteuid() };
	char path[PATH_MAX];
	DLK_AUTO_FD dir = -1;
	char **names;
	size_t n, gone = 0;

	if (dlk_dir_open(settings->index, &own, &dir) < 0 ||
	    dlk_dir_list(dir, suffixes, FILES_MOST, &names, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (strlen(names[i]) != DLK_CRL_URL_NAME - 1 || is_asked_for(urls, names[i]) ||
		    dlk_path_join(path, sizeof(path), settings->index, names[i]) < 0 ||
		    !is_over(path, settings->index, &own, now))
			continue;
		gone += unlinkat(dir, names[i], 0) == 0;
	}
	dlk_names_free(names, n);
	if (gone == 0)
		return;
	dlk_say(DLK_NOTICE,
	    "%s: %zu lists that nobody asks for and that are over were removed",
	    settings->index, gone);
	(void)dlk_crlindex_sweep(settings->index);
}
