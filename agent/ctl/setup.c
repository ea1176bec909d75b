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

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define KEEP     DLK_SYSCONFDIR "/setup.d" /* what was there, until it is confirmed */
#define PENDING  "pending"
#define SSHD     "/usr/sbin/sshd"
#define SSHD_PID "/run/sshd.pid"
#define WITHIN   600 /* seconds */
#define FILE_MAX (256 * 1024)

static const char drop_in[] =
    "# Made by 'doublelock setup ssh': a certificate's key, and then a one-time code.\n"
    "UsePAM yes\n"
    "PubkeyAuthentication yes\n"
    "KbdInteractiveAuthentication yes\n"
    "PasswordAuthentication no\n"
    "AuthenticationMethods publickey,keyboard-interactive\n"
    "AuthorizedKeysFile none\n"
    "AuthorizedKeysCommand " DLK_SBINDIR "/doublelock ssh-keys %u %t %k\n"
    "AuthorizedKeysCommandUser doublelock\n";
static const char our_line[] = "auth required pam_doublelock.so\n";

/* The files that are changed. */
static const struct place {
	const char *dir, *name;
	const char *kept; /* its name in KEEP; with ".none" where there was no such file */
} places[] = {
	{ "/etc/ssh/sshd_config.d", "10-doublelock.conf", "sshd" },
	{ "/etc/pam.d", "sshd", "pam" },
};
enum { SSHD_DROP_IN, PAM_STACK, N_PLACES };

struct change {
	bool was_there;
	struct dlk_buf before, after;
};
struct setup {
	struct change change[N_PLACES];
};

static void
setup_fini(struct setup *s)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		dlk_buf_free(&s->change[i].before);
		dlk_buf_free(&s->change[i].after);
	}
}

static int
trouble(const char *dir, const char *name, int error)
{
	return ctl_fault("%s/%s: %s", dir, name, dlk_file_error(error));
}

static int
read_before(struct setup *s)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		char path[256];
		int error;

		dlk_text_print(path, sizeof(path), "%s/%s", places[i].dir, places[i].name);
		error = dlk_file_read(path, FILE_MAX, NULL, &s->change[i].before);
		s->change[i].was_there = error == 0;
		if (error != 0 && error != -ENOENT)
			return trouble(places[i].dir, places[i].name, error);
	}
	return CTL_YES;
}

static struct dlk_bytes
take_line(struct dlk_bytes *rest)
{
	const uint8_t *end = memchr(rest->p, '\n', rest->n);
	size_t n = end ? (size_t)(end - rest->p) + 1 : rest->n;
	struct dlk_bytes line = DLK_BYTES(rest->p, n);

	*rest = DLK_BYTES(rest->p + n, rest->n - n);
	return line;
}

/* An auth line, or Debian's include of several. Those of modules that ask nothing stay. */
static bool
asks(struct dlk_bytes line)
{
	char text[512];

	dlk_text_print(text, sizeof(text), "%.*s", (int)line.n, (const char *)line.p);
	if (strncmp(text, "@include common-auth", 20) == 0)
		return true;
	return (strncmp(text, "auth", 4) == 0 || strncmp(text, "-auth", 5) == 0) &&
	       (strstr(text, "include") || strstr(text, "substack") ||
		   strstr(text, "pam_unix.so") || strstr(text, "pam_sss.so") ||
		   strstr(text, "pam_doublelock.so"));
}

static int
add(struct dlk_buf *buf, struct dlk_bytes what)
{
	return dlk_buf_add(buf, (size_t)2 * FILE_MAX, what);
}

/* Our line in the place of the first one that asks; those that asked become comments. */
static int
rewrite_stack(struct change *c)
{
	struct dlk_bytes rest = dlk_bytes_of(&c->before);
	bool ours = false;
	int error = 0;

	while (rest.n > 0 && error == 0) {
		struct dlk_bytes line = take_line(&rest);

		if (!asks(line)) {
			error = add(&c->after, line);
			continue;
		}
		if (!ours)
			error = add(&c->after, dlk_bytes_str(our_line));
		ours = true;
		if (error == 0 && !dlk_bytes_equal(line, dlk_bytes_str(our_line)))
			error = add(&c->after, dlk_bytes_str("#"));
		if (error == 0 && !dlk_bytes_equal(line, dlk_bytes_str(our_line)))
			error = add(&c->after, line);
	}
	if (error == 0 && !ours)
		error = add(&c->after, dlk_bytes_str(our_line));
	return error;
}

