/* SPDX-License-Identifier: MIT */
/*
 * courier.c - when what is delivered. The outbox says what is due, webhook.h what happened to
 * it; nothing is known here of either's inside, and nothing is remembered that a crash may
 * not forget.
 */
#include "agent/courier.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/backoff.h"
#include "agent/webhook.h"
#include "base/clock.h"
#include "base/say.h"
#include "base/text.h"
#include "wire/frame.h"

#define BATCH        8    /* under way at once */
#define LOOK_MS      1000 /* other processes write events too */
#define ABANDON_MS   10000
#define PRUNE_MS     3600000
#define NOTICED_MAX  8
#define WAIT_LONGEST 3600 /* seconds that a receiver may ask for */

struct dlk_errand {
	struct dlk_engine *engine;
	struct dlk_webhook *webhook; /* NULL: nobody wants to know */
};

struct dlk_courier {
	pthread_t thread;
	CURLM *multi;
	pthread_mutex_t lock;
	struct dlk_errand *newer;              /* under the lock */
	struct dlk_event noticed[NOTICED_MAX]; /* under the lock */
	size_t n_noticed;                      /* under the lock */
	struct dlk_repeats *repeats;
	_Atomic uint64_t delivered, failed;
	bool ending;               /* under the lock */
	struct dlk_errand *errand; /* from here on the thread's alone */
	unsigned failures;         /* batches in a row of which nothing arrived */
	int64_t rest_until_ms, abandon_at_ms, prune_at_ms;
};

/* One batch. */
struct round {
	struct dlk_delivery delivery[BATCH];
	struct dlk_transfer *transfer[BATCH];
	size_t n, running, arrived;
};

int
dlk_errand_open(const char *config, uid_t owner, struct dlk_errand **ret_errand,
    struct dlk_finding *finding)
{
	struct dlk_errand *errand = calloc(1, sizeof(*errand));

	*finding = (struct dlk_finding){ 0 };
	if (!errand)
		return -ENOMEM;
	int r = dlk_engine_open(config, DLK_ENGINE_RECORD, owner, &errand->engine, finding);
	if (r == 0)
		r = dlk_webhook_new(
		    dlk_engine_settings(errand->engine), owner, &errand->webhook, finding);
	if (r < 0) {
		if (finding->detail[0] == '\0')
			dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_INTERNAL, "%s",
			    dlk_file_error(r));
		dlk_errand_close(errand);
		return r;
	}
	*ret_errand = errand;
	return 0;
}

void
dlk_errand_close(struct dlk_errand *errand)
{
	if (!errand)
		return;
	dlk_webhook_free(errand->webhook);
	dlk_engine_close(errand->engine);
	free(errand);
}

static uint32_t
any_number(void)
{
	uint32_t number = 0;

	(void)!getrandom(&number, sizeof(number), 0);
	return number;
}

static struct dlk_record *
record_of(struct dlk_courier *courier)
{
	dlk_engine_mend(courier->errand->engine);
	return dlk_engine_record(courier->errand->engine);
}

/* The record is in trouble: not again at once. */
static void
rest(struct dlk_courier *courier, int64_t seconds)
{
	courier->rest_until_ms = dlk_monotonic_ms() + 1000 * seconds;
}

static void
note(struct dlk_courier *courier, int error)
{
	if (error == 0)
		return;
	dlk_say(DLK_ERROR, "events: %s", dlk_record_trouble(record_of(courier)));
	rest(courier, dlk_backoff_seconds(3, any_number()));
}

static void
set_failed(struct dlk_courier *courier, const struct dlk_delivery *delivery, const char *words,
    int64_t wait)
{
	int64_t due = dlk_backoff_seconds(delivery->attempts + 1, any_number());

	courier->failed++;
	if (wait > WAIT_LONGEST)
		wait = WAIT_LONGEST;
	if (due < wait)
		due = wait;
	dlk_say(
	    DLK_WARNING, "event %s: %s: again in %d s", delivery->event.id, words, (int)due);
	note(courier, dlk_outbox_failed(
			  record_of(courier), delivery->row, words, dlk_clock_now() + due));
}

