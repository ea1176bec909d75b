/* SPDX-License-Identifier: MIT */
/*
 * memo.c - answers by the digest of their questions. It keeps no refusal and no answer that
 * a code had a part in; who says which those are is question.c.
 */
#include "agent/memo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/digest.h"

#define WAYS 8
#define SETS (DLK_MEMO_MAX / WAYS)

struct answer {
	uint8_t key[DLK_MEMO_KEY];
	unsigned generation;
	enum dlk_reason reason;
	int64_t at, until, good_until;
	char texts[]; /* user, subject, serial, fingerprint, each with its NUL */
};

struct dlk_memo {
	struct dlk_digester *digester;
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
dlk_memo_free(struct dlk_memo *memo)
{
	for (size_t i = 0; memo && i < SETS; i++)
		for (size_t way = 0; way < WAYS; way++)
			free(memo->answer[i][way]);
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

void
dlk_memo_keep(struct dlk_memo *memo, const uint8_t key[DLK_MEMO_KEY],
    const struct dlk_verdict *verdict, unsigned generation, int64_t now, int seconds)
{
	const char *const text[] = { verdict->user, verdict->subject, verdict->serial,
		verdict->fingerprint };
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
	n = 0;
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		size_t length = strlen(text[i]) + 1;
		memcpy(a->texts + n, text[i], length);
		n += length;
	}
	struct answer **place = place_of(memo, key);
	free(*place);
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
		free(a);
		*place = NULL;
		return false;
	}
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
