/* SPDX-License-Identifier: MIT */
/* notify.c - datagrams to whoever started us. It reads no answer and needs none. */
#include "agent/notify.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

static int manager = -1;

void
dlk_notify_open(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");

	if (!path || (path[0] != '/' && path[0] != '@') ||
	    !dlk_text_copy(address.sun_path, sizeof(address.sun_path), path))
		return;
	socklen_t n =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address.sun_path));
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	else
		n++;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* A busy manager's queue is full for a moment, and READY=1 is said once. */
	const struct timeval limit = { .tv_sec = 1 };
	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, n) < 0) {
		close(fd);
		fd = -1;
	}
	manager = fd;
}

void
dlk_notify(const char *state)
{
	if (manager >= 0)
		(void)send(manager, state, strlen(state), MSG_NOSIGNAL);
}

int64_t
dlk_notify_watchdog(void)
{
	const char *pid = getenv("WATCHDOG_PID"), *limit = getenv("WATCHDOG_USEC");
	int64_t whose = getpid(), us = 0;

	if (manager < 0 || !limit || dlk_int_parse(limit, 1, INT64_MAX, &us) < 0 ||
	    (pid && dlk_int_parse(pid, 1, INT32_MAX, &whose) < 0) || whose != getpid())
		return 0;
	return us / 1000000;
}
