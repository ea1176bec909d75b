/* SPDX-License-Identifier: MIT */
/*
 * memo.c - answers by the digest of their questions. It keeps no refusal and no answer that
 * a code had a part in; who says which those are is question.c.
 */
#include "agent/memo.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/digest.h"

#define WAYS   8
#define SETS   (DLK_MEMO_MAX / WAYS)
#define SWEEPS 64 /* until all were looked at */

struct answer {
	uint8_t key[DLK_MEMO_KEY];
	unsigned generation;
	enum dlk_reason reason;
	int64_t at, until, good_until;
	int64_t since; /* of the first one that `again` counts after */
	atomic_uint again;
	char texts[]; /* user, subject, serial, fingerprint, event, each with its NUL */
};

struct dlk_memo {
	struct dlk_digester *digester;
	void (*repeated)(const struct dlk_repeat *repeat, void *arg);
	void *arg;
	size_t next;    /* set that is looked at next */
	unsigned swept; /* generation */
	struct answer *answer[SETS][WAYS];
};

struct dlk_memo *
dlk_memo_new(void)
{
	struct dlk_memo *memo = calloc(1, sizeof(*memo));

	if (memo && dlk_digester_new(&memo->digester) < 0) {
		free(memo);
		return NULL;
	}
	return memo;
}

void
dlk_memo_tell(struct dlk_memo *memo,
    void (*repeated)(const struct dlk_repeat *repeat, void *arg), void *arg)
{
	memo->repeated = repeated;
	memo->arg = arg;
}

static const char *
event_of(const struct answer *a)
{
	const char *text = a->texts;

	for (int i = 0; i < 4; i++)
		text += strlen(text) + 1;
	return text;
}

static void
tell(struct dlk_memo *memo, struct answer *a)
{
	const struct dlk_repeat repeat = { .event = event_of(a),
		.user = a->texts,
		.n = atomic_exchange_explicit(&a->again, 0, memory_order_relaxed),
		.since = a->since };

	if (repeat.n > 0 && memo->repeated)
		memo->repeated(&repeat, memo->arg);
}

static void
drop(struct dlk_memo *memo, struct answer **place)
{
	if (*place)
		tell(memo, *place);
	free(*place);
	*place = NULL;
}

void
dlk_memo_free(struct dlk_memo *memo)
{
	for (size_t i = 0; memo && i < SETS; i++)
		for (size_t way = 0; way < WAYS; way++)
			drop(memo, &memo->answer[i][way]);
	if (memo)
		dlk_digester_free(memo->digester);
	free(memo);
}

int
dlk_memo_digest(
    struct dlk_memo *memo, struct dlk_bytes octets, uint8_t ret_digest[DLK_MEMO_KEY])
{
	return dlk_digester_run(memo->digester, &octets, 1, ret_digest);
}

int
dlk_memo_key(struct dlk_memo *memo, const struct dlk_caller *caller,
    const struct dlk_request *request, const uint8_t evidence[DLK_MEMO_KEY],
    uint8_t ret_key[DLK_MEMO_KEY])
{
	const struct dlk_bytes part[] = {
		DLK_BYTES(&caller->uid, sizeof(caller->uid)),
		dlk_bytes_str(caller->peer),
		dlk_bytes_str(request->service),
		dlk_bytes_str(request->source),
		dlk_bytes_str(request->user),
		DLK_BYTES(evidence, DLK_MEMO_KEY),
		dlk_bytes_of(&request->chain),
	};
	_Static_assert(DLK_MEMO_KEY == DLK_DIGEST_SIZE, "the key is a digest");

	return dlk_digester_run(memo->digester, part, sizeof(part) / sizeof(part[0]), ret_key);
}

static struct answer **
set_of(struct dlk_memo *memo, const uint8_t *key)
{
	return memo->answer[dlk_get_be32(key) % SETS];
}

/* Where the key lies, or where it may: an empty place, or that of the oldest. */
static struct answer **
place_of(struct dlk_memo *memo, const uint8_t *key)
{
	struct answer **set = set_of(memo, key), **place = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i] && memcmp(set[i]->key, key, DLK_MEMO_KEY) == 0)
			return &set[i];
		if (*place && (!set[i] || set[i]->at < (*place)->at))
			place = &set[i];
	}
	return place;
}

