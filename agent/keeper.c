/* SPDX-License-Identifier: MIT */
/* keeper.c - the process that was forked before anything foreign was read. It reads from the
 * agent a descriptor and nothing else. */
#include "agent/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/say.h"

#define NAME     "doublelock-keep" /* 15 octets are shown */
#define FIRST_FD 3

struct dlk_keeper {
	int fd;
};

/* One octet, and a descriptor. */
union control {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static int
send_fd(int socket, int fd)
{
	union control control = { .room = { 0 } };
	struct iovec octet = { .iov_base = (char[]){ 0 }, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &octet,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return errno == ECONNRESET ? -EPIPE : -errno;
	return 0;
}

/* False: the agent has ended. */
static bool
receive_fd(int socket, int *ret_fd)
{
	union control control = { .room = { 0 } };
	char octet;
	struct iovec room = { .iov_base = &octet, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &room,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	ssize_t n;

	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(*ret_fd)))
		memcpy(ret_fd, CMSG_DATA(head), sizeof(*ret_fd));
	return true;
}

/* Nothing of the environment is handed on: no proxy, no other set of CAs. */
static void
start(const char *program, int fd)
{
	char *const arguments[] = { (char[]){ "doublelock-outward" }, NULL };
	char *const nothing[] = { NULL };
	pid_t child = fork();

	if (child < 0)
		dlk_say(DLK_ERROR, "%s: %s", program, strerror(errno));
	if (child != 0)
		return;
	if (dup2(fd, STDIN_FILENO) == STDIN_FILENO)
		(void)execve(program, arguments, nothing);
	dlk_say(DLK_ERROR, "%s: %s", program, strerror(errno));
	_exit(127);
}

/* Whoever stops a service tells all of its processes; the keeper ends as the agent does. */
static void
set_signals(void)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)sigaction(ignored[i], &ignore, NULL);
}

/* What the agent has open is none of its affair. */
static void
close_others(void)
{
	if (syscall(SYS_close_range, FIRST_FD + 1, ~0U, 0) == 0)
		return;
	for (long fd = FIRST_FD + 1; fd < sysconf(_SC_OPEN_MAX); fd++)
		(void)close((int)fd);
}

__attribute__((noreturn)) static void
keep(const char *program, int socket)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, NAME);
	set_signals();
	if (dup3(socket, FIRST_FD, O_CLOEXEC) != FIRST_FD && socket != FIRST_FD)
		_exit(1);
	close_others();
	for (;;) {
		DLK_AUTO_FD fd = -1;
		if (!receive_fd(FIRST_FD, &fd))
			_exit(0);
		if (fd >= 0)
			start(program, fd);
	}
}

int
dlk_keeper_start(const char *program, struct dlk_keeper **ret_keeper)
{
	struct dlk_keeper *keeper = calloc(1, sizeof(*keeper));
	int ends[2], error;

	if (!keeper)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		error = -errno;
		free(keeper);
		return error;
	}
	pid_t child = fork();
	if (child == 0)
		keep(program, ends[1]);
	error = child < 0 ? -errno : 0;
	close(ends[1]);
	keeper->fd = ends[0];
	if (error < 0)
		dlk_keeper_free(keeper);
	else
		*ret_keeper = keeper;
	return error;
}

int
dlk_keeper_ask(const struct dlk_keeper *keeper, int *ret_fd)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	int r = send_fd(keeper->fd, ends[1]);
	close(ends[1]);
	if (r == 0)
		*ret_fd = ends[0];
	else
		close(ends[0]);
	return r;
}

int
dlk_keeper_fd(const struct dlk_keeper *keeper)
{
	return keeper->fd;
}

void
dlk_keeper_free(struct dlk_keeper *keeper)
{
	if (keeper)
		dlk_fd_close(&keeper->fd);
	free(keeper);
}
