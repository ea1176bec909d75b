/* SPDX-License-Identifier: MIT */
/*
 * reload.c - opens what was changed, and hands it over or keeps what there is. A file that
 * is damaged, half-written or gone never ends the one that is in force.
 */
#include "agent/reload.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/ending.h"
#include "agent/gate.h"
#include "agent/notify.h"
#include "agent/watch.h"
#include "base/clock.h"
#include "base/say.h"
#include "base/text.h"
#include "wire/frame.h"
#include "store/crlindex.h"

#define LOOK_MS    2000 /* between two looks at the files */
#define SETTLE_MS  250  /* files that somebody is still writing are looked at again */
#define SETTLE_MAX 20
#define ENDINGS_MS 3600000 /* the record keeps the day */

struct dlk_reload {
	struct dlk_reload_plan plan;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t some;
	_Atomic unsigned rate, gateway_rate, generation;
	bool asked, ending;             /* under the lock */
	bool rejected;                  /* under the lock */
	char words[DLK_DETAIL_MAX + 1]; /* under the lock */
	struct dlk_lists lists;         /* under the lock */
	struct dlk_endings endings;     /* the thread's alone, once it runs */
	int64_t endings_at_ms;          /* when they are looked at again */
	uint64_t print;                 /* of what was opened last, good or not */
	bool troubled;                  /* the record in force is none */
	struct dlk_settings *settings;  /* whose files are looked at */
};

/* Compiled when they were fetched; what has become of the index since is mended. */
static void
compile_fetched(const char *index, size_t *made)
{
	const struct dlk_care own = { .owned = true, .owner = geteuid() };
	struct dlk_finding finding = { 0 };
	size_t some = 0;

	int error = dlk_crlindex_compile_all(index, index, &own, &some, &finding);
	if (error != 0 && error != -ENOENT)
		dlk_say(DLK_WARNING, "%s", finding.detail);
	*made += some;
}

/* Lists that were changed are compiled once, here, and searched by every login afterwards.
 * What cannot be compiled is read by each; nobody is refused for want of an index. */
static void
compile(const char *config, uid_t owner)
{
	const struct dlk_care care = { .owned = true, .owner = owner };
	struct dlk_settings *settings = NULL;
	struct dlk_finding finding = { 0 };
	size_t made = 0;

	if (dlk_settings_load(config, &care, &settings, &finding) != 0)
		return;                     /* opening it says why */
	(void)mkdir(settings->index, 0700); /* where it cannot be, the lists say so */
	for (size_t i = 0; i < settings->crls.n; i++) {
		size_t some = 0;
		int error = dlk_crlindex_compile_all(
		    settings->crls.text[i], settings->index, &care, &some, &finding);

		made += some;
		if (error != 0 && (error != -ENOENT || settings->crls_given))
			dlk_say(DLK_WARNING, "%s", finding.detail);
	}
	compile_fetched(settings->index, &made);
	(void)dlk_crlindex_sweep(settings->index);
	if (made > 0)
		dlk_say(
		    DLK_NOTICE, "%s: %zu lists of revocation compiled", settings->index, made);
	dlk_settings_free(settings);
}

int
dlk_reload_open(const char *config, uid_t owner, size_t n, struct dlk_engine **ret_engine,
    struct dlk_finding *finding)
{
	compile(config, owner);
	for (size_t i = 0; i < n; i++) {
		int r = dlk_engine_open(config, DLK_ENGINE_TRUST | DLK_ENGINE_RECORD, owner,
		    &ret_engine[i], finding);
		if (r < 0) {
			while (i > 0)
				dlk_engine_close(ret_engine[--i]);
			return r;
		}
		if (i > 0)
			dlk_engine_share(ret_engine[i], ret_engine[0]);
	}
	return 0;
}

static void
set_rejected(struct dlk_reload *reload, bool rejected, const char *words)
{
	pthread_mutex_lock(&reload->lock);
	reload->rejected = rejected;
	dlk_text_print(reload->words, sizeof(reload->words), "%s", words);
	pthread_mutex_unlock(&reload->lock);
}

static void
reject(struct dlk_reload *reload, const struct dlk_finding *finding)
{
	set_rejected(reload, true, finding->detail);
	dlk_say(DLK_ERROR, "%s: the configuration before stays in force", finding->detail);
	dlk_courier_record(reload->plan.courier, DLK_EVENT_CONFIG_REJECTED, finding->detail);
}

/* The next configuration, whole. */
struct next {
	struct dlk_engine *engine[DLK_SERVE_THREADS_MAX];
	struct dlk_errand *errand;
	struct dlk_tls *tls;
};

