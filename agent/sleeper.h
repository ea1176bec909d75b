/* SPDX-License-Identifier: MIT */
/* sleeper.h - a thread that looks now and then, or when it is woken, and ends when it is told
 * to. What it looks at is for whoever starts it. */
#ifndef DLK_AGENT_SLEEPER_H
#define DLK_AGENT_SLEEPER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct dlk_sleeper {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t some;
	bool asked; /* under the lock */
	_Atomic bool ending;
};

/* `run` goes on until dlk_sleeper_is_ending(). 0 or -errno. */
int dlk_sleeper_start(struct dlk_sleeper *sleeper, void *(*run)(void *arg), void *arg);
/* From the thread: true where it was woken before that many seconds were over. */
bool dlk_sleeper_rest(struct dlk_sleeper *sleeper, int64_t seconds);
/* From any thread. What takes long asks in between. */
bool dlk_sleeper_is_ending(const struct dlk_sleeper *sleeper);
void dlk_sleeper_wake(struct dlk_sleeper *sleeper);
/* Waits for the thread's end. Once, for one that was started. */
void dlk_sleeper_stop(struct dlk_sleeper *sleeper);

#endif
