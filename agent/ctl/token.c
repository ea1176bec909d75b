/* SPDX-License-Identifier: MIT */
/* token.c - the tokens of users, and their recovery codes: list, remove, resync, renew. */
#include "token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "enroll.h"

struct tokens {
	const char *config, *label;
	bool json;
	char actor[CTL_ACTOR];
	char user[DLK_NAME_MAX + 1];
	int64_t now;
	struct dlk_engine *engine;
	struct dlk_record *record;
	json_t *listed;
	size_t n;
	char only[DLK_TOKEN_LABEL_MAX + 1]; /* the label, where the user has one token */
};

static void
tokens_fini(struct tokens *t)
{
	json_decref(t->listed);
	dlk_engine_close(t->engine);
}
#define AUTO_TOKENS __attribute__((cleanup(tokens_fini))) struct tokens

json_t *
ctl_token_json(const struct dlk_token_row *row)
{
	const struct dlk_otp *otp = &row->token.otp;
	char key[2 * DLK_SHA256_SIZE + 1] = "";

	if (row->token.bound)
		dlk_hex(DLK_BYTES(row->token.key_id, sizeof(row->token.key_id)), key);
	return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:s,s:o}", "user", row->user,
	    "label", row->token.label, "kind", dlk_otp_kind_str(otp->kind), "algorithm",
	    dlk_otp_algorithm_str(otp->algorithm), "digits", (json_int_t)otp->digits, "period",
	    (json_int_t)(otp->kind == DLK_OTP_TOTP ? otp->period : 0), "last_step",
	    (json_int_t)otp->last_step, "bound_to", key, "sealed_under", row->seal, "created",
	    ctl_time(row->created));
}

int
ctl_token_print(const struct dlk_token_row *row)
{
	const struct dlk_otp *otp = &row->token.otp;
	char key[2 * DLK_SHA256_SIZE + 1] = "", created[DLK_TIME_TEXT], label[128];

	if (row->token.bound)
		dlk_hex(DLK_BYTES(row->token.key_id, sizeof(row->token.key_id)), key);
	dlk_time_text(row->created, created);
	dlk_text_escape(label, sizeof(label), dlk_bytes_str(row->token.label));
	return printf("%-12s %-16s %s %s, %u digits, since %s%s%.16s\n", row->user, label,
		   dlk_otp_kind_str(otp->kind), dlk_otp_algorithm_str(otp->algorithm),
		   otp->digits, created, key[0] ? ", bound to key " : "", key) < 0
		   ? -1
		   : 0;
}

static int
begin(struct ctl_call *call, struct tokens *t, int least, int most)
{
	const struct ctl_option table[] = {
		{ .name = "config", .text = &t->config },
		{ .name = "label", .text = &t->label },
		{ .name = "json", .flag = &t->json },
	};
	bool known;

	ctl_actor(t->actor);
	t->now = dlk_clock_now();
	t->listed = json_array();
	if (!CTL_OPTIONS(call, table, least, most))
		return CTL_USAGE;
	int end = call->argc > 0 ? ctl_account(call, call->argv[0], t->user, &known) : CTL_YES;
	if (end == CTL_YES)
		end = t->listed ? ctl_open(t->config, DLK_ENGINE_RECORD, &t->engine)
				: ctl_fault("out of memory");
	if (end == CTL_YES)
		t->record = dlk_engine_record(t->engine);
	return end;
}

static int
trouble(const struct tokens *t)
{
	return ctl_fault("%s", dlk_record_trouble(t->record));
}

static int
done(const struct tokens *t, const char *label, const char *what)
{
	if (t->json)
		return ctl_print(json_pack("{s:s,s:s,s:s}", "user", t->user, "label", label,
				     "result", what),
		    CTL_YES);
	return printf("token '%s' of %s: %s\n", label, t->user, what) < 0 ? CTL_FAULT
									  : CTL_YES;
}

/* ---- list ---- */

static int
list_row(const struct dlk_token_row *row, void *arg)
{
	struct tokens *t = arg;

	t->n++;
	if (t->json)
		return json_array_append_new(t->listed, ctl_token_json(row));
	return ctl_token_print(row);
}

static int
list(struct ctl_call *call)
{
	AUTO_TOKENS t = { .n = 0 };

	int end = begin(call, &t, 0, 1);
	if (end != CTL_YES)
		return end;
	int r = dlk_tokens_each(t.record, call->argc > 0 ? t.user : NULL, list_row, &t);
	if (r < 0)
		return r == -1 ? ctl_fault("the answer could not be written") : trouble(&t);
	if (t.json)
		return ctl_print(json_incref(t.listed), CTL_YES);
	if (t.n == 0)
		fputs("doublelock: there are no tokens\n", stderr);
	return fflush(stdout) == 0 ? CTL_YES : CTL_FAULT;
}

/* ---- remove, resync ---- */

