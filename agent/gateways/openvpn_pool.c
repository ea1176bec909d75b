/* SPDX-License-Identifier: MIT */
/* openvpn_pool.c - a queue and a few threads, as many as are busy. What they do is not known
 * here. */
#include "openvpn_pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct dlk_pool {
	pthread_mutex_t lock;
	pthread_cond_t some, fewer;
	struct dlk_chore *first, **last;
	unsigned waiting, running, idle;
	bool rooted; /* the first thread has a root of its own */
	bool ending;
};

static void *run(void *arg);

/* Under the lock, or before there is anybody else. */
static int
start(struct dlk_pool *pool)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&thread, &attributes, run, pool);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	pool->running += error == 0;
	return -error;
}

static struct dlk_chore *
take(struct dlk_pool *pool)
{
	struct dlk_chore *chore = pool->first;

	pool->first = chore->next;
	if (!pool->first)
		pool->last = &pool->first;
	pool->waiting--;
	return chore;
}

static void
work(struct dlk_pool *pool)
{
	struct dlk_chore *chore = take(pool);

	/* from here, not from OpenVPN's thread, whose root may be another one by now */
	if (pool->idle == 0 && pool->running < DLK_POOL_THREADS)
		(void)start(pool);
	pthread_mutex_unlock(&pool->lock);
	chore->run(chore);
	pthread_mutex_lock(&pool->lock);
}

static void *
run(void *arg)
{
	struct dlk_pool *pool = arg;

	/* a root of its own; where that fails, the process's has to lead to the socket */
	(void)unshare(CLONE_FS);
	pthread_mutex_lock(&pool->lock);
	pool->rooted = true;
	pthread_cond_signal(&pool->fewer);
	while (!pool->ending) {
		if (pool->first) {
			work(pool);
			continue;
		}
		pool->idle++;
		pthread_cond_wait(&pool->some, &pool->lock);
		pool->idle--;
	}
	pool->running--;
	pthread_cond_signal(&pool->fewer);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

int
dlk_pool_new(struct dlk_pool **ret_pool)
{
	struct dlk_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->some, NULL);
	(void)pthread_cond_init(&pool->fewer, NULL);
	pool->last = &pool->first;
	int error = start(pool);
	if (error < 0) {
		free(pool);
		return error;
	}
	pthread_mutex_lock(&pool->lock);
	while (!pool->rooted)
		pthread_cond_wait(&pool->fewer, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	*ret_pool = pool;
	return 0;
}

bool
dlk_pool_add(struct dlk_pool *pool, struct dlk_chore *chore)
{
	pthread_mutex_lock(&pool->lock);
	bool room = pool->waiting < DLK_POOL_WAITING && !pool->ending;
	if (room) {
		chore->next = NULL;
		*pool->last = chore;
		pool->last = &chore->next;
		pool->waiting++;
		pthread_cond_signal(&pool->some);
	}
	pthread_mutex_unlock(&pool->lock);
	return room;
}

bool
dlk_pool_free(struct dlk_pool *pool)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_cond_broadcast(&pool->some);
	while (pool->running > 0)
		if (pthread_cond_timedwait(&pool->fewer, &pool->lock, &until) != 0)
			break;
	bool all = pool->running == 0;
	pthread_mutex_unlock(&pool->lock);
	if (all)
		free(pool);
	return all;
}
