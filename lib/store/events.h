/* SPDX-License-Identifier: MIT */
/* events.h - the events of the record: written, read, delivered. 0 or -errno. */
#ifndef DLK_STORE_EVENTS_H
#define DLK_STORE_EVENTS_H

#include "store/record.h"

#define DLK_ATTEMPT_LIFE 120 /* seconds until an attempt without its code is abandoned */
#define DLK_CHAIN_TEXT   64  /* hex of SHA-256 over this event and the one before */

/* An event that is no decision; its id is put into `event`. */
int dlk_events_add(struct dlk_record *record, struct dlk_event *event);

/* What was allowed again `n` times, by an answer that held, since `since`: its first event. */
struct dlk_repeat {
	const char *event, *user;
	uint64_t n;
	int64_t since;
};
/* One event of each, a copy of its first one, in one transaction (dlk_event_repeat). */
int dlk_events_repeated(
    struct dlk_record *record, const struct dlk_repeat *repeat, size_t n, int64_t now);

/* That a certificate (event->fingerprint) ends soon, unless a day has not gone since that was
 * said at event->at. */
int dlk_events_ending(struct dlk_record *record, struct dlk_event *event);

struct dlk_events_query {
	const char *user; /* NULL: of all */
	int64_t since;    /* unix seconds */
	int64_t after;    /* row number of the last one seen; 0: from the first */
	size_t most;      /* 0: all */
	bool newest;      /* newest first */
	bool refusals;    /* refused decisions, and offers that were not ok */
};
int dlk_events_each(struct dlk_record *record, const struct dlk_events_query *query,
    int (*each)(int64_t row, const struct dlk_event *event, void *arg), void *arg);
/* otp-required verdicts older than DLK_ATTEMPT_LIFE become events `abandoned`. */
int dlk_events_abandon(struct dlk_record *record, int64_t now, size_t *ret_n);
/* Walks the chain of hashes, from the beginning or from where a checkpoint says that earlier
 * events were deleted. -EBADMSG and the row where it breaks; -ENOKEY where the checkpoint
 * cannot be checked. */
int dlk_events_verify(struct dlk_record *record, int64_t *ret_row);
/* Deletes events older than `before`, from the oldest on and without a gap, in bounded steps,
 * and signs with the sealing key where the rest begins. Events that wait for their delivery
 * end it, but for `undelivered`: nobody will take them. */
int dlk_events_prune(
    struct dlk_record *record, int64_t before, bool undelivered, size_t *ret_n);

/* The outbox: one row per event until it was delivered. */
struct dlk_delivery {
	int64_t row;
	struct dlk_event event;
	char chain[DLK_CHAIN_TEXT + 1]; /* head of the chain with this event */
	unsigned attempts;
	int64_t due;
	char error[128]; /* of the last attempt */
};
/* Up to `most` that are due, oldest first. */
int dlk_outbox_next(struct dlk_record *record, int64_t now, size_t most,
    struct dlk_delivery *ret_delivery, size_t *ret_n);
int dlk_outbox_due(struct dlk_record *record, int64_t *ret_when); /* DLK_TIME_NEVER: none */
int dlk_outbox_delivered(struct dlk_record *record, int64_t row);
int dlk_outbox_failed(struct dlk_record *record, int64_t row, const char *error, int64_t due);
int dlk_outbox_count(struct dlk_record *record, size_t *ret_n);
int dlk_outbox_each(struct dlk_record *record,
    int (*each)(const struct dlk_delivery *delivery, void *arg), void *arg);
int dlk_outbox_retry(struct dlk_record *record, int64_t now, size_t *ret_n); /* all due now */

#endif
