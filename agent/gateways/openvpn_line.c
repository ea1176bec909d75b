/* SPDX-License-Identifier: MIT */
/* openvpn_line.c - connects ahead of time. What is said on the line is not known here. */
#include "openvpn_line.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/file.h"
#include "inquiry.h"
#include "wire/client.h"

struct dlk_line {
	struct dlk_chore chore; /* first */
	const char *agent;
	uid_t uid;
	struct dlk_pool *pool;
	pthread_mutex_t lock;
	int fd;
	bool rising; /* a thread has it, or will */
};

static void
connect_now(struct dlk_chore *chore)
{
	struct dlk_line *line = (struct dlk_line *)(void *)chore;
	int fd = -1;

	/* where it cannot be made, the login that needs one says so */
	(void)dlk_client_connect(line->agent, line->uid, &fd);
	pthread_mutex_lock(&line->lock);
	line->fd = fd;
	line->rising = false;
	pthread_mutex_unlock(&line->lock);
}

int
dlk_line_new(const char *agent, uid_t uid, struct dlk_pool *pool, struct dlk_line **ret_line)
{
	struct dlk_line *line = calloc(1, sizeof(*line));

	if (!line)
		return -ENOMEM;
	*line = (struct dlk_line){
		.chore.run = connect_now, .agent = agent, .uid = uid, .pool = pool, .fd = -1
	};
	(void)pthread_mutex_init(&line->lock, NULL);
	*ret_line = line;
	return 0;
}

void
dlk_line_free(struct dlk_line *line)
{
	if (!line)
		return;
	dlk_fd_close(&line->fd);
	(void)pthread_mutex_destroy(&line->lock);
	free(line);
}

/* Under the lock. */
static bool
stands(struct dlk_line *line)
{
	if (line->fd >= 0 && !dlk_inquiry_waits(line->fd))
		dlk_fd_close(&line->fd);
	return line->fd >= 0;
}

void
dlk_line_raise(struct dlk_line *line)
{
	pthread_mutex_lock(&line->lock);
	bool wanted = !line->rising && !stands(line);
	line->rising |= wanted;
	pthread_mutex_unlock(&line->lock);
	if (!wanted || dlk_pool_add(line->pool, &line->chore))
		return;
	pthread_mutex_lock(&line->lock);
	line->rising = false;
	pthread_mutex_unlock(&line->lock);
}

int
dlk_line_take(struct dlk_line *line)
{
	pthread_mutex_lock(&line->lock);
	int fd = stands(line) ? line->fd : -1;
	line->fd = -1;
	pthread_mutex_unlock(&line->lock);
	return fd;
}
