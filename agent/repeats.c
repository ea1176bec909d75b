/* SPDX-License-Identifier: MIT */
/* repeats.c - a queue of counts. What they are counts of is the memo's business. */
#include "agent/repeats.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"

#define AT_ONCE 200 /* in one transaction: nobody's login waits for long */

struct waiting {
	struct waiting *next;
	struct dlk_repeat repeat;
	char texts[]; /* event, user, each with its NUL */
};

struct dlk_repeats {
	pthread_mutex_t lock;
	struct waiting *first, **last;
	size_t n;
	uint64_t lost; /* since it was said */
};

struct dlk_repeats *
dlk_repeats_new(void)
{
	struct dlk_repeats *repeats = calloc(1, sizeof(*repeats));

	if (!repeats)
		return NULL;
	pthread_mutex_init(&repeats->lock, NULL);
	repeats->last = &repeats->first;
	return repeats;
}

void
dlk_repeats_free(struct dlk_repeats *repeats)
{
	struct waiting *next;

	if (!repeats)
		return;
	for (struct waiting *w = repeats->first; w; w = next) {
		next = w->next;
		free(w);
	}
	pthread_mutex_destroy(&repeats->lock);
	free(repeats);
}

static struct waiting *
copy_of(const struct dlk_repeat *repeat)
{
	size_t event = strlen(repeat->event) + 1, user = strlen(repeat->user) + 1;
	struct waiting *w = malloc(sizeof(*w) + event + user);

	if (!w)
		return NULL;
	w->next = NULL;
	w->repeat = *repeat;
	w->repeat.event = memcpy(w->texts, repeat->event, event);
	w->repeat.user = memcpy(w->texts + event, repeat->user, user);
	return w;
}

void
dlk_repeats_put(struct dlk_repeats *repeats, const struct dlk_repeat *repeat)
{
	struct waiting *w = copy_of(repeat);

	pthread_mutex_lock(&repeats->lock);
	if (w && repeats->n < DLK_REPEATS_MAX) {
		*repeats->last = w;
		repeats->last = &w->next;
		repeats->n++;
		w = NULL;
	} else {
		repeats->lost += repeat->n;
	}
	pthread_mutex_unlock(&repeats->lock);
	free(w);
}

/* The first ones, which stay where they are: only one thread takes them away. */
static size_t
look(struct dlk_repeats *repeats, struct dlk_repeat *some, uint64_t *ret_lost)
{
	size_t n = 0;

	pthread_mutex_lock(&repeats->lock);
	for (const struct waiting *w = repeats->first; w && n < AT_ONCE; w = w->next)
		some[n++] = w->repeat;
	*ret_lost = repeats->lost;
	repeats->lost = 0;
	pthread_mutex_unlock(&repeats->lock);
	return n;
}

static bool
take(struct dlk_repeats *repeats, size_t n)
{
	bool more;

	pthread_mutex_lock(&repeats->lock);
	for (; n > 0; n--) {
		struct waiting *w = repeats->first;
		repeats->first = w->next;
		repeats->n--;
		free(w);
	}
	if (!repeats->first)
		repeats->last = &repeats->first;
	more = repeats->first != NULL;
	pthread_mutex_unlock(&repeats->lock);
	return more;
}

int
dlk_repeats_write(struct dlk_repeats *repeats, struct dlk_record *record, int64_t now)
{
	struct dlk_repeat some[AT_ONCE];
	uint64_t lost = 0;
	size_t n = look(repeats, some, &lost);

	if (lost > 0)
		dlk_say(DLK_WARNING,
		    "events: %llu repeated requests were allowed and are not on record: too "
		    "many counts wait for the record to be written",
		    (unsigned long long)lost);
	if (n == 0)
		return 0;
	int r = dlk_events_repeated(record, some, n, now);
	if (r < 0)
		return r;
	return take(repeats, n);
}