static int
find_only(const struct dlk_token_row *row, void *arg)
{
	struct tokens *t = arg;

	t->n++;
	(void)dlk_text_copy(t->only, sizeof(t->only), row->token.label);
	return 0;
}

/* A user's only token needs no label. */
static int
find_label(struct tokens *t, const char **ret_label)
{
	*ret_label = t->label;
	if (t->label)
		return CTL_YES;
	if (dlk_tokens_each(t->record, t->user, find_only, t) < 0)
		return trouble(t);
	*ret_label = t->only;
	if (t->n == 1)
		return CTL_YES;
	return t->n == 0 ? ctl_refuse("'%s' has no token", t->user)
			 : ctl_refuse("'%s' has %zu tokens; --label says which one, "
				      "'doublelock token list %s' shows them",
			       t->user, t->n, t->user);
}

static int
remove_token(struct ctl_call *call)
{
	AUTO_TOKENS t = { .n = 0 };
	const char *label = NULL;

	int end = begin(call, &t, 1, 1);
	if (end == CTL_YES)
		end = find_label(&t, &label);
	if (end != CTL_YES)
		return end;
	int r = dlk_tokens_remove(t.record, t.user, label, t.actor, t.now);
	if (r == -ENOENT)
		return ctl_refuse("'%s' has no token of that label", t.user);
	return r < 0 ? trouble(&t) : done(&t, label, "removed");
}

static int
read_code(const char *prompt, struct dlk_secret *code)
{
	if (isatty(STDIN_FILENO))
		fputs(prompt, stderr);
	int r = ctl_read_line(code);
	return r < 0 ? ctl_refuse("two codes in a row are asked for, one per line") : CTL_YES;
}

static int
resync(struct ctl_call *call)
{
	AUTO_TOKENS t = { .n = 0 };
	DLK_AUTO_SECRET first = { .n = 0 }, second = { .n = 0 };
	const char *label = NULL;

	int end = begin(call, &t, 1, 1);
	if (end == CTL_YES)
		end = find_label(&t, &label);
	if (end == CTL_YES)
		end = read_code("First code: ", &first);
	if (end == CTL_YES)
		end = read_code("Next code: ", &second);
	if (end != CTL_YES)
		return end;
	int r = dlk_tokens_resync(t.record, t.user, label, &first, &second, t.actor, t.now);
	if (r == -ENOENT || r == -ERANGE || r == -EINVAL)
		return ctl_refuse(
		    "no two codes in a row of a HOTP token '%s' of '%s' are these", label,
		    t.user);
	return r < 0 ? trouble(&t) : done(&t, label, "in step again");
}

static int
run(struct ctl_call *call)
{
	static const struct ctl_subject verbs[] = {
		{ .name = "list", .run = list, .synopsis = "[--config FILE] [--json] [USER]" },
		{ .name = "remove",
		    .run = remove_token,
		    .synopsis = "[--config FILE] [--label L] [--json] USER" },
		{ .name = "resync",
		    .run = resync,
		    .synopsis = "[--config FILE] [--label L] [--json] USER <CODES" },
	};

	return CTL_DISPATCH(verbs, call);
}

const struct ctl_subject ctl_token = {
	.name = "token",
	.run = run,
	.synopsis = "list [USER] | remove USER | resync USER",
};

/* ---- recovery codes ---- */

static int
regenerate(struct ctl_call *call)
{
	struct dlk_secret codes[CTL_RECOVERY_CODES] = { 0 };
	AUTO_TOKENS t = { .n = 0 };

	int end = begin(call, &t, 1, 1);
	if (end != CTL_YES)
		return end;
	if (dlk_tokens_each(t.record, t.user, find_only, &t) < 0)
		return trouble(&t);
	if (t.n == 0)
		return ctl_refuse("'%s' has no token; 'doublelock enroll %s' makes one, with "
				  "recovery codes",
		    t.user, t.user);
	if (ctl_recovery_make(t.record, t.user, t.actor, t.now, codes) < 0)
		end = trouble(&t);
	else if (t.json)
		end = ctl_print(json_pack("{s:s,s:o}", "user", t.user, "recovery",
				    ctl_recovery_json(codes)),
		    CTL_YES);
	else
		ctl_recovery_print(stdout, codes);
	ctl_recovery_wipe(codes);
	return end == CTL_YES && fflush(stdout) != 0 ? CTL_FAULT : end;
}

static int
run_recovery(struct ctl_call *call)
{
	static const struct ctl_subject verbs[] = {
		{ .name = "regenerate",
		    .run = regenerate,
		    .synopsis = "[--config FILE] [--json] USER" },
	};

	return CTL_DISPATCH(verbs, call);
}

const struct ctl_subject ctl_recovery = {
	.name = "recovery",
	.run = run_recovery,
	.synopsis = "regenerate USER",
};
