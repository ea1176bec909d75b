/* SPDX-License-Identifier: MIT */
/*
 * setup.c - puts both locks in front of sshd, by a drop-in and a line in its PAM stack, and of
 * sudo and login. What it would write is shown first; what was there is kept; sshd and doctor
 * look at it; and unless somebody confirms from a new login, everything is put back by itself.
 *
 * It runs as root, because these files are root's. It reads no certificate, no code and no
 * configuration of ours.
 */
#include "setup.h"
#include "setup_pam.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

#define SSHD "/usr/sbin/sshd"

static const char drop_in[] =
    "# Made by 'doublelock setup ssh': a certificate's key, and then a one-time code.\n"
    "UsePAM yes\n"
    "PubkeyAuthentication yes\n"
    "KbdInteractiveAuthentication yes\n"
    "PasswordAuthentication no\n"
    "AuthenticationMethods publickey,keyboard-interactive\n"
    "AuthorizedKeysFile none\n"
    "AuthorizedKeysCommand " DLK_SBINDIR "/doublelock ssh-keys %u %t %k\n"
    "AuthorizedKeysCommandUser doublelock\n"
    "# who looks for a code waits, and counts as not logged in\n"
    "LoginGraceTime 120\n"
    "MaxStartups 100:30:200\n";
static const char our_line[] = "auth required pam_doublelock.so\n";

/* sshd takes the first value that it reads, so the drop-in has to come before everything. */
static bool
drop_ins_come_first(void)
{
	static const char include[] = "Include /etc/ssh/sshd_config.d/*.conf";
	DLK_AUTO_BUF text = { 0 };
	struct dlk_bytes rest;

	if (dlk_file_read("/etc/ssh/sshd_config", SETUP_FILE_MAX, NULL, &text) != 0)
		return false;
	rest = dlk_bytes_of(&text);
	while (rest.n > 0) {
		struct dlk_bytes line = setup_take_line(&rest);

		if (line.n < 2 || line.p[0] == '#')
			continue;
		return line.n > strlen(include) &&
		       memcmp(line.p, include, strlen(include)) == 0;
	}
	return false;
}

static int
plan_ssh(struct setup_changes *s)
{
	struct setup_change *drop = &s->change[SETUP_SSHD_DROP_IN];
	struct setup_change *stack = &s->change[SETUP_PAM_SSHD];
	int end = setup_change_read(s, SETUP_SSHD_DROP_IN);

	if (end == CTL_YES)
		end = setup_change_read(s, SETUP_PAM_SSHD);
	if (end != CTL_YES)
		return end;
	if (!stack->was_there)
		return ctl_refuse(
		    "/etc/pam.d/sshd: there is no such file; is sshd installed?");
	if (!drop_ins_come_first())
		return ctl_refuse(
		    "/etc/ssh/sshd_config: its first line has to be 'Include "
		    "/etc/ssh/sshd_config.d/*.conf', because sshd takes the first value "
		    "that it reads");
	if (setup_change_add(drop, dlk_bytes_str(drop_in)) != 0 ||
	    setup_stack_rewrite(stack, our_line, true) != 0)
		return ctl_fault("out of memory");
	return setup_stack_try(s, SETUP_PAM_SSHD);
}

static int
sshd_agrees(void)
{
	char sshd[] = SSHD, test[] = "-t";
	char *argv[] = { sshd, test, NULL };
	char *environment[] = { NULL };
	int status = 0;
	pid_t pid;

	if (posix_spawn(&pid, SSHD, NULL, NULL, argv, environment) != 0)
		return ctl_fault("%s cannot be started", SSHD);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0
		   ? CTL_YES
		   : ctl_fault("sshd -t does not agree");
}

/* What is put in front of what, all of it one change. */
struct doors {
	const char *name[3];
	size_t n;
	char all[32]; /* "ssh sudo" */
};
static const struct {
	const char *name, *then;
} known[] = {
	{ "ssh", "Log in from another terminal now" },
	{ "sudo", "Keep this shell. Try 'sudo -k true' as yourself, in another terminal" },
	{ "login", "Keep this shell. Log in at another console (Alt-F2)" },
};

