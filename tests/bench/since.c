/* SPDX-License-Identifier: MIT */
/*
 * since SECONDS TEXT... -- COMMAND...: starts the command, and says how many milliseconds
 * later each of the texts stood in what it prints, in their order, on one line. The command is
 * ended after the last one. Exit 1: they did not come within so many seconds.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static pid_t
start(char **command, int *ret_fd)
{
	int pipes[2];

	if (pipe(pipes) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		(void)dup2(pipes[1], STDOUT_FILENO);
		(void)dup2(pipes[1], STDERR_FILENO);
		(void)close(pipes[0]);
		(void)close(pipes[1]);
		(void)execvp(command[0], command);
		_exit(127);
	}
	(void)close(pipes[1]);
	*ret_fd = pipes[0];
	return pid;
}

/* What has come stands in `heard`; the texts are looked for behind one another. */
static bool
watch(int fd, char **text, int64_t began, int64_t limit)
{
	static char heard[256 * 1024];
	size_t n = 0, from = 0;

	while (*text && n < sizeof(heard) - 1) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = began + limit - now_ns();
		if (left <= 0 || poll(&p, 1, (int)(left / 1000000) + 1) <= 0)
			return false;
		ssize_t got = read(fd, heard + n, sizeof(heard) - 1 - n);
		double ms = (double)(now_ns() - began) / 1e6;
		if (got <= 0)
			return false;
		n += (size_t)got;
		heard[n] = '\0';
		for (const char *at; *text && (at = strstr(heard + from, *text)); text++) {
			from = (size_t)(at - heard) + strlen(*text);
			printf("%.3f ", ms);
		}
	}
	return !*text;
}

int
main(int argc, char **argv)
{
	int fd = -1, at = 2;

	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	if (argc < 5 || at + 1 >= argc)
		return 2;
	argv[at] = NULL;
	int64_t began = now_ns();
	pid_t pid = start(argv + at + 1, &fd);
	if (pid < 0)
		return 2;
	bool seen = watch(fd, argv + 2, began, atoi(argv[1]) * INT64_C(1000000000));
	(void)kill(pid, SIGTERM);
	for (char rest[4096]; read(fd, rest, sizeof(rest)) > 0;)
		;
	(void)waitpid(pid, NULL, 0);
	puts("");
	return seen ? 0 : 1;
}