/* sshd takes the first value that it reads, so the drop-in has to come before everything. */
static bool
drop_ins_come_first(void)
{
	static const char include[] = "Include /etc/ssh/sshd_config.d/*.conf";
	DLK_AUTO_BUF text = { 0 };
	struct dlk_bytes rest;

	if (dlk_file_read("/etc/ssh/sshd_config", FILE_MAX, NULL, &text) != 0)
		return false;
	rest = dlk_bytes_of(&text);
	while (rest.n > 0) {
		struct dlk_bytes line = take_line(&rest);

		if (line.n < 2 || line.p[0] == '#')
			continue;
		return line.n > strlen(include) &&
		       memcmp(line.p, include, strlen(include)) == 0;
	}
	return false;
}

static int
plan(struct setup *s)
{
	int end = read_before(s);

	if (end != CTL_YES)
		return end;
	if (!s->change[PAM_STACK].was_there)
		return ctl_refuse(
		    "/etc/pam.d/sshd: there is no such file; is sshd installed?");
	if (!drop_ins_come_first())
		return ctl_refuse(
		    "/etc/ssh/sshd_config: its first line has to be 'Include "
		    "/etc/ssh/sshd_config.d/*.conf', because sshd takes the first value "
		    "that it reads");
	if (add(&s->change[SSHD_DROP_IN].after, dlk_bytes_str(drop_in)) != 0 ||
	    rewrite_stack(&s->change[PAM_STACK]) != 0)
		return ctl_fault("out of memory");
	return CTL_YES;
}

static void
show(const struct setup *s)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		struct dlk_bytes rest = dlk_bytes_of(&s->change[i].after);

		printf("%s %s/%s\n", s->change[i].was_there ? "becomes" : "new    ",
		    places[i].dir, places[i].name);
		while (rest.n > 0) {
			struct dlk_bytes line = take_line(&rest);

			printf("    %.*s", (int)line.n, (const char *)line.p);
		}
		printf("\n");
	}
}

static int
open_keep(int *ret_fd)
{
	if (mkdir(KEEP, 0700) != 0 && errno != EEXIST)
		return -errno;
	return dlk_dir_open(KEEP, &(struct dlk_care){ .owned = true }, ret_fd);
}

static int
keep(const struct setup *s, int fd)
{
	int error = 0;

	for (size_t i = 0; i < N_PLACES && error == 0; i++) {
		char none[32];

		dlk_text_print(none, sizeof(none), "%s.none", places[i].kept);
		error = dlk_file_replace(fd, s->change[i].was_there ? places[i].kept : none,
		    0600, dlk_bytes_of(&s->change[i].before));
	}
	return error ? error : dlk_file_replace(fd, PENDING, 0600, DLK_BYTES("", 0));
}

static int
write_all(const struct setup *s)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		DLK_AUTO_FD dir = -1;
		int error =
		    dlk_dir_open(places[i].dir, &(struct dlk_care){ .owned = true }, &dir);

		if (error == 0)
			error = dlk_file_replace(
			    dir, places[i].name, 0644, dlk_bytes_of(&s->change[i].after));
		if (error != 0)
			return trouble(places[i].dir, places[i].name, error);
	}
	return CTL_YES;
}

static int
put_back(int keep_fd, const struct place *place)
{
	DLK_AUTO_BUF content = { 0 };
	DLK_AUTO_FD dir = -1, file = -1;
	char none[32];
	int error = dlk_dir_open(place->dir, &(struct dlk_care){ .owned = true }, &dir);

	dlk_text_print(none, sizeof(none), "%s.none", place->kept);
	if (error == 0 && faccessat(keep_fd, none, F_OK, 0) == 0)
		return unlinkat(dir, place->name, 0) == 0 || errno == ENOENT ? 0 : -errno;
	if (error == 0)
		error = dlk_file_open_at(
		    keep_fd, place->kept, &(struct dlk_care){ .owned = true }, &file);
	if (error == 0)
		error = dlk_fd_read(file, FILE_MAX, &content);
	return error ? error
		     : dlk_file_replace(dir, place->name, 0644, dlk_bytes_of(&content));
}