static void
ended(struct dlk_courier *courier, struct round *round, const CURLMsg *message)
{
	char words[sizeof(round->delivery[0].error)];
	int64_t wait = 0;
	size_t i = 0;

	while (i < round->n && (!round->transfer[i] || dlk_transfer_easy(round->transfer[i]) !=
							   message->easy_handle))
		i++;
	if (i == round->n)
		return;
	if (dlk_transfer_delivered(
		round->transfer[i], message->data.result, words, sizeof(words), &wait)) {
		round->arrived++;
		courier->delivered++;
		note(
		    courier, dlk_outbox_delivered(record_of(courier), round->delivery[i].row));
	} else {
		set_failed(courier, &round->delivery[i], words, wait);
	}
}

static bool
is_ending(struct dlk_courier *courier)
{
	pthread_mutex_lock(&courier->lock);
	bool ending = courier->ending;
	pthread_mutex_unlock(&courier->lock);
	return ending;
}

static void
begin(struct dlk_courier *courier, struct round *round, size_t i)
{
	int r = dlk_transfer_new(courier->errand->webhook, &round->delivery[i],
	    dlk_clock_now(), &round->transfer[i]);

	if (r == 0 && curl_multi_add_handle(
			  courier->multi, dlk_transfer_easy(round->transfer[i])) == CURLM_OK)
		round->running++;
	else
		set_failed(courier, &round->delivery[i], "out of memory", 0);
}

static void
carry(struct dlk_courier *courier, struct round *round)
{
	int running = 0, left;

	do {
		if (curl_multi_perform(courier->multi, &running) != CURLM_OK)
			break;
		for (const CURLMsg *m = curl_multi_info_read(courier->multi, &left); m;
		     m = curl_multi_info_read(courier->multi, &left))
			if (m->msg == CURLMSG_DONE)
				ended(courier, round, m);
		if (running > 0)
			(void)curl_multi_poll(courier->multi, NULL, 0, LOOK_MS, NULL);
	} while (running > 0 && !is_ending(courier));
}

static void
put_down(struct dlk_courier *courier, struct round *round)
{
	for (size_t i = 0; i < round->n; i++) {
		if (!round->transfer[i])
			continue;
		(void)curl_multi_remove_handle(
		    courier->multi, dlk_transfer_easy(round->transfer[i]));
		dlk_transfer_free(round->transfer[i]);
	}
}

/* A receiver of whom nothing is heard is not asked for each event by itself; as soon as it
 * is back, all that waited for it is due. */
static void
judge_receiver(struct dlk_courier *courier, const struct round *round)
{
	size_t n;

	if (round->arrived == 0) {
		courier->failures++;
		rest(courier, dlk_backoff_seconds(courier->failures, any_number()));
		return;
	}
	if (courier->failures > 0)
		note(courier, dlk_outbox_retry(record_of(courier), dlk_clock_now(), &n));
	courier->failures = 0;
}

/* False where nothing is due. */
static bool
deliver(struct dlk_courier *courier)
{
	struct round *round = calloc(1, sizeof(*round));

	if (!round)
		return false;
	int r = dlk_outbox_next(
	    record_of(courier), dlk_clock_now(), BATCH, round->delivery, &round->n);
	note(courier, r);
	bool due = r == 0 && round->n > 0;
	for (size_t i = 0; due && i < round->n; i++)
		begin(courier, round, i);
	if (due && round->running > 0)
		carry(courier, round);
	put_down(courier, round);
	if (due && !is_ending(courier))
		judge_receiver(courier, round);
	free(round);
	return due;
}

static void
write_repeats(struct dlk_courier *courier)
{
	int r = 1;

	while (r > 0)
		r = dlk_repeats_write(courier->repeats, record_of(courier), dlk_clock_now());
	note(courier, r);
}

/* What others have left for the thread. */
static void
take_orders(struct dlk_courier *courier)
{
	struct dlk_event noticed[NOTICED_MAX];
	struct dlk_errand *older = NULL;

	pthread_mutex_lock(&courier->lock);
	if (courier->newer) {
		older = courier->errand;
		courier->errand = courier->newer;
		courier->newer = NULL;
		courier->failures = 0;
		courier->rest_until_ms = 0;
	}
	size_t n = record_of(courier) ? courier->n_noticed : 0;
	memcpy(noticed, courier->noticed, n * sizeof(noticed[0]));
	courier->n_noticed -= n;
	pthread_mutex_unlock(&courier->lock);
	dlk_errand_close(older);
	if (record_of(courier) &&
	    (dlk_monotonic_ms() >= courier->rest_until_ms || is_ending(courier)))
		write_repeats(courier);
	for (size_t i = 0; i < n; i++)
		note(courier, dlk_events_add(record_of(courier), &noticed[i]));
}

