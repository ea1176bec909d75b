/* SPDX-License-Identifier: MIT */
/*
 * watch.c - one number for the state of all files of a configuration. It reads none of them;
 * stat(2) needs no right to read, works on every file system and misses no event.
 */
#include "agent/watch.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* FNV-1a, 64 bits */
static void
mix(uint64_t *print, const void *what, size_t n)
{
	const uint8_t *p = what;

	for (size_t i = 0; i < n; i++)
		*print = (*print ^ p[i]) * 0x100000001b3U;
}

static void
mix_number(uint64_t *print, int64_t number)
{
	mix(print, &number, sizeof(number));
}

static void
mix_stat(uint64_t *print, const struct stat *st)
{
	mix_number(print, (int64_t)st->st_dev);
	mix_number(print, (int64_t)st->st_ino);
	mix_number(print, st->st_size);
	mix_number(print, st->st_mode);
	mix_number(print, st->st_uid);
	mix_number(print, st->st_mtim.tv_sec);
	mix_number(print, st->st_mtim.tv_nsec);
	mix_number(print, st->st_ctim.tv_sec);
	mix_number(print, st->st_ctim.tv_nsec);
}

static bool
ends(const char *name, const char *suffix)
{
	size_t n = strlen(name), tail = strlen(suffix);

	return n >= tail && strcmp(name + n - tail, suffix) == 0;
}

/* The sum does not depend on the order in which a directory is read. Only names that end in
 * `suffix` count. */
static void
mix_directory(uint64_t *print, const char *path, const char *suffix)
{
	DIR *dir = opendir(path);
	uint64_t sum = 0;
	struct stat st;

	if (!dir)
		return;
	for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		uint64_t one = 0xcbf29ce484222325U;
		if (e->d_name[0] == '.' || !ends(e->d_name, suffix) ||
		    fstatat(dirfd(dir), e->d_name, &st, 0) < 0)
			continue;
		mix(&one, e->d_name, strlen(e->d_name));
		mix_stat(&one, &st);
		sum += one;
	}
	(void)closedir(dir);
	mix_number(print, (int64_t)sum);
}

static void
mix_path(uint64_t *print, const char *path)
{
	struct stat st;

	if (!path)
		return;
	mix(print, path, strlen(path) + 1);
	if (stat(path, &st) < 0)
		return;
	mix_stat(print, &st);
	if (S_ISDIR(st.st_mode))
		mix_directory(print, path, "");
}

static void
mix_paths(uint64_t *print, char *const *path, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mix_path(print, path[i]);
}

uint64_t
dlk_watch_print(const struct dlk_settings *settings)
{
	uint64_t print = 0xcbf29ce484222325U;
	struct stat st;

	mix_path(&print, settings->file);
	mix_paths(&print, settings->files.text, settings->files.n);
	for (size_t i = 0; i < settings->policy.n_sets; i++)
		mix_paths(&print, settings->policy.set[i].anchors,
		    settings->policy.set[i].n_anchors);
	mix_paths(&print, settings->intermediates.text, settings->intermediates.n);
	mix_paths(&print, settings->crls.text, settings->crls.n);
	/* what was fetched; an index beside it changes nothing */
	mix_directory(&print, settings->index, ".crl");
	mix_path(&print, settings->seal_key);
	mix_path(&print, settings->tls.certificate);
	mix_path(&print, settings->tls.key);
	mix_path(&print, settings->tls.clients);
	mix_path(&print, settings->webhook.secret_file);
	mix_path(&print, settings->ldap.ca);
	mix_path(&print, settings->ldap.password_file);
	mix_path(&print, settings->webhook.ca);
	mix_path(&print, settings->webhook.certificate);
	mix_path(&print, settings->webhook.key);
	if (settings->store && stat(settings->store, &st) == 0) {
		mix_number(&print, (int64_t)st.st_dev);
		mix_number(&print, (int64_t)st.st_ino);
	}
	return print;
}