static void
forget(int keep_fd)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		char none[32];

		dlk_text_print(none, sizeof(none), "%s.none", places[i].kept);
		unlinkat(keep_fd, none, 0);
		unlinkat(keep_fd, places[i].kept, 0);
	}
	unlinkat(keep_fd, PENDING, 0);
	rmdir(KEEP);
}

/* sshd reads its configuration again; sessions stay. */
static void
reload_sshd(void)
{
	DLK_AUTO_BUF text = { 0 };
	int64_t pid = 0;

	if (dlk_file_read(SSHD_PID, 32, &(struct dlk_care){ .owned = true }, &text) != 0 ||
	    dlk_buf_add(&text, 64, DLK_BYTES("", 1)) != 0)
		return;
	text.p[strcspn((char *)text.p, "\n")] = '\0';
	if (dlk_int_parse((char *)text.p, 2, INT32_MAX, &pid) == 0)
		(void)kill((pid_t)pid, SIGHUP);
}

static int
roll_back(void)
{
	DLK_AUTO_FD fd = -1;
	int error = dlk_dir_open(KEEP, &(struct dlk_care){ .owned = true }, &fd), worst = 0;

	if (error == -ENOENT || (error == 0 && faccessat(fd, PENDING, F_OK, 0) != 0))
		return ctl_refuse("nothing waits for being confirmed");
	if (error != 0)
		return trouble(KEEP, "", error);
	for (size_t i = 0; i < N_PLACES; i++) {
		error = put_back(fd, &places[i]);
		if (error != 0)
			worst = trouble(places[i].dir, places[i].name, error);
	}
	if (worst)
		return worst; /* what was there stays in KEEP */
	forget(fd);
	reload_sshd();
	puts("everything is as it was before 'doublelock setup'");
	return CTL_YES;
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
		return CTL_FAULT;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? CTL_YES : CTL_FAULT;
}