static void
abandon(struct dlk_courier *courier)
{
	int64_t now = dlk_monotonic_ms();
	size_t n;

	if (now < courier->abandon_at_ms)
		return;
	courier->abandon_at_ms = now + ABANDON_MS;
	note(courier, dlk_events_abandon(record_of(courier), dlk_clock_now(), &n));
}

/* What is older than it has to be kept. */
static void
prune(struct dlk_courier *courier)
{
	const struct dlk_settings *settings = dlk_engine_settings(courier->errand->engine);
	int64_t now = dlk_monotonic_ms();
	size_t n;

	if (settings->keep == 0 || now < courier->prune_at_ms)
		return;
	courier->prune_at_ms = now + PRUNE_MS;
	note(courier, dlk_events_prune(record_of(courier), dlk_clock_now() - settings->keep,
			  courier->errand->webhook == NULL, &n));
}

static void *
run(void *arg)
{
	struct dlk_courier *courier = arg;

	while (!is_ending(courier)) {
		bool more = false;
		take_orders(courier);
		if (record_of(courier)) {
			abandon(courier);
			prune(courier);
			if (courier->errand->webhook &&
			    dlk_monotonic_ms() >= courier->rest_until_ms)
				more = deliver(courier);
		}
		if (!more)
			(void)curl_multi_poll(courier->multi, NULL, 0, LOOK_MS, NULL);
	}
	take_orders(courier);
	return NULL;
}

int
dlk_courier_new(struct dlk_errand *errand, struct dlk_courier **ret_courier)
{
	struct dlk_courier *courier = calloc(1, sizeof(*courier));

	if (courier) {
		courier->multi = curl_multi_init();
		courier->repeats = dlk_repeats_new();
	}
	if (!courier || !courier->multi || !courier->repeats) {
		if (courier)
			dlk_repeats_free(courier->repeats);
		dlk_errand_close(errand);
		free(courier);
		return -ENOMEM;
	}
	courier->errand = errand;
	pthread_mutex_init(&courier->lock, NULL);
	int r = pthread_create(&courier->thread, NULL, run, courier);
	if (r != 0) {
		pthread_mutex_destroy(&courier->lock);
		curl_multi_cleanup(courier->multi);
		dlk_repeats_free(courier->repeats);
		dlk_errand_close(errand);
		free(courier);
		return -r;
	}
	*ret_courier = courier;
	return 0;
}

void
dlk_courier_swap(struct dlk_courier *courier, struct dlk_errand *errand)
{
	pthread_mutex_lock(&courier->lock);
	struct dlk_errand *unused = courier->newer;
	courier->newer = errand;
	pthread_mutex_unlock(&courier->lock);
	dlk_errand_close(unused);
	dlk_courier_wake(courier);
}

void
dlk_courier_wake(struct dlk_courier *courier)
{
	(void)curl_multi_wakeup(courier->multi);
}

void
dlk_courier_record(struct dlk_courier *courier, enum dlk_event_type type, const char *words)
{
	struct dlk_event event = { .at = dlk_clock_now(), .type = type };

	dlk_text_print(event.caller, sizeof(event.caller), "doublelockd");
	dlk_text_escape(event.detail, sizeof(event.detail), dlk_bytes_str(words));
	pthread_mutex_lock(&courier->lock);
	if (courier->n_noticed < NOTICED_MAX)
		courier->noticed[courier->n_noticed++] = event;
	pthread_mutex_unlock(&courier->lock);
	dlk_courier_wake(courier);
}

void
dlk_courier_repeated(struct dlk_courier *courier, const struct dlk_repeat *repeat)
{
	dlk_repeats_put(courier->repeats, repeat);
}

void
dlk_courier_counts(
    const struct dlk_courier *courier, uint64_t *ret_delivered, uint64_t *ret_failed)
{
	*ret_delivered = courier->delivered;
	*ret_failed = courier->failed;
}

void
dlk_courier_free(struct dlk_courier *courier)
{
	if (!courier)
		return;
	pthread_mutex_lock(&courier->lock);
	courier->ending = true;
	pthread_mutex_unlock(&courier->lock);
	dlk_courier_wake(courier);
	pthread_join(courier->thread, NULL);
	curl_multi_cleanup(courier->multi);
	dlk_repeats_free(courier->repeats);
	dlk_errand_close(courier->newer);
	dlk_errand_close(courier->errand);
	pthread_mutex_destroy(&courier->lock);
	free(courier);
}