/* The same question was decided anew: the hour that is counted goes on, after its first event.
 */
static bool
goes_on(const struct answer *before, const uint8_t *key, unsigned generation, int64_t now,
    const struct dlk_verdict *verdict)
{
	return before && memcmp(before->key, key, DLK_MEMO_KEY) == 0 &&
	       before->generation == generation && now >= before->since &&
	       now < before->since + DLK_MEMO_COUNTED &&
	       strcmp(before->texts, verdict->user) == 0;
}

void
dlk_memo_keep(struct dlk_memo *memo, const uint8_t key[DLK_MEMO_KEY],
    const struct dlk_verdict *verdict, unsigned generation, int64_t now, int seconds)
{
	struct answer **place = place_of(memo, key);
	bool on = goes_on(*place, key, generation, now, verdict);
	const char *const text[] = { verdict->user, verdict->subject, verdict->serial,
		verdict->fingerprint, on ? event_of(*place) : verdict->event };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		n += strlen(text[i]) + 1;
	struct answer *a = malloc(sizeof(*a) + n);
	if (!a)
		return;
	memcpy(a->key, key, DLK_MEMO_KEY);
	a->generation = generation;
	a->reason = verdict->reason;
	a->at = now;
	a->until = now + seconds;
	a->good_until = verdict->good_until;
	a->since = on ? (*place)->since : now;
	atomic_init(&a->again, on ? atomic_exchange(&(*place)->again, 0) : 0);
	n = 0;
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		size_t length = strlen(text[i]) + 1;
		memcpy(a->texts + n, text[i], length);
		n += length;
	}
	drop(memo, place);
	*place = a;
}

static bool
holds(const struct answer *a, unsigned generation, int64_t now)
{
	/* a clock that was set back ends it as well */
	return a->generation == generation && now >= a->at && now < a->until &&
	       now < a->good_until;
}

bool
dlk_memo_find(struct dlk_memo *memo, const uint8_t key[DLK_MEMO_KEY], unsigned generation,
    int64_t now, struct dlk_verdict *ret_verdict)
{
	struct answer **place = place_of(memo, key);
	struct answer *a = *place;

	if (!a || memcmp(a->key, key, DLK_MEMO_KEY) != 0)
		return false;
	if (!holds(a, generation, now)) {
		/* decided anew in a moment; what was counted goes on, or is swept away */
		if (a->generation != generation || atomic_load(&a->again) == 0)
			drop(memo, place);
		return false;
	}
	(void)atomic_fetch_add_explicit(&a->again, 1, memory_order_relaxed);
	const char *text = a->texts;
	memset(ret_verdict, 0, sizeof(*ret_verdict));
	(void)dlk_text_copy(ret_verdict->user, sizeof(ret_verdict->user), text);
	text += strlen(text) + 1;
	(void)dlk_text_copy(ret_verdict->subject, sizeof(ret_verdict->subject), text);
	text += strlen(text) + 1;
	(void)dlk_text_copy(ret_verdict->serial, sizeof(ret_verdict->serial), text);
	text += strlen(text) + 1;
	(void)dlk_text_copy(ret_verdict->fingerprint, sizeof(ret_verdict->fingerprint), text);
	ret_verdict->good_until = a->good_until;
	ret_verdict->reason = a->reason;
	ret_verdict->stage = DLK_STAGE_SETTLE;
	return true;
}

static void
sweep_one(struct dlk_memo *memo, struct answer **place, unsigned generation, int64_t now)
{
	struct answer *a = *place;
	bool over = now < a->since || now >= a->since + DLK_MEMO_COUNTED;

	if (!holds(a, generation, now)) {
		if (over || a->generation != generation || atomic_load(&a->again) == 0)
			drop(memo, place);
	} else if (over) {
		tell(memo, a);
		a->since = now;
	}
}

void
dlk_memo_sweep(struct dlk_memo *memo, unsigned generation, int64_t now)
{
	size_t n = generation == memo->swept ? SETS / SWEEPS : SETS;

	memo->swept = generation;
	for (; n > 0; n--) {
		for (size_t way = 0; way < WAYS; way++)
			if (memo->answer[memo->next][way])
				sweep_one(
				    memo, &memo->answer[memo->next][way], generation, now);
		memo->next = (memo->next + 1) % SETS;
	}
}
