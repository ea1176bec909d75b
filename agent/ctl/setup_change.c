/* SPDX-License-Identifier: MIT */
/* setup_change.c - keeps, writes, and puts back. What is written into the files it does not
 * know. */
#include "setup_change.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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
#define SSHD_PID "/run/sshd.pid"
#define WITHIN   600 /* seconds */
#define FILE_MAX SETUP_FILE_MAX
#define N_PLACES SETUP_PLACES

static const struct place {
	const char *dir, *name;
	const char *kept; /* its name in KEEP; with ".none" where there was no such file */
} places[SETUP_PLACES] = {
	[SETUP_SSHD_DROP_IN] = { "/etc/ssh/sshd_config.d", "10-doublelock.conf", "sshd" },
	[SETUP_PAM_SSHD] = { "/etc/pam.d", "sshd", "pam" },
	[SETUP_PAM_SUDO] = { "/etc/pam.d", "sudo", "sudo" },
	[SETUP_PAM_SUDO_I] = { "/etc/pam.d", "sudo-i", "sudo-i" },
	[SETUP_PAM_LOGIN] = { "/etc/pam.d", "login", "login" },
};

const char *
setup_place_dir(enum setup_place place)
{
	return places[place].dir;
}

const char *
setup_place_name(enum setup_place place)
{
	return places[place].name;
}

void
setup_changes_fini(struct setup_changes *s)
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

int
setup_change_read(struct setup_changes *s, enum setup_place place)
{
	struct setup_change *change = &s->change[place];
	char path[256];

	dlk_text_print(path, sizeof(path), "%s/%s", places[place].dir, places[place].name);
	int error = dlk_file_read(path, FILE_MAX, NULL, &change->before);
	change->chosen = true;
	change->was_there = error == 0;
	return error == 0 || error == -ENOENT
		   ? CTL_YES
		   : trouble(places[place].dir, places[place].name, error);
}

int
setup_change_add(struct setup_change *change, struct dlk_bytes what)
{
	return dlk_buf_add(&change->after, 2 * FILE_MAX, what);
}

static bool
stays(const struct setup_change *change)
{
	return change->was_there &&
	       dlk_bytes_equal(dlk_bytes_of(&change->before), dlk_bytes_of(&change->after));
}

bool
setup_changes_in_force(const struct setup_changes *s)
{
	for (size_t i = 0; i < N_PLACES; i++)
		if (s->change[i].chosen && !stays(&s->change[i]))
			return false;
	return true;
}

struct dlk_bytes
setup_take_line(struct dlk_bytes *rest)
{
	const uint8_t *end = memchr(rest->p, '\n', rest->n);
	size_t n = end ? (size_t)(end - rest->p) + 1 : rest->n;
	struct dlk_bytes line = DLK_BYTES(rest->p, n);

	*rest = DLK_BYTES(rest->p + n, rest->n - n);
	return line;
}

static void
show_lines(struct dlk_bytes rest)
{
	while (rest.n > 0) {
		struct dlk_bytes line = setup_take_line(&rest);

		printf("    %.*s", (int)line.n, (const char *)line.p);
	}
	printf("\n");
}

void
setup_changes_show(const struct setup_changes *s)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		if (!s->change[i].chosen || stays(&s->change[i]))
			continue;
		printf("%s %s/%s\n", s->change[i].was_there ? "becomes" : "new    ",
		    places[i].dir, places[i].name);
		show_lines(dlk_bytes_of(&s->change[i].after));
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
keep(const struct setup_changes *s, int fd)
{
	int error = 0;

	for (size_t i = 0; i < N_PLACES && error == 0; i++) {
		char none[32];

		if (!s->change[i].chosen)
			continue;
		dlk_text_print(none, sizeof(none), "%s.none", places[i].kept);
		error = dlk_file_replace(fd, s->change[i].was_there ? places[i].kept : none,
		    0600, dlk_bytes_of(&s->change[i].before));
	}
	return error ? error : dlk_file_replace(fd, PENDING, 0600, DLK_BYTES("", 0));
}

static int
write_all(const struct setup_changes *s)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		DLK_AUTO_FD dir = -1;

		if (!s->change[i].chosen)
			continue;
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
	if (error == 0 && faccessat(keep_fd, place->kept, F_OK, 0) != 0 && errno == ENOENT)
		return 0; /* it was not changed */
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

int
setup_roll_back(void)
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
	_exit(is_pending(held) ? setup_roll_back() : CTL_YES);
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
int
setup_undo_left(void)
{
	DLK_AUTO_FD fd = -1, left = -1;
	int error = dlk_dir_open(KEEP, &(struct dlk_care){ .owned = true }, &fd);

	if (error == 0)
		error = hold_pending(fd, &left);
	if (error == 0)
		return setup_roll_back();
	return error == -ENOENT || error == -EWOULDBLOCK ? CTL_YES : trouble(KEEP, "", error);
}

static int
begin_change(const struct setup_changes *s, int *ret_held)
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
int
setup_changes_apply(const struct setup_changes *s, int64_t within, int (*agrees)(void *arg),
    void *arg, const char *then)
{
	DLK_AUTO_FD held = -1;
	char text[DLK_TIME_TEXT];
	int end = begin_change(s, &held);

	if (end != CTL_YES)
		return end;
	(void)signal(SIGPIPE, SIG_IGN);
	if (start_timer(within, held) != CTL_YES || write_all(s) != CTL_YES)
		end = ctl_fault("a file could not be written");
	else
		end = agrees(arg);
	if (end != CTL_YES) {
		(void)setup_roll_back();
		return end;
	}
	reload_sshd();
	dlk_duration_text(within, text);
	printf("In force. %s, and then type\n\n"
	       "    doublelock setup confirm\n\n"
	       "Otherwise everything is put back in %s. 'doublelock doctor' looks at the "
	       "whole.\n",
	    then, text);
	return CTL_YES;
}

int
setup_within(struct ctl_call *call, const char *within, int64_t *ret_seconds)
{
	*ret_seconds = WITHIN;
	if (within && (dlk_duration_parse(within, ret_seconds) != 0 || *ret_seconds < 1 ||
			  *ret_seconds > 86400))
		return ctl_misused(call, "--within from 1s to 24h");
	return CTL_YES;
}

int
setup_confirm(void)
{
	DLK_AUTO_FD fd = -1;
	int error = dlk_dir_open(KEEP, &(struct dlk_care){ .owned = true }, &fd);

	if (error == -ENOENT || (error == 0 && faccessat(fd, PENDING, F_OK, 0) != 0))
		return ctl_refuse("nothing waits for being confirmed");
	if (error != 0)
		return trouble(KEEP, "", error);
	forget(fd);
	puts("confirmed: it stays");
	return CTL_YES;
}
