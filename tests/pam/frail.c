/* SPDX-License-Identifier: MIT */
/*
 * frail.c - linked into a helper of the tests: it is killed at the Nth of its writes, syncs
 * and answers, half of the write done. N stands in CONFIG.frail; without that file it lives. A
 * negative N is a disk that fails at its Nth sync, and behind "answer " only answers count.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at) SHOWN;
int fdatasync(int fd) SHOWN;
int ftruncate64(int fd, off64_t size) SHOWN;
ssize_t send(int fd, const void *p, size_t n, int flags) SHOWN;

static long left;
static int answers_only;

__attribute__((constructor)) static void
read_fate(int argc, char **argv)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s.frail", argc == 3 ? argv[2] : "");
	FILE *in = fopen(path, "r");
	if (in && fscanf(in, " answer %ld", &left) == 1) {
		answers_only = 1;
	} else if (in) {
		rewind(in);
		if (fscanf(in, "%ld", &left) != 1)
			left = 0;
	}
	if (in)
		fclose(in);
}

static int
is_last(int answers)
{
	return (answers || !answers_only) && left > 0 && --left == 0;
}

static void
die(void)
{
	kill(getpid(), SIGKILL);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	int last = is_last(0);
	ssize_t done = syscall(SYS_pwrite64, fd, p, last ? n / 2 : n, at);

	if (last)
		die();
	return done;
}

int
fdatasync(int fd)
{
	if (left < 0 && ++left == 0) {
		errno = EIO;
		return -1;
	}
	if (is_last(0))
		die();
	return (int)syscall(SYS_fdatasync, fd);
}

int
ftruncate64(int fd, off64_t size)
{
	if (is_last(0))
		die();
	return (int)syscall(SYS_ftruncate, fd, size);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	if (is_last(1))
		die();
	return syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}