static void
close_next(const struct dlk_reload *reload, struct next *next)
{
	for (size_t i = 0; i < dlk_serve_threads(reload->plan.serve); i++)
		dlk_engine_close(next->engine[i]);
	dlk_errand_close(next->errand);
	dlk_tls_free(next->tls);
}

static int
open_next(const struct dlk_reload *reload, struct next *next, struct dlk_finding *finding)
{
	const struct dlk_reload_plan *plan = &reload->plan;

	int r = dlk_errand_open(plan->config, plan->owner, &next->errand, finding);
	if (r < 0)
		return r;
	r = dlk_reload_open(
	    plan->config, plan->owner, dlk_serve_threads(plan->serve), next->engine, finding);
	if (r < 0) {
		dlk_errand_close(next->errand);
		return r;
	}
	r = dlk_tls_open(
	    dlk_engine_settings(next->engine[0]), plan->owner, &next->tls, finding);
	if (r < 0)
		close_next(reload, next);
	return r;
}

/* `again`: nothing was changed, but there is no record yet, and nobody wants to read so
 * every few seconds. */
static void
open_and_swap(struct dlk_reload *reload, bool again)
{
	const struct dlk_reload_plan *plan = &reload->plan;
	struct dlk_finding finding = { 0 };
	struct next next;

	if (open_next(reload, &next, &finding) < 0) {
		if (!again)
			reject(reload, &finding);
		return;
	}
	const struct dlk_finding *trouble = dlk_engine_trouble(next.engine[0]);
	reload->troubled = trouble->reason != DLK_R_UNDECIDED;
	if (reload->troubled && again) {
		close_next(reload, &next);
		return;
	}
	if (reload->troubled)
		dlk_say(DLK_ERROR, "%s", trouble->detail);
	dlk_say(DLK_NOTICE, "%s: in force", plan->config);
	set_rejected(reload, false, "");
	reload->rate = dlk_engine_settings(next.engine[0])->rate;
	reload->gateway_rate = dlk_engine_settings(next.engine[0])->gateway_rate;
	pthread_mutex_lock(&reload->lock);
	dlk_lists_read(&reload->lists, next.engine[0]);
	pthread_mutex_unlock(&reload->lock);
	dlk_endings_read(&reload->endings, next.engine[0], plan->owner);
	reload->endings_at_ms = 0;
	dlk_serve_swap(plan->serve, next.engine);
	if (plan->gate)
		dlk_gate_swap(plan->gate, next.tls);
	else
		dlk_tls_free(next.tls);
	/* not before: an answer of the older engines must not count as one of the newer */
	reload->generation++;
	dlk_courier_swap(plan->courier, next.errand);
	dlk_fetch_wake(plan->fetch);
	if (plan->mirror)
		dlk_mirror_wake(plan->mirror);
}

/* The settings are read again only where a file of the last ones has changed. */
static uint64_t
look(struct dlk_reload *reload)
{
	const struct dlk_care care = { .owned = true, .owner = reload->plan.owner };
	struct dlk_settings *newer = NULL;
	struct dlk_finding finding;
	uint64_t print = reload->settings ? dlk_watch_print(reload->settings) : 0;

	if (reload->settings && print == reload->print)
		return print;
	if (dlk_settings_load(reload->plan.config, &care, &newer, &finding) == 0) {
		dlk_settings_free(reload->settings);
		reload->settings = newer;
	}
	return reload->settings ? dlk_watch_print(reload->settings) : 0;
}

static void
sleep_ms(long ms)
{
	const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&time, NULL);
}

static void
reload_once(struct dlk_reload *reload, uint64_t print, bool again)
{
	for (int i = 0; i < SETTLE_MAX && !again; i++) {
		sleep_ms(SETTLE_MS);
		uint64_t later = look(reload);
		if (later == print)
			break;
		print = later;
	}
	reload->print = print;
	dlk_notify("RELOADING=1");
	open_and_swap(reload, again);
	dlk_notify("READY=1");
}

static bool
wait_for_change(struct dlk_reload *reload)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOOK_MS / 1000;
	pthread_mutex_lock(&reload->lock);
	while (!reload->asked && !reload->ending)
		if (pthread_cond_timedwait(&reload->some, &reload->lock, &until) == ETIMEDOUT)
			break;
	bool asked = reload->asked;
	reload->asked = false;
	pthread_mutex_unlock(&reload->lock);
	return asked;
}

