/* SPDX-License-Identifier: MIT */
/*
 * import.c - takes over the tokens of google-authenticator, pam_oath and authenticator apps.
 *
 * Every line of the file is answered: taken, there before, passed over because something
 * else holds here, or bad. A bad line keeps no other one out.
 */
#include "import.h"

#include <errno.h>
#include <pwd.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/otpauth.h"
#include "core/usersfile.h"
#include "seal.h"

#define LABEL    "imported"
#define FILE_MAX (256 * 1024 * 1024)

/* ---- the report ---- */

void
ctl_import_tell(struct import *i, size_t line, enum dlk_import_note note, const char *user,
    const char *words)
{
	static const char *const results[] = { [DLK_IMPORT_TAKEN] = "taken",
		[DLK_IMPORT_PASSED] = "passed over",
		[DLK_IMPORT_BAD] = "BAD" };

	i->bad += note == DLK_IMPORT_BAD;
	if (i->json) {
		if (ctl_print(json_pack("{s:I,s:s,s:s,s:s}", "line", (json_int_t)line,
				  "result", note == DLK_IMPORT_BAD ? "bad" : results[note],
				  "user", user ? user : "", "detail", words),
			CTL_YES) != CTL_YES)
			i->end = CTL_FAULT;
	} else {
		printf("%s:%zu: %s: %s%s%s\n", i->files.file[0].label, line, results[note],
		    user ? user : "", user ? ": " : "", words);
	}
}

/* ---- labels ---- */

struct seen {
	unsigned n;
	char user[];
};

static int
by_user(const void *a, const void *b)
{
	const struct seen *left = a, *right = b;

	return strcmp(left->user, right->user);
}

/* The how-many-eth token of the user in this file; 0 where memory ran out. */
static unsigned
count_user(struct import *i, const char *user)
{
	size_t n = strlen(user) + 1;
	struct seen *new = malloc(sizeof(*new) + n);

	if (!new)
		return 0;
	new->n = 0;
	memcpy(new->user, user, n);
	struct seen *const *found = tsearch(new, &i->seen, by_user);
	struct seen *seen = found ? *found : NULL;
	if (seen != new)
		free(new);
	return seen ? ++seen->n : 0;
}

/* ---- tokens ---- */

static void
tell_result(struct import *i, size_t at)
{
	const struct dlk_token_row *row = &i->row[at];
	const char *note = i->note[at] ? i->note[at] : "";
	char words[256];

	if (i->result[at] == -ENOSPC || i->result[at] == -EINVAL) {
		ctl_import_tell(i, i->line[at], DLK_IMPORT_BAD, row->user,
		    i->result[at] == -ENOSPC ? "the user has too many tokens"
					     : "this is no token or no user");
		return;
	}
	bool present = i->result[at] == -EEXIST;
	i->present += present;
	i->taken += !present;
	if (present)
		dlk_text_print(words, sizeof(words), "its token was there before");
	else
		dlk_text_print(words, sizeof(words), "token '%s' %s%s%s", row->token.label,
		    i->dry_run ? "would be made" : "is active", note[0] ? "; " : "", note);
	ctl_import_tell(i, i->line[at], DLK_IMPORT_TAKEN, row->user, words);
}

struct labels {
	const char *base;
	unsigned free; /* the first number that no label of the user has */
};

static int
pass_label(const struct dlk_token_row *row, void *arg)
{
	struct labels *labels = arg;
	size_t n = strlen(labels->base);
	const char *rest = row->token.label + n;
	int64_t number = 0;

	if (strncmp(row->token.label, labels->base, n) == 0 && *rest == '-' &&
	    dlk_int_parse(rest + 1, 2, 1000000, &number) == 0 && number >= labels->free)
		labels->free = (unsigned)number + 1;
	return 0;
}

/* Either the secret is there, or another token has its label: under a label that is free, only
 * the first is left. */
static void
add_relabelled(struct import *i, size_t at)
{
	struct dlk_record *record = dlk_engine_record(i->engine);
	struct dlk_token_row *row = &i->row[at];
	struct labels labels = { .base = i->label ? i->label : LABEL, .free = 2 };
	struct dlk_token token = row->token;
	int64_t id = 0;

	int r = dlk_tokens_each(record, row->user, pass_label, &labels);
	dlk_text_print(token.label, sizeof(token.label), "%.50s-%u", labels.base, labels.free);
	if (r == 0)
		r = dlk_tokens_add(record, row->user, &token, i->actor, i->now, &id);
	if (r == 0)
		row->token = token;
	dlk_secret_wipe(&token.otp.key);
	i->result[at] = r;
	if (r < 0 && r != -EEXIST && r != -ENOSPC && r != -EINVAL)
		i->end = ctl_fault("%s", dlk_record_trouble(record));
}