/* Who waits for the confirmation keeps this file locked. -EWOULDBLOCK: somebody does. */
static int
hold_pending(int keep_fd, int *ret_fd)
{
	DLK_AUTO_FD fd = openat(keep_fd, PENDING, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
		return -errno;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* Another change may have come since. */
static bool
is_pending(int held)
{
	struct stat mine, there;

	return fstat(held, &mine) == 0 && stat(KEEP "/" PENDING, &there) == 0 &&
	       mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

/* A process of its own that outlives this login and undoes everything unless it was confirmed
 * by then. */
__attribute__((noreturn)) static void
wait_and_undo(int64_t seconds, int held)
{
	struct timespec until;
	int null = open("/dev/null", O_RDWR);

	(void)setsid();
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		(void)dup2(null, fd);
	(void)!chdir("/");
	clock_gettime(CLOCK_BOOTTIME, &until);
	until.tv_sec += seconds;
	while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
	_exit(is_pending(held) ? roll_back() : CTL_YES);
}

static int
start_timer(int64_t seconds, int held)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (fork() == 0)
			wait_and_undo(seconds, held);
		_exit(0);
	}
	if (pid < 0)
		return ctl_fault("no process: %s", strerrordesc_np(errno));
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return CTL_YES;
}

/* A run before this one may have been cut off: then nobody waits, and what it left is undone
 * before anything is looked at. */
static int
undo_what_was_left(void)
{
	DLK_AUTO_FD fd = -1, left = -1;
	int error = dlk_dir_open(KEEP, &(struct dlk_care){ .owned = true }, &fd);

	if (error == 0)
		error = hold_pending(fd, &left);
	if (error == 0)
		return roll_back();
	return error == -ENOENT || error == -EWOULDBLOCK ? CTL_YES : trouble(KEEP, "", error);
}

static int
begin_change(const struct setup *s, int *ret_held)
{
	DLK_AUTO_FD fd = -1;
	int error = open_keep(&fd);

	if (error == 0 && faccessat(fd, PENDING, F_OK, 0) == 0)
		return ctl_refuse("a change waits already: 'doublelock setup confirm' or "
				  "'doublelock setup rollback'");
	if (error == 0)
		error = keep(s, fd);
	if (error == 0)
		error = hold_pending(fd, ret_held);
	return error ? trouble(KEEP, "", error) : CTL_YES;
}

/* The timer runs before anything is written, so that nothing that ends this process leaves a
 * change that nobody undoes. */
static int
apply(const struct setup *s, int64_t within)
{
	DLK_AUTO_FD held = -1;
	char text[DLK_TIME_TEXT];
	int end = begin_change(s, &held);

	if (end != CTL_YES)
		return end;
	(void)signal(SIGPIPE, SIG_IGN);
	if (start_timer(within, held) != CTL_YES || write_all(s) != CTL_YES ||
	    sshd_agrees() != CTL_YES) {
		(void)roll_back();
		return ctl_fault("sshd -t does not agree, or a file could not be written");
	}
	reload_sshd();
	dlk_duration_text(within, text);
	printf("In force. Log in from another terminal now, and then type\n\n"
	       "    doublelock setup confirm\n\n"
	       "Otherwise everything is put back in %s. 'doublelock doctor' looks at the "
	       "whole.\n",
	    text);
	return CTL_YES;
}

static bool
is_in_force(const struct setup *s)
{
	for (size_t i = 0; i < N_PLACES; i++)
		if (!s->change[i].was_there ||
		    !dlk_bytes_equal(
			dlk_bytes_of(&s->change[i].before), dlk_bytes_of(&s->change[i].after)))
			return false;
	return true;
}

static int
run_ssh(struct ctl_call *call)
{
	__attribute__((cleanup(setup_fini))) struct setup s = { 0 };
	const char *within = NULL;
	int64_t seconds = WITHIN;
	bool yes = false;
	const struct ctl_option table[] = {
		{ .name = "yes", .flag = &yes },
		{ .name = "within", .text = &within },
	};
	int end;

	if (!CTL_OPTIONS(call, table, 0, 0))
		return CTL_USAGE;
	if (within &&
	    (dlk_duration_parse(within, &seconds) != 0 || seconds < 1 || seconds > 86400))
		return ctl_misused(call, "--within from 1s to 24h");
	end = yes && geteuid() == 0 ? undo_what_was_left() : CTL_YES;
	if (end == CTL_YES)
		end = plan(&s);
	if (end != CTL_YES)
		return end;
	if (is_in_force(&s)) {
		puts("everything is as 'doublelock setup ssh' would write it");
		return CTL_YES;
	}
	show(&s);
	if (!yes) {
		puts("Nothing was changed. 'doublelock setup ssh --yes' writes this.");
		return CTL_YES;
	}
	if (geteuid() != 0)
		return ctl_fault("these files are root's: sudo doublelock setup ssh --yes");
	return apply(&s, seconds);
}

static int
run_confirm(struct ctl_call *call)
{
	DLK_AUTO_FD fd = -1;
	int error;

	if (!ctl_options(call, NULL, 0, 0, 0))
		return CTL_USAGE;
	error = dlk_dir_open(KEEP, &(struct dlk_care){ .owned = true }, &fd);
	if (error == -ENOENT || (error == 0 && faccessat(fd, PENDING, F_OK, 0) != 0))
		return ctl_refuse("nothing waits for being confirmed");
	if (error != 0)
		return trouble(KEEP, "", error);
	forget(fd);
	puts("confirmed: it stays");
	return CTL_YES;
}

static int
run_rollback(struct ctl_call *call)
{
	if (!ctl_options(call, NULL, 0, 0, 0))
		return CTL_USAGE;
	return roll_back();
}

static const struct ctl_subject verbs[] = {
	{ .name = "ssh", .run = run_ssh, .synopsis = "[--yes] [--within TIME]" },
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
	    "         ssh|confirm|rollback",
};
