/* SPDX-License-Identifier: MIT */
/* child.c - starts and ends a program of ours inside somebody else's process: sshd, sudo, a
 * screen locker. posix_spawn, because between fork and exec nothing of the host may run. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/owner.h"
#include "base/text.h"
#include "wire/frame.h"

/* The path without links in *real, so that what was checked is what is started. */
static int
check_program(const char *path, char *real)
{
	struct stat st;

	if (!realpath(path, real))
		return -errno;
	int error = dlk_path_check(real, DLK_OWNER);
	if (error != 0)
		return error;
	if (stat(real, &st) != 0)
		return -errno;
	return S_ISREG(st.st_mode) ? 0 : -DLK_EFTYPE;
}

/* Returns an errno, as posix_spawn does. */
static int
set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	int error = posix_spawnattr_setsigdefault(attributes, &all);
	if (error == 0)
		error = posix_spawnattr_setsigmask(attributes, &none);
	if (error == 0)
		error = posix_spawnattr_setflags(attributes,
		    POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	return error;
}

static int
set_descriptors(posix_spawn_file_actions_t *actions, int socket)
{
	int error = posix_spawn_file_actions_adddup2(actions, socket, STDIN_FILENO);

	for (int fd = STDOUT_FILENO; error == 0 && fd <= STDERR_FILENO; fd++)
		error =
		    posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_WRONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
	return error;
}

static int
spawn(char *const *argv, int socket, pid_t *ret_pid)
{
	char *environment[] = { NULL };
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_t actions;

	int error = posix_spawnattr_init(&attributes);
	if (error != 0)
		return -error;
	error = posix_spawn_file_actions_init(&actions);
	if (error == 0) {
		error = set_attributes(&attributes);
		if (error == 0)
			error = set_descriptors(&actions, socket);
		if (error == 0)
			error = posix_spawn(
			    ret_pid, argv[0], &actions, &attributes, argv, environment);
		posix_spawn_file_actions_destroy(&actions);
	}
	posix_spawnattr_destroy(&attributes);
	return -error;
}

/* posix_spawn takes no const words. */
static int
add_word(const char *word, char *room, char **argv, size_t *n)
{
	if (!word)
		return 0;
	if (!dlk_text_copy(room, PATH_MAX, word))
		return -ENAMETOOLONG;
	argv[(*n)++] = room;
	return 0;
}

int
dlk_child_start(
    const char *path, const char *first, const char *second, pid_t *ret_pid, int *ret_fd)
{
	char program[PATH_MAX], words[2][PATH_MAX];
	char *argv[4] = { program };
	size_t n = 1;
	int pair[2];
	int error = check_program(path, program);

	if (error == 0)
		error = add_word(first, words[0], argv, &n);
	if (error == 0)
		error = add_word(second, words[1], argv, &n);
	if (error != 0)
		return error;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -errno;
	error = spawn(argv, pair[1], ret_pid);
	dlk_fd_close(&pair[1]);
	if (error != 0)
		dlk_fd_close(&pair[0]);
	else
		*ret_fd = pair[0];
	return error;
}

void
dlk_child_end(pid_t pid, int *fd, int64_t deadline_ms)
{
	shutdown(*fd, SHUT_WR);
	(void)dlk_frame_end(*fd, deadline_ms);
	dlk_fd_close(fd);
	/* 0: still there, so the number is still its own */
	if (waitpid(pid, NULL, WNOHANG) != 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
