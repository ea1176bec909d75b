/* SPDX-License-Identifier: MIT */
/* export.c - the directory that others read from. What goes into it is exportlists.c's and
 * exportkeys.c's. */
#include "agent/export.h"

#include <errno.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

int
dlk_export_open(const char *path, int *ret_dir)
{
	const struct dlk_care own = { .owned = true, .owner = geteuid() };
	int dir;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	int r = dlk_dir_open(path, &own, &dir);
	if (r < 0)
		return r;
	/* whatever the umask; a directory that root has made is as root wants it */
	(void)fchmod(dir, 0755);
	*ret_dir = dir;
	return 0;
}

int
dlk_export(const struct dlk_engine *engine, const struct dlk_crl_urls *urls, uid_t owner,
    int64_t now, struct dlk_exported *ret_exported, char *words)
{
	const struct dlk_settings *settings = dlk_engine_settings(engine);
	DLK_AUTO_FD dir = -1;

	*ret_exported = (struct dlk_exported){ .lists = 0 };
	if (!settings->export || settings->policy.revocation.mode == DLK_REVOCATION_OFF)
		return 0;
	dlk_text_print(words, PATH_MAX, "%s", settings->export);
	int r = dlk_export_open(settings->export, &dir);
	if (r < 0)
		return r;
	if (flock(dir, LOCK_EX) < 0) /* the agent, and an operator's command */
		return -errno;
	r = dlk_export_lists(dir, engine, urls, now, ret_exported);
	if (r < 0)
		dlk_text_print(words, PATH_MAX, "%s/" DLK_EXPORT_LISTS, settings->export);
	int keys = dlk_export_keys(dir, engine, owner, now, ret_exported);
	if (r == 0 && keys < 0)
		dlk_text_print(words, PATH_MAX, "%s/" DLK_EXPORT_KEYS, settings->export);
	return r < 0 ? r : keys;
}
