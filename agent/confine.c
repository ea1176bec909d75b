/* SPDX-License-Identifier: MIT */
/*
 * confine.c - the lists: which files a judge opens. Which calls it never makes is in
 * calls.c; it changes no user and no limit, which sandbox.c does before.
 *
 * Accounts are looked up under it, through whatever nsswitch.conf names: libraries and the
 * files of the usual sources stay readable, and sockets of this machine can be made, so that
 * sssd, nscd and systemd-userdbd are reached. A source that opens a network connection by
 * itself (nss_ldap of old) does not work in here.
 */
#include "agent/confine.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "agent/calls.h"
#include "agent/landlock.h"
#include "base/file.h"
#include "base/text.h"

static const char *const readable[] = {
	/* accounts: the library's own files, and what the modules that it loads need */
	"/etc/nsswitch.conf",
	"/etc/passwd",
	"/etc/group",
	"/etc/localtime",
	"/etc/machine-id",
	"/var/lib/extrausers",
	"/etc/userdb",
	"/run/systemd/userdb",
	"/run/userdb",
	"/usr/lib/userdb",
	"/var/lib/sss/mc",
	"/var/cache/nscd",
	"/run/nscd",
	"/var/db/nscd",
	/* libraries that are loaded late, and what is set for all of OpenSSL */
	"/etc/ld.so.cache",
	"/etc/ld.so.preload",
	"/lib",
	"/lib64",
	"/usr/lib",
	"/usr/lib64",
	"/usr/local/lib",
	"/usr/share/zoneinfo",
	"/etc/ssl/openssl.cnf",
	"/etc/pki/tls/openssl.cnf",
	"/etc/pki/tls/openssl.d",
	"/etc/crypto-policies",
	"/usr/share/crypto-policies",
	"/proc/self",
	"/proc/sys/crypto",
	"/dev/null",
	"/dev/random",
	"/dev/urandom",
};

static int
allow_system(const struct dlk_landlock *landlock)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(readable) / sizeof(readable[0]); i++)
		r = dlk_landlock_allow(landlock, readable[i], DLK_LANDLOCK_READ);
	return r;
}

/* In directories of the configuration links may stand for files that lie elsewhere. */
static int
allow_all(const struct dlk_landlock *landlock, char *const *path, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = dlk_landlock_allow(landlock, path[i], DLK_LANDLOCK_READ);
		if (r == 0)
			r = dlk_landlock_allow_links(landlock, path[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The directory that a file lies in: databases have companions, files are replaced. */
static int
allow_around(
    const struct dlk_landlock *landlock, const char *file, enum dlk_landlock_right right)
{
	char path[PATH_MAX];

	if (!dlk_text_copy(path, sizeof(path), file))
		return -ENAMETOOLONG;
	return dlk_landlock_allow(landlock, dirname(path), right);
}

static int
allow_settings(const struct dlk_landlock *landlock, const struct dlk_settings *s)
{
	const struct dlk_policy *policy = &s->policy;
	int r = allow_around(landlock, s->store, DLK_LANDLOCK_WRITE);

	if (r == 0)
		r = dlk_landlock_allow(landlock, s->index, DLK_LANDLOCK_WRITE);
	for (size_t i = 0; r == 0 && i < policy->n_sets; i++)
		r = allow_all(landlock, policy->set[i].anchors, policy->set[i].n_anchors);
	if (r == 0)
		r = allow_all(landlock, s->intermediates.text, s->intermediates.n);
	if (r == 0)
		r = allow_all(landlock, s->crls.text, s->crls.n);
	if (r == 0)
		r = dlk_landlock_allow(landlock, s->certificates, DLK_LANDLOCK_READ);
	if (r == 0)
		r = dlk_landlock_allow(landlock, s->seal_key, DLK_LANDLOCK_READ);
	return r;
}

/* The file, those of conf.d beside it, and what links among them lead to. */
static int
allow_config(const struct dlk_landlock *landlock, const char *config)
{
	char path[PATH_MAX], parts[PATH_MAX];

	if (!dlk_text_copy(path, sizeof(path), config))
		return -ENAMETOOLONG;
	char *const directory[] = { dirname(path), parts };
	if (dlk_path_join(parts, sizeof(parts), directory[0], "conf.d") < 0)
		return -ENAMETOOLONG;
	return allow_all(landlock, directory, 2);
}

static int
keep_files(const char *config, const struct dlk_settings *settings, enum dlk_confine how,
    bool *ret_landlock)
{
	DLK_AUTO_LANDLOCK landlock = { .ruleset = -1 };
	int r = dlk_landlock_open(how == DLK_CONFINE_ONCE, &landlock);

	if (r == 0)
		r = allow_system(&landlock);
	if (r == 0)
		r = allow_config(&landlock, config);
	if (r == 0)
		r = settings ? allow_settings(&landlock, settings)
			     : dlk_landlock_allow(&landlock, DLK_STATEDIR, DLK_LANDLOCK_WRITE);
	if (r == 0)
		r = dlk_landlock_enter(&landlock);
	*ret_landlock = landlock.ruleset >= 0;
	return r;
}

int
dlk_confine(const char *config, const struct dlk_settings *settings, enum dlk_confine how,
    bool *ret_landlock)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	int r = keep_files(config, settings, how, ret_landlock);
	return r < 0 ? r : dlk_calls_forbid(DLK_CALLS_LOCAL);
}
