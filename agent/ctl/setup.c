/* SPDX-License-Identifier: MIT */
/*
 * setup.c - puts both locks in front of sshd: a drop-in for sshd and a line in its PAM stack.
 * What it would write is shown first; what was there is kept; sshd looks at it before it is in
 * force; and unless somebody confirms from a new login, everything is put back by itself.
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
plan(struct setup_changes *s)
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
sshd_agrees(void *arg)
{
	char sshd[] = SSHD, test[] = "-t";
	char *argv[] = { sshd, test, NULL };
	char *environment[] = { NULL };
	int status = 0;
	pid_t pid;

	(void)arg;

	if (posix_spawn(&pid, SSHD, NULL, NULL, argv, environment) != 0)
		return ctl_fault("%s cannot be started", SSHD);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0
		   ? CTL_YES
		   : ctl_fault("sshd -t does not agree");
}

static int
run_ssh(struct ctl_call *call)
{
	AUTO_CHANGES s = { 0 };
	const char *within = NULL;
	int64_t seconds = 0;
	bool yes = false;
	const struct ctl_option table[] = {
		{ .name = "yes", .flag = &yes },
		{ .name = "within", .text = &within },
	};
	int end;

	if (!CTL_OPTIONS(call, table, 0, 0))
		return CTL_USAGE;
	end = setup_within(call, within, &seconds);
	if (end == CTL_YES && yes && geteuid() == 0)
		end = setup_undo_left();
	if (end == CTL_YES)
		end = plan(&s);
	if (end != CTL_YES)
		return end;
	if (setup_changes_in_force(&s)) {
		puts("everything is as 'doublelock setup ssh' would write it");
		return CTL_YES;
	}
	setup_changes_show(&s);
	if (!yes) {
		puts("Nothing was changed. 'doublelock setup ssh --yes' writes this.");
		return CTL_YES;
	}
	if (geteuid() != 0)
		return ctl_fault("these files are root's: sudo doublelock setup ssh --yes");
	return setup_changes_apply(
	    &s, seconds, sshd_agrees, NULL, "Log in from another terminal now");
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
	{ .name = "ssh", .run = run_ssh, .synopsis = "[--yes] [--within TIME]" },
	{ .name = "sudo", .run = setup_sudo, .synopsis = "[--yes] [--within TIME]" },
	{ .name = "login", .run = setup_login, .synopsis = "[--yes] [--within TIME]" },
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
	    "         [--services ssh] [--admin USER] [--break-glass GROUP] [--within TIME]\n"
	    "         [--yes [--json]]\n"
	    "         ssh|sudo|login|confirm|rollback",
};
