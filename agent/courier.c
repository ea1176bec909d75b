/* SPDX-License-Identifier: MIT */
/*
 * courier.c - when what is delivered. The outbox says what is due, doublelock-outward what
 * happened to it; nothing is known here of either's inside, and nothing is remembered that a
 * crash may not forget.
 */
#include "agent/courier.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/backoff.h"
#include "agent/sleeper.h"
#include "agent/webhook.h"
#include "base/clock.h"
#include "base/say.h"
#include "base/text.h"
#include "wire/frame.h"

#define BATCH        DLK_OUT_EVENTS_MAX /* under way at once */
#define LOOK_S       1                  /* other processes write events too */
#define BATCH_MS     30000              /* each of its transfers has less by itself */
#define IDLE_MS      60000              /* then nobody is kept for what may come */
#define ABANDON_MS   10000
#define PRUNE_MS     3600000
#define NOTICED_MAX  8
#define WAIT_LONGEST 3600 /* seconds that a receiver may ask for */

struct dlk_errand {
	struct dlk_engine *engine;
	struct dlk_webhook *webhook; /* NULL: nobody wants to know */
};

struct dlk_courier {
	struct dlk_sleeper sleeper;
	struct dlk_outward *outward; /* the thread's alone */
	pthread_mutex_t lock;
	struct dlk_errand *newer;              /* under the lock */
	struct dlk_event noticed[NOTICED_MAX]; /* under the lock */
	size_t n_noticed;                      /* under the lock */
	struct dlk_repeats *repeats;
	_Atomic uint64_t delivered, failed;
	_Atomic bool delivers;     /* somebody wants to know of events */
	struct dlk_errand *errand; /* from here on the thread's alone */
	unsigned failures;         /* batches in a row of which nothing arrived */
	int64_t rest_until_ms, abandon_at_ms, prune_at_ms, idle_at_ms;
};

/* One batch. */
struct round {
	struct dlk_delivery delivery[BATCH];
	bool open[BATCH]; /* on its way */
	size_t n, arrived;
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

static int
ended(struct dlk_courier *courier, struct round *round, const struct dlk_out_message *result)
{
	const size_t i = (size_t)result->number[0];
	char words[sizeof(round->delivery[0].error)];

	if (i >= round->n || !round->open[i])
		return dlk_outward_out_of_step(courier->outward);
	round->open[i] = false;
	if (result->number[1] == 1) {
		round->arrived++;
		courier->delivered++;
		note(
		    courier, dlk_outbox_delivered(record_of(courier), round->delivery[i].row));
		return 0;
	}
	dlk_text_print(words, sizeof(words), "%.*s", (int)result->text[0].n,
	    (const char *)result->text[0].p);
	set_failed(courier, &round->delivery[i], words, result->number[2]);
	return 0;
}

static bool
is_ending(void *arg)
{
	const struct dlk_courier *courier = arg;

	return dlk_sleeper_is_ending(&courier->sleeper);
}

/* An event that cannot be put into words is that event's failure, and stops no other. */
static int
begin(struct dlk_courier *courier, struct round *round, char *words, size_t size)
{
	int r = dlk_outward_begin(courier->outward);

	if (r == 0)
		r = dlk_webhook_say_files(
		    courier->errand->webhook, courier->outward, words, size);
	for (size_t i = 0; r == 0 && i < round->n; i++) {
		r = dlk_webhook_say_event(courier->errand->webhook, courier->outward, i,
		    &round->delivery[i], dlk_clock_now());
		round->open[i] = r == 0;
		if (r != -ENOMEM && r != -EINVAL)
			continue;
		set_failed(courier, &round->delivery[i], dlk_outward_error(r), 0);
		r = 0;
	}
	return r ? r
		 : dlk_outward_say(
		       courier->outward, &(struct dlk_out_message){ .kind = DLK_OUT_CARRY });
}

static int
carry(struct dlk_courier *courier, struct round *round)
{
	int64_t until = dlk_monotonic_ms() + BATCH_MS;
	struct dlk_out_message m;
	int r = dlk_outward_hear(courier->outward, until, &m);

	while (r == 0 && m.kind == DLK_OUT_RESULT) {
		r = ended(courier, round, &m);
		if (r == 0)
			r = dlk_outward_hear(courier->outward, until, &m);
	}
	if (r == 0 && m.kind != DLK_OUT_DONE)
		r = dlk_outward_out_of_step(courier->outward);
	return r;
}

/* What was under way when doublelock-outward ended may have arrived or not: it is due still,
 * and goes out once more. Where that happens again and again it is a failure like others. */
static void
give_back(struct dlk_courier *courier, const struct round *round, int error, const char *words)
{
	bool often = dlk_outward_failures(courier->outward) > 1 || words[0];

	for (size_t i = 0; often && i < round->n; i++)
		if (round->open[i] || words[0])
			set_failed(courier, &round->delivery[i],
			    words[0] ? words : dlk_outward_error(error), 0);
}

/* A receiver of whom nothing is heard is not asked for each event by itself; as soon as it
 * is back, all that waited for it is due. */
static void
judge_receiver(struct dlk_courier *courier, const struct round *round, int error)
{
	int64_t again = dlk_outward_rest_until(courier->outward);
	size_t n;

	if (error < 0 && again > 0) { /* that says nothing about the receiver */
		courier->rest_until_ms = again;
		return;
	}
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
	char words[128] = "";

	if (!round)
		return false;
	int r = dlk_outbox_next(
	    record_of(courier), dlk_clock_now(), BATCH, round->delivery, &round->n);
	note(courier, r);
	bool due = r == 0 && round->n > 0;
	if (due) {
		r = begin(courier, round, words, sizeof(words));
		if (r == 0)
			r = carry(courier, round);
		courier->idle_at_ms = dlk_monotonic_ms() + IDLE_MS;
		if (r < 0 && r != -ECANCELED)
			give_back(courier, round, r, words);
	}
	if (due && !is_ending(courier))
		judge_receiver(courier, round, r);
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
		note(courier, noticed[i].type == DLK_EVENT_CERTIFICATE_EXPIRING
				  ? dlk_events_ending(record_of(courier), &noticed[i])
				  : dlk_events_add(record_of(courier), &noticed[i]));
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
		if (dlk_monotonic_ms() >= courier->idle_at_ms)
			dlk_outward_end(courier->outward);
		if (!more)
			(void)dlk_sleeper_rest(&courier->sleeper, LOOK_S);
	}
	take_orders(courier);
	return NULL;
}

