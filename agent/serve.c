/* SPDX-License-Identifier: MIT */
/*
 * serve.c - a queue, a few threads, and the way back into the loop. It knows neither HTTP
 * nor what a job decides; it refuses to begin work whose asker has given up.
 */
#include "agent/serve.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/confine.h"
#include "base/say.h"
#include "wire/frame.h"

struct queue {
	struct dlk_job *first, **last;
};

struct worker {
	struct dlk_serve *serve;
	pthread_t thread;
	struct dlk_engine *engine; /* the thread's alone */
	struct dlk_engine *newer;  /* under the lock */
	pthread_cond_t some;
	bool idle; /* under the lock */
	bool confined;
};

struct dlk_serve {
	pthread_mutex_t lock;
	pthread_mutex_t settling; /* one thread at a time writes */
	struct queue waiting, finished;
	size_t n_waiting;
	size_t n_open; /* the loop's alone */
	bool ending;
	int bell; /* eventfd: something is finished */
	struct event *heard;
	size_t n_workers, n_running;
	struct worker worker[DLK_SERVE_THREADS_MAX];
};

static void
put(struct queue *queue, struct dlk_job *job)
{
	job->next = NULL;
	*queue->last = job;
	queue->last = &job->next;
}

static struct dlk_job *
take(struct queue *queue)
{
	struct dlk_job *job = queue->first;

	if (job) {
		queue->first = job->next;
		if (!queue->first)
			queue->last = &queue->first;
	}
	return job;
}

static void
ring(struct dlk_serve *serve)
{
	/* fails only where the counter is full, and then the bell rings already */
	(void)!write(serve->bell, &(uint64_t){ 1 }, sizeof(uint64_t));
}

/* Of those that wait, as many as are this thread's: nobody else is to be idle meanwhile. */
static size_t
take_some(struct worker *self, struct dlk_job **ret_job)
{
	struct dlk_serve *serve = self->serve;
	size_t share = (serve->n_waiting + serve->n_workers - 1) / serve->n_workers, n = 0;

	do
		ret_job[n++] = take(&serve->waiting);
	while (n < share && n < DLK_SERVE_GATHERED && ret_job[0]->judge &&
	       serve->waiting.first && serve->waiting.first->judge);
	serve->n_waiting -= n;
	return n;
}

/* Whoever waits here would only wait for the database otherwise, looking every now and then.
 */
static void
settle(struct worker *self, struct dlk_job *const *job, size_t n)
{
	int error = 0;

	pthread_mutex_lock(&self->serve->settling);
	if (n > 1)
		dlk_engine_gather(self->engine);
	for (size_t i = 0; i < n; i++)
		job[i]->work(job[i], self->engine);
	if (n > 1)
		error = dlk_engine_commit(self->engine);
	pthread_mutex_unlock(&self->serve->settling);
	for (size_t i = 0; i < n; i++)
		job[i]->settled(job[i], self->engine, error);
}

static void
work(struct worker *self, struct dlk_job *const *job, size_t n)
{
	struct dlk_job *begun[DLK_SERVE_GATHERED];
	size_t n_begun = 0;

	for (size_t i = 0; i < n && self->confined; i++)
		if (dlk_monotonic_ms() - job[i]->began_ms <= DLK_SERVE_PATIENCE_MS)
			begun[n_begun++] = job[i];
	for (size_t i = 0; i < n_begun; i++) {
		if (begun[i]->judge)
			begun[i]->judge(begun[i], self->engine);
		else
			begun[i]->work(begun[i], self->engine);
	}
	if (n_begun > 0 && begun[0]->judge)
		settle(self, begun, n_begun);
	for (size_t i = 0; i < n_begun; i++)
		begun[i]->worked = true;
}

/* Under the lock on both sides, without it while working. */
static void
work_some(struct worker *self)
{
	struct dlk_serve *serve = self->serve;
	struct dlk_job *job[DLK_SERVE_GATHERED];
	struct dlk_engine *older = NULL;
	size_t n = take_some(self, job);

	if (self->newer) {
		older = self->engine;
		self->engine = self->newer;
		self->newer = NULL;
	}
	pthread_mutex_unlock(&serve->lock);
	dlk_engine_close(older);
	work(self, job, n);
	pthread_mutex_lock(&serve->lock);
	for (size_t i = 0; i < n; i++)
		put(&serve->finished, job[i]);
	ring(serve);
}

/* A later configuration may name other files; the network and programs are no judge's. */
static void
confine(struct worker *self)
{
	const struct dlk_settings *settings = dlk_engine_settings(self->engine);
	bool landlock = false;
	int r = dlk_confine(settings->file, settings, DLK_CONFINE_STAYS, &landlock);

	self->confined = r == 0;
	if (self != self->serve->worker)
		return; /* one of them says it for all */
	if (r < 0)
		dlk_say(DLK_ERROR, "giving up files and calls: %s: every question is refused",
		    dlk_file_error(r));
	else if (!landlock)
		dlk_say(DLK_NOTICE, "this kernel has no Landlock: what files a judge may open "
				    "is for their owners and modes alone");
}

static void *
run(void *arg)
{
	struct worker *self = arg;
	struct dlk_serve *serve = self->serve;

	confine(self);
	pthread_mutex_lock(&serve->lock);
	while (!serve->ending) {
		self->idle = !serve->waiting.first;
		if (self->idle)
			pthread_cond_wait(&self->some, &serve->lock);
		else
			work_some(self);
	}
	pthread_mutex_unlock(&serve->lock);
	return NULL;
}

