/* SPDX-License-Identifier: MIT */
/* child.c - starts and ends the helper inside somebody else's process: sshd, sudo, a screen
 * locker. posix_spawn, because between fork and exec nothing of the host may run. */
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
spawn(char *program, char *config, int socket, pid_t *ret_pid)
{
	char name[] = "--config";
	char *argv[] = { program, config ? name : NULL, config, NULL };
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
			    ret_pid, program, &actions, &attributes, argv, environment);
		posix_spawn_file_actions_destroy(&actions);
	}
	posix_spawnattr_destroy(&attributes);
	return -error;
}

int
dlk_child_start(const char *helper, const char *config, pid_t *ret_pid, int *ret_fd)
{
	char program[PATH_MAX], file[PATH_MAX];
	int pair[2];
	int error = check_program(helper, program);

	if (error == 0 && config && !dlk_text_copy(file, sizeof(file), config))
		error = -ENAMETOOLONG;
	if (error != 0)
		return error;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -errno;
	error = spawn(program, config ? file : NULL, pair[1], ret_pid);
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