static int
start(struct dlk_courier *courier, const struct dlk_keeper *keeper)
{
	int r = dlk_outward_new(keeper, "webhook", is_ending, courier, &courier->outward);

	if (r < 0)
		return r;
	pthread_mutex_init(&courier->lock, NULL);
	r = dlk_sleeper_start(&courier->sleeper, run, courier);
	if (r < 0) {
		pthread_mutex_destroy(&courier->lock);
		dlk_outward_free(courier->outward);
	}
	return r;
}

int
dlk_courier_new(struct dlk_errand *errand, const struct dlk_keeper *keeper,
    struct dlk_courier **ret_courier)
{
	struct dlk_courier *courier = calloc(1, sizeof(*courier));
	int r = -ENOMEM;

	if (courier) {
		courier->errand = errand;
		courier->delivers = errand->webhook != NULL;
		courier->repeats = dlk_repeats_new();
	}
	if (courier && courier->repeats)
		r = start(courier, keeper);
	if (r < 0) {
		if (courier)
			dlk_repeats_free(courier->repeats);
		dlk_errand_close(errand);
		free(courier);
		return r;
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
	courier->delivers = errand->webhook != NULL;
	pthread_mutex_unlock(&courier->lock);
	dlk_errand_close(unused);
	dlk_sleeper_wake(&courier->sleeper);
}

/* Without a receiver nobody is in a hurry: the thread looks every second. */
void
dlk_courier_wake(struct dlk_courier *courier)
{
	if (courier->delivers)
		dlk_sleeper_wake(&courier->sleeper);
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
	dlk_sleeper_wake(&courier->sleeper);
}

bool
dlk_courier_ending(struct dlk_courier *courier, const struct dlk_event *event)
{
	bool there = false;

	pthread_mutex_lock(&courier->lock);
	for (size_t i = 0; i < courier->n_noticed && !there; i++)
		there = strcmp(courier->noticed[i].fingerprint, event->fingerprint) == 0;
	/* what is said again tomorrow leaves half of the places to what is not */
	if (!there && courier->n_noticed < NOTICED_MAX / 2) {
		courier->noticed[courier->n_noticed++] = *event;
		there = true;
	}
	pthread_mutex_unlock(&courier->lock);
	return there;
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
	dlk_sleeper_stop(&courier->sleeper);
	dlk_outward_free(courier->outward);
	dlk_repeats_free(courier->repeats);
	dlk_errand_close(courier->newer);
	dlk_errand_close(courier->errand);
	pthread_mutex_destroy(&courier->lock);
	free(courier);
}
