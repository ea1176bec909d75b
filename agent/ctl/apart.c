/* SPDX-License-Identifier: MIT */
/*
 * apart.c - takes foreign bytes apart in a process without rights, for a command that has to
 * write what is root's alone. What comes back is octets; the writer says where they go.
 */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int
write_all(int fd, struct dlk_bytes what)
{
	while (what.n > 0) {
		ssize_t n = write(fd, what.p, what.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		what.p += n;
		what.n -= (size_t)n;
	}
	return 0;
}

__attribute__((noreturn)) static void
work_and_exit(int fd, ctl_work *work, void *arg)
{
	DLK_AUTO_BUF result = { 0 };

	int end = ctl_become_nobody();
	if (end == CTL_YES)
		end = work(arg, &result);
	if (write_all(fd, dlk_bytes_of(&result)) < 0)
		end = CTL_FAULT;
	fflush(stdout);
	fflush(stderr);
	_exit(end);
}

static int
wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return CTL_FAULT;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return ctl_fault(
	    "the process that reads what is foreign was ended by signal %d", WTERMSIG(status));
}

int
ctl_apart(ctl_work *work, void *arg, size_t most, struct dlk_buf *ret_result)
{
	int ends[2];

	fflush(stdout);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return ctl_fault("no pipe: %s", dlk_file_error(errno));
	DLK_AUTO_FD ours = ends[0], theirs = ends[1];
	pid_t pid = fork();
	if (pid < 0)
		return ctl_fault("no process: %s", dlk_file_error(errno));
	if (pid == 0)
		work_and_exit(theirs, work, arg);
	dlk_fd_close(&theirs);
	int r = dlk_fd_read(ours, most, ret_result);
	if (r < 0)
		(void)kill(pid, SIGKILL);
	int end = wait_for(pid);
	return r < 0 ? ctl_fault("no answer: %s", dlk_file_error(r)) : end;
}