static bool
is_ending(struct dlk_reload *reload)
{
	pthread_mutex_lock(&reload->lock);
	bool ending = reload->ending;
	pthread_mutex_unlock(&reload->lock);
	return ending;
}

static void
tell_of_lists(struct dlk_reload *reload)
{
	char words[DLK_DETAIL_MAX + 1] = "", until[DLK_TIME_TEXT];

	pthread_mutex_lock(&reload->lock);
	const struct dlk_list *list = dlk_lists_tell(&reload->lists, dlk_clock_now());
	if (list) {
		dlk_time_text(list->until, until);
		dlk_text_print(words, sizeof(words),
		    "the list of revocation of %.300s ended at %s; 'doublelock crl status'",
		    list->issuer, until);
	}
	pthread_mutex_unlock(&reload->lock);
	if (words[0] == '\0')
		return;
	dlk_say(DLK_ERROR, "%s", words);
	dlk_courier_record(reload->plan.courier, DLK_EVENT_CRL_STALE, words);
}

static void
tell_of_endings(struct dlk_reload *reload)
{
	int64_t now = dlk_monotonic_ms();

	if (now < reload->endings_at_ms)
		return;
	if (dlk_endings_tell(&reload->endings, reload->plan.courier, dlk_clock_now()))
		reload->endings_at_ms = now + ENDINGS_MS;
}

static void *
run(void *arg)
{
	struct dlk_reload *reload = arg;

	while (!is_ending(reload)) {
		tell_of_lists(reload);
		tell_of_endings(reload);
		bool asked = wait_for_change(reload);
		if (is_ending(reload))
			break;
		uint64_t print = look(reload);
		bool changed = asked || print != reload->print;
		if (changed || reload->troubled)
			reload_once(reload, print, !changed);
	}
	return NULL;
}

static int
start(struct dlk_reload *reload)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&reload->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&reload->some, &attributes);
	pthread_condattr_destroy(&attributes);
	return -pthread_create(&reload->thread, NULL, run, reload);
}

int
dlk_reload_new(const struct dlk_reload_plan *plan, const struct dlk_engine *in_force,
    struct dlk_reload **ret_reload)
{
	struct dlk_reload *reload = calloc(1, sizeof(*reload));

	if (!reload)
		return -ENOMEM;
	reload->plan = *plan;
	reload->rate = dlk_engine_settings(in_force)->rate;
	reload->gateway_rate = dlk_engine_settings(in_force)->gateway_rate;
	reload->print = dlk_watch_print(dlk_engine_settings(in_force));
	reload->troubled = dlk_engine_trouble(in_force)->reason != DLK_R_UNDECIDED;
	dlk_lists_read(&reload->lists, in_force);
	dlk_endings_read(&reload->endings, in_force, plan->owner);
	int r = start(reload);
	if (r < 0) {
		free(reload);
		return r;
	}
	*ret_reload = reload;
	return 0;
}

void
dlk_reload_now(struct dlk_reload *reload)
{
	pthread_mutex_lock(&reload->lock);
	reload->asked = true;
	pthread_cond_signal(&reload->some);
	pthread_mutex_unlock(&reload->lock);
}

bool
dlk_reload_rejected(struct dlk_reload *reload, char *words, size_t size)
{
	pthread_mutex_lock(&reload->lock);
	bool rejected = reload->rejected;
	dlk_text_print(words, size, "%s", reload->words);
	pthread_mutex_unlock(&reload->lock);
	return rejected;
}

void
dlk_reload_lists(struct dlk_reload *reload, struct dlk_lists *ret_lists)
{
	pthread_mutex_lock(&reload->lock);
	*ret_lists = reload->lists;
	pthread_mutex_unlock(&reload->lock);
}

unsigned
dlk_reload_generation(const struct dlk_reload *reload)
{
	return reload->generation;
}

unsigned
dlk_reload_gateway_rate(const struct dlk_reload *reload)
{
	return reload->gateway_rate;
}

unsigned
dlk_reload_rate(const struct dlk_reload *reload)
{
	return reload->rate;
}

void
dlk_reload_free(struct dlk_reload *reload)
{
	if (!reload)
		return;
	pthread_mutex_lock(&reload->lock);
	reload->ending = true;
	pthread_cond_signal(&reload->some);
	pthread_mutex_unlock(&reload->lock);
	pthread_join(reload->thread, NULL);
	pthread_cond_destroy(&reload->some);
	pthread_mutex_destroy(&reload->lock);
	dlk_settings_free(reload->settings);
	free(reload);
}
