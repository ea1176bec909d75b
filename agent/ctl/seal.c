/* SPDX-License-Identifier: MIT */
/*
 * seal.c - the key under which secrets rest: made once, and changed without losing a token.
 *
 * The file is root's, and the group of the judge reads it. Old keys stay in it: recovery
 * codes and backups know them by name.
 */
#include "seal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "sandbox.h"
#include "store/tokens.h"

#define FILE_MAX  (64 * 1024)
#define NAMES_MAX 64 /* more than a file has keys */

struct place {
	struct dlk_settings *settings;
	char directory[PATH_MAX], name[NAME_MAX + 1];
};

static void
place_fini(struct place *p)
{
	dlk_settings_free(p->settings);
}
#define AUTO_PLACE __attribute__((cleanup(place_fini))) struct place

static int
find_place(const char *config, struct place *p)
{
	const struct dlk_care care = { .owned = true, .owner = ctl_owner() };
	struct dlk_finding finding = { 0 };
	char path[PATH_MAX];

	if (dlk_settings_load(
		config ? config : DLK_CONFIG_FILE, &care, &p->settings, &finding) < 0)
		return ctl_fault("%s", finding.detail);
	(void)dlk_text_copy(path, sizeof(path), p->settings->seal_key);
	if (!dlk_text_copy(p->name, sizeof(p->name), basename(path)))
		return ctl_fault("%s: its name is too long", p->settings->seal_key);
	(void)dlk_text_copy(path, sizeof(path), p->settings->seal_key);
	(void)dlk_text_copy(p->directory, sizeof(p->directory), dirname(path));
	return CTL_YES;
}

static int
write_keys(const struct place *p, struct dlk_bytes content)
{
	const struct passwd *judge = geteuid() == 0 ? getpwnam(DLK_USER) : NULL;
	DLK_AUTO_FD dir = -1;

	int r = dlk_dir_open(p->directory, NULL, &dir);
	if (r == 0)
		r = dlk_file_replace(dir, p->name, judge ? 0640 : 0600, content);
	if (r == 0 && judge &&
	    fchownat(dir, p->name, 0, judge->pw_gid, AT_SYMLINK_NOFOLLOW) != 0)
		r = -errno;
	return r < 0 ? ctl_fault("%s: %s%s", p->settings->seal_key, dlk_file_error(r),
			   r == -EACCES ? "; the sealing key is root's" : "")
		     : CTL_YES;
}

/* One more line, and whether all of them together are a file that can be used. */
static int
add_key(int64_t when, struct dlk_bytes old, struct dlk_buf *content)
{
	struct dlk_seal *seal = NULL;
	char id[DLK_TIME_TEXT];

	dlk_time_compact(when, id);
	int r = dlk_seal_generate(id, content);
	if (r == 0)
		r = dlk_buf_add(content, FILE_MAX, old);
	if (r == 0)
		r = dlk_seal_parse(dlk_bytes_of(content), &seal);
	dlk_seal_free(seal);
	return r;
}

/* A new key in front of what is in `old`. Its name is the time, or one that is free: two keys
 * of one name would make the file useless, and everybody stay outside. */
static int
put_key(const struct place *p, struct dlk_bytes old)
{
	int64_t now = dlk_clock_now();
	int r = -EBADMSG;

	for (int later = 0; later < NAMES_MAX && r == -EBADMSG; later++) {
		DLK_AUTO_BUF content = { 0 };
		r = add_key(now + later, old, &content);
		if (r == 0)
			return write_keys(p, dlk_bytes_of(&content));
	}
	return ctl_fault("%s: %s", p->settings->seal_key,
	    r == -EBADMSG
		? "it cannot take a further key: a line is not ID:BASE64, or there are "
		  "as many as there may be; nothing was changed"
		: dlk_file_error(r));
}

static bool
is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 || errno != ENOENT;
}

