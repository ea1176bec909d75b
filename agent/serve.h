/* SPDX-License-Identifier: MIT */
/*
 * serve.h - the waist of the agent: whatever a door has collected is worked on by one of a
 * few threads, each with an engine of its own, and comes back to the thread of the loop.
 */
#ifndef DLK_AGENT_SERVE_H
#define DLK_AGENT_SERVE_H

#include "config/engine.h"

#define DLK_SERVE_THREADS_MAX 16
#define DLK_SERVE_WAITING_MAX 1024  /* jobs; what comes then is turned away */
#define DLK_SERVE_PATIENCE_MS 10000 /* a job that waited longer is not begun any more */
#define DLK_SERVE_GATHERED    64    /* jobs whose records wait for the disk together */

struct event_base;
struct dlk_serve;

/* First member of a door's own structure. */
struct dlk_job {
	/* In a thread, with that thread's engine and beside the other threads: what needs no
	 * record. A job without it is not gathered with others, and `settled` is not called.
	 */
	void (*judge)(struct dlk_job *job, struct dlk_engine *engine);
	/* In the same thread afterwards. Where jobs are gathered, what they write into the
	 * engine's record is one transaction. */
	void (*work)(struct dlk_job *job, struct dlk_engine *engine);
	/* And then: 0, the transaction is durable; -errno, nothing of it was written. */
	void (*settled)(struct dlk_job *job, struct dlk_engine *engine, int error);
	/* In the thread of the loop, in every case and exactly once; frees the job. `worked`
	 * is false where the job was turned away: nothing was decided. */
	void (*done)(struct dlk_job *job, bool worked);
	bool worked;
	int64_t began_ms;
	struct dlk_job *next;
};

/* Takes the engines, one per thread. 0 or -errno, and then they are closed. */
int dlk_serve_new(struct event_base *base, struct dlk_engine **engine, size_t n,
    struct dlk_serve **ret_serve);
/* Takes the job. From the thread of the loop alone. */
void dlk_serve_ask(struct dlk_serve *serve, struct dlk_job *job);
/* Takes engines of a newer configuration: each thread changes over between two jobs. May be
 * called from any one thread at a time. */
void dlk_serve_swap(struct dlk_serve *serve, struct dlk_engine **engine);
size_t dlk_serve_threads(const struct dlk_serve *serve);
size_t dlk_serve_open_jobs(const struct dlk_serve *serve); /* asked and not yet done */
/* Ends the threads; jobs that wait are done as not worked. NULL is fine. */
void dlk_serve_free(struct dlk_serve *serve);

#endif
