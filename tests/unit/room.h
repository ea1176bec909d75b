/* SPDX-License-Identifier: MIT */
/* room.h - a private directory with a sealing key and a record, for tests of what lasts. */
#ifndef DLK_TESTS_ROOM_H
#define DLK_TESTS_ROOM_H

#include <limits.h>

#include "store/events.h"
#include "store/record.h"
#include "store/tokens.h"

#define ROOM_NOW 1700000000

struct room {
	char dir[64];
	char db[96], keys[96];
	struct dlk_seal *seal;
	struct dlk_record *record;
};

/* Asserts on every failure. */
void room_init(struct room *room); /* directory, a key "k1", an open record */
void room_fini(struct room *room);
void room_reopen(struct room *room);
/* For cmocka: a fresh room is the test's state. */
int room_setup(void **state);
int room_teardown(void **state);
#define IN_ROOM(test) cmocka_unit_test_setup_teardown(test, room_setup, room_teardown)
/* A further key; where `first`, the one that seals from now on. */
void room_add_key(struct room *room, const char *id, bool first);
void room_drop_key(struct room *room, const char *id);

/* A token whose secret is made of `key`. */
struct dlk_token room_token(const char *label, enum dlk_otp_kind kind, const char *key);
int64_t room_enrol(struct room *room, const char *user, const char *label,
    enum dlk_otp_kind kind, const char *key);
struct dlk_subject room_subject(const char *user);
/* An allowed login with attempt number n (0: none). */
struct dlk_settlement room_settlement(
    const struct dlk_subject *subject, int64_t now, unsigned n);
/* begin, settle; what settle returned */
int room_settle(
    struct room *room, const struct dlk_settlement *settlement, char *ret_event_id);
/* What the record remembers of the user now. */
void room_recall(struct room *room, const char *user, struct dlk_memory *ret_memory);
/* One statement beside the record, as somebody would who has the file. */
void room_sql(struct room *room, const char *sql);
int64_t room_number(struct room *room, const char *sql);

#endif