int
ctl_seal_first(const char *config)
{
	AUTO_PLACE p = { .settings = NULL };

	int end = find_place(config, &p);
	if (end != CTL_YES || is_there(p.settings->seal_key) || is_there(p.settings->store))
		return end;
	end = put_key(&p, (struct dlk_bytes){ 0 });
	if (end == CTL_YES)
		fprintf(stderr,
		    "doublelock: note: made %s; keep a copy of it where your other secrets "
		    "are, without it every token is lost\n",
		    p.settings->seal_key);
	return end;
}

static int
init(struct ctl_call *call)
{
	AUTO_PLACE p = { .settings = NULL };
	const char *config = NULL;
	const struct ctl_option table[] = { { .name = "config", .text = &config } };

	if (!CTL_OPTIONS(call, table, 0, 0))
		return CTL_USAGE;
	int end = find_place(config, &p);
	if (end != CTL_YES)
		return end;
	if (is_there(p.settings->seal_key))
		return ctl_refuse("%s is there already; 'doublelock seal rotate' puts a new "
				  "key before the old one",
		    p.settings->seal_key);
	end = put_key(&p, (struct dlk_bytes){ 0 });
	if (end == CTL_YES)
		printf("made %s; keep a copy of it where your other secrets are\n",
		    p.settings->seal_key);
	return end;
}

static int
reseal(const char *config, const char *actor)
{
	DLK_AUTO_ENGINE *engine = NULL;
	size_t n = 0;

	int end = ctl_open(config, DLK_ENGINE_RECORD, &engine);
	if (end != CTL_YES)
		return end;
	int r = dlk_tokens_reseal(dlk_engine_record(engine), actor, dlk_clock_now(), &n);
	if (r < 0)
		return ctl_fault("%s; the new key is in place, and 'doublelock seal rotate' "
				 "goes on where this ended",
		    dlk_record_trouble(dlk_engine_record(engine)));
	printf("%zu secrets are sealed under '%s' now\n", n,
	    dlk_seal_current(dlk_engine_seal(engine)));
	return CTL_YES;
}

static int
rotate(struct ctl_call *call)
{
	AUTO_PLACE p = { .settings = NULL };
	DLK_AUTO_BUF old = { 0 };
	const char *config = NULL;
	const struct ctl_option table[] = { { .name = "config", .text = &config } };
	const struct dlk_care care = { .owned = true, .secret = true, .owner = ctl_owner() };
	char actor[CTL_ACTOR];

	if (!CTL_OPTIONS(call, table, 0, 0))
		return CTL_USAGE;
	ctl_actor(actor);
	int end = find_place(config, &p);
	if (end != CTL_YES)
		return end;
	int r = dlk_file_read(p.settings->seal_key, FILE_MAX, &care, &old);
	if (r < 0)
		return ctl_fault("%s: %s", p.settings->seal_key, dlk_file_error(r));
	end = put_key(&p, dlk_bytes_of(&old));
	return end == CTL_YES ? reseal(config, actor) : end;
}

static int
run(struct ctl_call *call)
{
	static const struct ctl_subject verbs[] = {
		{ .name = "init", .run = init, .synopsis = "[--config FILE]" },
		{ .name = "rotate", .run = rotate, .synopsis = "[--config FILE]" },
	};

	return CTL_DISPATCH(verbs, call);
}

const struct ctl_subject ctl_seal = {
	.name = "seal",
	.run = run,
	.synopsis = "init | rotate",
};

/* The key and the record, where they are not there yet. */
static int
run_init(struct ctl_call *call)
{
	DLK_AUTO_ENGINE *engine = NULL;
	const char *config = NULL;
	const struct ctl_option table[] = { { .name = "config", .text = &config } };

	if (!CTL_OPTIONS(call, table, 0, 0))
		return CTL_USAGE;
	int end = ctl_seal_first(config);
	if (end == CTL_YES)
		end = ctl_open(config, DLK_ENGINE_RECORD | DLK_ENGINE_CREATE, &engine);
	if (end == CTL_YES)
		printf("%s and %s are in place\n", dlk_engine_settings(engine)->seal_key,
		    dlk_engine_settings(engine)->store);
	return end;
}

const struct ctl_subject ctl_init = {
	.name = "init",
	.run = run_init,
	.synopsis = "[--config FILE]",
};