void
ctl_import_settle(struct import *i)
{
	struct dlk_record *record = i->engine ? dlk_engine_record(i->engine) : NULL;

	memset(i->result, 0, sizeof(i->result));
	if (record && i->n > 0 && i->end != CTL_FAULT &&
	    dlk_tokens_add_many(record, i->row, i->n, i->actor, i->now, i->result) < 0)
		i->end = ctl_fault("%s", dlk_record_trouble(record));
	for (size_t at = 0; at < i->n && i->end != CTL_FAULT; at++) {
		if (i->result[at] == -EEXIST)
			add_relabelled(i, at);
		if (i->end != CTL_FAULT)
			tell_result(i, at);
	}
	explicit_bzero(i->row, sizeof(i->row));
	i->n = 0;
}

void
ctl_import_add(struct import *i, size_t line, const char *user, const struct dlk_otp *otp,
    const char *note)
{
	struct dlk_token_row *row = &i->row[i->n];
	const char *label = i->label ? i->label : LABEL;
	unsigned nth = count_user(i, user);

	memset(row, 0, sizeof(*row));
	(void)dlk_text_copy(row->user, sizeof(row->user), user);
	if (nth > 1)
		dlk_text_print(
		    row->token.label, sizeof(row->token.label), "%.50s-%u", label, nth);
	else
		(void)dlk_text_copy(row->token.label, sizeof(row->token.label), label);
	row->token.otp = *otp;
	i->line[i->n] = line;
	i->note[i->n] = note;
	if (++i->n == CTL_IMPORT_CHUNK)
		ctl_import_settle(i);
}

/* ---- one line each ---- */

static void
take_uri(struct import *i, size_t line, struct dlk_bytes text)
{
	DLK_AUTO_OTPAUTH token = { .issuer = "" };
	const char *why = NULL;

	if (text.n == 0 || text.p[0] == '#')
		return;
	if (dlk_otpauth_parse(text, &token, &why) < 0)
		ctl_import_tell(i, line, DLK_IMPORT_BAD, NULL, why);
	else if (!i->user && !dlk_text_is_name(token.account))
		ctl_import_tell(i, line, DLK_IMPORT_BAD, NULL,
		    "its account is no user's name; --user gives one");
	else
		ctl_import_add(i, line, i->user ? i->user : token.account, &token.otp, NULL);
}

/* A time that was written by a clock of this machine's zone. */
static int64_t
as_local(int64_t civil)
{
	time_t as_utc = (time_t)civil;
	struct tm tm = { 0 };

	if (civil == 0 || !gmtime_r(&as_utc, &tm))
		return 0;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm);
}

static void
take_usersline(struct import *i, size_t line, struct dlk_bytes text)
{
	DLK_AUTO_USERSLINE token = { .user = "" };
	const char *why = NULL;

	int r = dlk_usersline_parse(text, &token, &why);
	if (r == -ENODATA)
		return;
	if (r < 0) {
		ctl_import_tell(i, line, DLK_IMPORT_BAD, NULL, why);
		return;
	}
	dlk_usersline_use(&token, as_local(token.last_time));
	ctl_import_add(i, line, i->user ? i->user : token.user, &token.otp,
	    token.has_password ? "its password is not asked for here" : NULL);
}

static void
each_line(struct import *i, void (*take)(struct import *i, size_t line, struct dlk_bytes text))
{
	struct dlk_bytes rest = dlk_bytes_of(&i->files.file[0].content);

	for (size_t line = 1; rest.n > 0 && i->end != CTL_FAULT; line++) {
		const uint8_t *end = memchr(rest.p, '\n', rest.n);
		size_t n = end ? (size_t)(end - rest.p) : rest.n;
		struct dlk_bytes text = DLK_BYTES(rest.p, n);
		while (text.n > 0 && (text.p[text.n - 1] == '\r' || text.p[text.n - 1] == ' '))
			text.n--;
		take(i, line, text);
		n += end != NULL;
		rest = DLK_BYTES(rest.p + n, rest.n - n);
	}
	ctl_import_settle(i);
}

/* ---- google-authenticator: the whole file is one token ---- */

static void
tell_ga(size_t line, enum dlk_import_note note, const char *words, void *arg)
{
	ctl_import_tell(arg, line, note, NULL, words);
}

/* Codes that the user has here stay. */
static void
take_scratch(struct import *i, const char *user, const struct dlk_gafile *file)
{
	struct dlk_record *record = dlk_engine_record(i->engine);
	size_t left = 0;

	int r = dlk_recovery_left(record, user, &left);
	if (r == 0 && left > 0) {
		ctl_import_tell(i, 0, DLK_IMPORT_PASSED, user,
		    "the scratch codes: there are recovery codes already");
		return;
	}
	if (r == 0)
		r = dlk_recovery_replace(
		    record, user, file->scratch, file->n_scratch, i->actor, i->now);
	if (r < 0)
		i->end = ctl_fault("%s", dlk_record_trouble(record));
}

