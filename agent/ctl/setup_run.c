/* SPDX-License-Identifier: MIT */
/* setup_run.c - this program once more, with other words: each step of the first setup is a
 * command that somebody could type. */
#include "setup.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 32
#define OUT_MAX   ((size_t)4 * 1024 * 1024)

/* exec(3) takes what it does not change as if it could. */
static char *const *
to_exec(const char *const *argv)
{
	union {
		const char *const *ours;
		char *const *theirs;
	} words = { .ours = argv };

	return words.theirs;
}

static int
start(const char *const *words, bool asks, int out, pid_t *ret_pid)
{
	const char *argv[WORDS_MAX + 2] = { "doublelock" };
	posix_spawn_file_actions_t actions;
	size_t n = 1;
	int error;

	for (; words[n - 1]; n++) {
		if (n > WORDS_MAX)
			return -E2BIG;
		argv[n] = words[n - 1];
	}
	error = posix_spawn_file_actions_init(&actions);
	if (error == 0 && !asks)
		error = posix_spawn_file_actions_addopen(
		    &actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (error == 0 && out >= 0)
		error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn(
		    ret_pid, "/proc/self/exe", &actions, NULL, to_exec(argv), environ);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

static int
wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return CTL_FAULT;
	return WIFEXITED(status) ? WEXITSTATUS(status) : CTL_FAULT;
}

int
setup_run(const char *const *words, bool asks, struct dlk_buf *out)
{
	int ends[2] = { -1, -1 }, error = 0;
	pid_t pid = 0;

	fflush(stdout);
	if (out && pipe2(ends, O_CLOEXEC) < 0)
		return ctl_fault("no pipe: %s", dlk_file_error(errno));
	DLK_AUTO_FD ours = ends[0], theirs = ends[1];
	error = start(words, asks, theirs, &pid);
	if (error != 0)
		return ctl_fault("no process: %s", dlk_file_error(error));
	dlk_fd_close(&theirs);
	if (out)
		error = dlk_fd_read(ours, OUT_MAX, out);
	dlk_fd_close(&ours); /* what goes on writing is told so */
	int end = wait_for(pid);
	return error ? ctl_fault("no answer: %s", dlk_file_error(error)) : end;
}
