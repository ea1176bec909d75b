/* SPDX-License-Identifier: MIT */
/* sleeper.c - a lock, a condition and a clock that nobody sets. */
#include "agent/sleeper.h"

#include <errno.h>
#include <time.h>

int
dlk_sleeper_start(struct dlk_sleeper *sleeper, void *(*run)(void *arg), void *arg)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&sleeper->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&sleeper->some, &attributes);
	pthread_condattr_destroy(&attributes);
	sleeper->asked = false;
	sleeper->ending = false;
	return -pthread_create(&sleeper->thread, NULL, run, arg);
}

bool
dlk_sleeper_rest(struct dlk_sleeper *sleeper, int64_t seconds)
{
	struct timespec until;
	bool woken;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&sleeper->lock);
	while (!sleeper->asked && !sleeper->ending)
		if (pthread_cond_timedwait(&sleeper->some, &sleeper->lock, &until) ==
		    ETIMEDOUT)
			break;
	woken = sleeper->asked || sleeper->ending;
	sleeper->asked = false;
	pthread_mutex_unlock(&sleeper->lock);
	return woken;
}

bool
dlk_sleeper_is_ending(const struct dlk_sleeper *sleeper)
{
	return sleeper->ending;
}

static void
signal_thread(struct dlk_sleeper *sleeper, bool ending)
{
	pthread_mutex_lock(&sleeper->lock);
	sleeper->asked = true;
	if (ending)
		sleeper->ending = true;
	pthread_cond_signal(&sleeper->some);
	pthread_mutex_unlock(&sleeper->lock);
}

void
dlk_sleeper_wake(struct dlk_sleeper *sleeper)
{
	signal_thread(sleeper, false);
}

void
dlk_sleeper_stop(struct dlk_sleeper *sleeper)
{
	signal_thread(sleeper, true);
	pthread_join(sleeper->thread, NULL);
	pthread_cond_destroy(&sleeper->some);
	pthread_mutex_destroy(&sleeper->lock);
}