static void
take_gafile(struct import *i)
{
	const char *user = i->user ? i->user : i->owner;
	DLK_AUTO_GAFILE file = { .n_scratch = 0 };

	if (dlk_gafile_parse(dlk_bytes_of(&i->files.file[0].content), tell_ga, i, &file) < 0)
		return;
	ctl_import_add(i, 1, user, &file.otp, NULL);
	ctl_import_settle(i);
	if (i->engine && i->end != CTL_FAULT && file.n_scratch > 0 && i->present == 0)
		take_scratch(i, user, &file);
}

/* ---- the subject ---- */

static void
import_cleanup(struct import **import)
{
	struct import *i = *import;

	if (!i)
		return;
	ctl_files_fini(&i->files);
	dlk_engine_close(i->engine);
	tdestroy(i->seen, free);
	explicit_bzero(i->row, sizeof(i->row));
	free(i);
}

static bool
read_options(struct ctl_call *call, struct import *i)
{
	const struct ctl_option table[] = {
		{ .name = "config", .text = &i->config },
		{ .name = "user", .text = &i->user },
		{ .name = "label", .text = &i->label },
		{ .name = "dry-run", .flag = &i->dry_run },
		{ .name = "json", .flag = &i->json },
	};

	if (!CTL_OPTIONS(call, table, 1, 1))
		return false;
	if (i->user && !dlk_text_is_name(i->user))
		(void)ctl_misused(call, "a name is printable and has no spaces");
	else if (i->label && (!i->label[0] || strlen(i->label) > DLK_TOKEN_LABEL_MAX))
		(void)ctl_misused(call, "--label has 1 to %d octets", DLK_TOKEN_LABEL_MAX);
	else
		return true;
	return false;
}

static void
find_owner(struct import *i, const char *path)
{
	struct stat st;
	const struct passwd *account = NULL;

	if (stat(path, &st) == 0 && st.st_uid != 0)
		account = getpwuid(st.st_uid);
	if (account)
		(void)dlk_text_copy(i->owner, sizeof(i->owner), account->pw_name);
}

static int
begin(struct import *i, const char *path)
{
	ctl_actor(i->actor);
	i->now = dlk_clock_now();
	find_owner(i, path);
	if (ctl_files_read(&i->files, path, NULL, FILE_MAX) < 0)
		return ctl_fault("out of memory");
	if (i->files.file[0].error < 0)
		return ctl_fault("%s: %s", path, dlk_file_error(i->files.file[0].error));
	if (i->dry_run)
		return ctl_become_nobody();
	int end = ctl_seal_first(i->config);
	return end == CTL_YES
		   ? ctl_open(i->config, DLK_ENGINE_RECORD | DLK_ENGINE_CREATE, &i->engine)
		   : end;
}

static int
finish(struct import *i)
{
	fprintf(stderr, "%zu tokens %s, %zu present before, %zu bad lines\n", i->taken,
	    i->dry_run ? "would be made" : "made", i->present, i->bad);
	if (i->end == CTL_YES && fflush(stdout) != 0)
		i->end = ctl_fault("the report could not be written");
	return i->end == CTL_YES && i->bad > 0 ? CTL_REFUSED : i->end;
}

static int
import(struct ctl_call *call, int format)
{
	__attribute__((cleanup(import_cleanup))) struct import *i = calloc(1, sizeof(*i));

	if (!i)
		return ctl_fault("out of memory");
	if (!read_options(call, i))
		return CTL_USAGE;
	int end = begin(i, call->argv[0]);
	if (end != CTL_YES)
		return end;
	if (format == 'g' && !i->user && !i->owner[0])
		return ctl_misused(call, "the file is root's: --user says whose token it is");
	if (format == 'g')
		take_gafile(i);
	else
		each_line(i, format == 'u' ? take_usersline : take_uri);
	return finish(i);
}

static int
import_ga(struct ctl_call *call)
{
	return import(call, 'g');
}

static int
import_users(struct ctl_call *call)
{
	return import(call, 'u');
}

static int
import_uris(struct ctl_call *call)
{
	return import(call, 'o');
}

#define SYNOPSIS "[--config FILE] [--user USER] [--label L] [--dry-run] [--json] FILE"

static int
run(struct ctl_call *call)
{
	static const struct ctl_subject verbs[] = {
		{ .name = "google-authenticator", .run = import_ga, .synopsis = SYNOPSIS },
		{ .name = "users-oath", .run = import_users, .synopsis = SYNOPSIS },
		{ .name = "otpauth", .run = import_uris, .synopsis = SYNOPSIS },
	};

	return CTL_DISPATCH(verbs, call);
}

const struct ctl_subject ctl_import = {
	.name = "import",
	.run = run,
	.synopsis = "google-authenticator | users-oath | otpauth [--dry-run] FILE",
};
