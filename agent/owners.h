/* SPDX-License-Identifier: MIT */
/*
 * owners.h - whose connections there are: a uid of this machine, or an address of another
 * host. Each has its connections in rows, the oldest first, so that one that waits too long,
 * or one that may go, is found without looking at the others.
 */
#ifndef DLK_AGENT_OWNERS_H
#define DLK_AGENT_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DLK_OWNERS_KEY 12

/* What a connection waits for. BUSY: it waits for us, and is in no row. */
enum dlk_wait {
	DLK_WAIT_IDLE = 0,  /* for a request */
	DLK_WAIT_ARRIVING,  /* for the rest of one, or for the peer to read */
	DLK_WAIT_HANDSHAKE, /* for the end of one of TLS */
	DLK_WAIT_BUSY
};
#define DLK_WAITS DLK_WAIT_BUSY

struct dlk_owner;
/* First member of a connection; zeroed memory is in no row. */
struct dlk_place {
	struct dlk_owner *owner;
	struct dlk_place *next, *previous; /* of its row */
	enum dlk_wait wait;
	int64_t since_ms;
};

struct dlk_owner {
	struct dlk_owner *next, *same; /* of all; of its bucket */
	struct dlk_owner **back;       /* of all */
	uint8_t key[DLK_OWNERS_KEY];
	size_t n; /* connections */
	size_t n_handshakes;
	size_t octets; /* that have arrived and were not taken */
	struct dlk_place *first[DLK_WAITS], *last[DLK_WAITS];
};

struct dlk_owners;
struct dlk_owners *dlk_owners_new(void); /* NULL: no memory */
void dlk_owners_free(struct dlk_owners *owners);

/* One connection more of this owner; it is busy. 0 or -ENOMEM. */
int dlk_owners_add(
    struct dlk_owners *owners, const uint8_t key[DLK_OWNERS_KEY], struct dlk_place *place);
void dlk_owners_remove(struct dlk_owners *owners, struct dlk_place *place);
/* From now on it waits for this. */
void dlk_place_wait(struct dlk_place *place, enum dlk_wait wait, int64_t now_ms);
size_t dlk_owners_count(const struct dlk_owners *owners); /* connections */
size_t dlk_owners_handshakes(const struct dlk_owners *owners);
/* Who has most; NULL where nobody is there. */
struct dlk_owner *dlk_owners_largest(const struct dlk_owners *owners);
/* Of this owner the one that may go first: idle for longest, or arriving for longest, or in a
 * handshake for longest. NULL: all are busy. */
struct dlk_place *dlk_owner_oldest(const struct dlk_owner *owner);
/* Calls `end` for each that has waited for longer than it may: `limit_ms` by enum dlk_wait. It
 * removes that one, and no other. */
void dlk_owners_each_late(const struct dlk_owners *owners, const int64_t limit_ms[DLK_WAITS],
    int64_t now_ms, void (*end)(struct dlk_place *place));

#endif