static int
name_doors(struct ctl_call *call, struct doors *doors)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		bool chosen = strcmp(call->subject->name, known[i].name) == 0;
		size_t n = strlen(doors->all);

		for (int j = 0; j < call->argc; j++)
			chosen |= strcmp(call->argv[j], known[i].name) == 0;
		if (!chosen)
			continue;
		doors->name[doors->n++] = known[i].name;
		dlk_text_print(doors->all + n, sizeof(doors->all) - n, "%s%s", n ? " " : "",
		    known[i].name);
	}
	return doors->n == (size_t)call->argc + 1
		   ? CTL_YES
		   : ctl_misused(call, "ssh, sudo and login, each once");
}

static int
plan(const struct doors *doors, struct setup_changes *changes)
{
	int end = CTL_YES;

	for (size_t i = 0; i < doors->n && end == CTL_YES; i++)
		end = strcmp(doors->name[i], "ssh") == 0
			  ? plan_ssh(changes)
			  : setup_pam_plan(changes, doors->name[i]);
	return end;
}

static int
all_agree(void *arg)
{
	const struct doors *doors = arg;
	int end = CTL_YES;

	for (size_t i = 0; i < doors->n && end == CTL_YES; i++)
		end = strcmp(doors->name[i], "ssh") == 0 ? sshd_agrees()
							 : setup_pam_agrees(doors->name[i]);
	return end;
}

static const char *
then_try(const struct doors *doors)
{
	size_t i = 0;

	while (strcmp(known[i].name, doors->name[0]) != 0)
		i++;
	return known[i].then;
}

static int
run_doors(struct ctl_call *call)
{
	AUTO_CHANGES s = { 0 };
	struct doors doors = { .n = 0 };
	const char *within = NULL;
	int64_t seconds = 0;
	bool yes = false;
	const struct ctl_option table[] = {
		{ .name = "yes", .flag = &yes },
		{ .name = "within", .text = &within },
	};
	int end;

	if (!CTL_OPTIONS(call, table, 0, 2))
		return CTL_USAGE;
	end = name_doors(call, &doors);
	if (end == CTL_YES)
		end = setup_within(call, within, &seconds);
	if (end == CTL_YES && yes && geteuid() == 0)
		end = setup_undo_left();
	if (end == CTL_YES)
		end = plan(&doors, &s);
	if (end != CTL_YES)
		return end;
	if (setup_changes_in_force(&s)) {
		printf("everything is as 'doublelock setup %s' would write it\n", doors.all);
		return CTL_YES;
	}
	setup_changes_show(&s);
	if (!yes) {
		printf("Nothing was changed. 'doublelock setup %s --yes' writes this.\n",
		    doors.all);
		return CTL_YES;
	}
	if (geteuid() != 0)
		return ctl_fault(
		    "these files are root's: sudo doublelock setup %s --yes", doors.all);
	return setup_changes_apply(&s, seconds, all_agree, &doors, then_try(&doors));
}

static int
run_confirm(struct ctl_call *call)
{
	return ctl_options(call, NULL, 0, 0, 0) ? setup_confirm() : CTL_USAGE;
}

static int
run_rollback(struct ctl_call *call)
{
	return ctl_options(call, NULL, 0, 0, 0) ? setup_roll_back() : CTL_USAGE;
}

static const struct ctl_subject verbs[] = {
	{ .name = "ssh",
	    .run = run_doors,
	    .synopsis = "[sudo] [login] [--yes] [--within TIME]" },
	{ .name = "sudo", .run = run_doors, .synopsis = "[login] [--yes] [--within TIME]" },
	{ .name = "login", .run = run_doors, .synopsis = "[--yes] [--within TIME]" },
	{ .name = "confirm", .run = run_confirm, .synopsis = "" },
	{ .name = "rollback", .run = run_rollback, .synopsis = "" },
};

static int
run(struct ctl_call *call)
{
	if (call->argc == 0 || strncmp(call->argv[0], "--", 2) == 0)
		return setup_first(call);
	return CTL_DISPATCH(verbs, call);
}

const struct ctl_subject ctl_setup = {
	.name = "setup",
	.run = run,
	.synopsis =
	    "[--ca FILE]... [--crl FILE|URL]... [--rule FIELD:PATTERN] [--sample CERT]\n"
	    "         [--services ssh,sudo,login] [--admin USER] [--break-glass GROUP] "
	    "[--within TIME]\n"
	    "         [--yes [--json]]\n"
	    "         ssh|sudo|login|confirm|rollback",
};