static void
hear(evutil_socket_t fd, short what, void *arg)
{
	struct dlk_serve *serve = arg;
	uint64_t n;

	(void)what;
	(void)!read(fd, &n, sizeof(n));
	pthread_mutex_lock(&serve->lock);
	struct dlk_job *job = serve->finished.first;
	serve->finished = (struct queue){ NULL, &serve->finished.first };
	pthread_mutex_unlock(&serve->lock);
	while (job) {
		struct dlk_job *next = job->next;
		serve->n_open--;
		job->done(job, job->worked);
		job = next;
	}
}

/* Always the first one that has nothing to do: what its engine has read of the record is still
 * true where nobody else has written meanwhile. */
static void
wake_one(struct dlk_serve *serve)
{
	for (size_t i = 0; i < serve->n_running; i++) {
		struct worker *worker = &serve->worker[i];
		if (!worker->idle)
			continue;
		worker->idle = false;
		pthread_cond_signal(&worker->some);
		return;
	}
}

void
dlk_serve_ask(struct dlk_serve *serve, struct dlk_job *job)
{
	job->worked = false;
	job->began_ms = dlk_monotonic_ms();
	serve->n_open++;
	pthread_mutex_lock(&serve->lock);
	if (serve->n_waiting < DLK_SERVE_WAITING_MAX) {
		serve->n_waiting++;
		put(&serve->waiting, job);
		wake_one(serve);
	} else {
		put(&serve->finished, job);
		ring(serve);
	}
	pthread_mutex_unlock(&serve->lock);
}

void
dlk_serve_swap(struct dlk_serve *serve, struct dlk_engine **engine)
{
	struct dlk_engine *unused[DLK_SERVE_THREADS_MAX] = { 0 };

	assert(serve->n_workers <= DLK_SERVE_THREADS_MAX);
	pthread_mutex_lock(&serve->lock);
	for (size_t i = 0; i < serve->n_workers; i++) {
		unused[i] = serve->worker[i].newer;
		serve->worker[i].newer = engine[i];
	}
	pthread_mutex_unlock(&serve->lock);
	for (size_t i = 0; i < serve->n_workers; i++)
		dlk_engine_close(unused[i]);
}

size_t
dlk_serve_threads(const struct dlk_serve *serve)
{
	return serve->n_workers;
}

size_t
dlk_serve_open_jobs(const struct dlk_serve *serve)
{
	return serve->n_open;
}

static int
start(struct dlk_serve *serve, struct event_base *base)
{
	serve->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (serve->bell < 0)
		return -errno;
	serve->heard = event_new(base, serve->bell, EV_READ | EV_PERSIST, hear, serve);
	if (!serve->heard || event_add(serve->heard, NULL) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < serve->n_workers; i++) {
		int r = pthread_create(&serve->worker[i].thread, NULL, run, &serve->worker[i]);
		if (r != 0)
			return -r;
		serve->n_running++;
	}
	return 0;
}

int
dlk_serve_new(struct event_base *base, struct dlk_engine **engine, size_t n,
    struct dlk_serve **ret_serve)
{
	struct dlk_serve *serve = calloc(1, sizeof(*serve));

	if (!serve || n > DLK_SERVE_THREADS_MAX) {
		for (size_t i = 0; i < n; i++)
			dlk_engine_close(engine[i]);
		free(serve);
		return serve ? -EINVAL : -ENOMEM;
	}
	pthread_mutex_init(&serve->lock, NULL);
	pthread_mutex_init(&serve->settling, NULL);
	serve->waiting.last = &serve->waiting.first;
	serve->finished.last = &serve->finished.first;
	serve->bell = -1;
	serve->n_workers = n;
	for (size_t i = 0; i < n; i++) {
		serve->worker[i].serve = serve;
		serve->worker[i].engine = engine[i];
		pthread_cond_init(&serve->worker[i].some, NULL);
	}
	int r = start(serve, base);
	if (r < 0) {
		dlk_serve_free(serve);
		return r;
	}
	*ret_serve = serve;
	return 0;
}

static void
turn_away(struct queue *queue)
{
	for (struct dlk_job *job = take(queue); job; job = take(queue))
		job->done(job, job->worked);
}

void
dlk_serve_free(struct dlk_serve *serve)
{
	if (!serve)
		return;
	pthread_mutex_lock(&serve->lock);
	serve->ending = true;
	for (size_t i = 0; i < serve->n_workers; i++)
		pthread_cond_signal(&serve->worker[i].some);
	pthread_mutex_unlock(&serve->lock);
	for (size_t i = 0; i < serve->n_running; i++)
		pthread_join(serve->worker[i].thread, NULL);
	turn_away(&serve->finished);
	turn_away(&serve->waiting);
	for (size_t i = 0; i < serve->n_workers; i++) {
		dlk_engine_close(serve->worker[i].engine);
		dlk_engine_close(serve->worker[i].newer);
		pthread_cond_destroy(&serve->worker[i].some);
	}
	if (serve->heard)
		event_free(serve->heard);
	if (serve->bell >= 0)
		close(serve->bell);
	pthread_mutex_destroy(&serve->settling);
	pthread_mutex_destroy(&serve->lock);
	free(serve);
}
