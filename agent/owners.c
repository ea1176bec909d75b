/* SPDX-License-Identifier: MIT */
/* owners.c - counts, and keeps order. It closes nothing and knows no descriptor. */
#include "agent/owners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024

struct dlk_owners {
	struct dlk_owner *first;
	struct dlk_owner *bucket[BUCKETS];
	size_t n;
};

struct dlk_owners *
dlk_owners_new(void)
{
	return calloc(1, sizeof(struct dlk_owners));
}

void
dlk_owners_free(struct dlk_owners *owners)
{
	for (struct dlk_owner *o = owners ? owners->first : NULL, *next; o; o = next) {
		next = o->next;
		free(o);
	}
	free(owners);
}

static struct dlk_owner **
bucket_of(struct dlk_owners *owners, const uint8_t *key)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < DLK_OWNERS_KEY; i++)
		hash = (hash ^ key[i]) * 16777619U;
	return &owners->bucket[hash % BUCKETS];
}

static struct dlk_owner *
find(struct dlk_owners *owners, const uint8_t *key)
{
	struct dlk_owner *owner = *bucket_of(owners, key);

	while (owner && memcmp(owner->key, key, DLK_OWNERS_KEY) != 0)
		owner = owner->same;
	return owner;
}

static struct dlk_owner *
make(struct dlk_owners *owners, const uint8_t *key)
{
	struct dlk_owner *owner = calloc(1, sizeof(*owner));
	struct dlk_owner **bucket = bucket_of(owners, key);

	if (!owner)
		return NULL;
	memcpy(owner->key, key, DLK_OWNERS_KEY);
	owner->same = *bucket;
	*bucket = owner;
	owner->next = owners->first;
	owner->back = &owners->first;
	if (owner->next)
		owner->next->back = &owner->next;
	owners->first = owner;
	return owner;
}

static void
forget(struct dlk_owners *owners, struct dlk_owner *owner)
{
	struct dlk_owner **at = bucket_of(owners, owner->key);

	while (*at != owner)
		at = &(*at)->same;
	*at = owner->same;
	*owner->back = owner->next;
	if (owner->next)
		owner->next->back = owner->back;
	free(owner);
}

int
dlk_owners_add(
    struct dlk_owners *owners, const uint8_t key[DLK_OWNERS_KEY], struct dlk_place *place)
{
	struct dlk_owner *owner = find(owners, key);

	if (!owner)
		owner = make(owners, key);
	if (!owner)
		return -ENOMEM;
	*place = (struct dlk_place){ .owner = owner, .wait = DLK_WAIT_BUSY };
	owner->n++;
	owners->n++;
	return 0;
}

static void
leave_row(struct dlk_place *place)
{
	struct dlk_owner *owner = place->owner;

	if (place->wait == DLK_WAIT_BUSY)
		return;
	if (place->previous)
		place->previous->next = place->next;
	else
		owner->first[place->wait] = place->next;
	if (place->next)
		place->next->previous = place->previous;
	else
		owner->last[place->wait] = place->previous;
	place->next = place->previous = NULL;
	owner->n_handshakes -= place->wait == DLK_WAIT_HANDSHAKE;
}

void
dlk_place_wait(struct dlk_place *place, enum dlk_wait wait, int64_t now_ms)
{
	struct dlk_owner *owner = place->owner;

	leave_row(place);
	place->wait = wait;
	place->since_ms = now_ms;
	if (wait == DLK_WAIT_BUSY)
		return;
	place->previous = owner->last[wait];
	if (place->previous)
		place->previous->next = place;
	else
		owner->first[wait] = place;
	owner->last[wait] = place;
	owner->n_handshakes += wait == DLK_WAIT_HANDSHAKE;
}

void
dlk_owners_remove(struct dlk_owners *owners, struct dlk_place *place)
{
	struct dlk_owner *owner = place->owner;

	if (!owner)
		return;
	leave_row(place);
	place->owner = NULL;
	owners->n--;
	if (--owner->n == 0)
		forget(owners, owner);
}

size_t
dlk_owners_count(const struct dlk_owners *owners)
{
	return owners->n;
}

size_t
dlk_owners_handshakes(const struct dlk_owners *owners)
{
	size_t n = 0;

	for (const struct dlk_owner *o = owners->first; o; o = o->next)
		n += o->n_handshakes;
	return n;
}

struct dlk_owner *
dlk_owners_largest(const struct dlk_owners *owners)
{
	struct dlk_owner *largest = owners->first;

	for (struct dlk_owner *o = owners->first; o; o = o->next)
		if (o->n > largest->n)
			largest = o;
	return largest;
}

struct dlk_place *
dlk_owner_oldest(const struct dlk_owner *owner)
{
	for (size_t wait = 0; wait < DLK_WAITS; wait++)
		if (owner->first[wait])
			return owner->first[wait];
	return NULL;
}

static struct dlk_place *
find_late(const struct dlk_owner *owner, const int64_t *limit_ms, int64_t now_ms)
{
	for (size_t wait = 0; wait < DLK_WAITS; wait++)
		if (owner->first[wait] &&
		    now_ms - owner->first[wait]->since_ms > limit_ms[wait])
			return owner->first[wait];
	return NULL;
}

void
dlk_owners_each_late(const struct dlk_owners *owners, const int64_t limit_ms[DLK_WAITS],
    int64_t now_ms, void (*end)(struct dlk_place *place))
{
	for (struct dlk_owner *o = owners->first, *next; o; o = next) {
		struct dlk_place *late = find_late(o, limit_ms, now_ms);
		size_t n = o->n;

		next = o->next;
		/* with the last one its owner is gone */
		for (; late; late = n > 0 ? find_late(o, limit_ms, now_ms) : NULL) {
			end(late);
			n--;
		}
	}
}
