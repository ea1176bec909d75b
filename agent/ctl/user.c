/* SPDX-License-Identifier: MIT */
/* user.c - what is kept of a user: list, show, unlock, remove. */
#include "ctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/tokens.h"
#include "token.h"

struct user {
	const char *config;
	bool json;
	char actor[CTL_ACTOR];
	char user[DLK_NAME_MAX + 1];
	int64_t now;
	struct dlk_engine *engine;
	struct dlk_record *record;
	json_t *listed;
	size_t n;
};

static void
user_fini(struct user *u)
{
	json_decref(u->listed);
	dlk_engine_close(u->engine);
}
#define AUTO_USER __attribute__((cleanup(user_fini))) struct user

/* Options, and the record. */
static int
begin(struct ctl_call *call, struct user *u, int words)
{
	const struct ctl_option table[] = {
		{ .name = "config", .text = &u->config },
		{ .name = "json", .flag = &u->json },
	};
	bool known;

	ctl_actor(u->actor);
	u->now = dlk_clock_now();
	u->listed = json_array();
	if (!CTL_OPTIONS(call, table, words, words))
		return CTL_USAGE;
	int end = words > 0 ? ctl_account(call, call->argv[0], u->user, &known) : CTL_YES;
	if (end == CTL_YES)
		end = u->listed ? ctl_open(u->config, DLK_ENGINE_RECORD, &u->engine)
				: ctl_fault("out of memory");
	if (end == CTL_YES)
		u->record = dlk_engine_record(u->engine);
	return end;
}

static int
trouble(const struct user *u)
{
	return ctl_fault("%s", dlk_record_trouble(u->record));
}

static int
written(void)
{
	return fflush(stdout) == 0 ? CTL_YES : ctl_fault("the answer could not be written");
}

/* ---- list ---- */

static int
list_row(const struct dlk_user_row *row, void *arg)
{
	struct user *u = arg;
	bool locked = row->locked_until > u->now;
	char until[DLK_TIME_TEXT] = "";

	u->n++;
	if (u->json)
		return json_array_append_new(u->listed,
		    json_pack("{s:s,s:I,s:I,s:o}", "user", row->user, "tokens",
			(json_int_t)row->n_tokens, "recovery", (json_int_t)row->n_recovery,
			"locked_until", ctl_time(locked ? row->locked_until : 0)));
	if (locked)
		dlk_time_text(row->locked_until, until);
	return printf("%-20s %zu tokens, %zu recovery codes%s%s\n", row->user, row->n_tokens,
		   row->n_recovery, locked ? ", locked out until " : "", until) < 0
		   ? -1
		   : 0;
}

static int
list(struct ctl_call *call)
{
	AUTO_USER u = { .n = 0 };

	int end = begin(call, &u, 0);
	if (end != CTL_YES)
		return end;
	int r = dlk_users_each(u.record, list_row, &u);
	if (r < 0)
		return r == -1 ? ctl_fault("the answer could not be written") : trouble(&u);
	if (u.json)
		return ctl_print(json_incref(u.listed), CTL_YES);
	if (u.n == 0)
		fputs("doublelock: nobody is enrolled\n", stderr);
	return written();
}

/* ---- show ---- */

static int
show_token(const struct dlk_token_row *row, void *arg)
{
	struct user *u = arg;

	u->n++;
	if (u->json)
		return json_array_append_new(u->listed, ctl_token_json(row));
	return ctl_token_print(row);
}

static int
show_failures(const struct dlk_failures_row *row, void *arg)
{
	struct user *u = arg;
	const struct dlk_failures *f = &row->failures;
	bool locked = f->locked_until > u->now;
	char until[DLK_TIME_TEXT] = "";

	u->n++;
	if (u->json)
		return json_array_append_new(u->listed,
		    json_pack("{s:s,s:s,s:I,s:o,s:o,s:I}", "of", row->what, "key", row->key,
			"count", (json_int_t)f->count, "since", ctl_time(f->since),
			"locked_until", ctl_time(locked ? f->locked_until : 0), "lockouts",
			(json_int_t)f->lockouts));
	if (locked)
		dlk_time_text(f->locked_until, until);
	return printf("failures     %u by %s %.16s%s%s\n", f->count, row->what, row->key,
		   locked ? ", locked out until " : "", until) < 0
		   ? -1
		   : 0;
}

static int
show(struct ctl_call *call)
{
	AUTO_USER u = { .n = 0 };
	size_t left = 0;

	int end = begin(call, &u, 1);
	if (end != CTL_YES)
		return end;
	int r = dlk_tokens_each(u.record, u.user, show_token, &u);
	json_t *tokens = u.listed;
	u.listed = json_array();
	if (r == 0)
		r = dlk_recovery_left(u.record, u.user, &left);
	if (r == 0)
		r = dlk_failures_each(u.record, u.user, show_failures, &u);
	if (r == 0 && u.json)
		return ctl_print(
		    json_pack("{s:s,s:o,s:I,s:O}", "user", u.user, "tokens", tokens,
			"recovery", (json_int_t)left, "failures", u.listed),
		    u.n + left > 0 ? CTL_YES : CTL_REFUSED);
	json_decref(tokens);
	if (r < 0)
		return trouble(&u);
	printf("recovery     %zu codes left\n", left);
	if (u.n + left == 0)
		return ctl_refuse("nothing is known of '%s'", u.user);
	return written();
}

/* ---- unlock, remove ---- */

static int
unlock(struct ctl_call *call)
{
	AUTO_USER u = { .n = 0 };

	int end = begin(call, &u, 1);
	if (end != CTL_YES)
		return end;
	if (dlk_failures_clear(u.record, u.user, u.actor, u.now, &u.n) < 0)
		return trouble(&u);
	if (u.json)
		return ctl_print(
		    json_pack("{s:s,s:I}", "user", u.user, "cleared", (json_int_t)u.n),
		    CTL_YES);
	printf(u.n > 0 ? "%s is unlocked\n" : "%s was not locked\n", u.user);
	return written();
}

static int
remove_user(struct ctl_call *call)
{
	AUTO_USER u = { .n = 0 };

	int end = begin(call, &u, 1);
	if (end != CTL_YES)
		return end;
	int r = dlk_user_remove(u.record, u.user, u.actor, u.now);
	if (r == -ENOENT)
		return ctl_refuse("nothing is known of '%s'", u.user);
	if (r < 0)
		return trouble(&u);
	if (u.json)
		return ctl_print(
		    json_pack("{s:s,s:s}", "user", u.user, "result", "removed"), CTL_YES);
	printf(
	    "tokens, recovery codes and failures of %s are removed; registered certificates "
	    "are not ('doublelock cert list %s')\n",
	    u.user, u.user);
	return written();
}

static int
run(struct ctl_call *call)
{
	static const struct ctl_subject verbs[] = {
		{ .name = "list", .run = list, .synopsis = "[--config FILE] [--json]" },
		{ .name = "show", .run = show, .synopsis = "[--config FILE] [--json] USER" },
		{ .name = "unlock",
		    .run = unlock,
		    .synopsis = "[--config FILE] [--json] USER" },
		{ .name = "remove",
		    .run = remove_user,
		    .synopsis = "[--config FILE] [--json] USER" },
	};

	return CTL_DISPATCH(verbs, call);
}

const struct ctl_subject ctl_user = {
	.name = "user",
	.run = run,
	.synopsis = "list | show USER | unlock USER | remove USER",
};
