/* SPDX-License-Identifier: MIT */
/* throttle.c - buckets that fill with time. What a key stands for it does not know. */
#include "agent/throttle.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/digest.h"

#define SETS 1024
#define WAYS 8

struct bucket {
	uint64_t tag;  /* 0: unused */
	int64_t at_ms; /* when `level` was right */
	int64_t level; /* thousandths of one */
	bool held;     /* until it is half full again */
};

struct dlk_throttle {
	struct dlk_digester *digester;
	uint8_t salt[16]; /* nobody chooses keys that share a bucket */
	struct bucket bucket[SETS][WAYS];
};

struct dlk_throttle *
dlk_throttle_new(void)
{
	struct dlk_throttle *throttle = calloc(1, sizeof(*throttle));

	if (!throttle)
		return NULL;
	if (getrandom(throttle->salt, sizeof(throttle->salt), 0) !=
		(ssize_t)sizeof(throttle->salt) ||
	    dlk_digester_new(&throttle->digester) < 0) {
		free(throttle);
		return NULL;
	}
	return throttle;
}

void
dlk_throttle_free(struct dlk_throttle *throttle)
{
	if (throttle)
		dlk_digester_free(throttle->digester);
	free(throttle);
}

static uint64_t
tag_of(const struct dlk_throttle *throttle, const char *kind, struct dlk_bytes key)
{
	const struct dlk_bytes part[] = { DLK_BYTES(throttle->salt, sizeof(throttle->salt)),
		dlk_bytes_str(kind), key };
	uint8_t digest[DLK_DIGEST_SIZE];
	uint64_t tag;

	/* without memory all share one bucket, which is no way around it */
	if (dlk_digester_run(throttle->digester, part, 3, digest) < 0)
		memset(digest, 1, sizeof(digest));
	memcpy(&tag, digest, sizeof(tag));
	return tag ? tag : 1;
}

/* The bucket of the tag; a full one in the place of the oldest where there is none. */
static struct bucket *
find(struct dlk_throttle *throttle, uint64_t tag, int64_t whole, int64_t now_ms)
{
	struct bucket *set = throttle->bucket[tag % SETS], *oldest = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].tag == tag)
			return &set[i];
		if (set[i].tag == 0 || (oldest->tag != 0 && set[i].at_ms < oldest->at_ms))
			oldest = &set[i];
	}
	*oldest = (struct bucket){ .tag = tag, .at_ms = now_ms, .level = whole };
	return oldest;
}

static struct bucket *
fill(struct dlk_throttle *throttle, const char *kind, struct dlk_bytes key, unsigned rate,
    int64_t now_ms)
{
	const int64_t whole = INT64_C(2000) * rate;
	struct bucket *b = find(throttle, tag_of(throttle, kind, key), whole, now_ms);
	int64_t passed = now_ms - b->at_ms;

	/* it is full after two seconds, however long they were */
	if (passed > 2000)
		passed = 2000;
	if (passed > 0) {
		b->level += passed * rate;
		b->at_ms = now_ms;
	}
	if (b->level > whole)
		b->level = whole;
	if (b->level >= whole / 2)
		b->held = false;
	return b;
}

bool
dlk_throttle_holds(struct dlk_throttle *throttle, const char *kind, struct dlk_bytes key,
    unsigned rate, int64_t now_ms)
{
	return rate > 0 && fill(throttle, kind, key, rate, now_ms)->level < 1000;
}

enum dlk_throttled
dlk_throttle_take(struct dlk_throttle *throttle, const char *kind, struct dlk_bytes key,
    unsigned rate, int64_t now_ms)
{
	if (rate == 0)
		return DLK_THROTTLE_PASS;
	struct bucket *b = fill(throttle, kind, key, rate, now_ms);
	if (b->level >= 1000) {
		b->level -= 1000;
		return DLK_THROTTLE_PASS;
	}
	enum dlk_throttled limit = b->held ? DLK_THROTTLE_HELD : DLK_THROTTLE_FIRST;
	b->held = true;
	return limit;
}
