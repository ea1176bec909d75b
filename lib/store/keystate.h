/* SPDX-License-Identifier: MIT */
/*
 * keystate.h - which certificates were judged revoked, and with which key: for a file of keys
 * that sshd refuses. One that is good is kept where another one with its key is revoked. The
 * table is bounded; what came first goes first.
 */
#ifndef DLK_STORE_KEYSTATE_H
#define DLK_STORE_KEYSTATE_H

#include "core/cert.h"
#include "store/record.h"

#define DLK_KEYSTATES_MOST 4096 /* in the table */
#define DLK_KEYSTATES_MAX  8    /* of one decision */
#define DLK_KEYSTATE_TEXT  4095 /* "TYPE BASE64" of a key */

/* Zeroed memory is empty. */
struct dlk_keystates {
	struct {
		struct dlk_cert *cert;
		bool good;
	} of[DLK_KEYSTATES_MAX];
	size_t n;
};
/* A certificate whose path holds, good or revoked. What is beyond the bound is passed over. */
void dlk_keystates_add(struct dlk_keystates *states, const struct dlk_cert *cert, bool good);
void dlk_keystates_fini(struct dlk_keystates *states); /* empties */

/* Writes down what is new; does not wait for anybody. 0 or -errno, nothing written. */
int dlk_keystates_note(
    struct dlk_record *record, const struct dlk_keystates *states, int64_t now);
struct dlk_keystate {
	char key[DLK_KEYSTATE_TEXT + 1];
	char name[DLK_NAME_MAX + 80]; /* the certificate: its fingerprint */
	bool good;                    /* and not over at `now` */
};
int dlk_keystates_each(struct dlk_record *record, int64_t now,
    int (*each)(const struct dlk_keystate *state, void *arg), void *arg);

#endif
