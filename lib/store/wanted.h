/* SPDX-License-Identifier: MIT */
/*
 * wanted.h - where certificates that were judged say that their lists of revocation are.
 * Whoever judges writes it down, and whoever fetches lists reads it. The table is bounded for
 * each issuer and as a whole; what nobody wants any more goes first.
 */
#ifndef DLK_STORE_WANTED_H
#define DLK_STORE_WANTED_H

#include "core/cert.h"
#include "store/record.h"

#define DLK_WANTED_URL_MAX 1023
#define DLK_WANTED_MOST    64 /* in the table */
#define DLK_WANTS_MAX      16 /* of one issuer, and of one judgement */

struct dlk_want {
	char url[DLK_WANTED_URL_MAX + 1]; /* printable, http or https */
	struct dlk_cert *issuer;
};
/* Zeroed memory is empty. */
struct dlk_wants {
	struct dlk_want want[DLK_WANTS_MAX];
	size_t n;
};
/* The points of a certificate whose signatures reach an anchor, and who issued it. What cannot
 * be kept, and what is beyond the bound, is passed over. */
void dlk_wants_add(
    struct dlk_wants *wants, const struct dlk_cert *cert, const struct dlk_cert *issuer);
void dlk_wants_fini(struct dlk_wants *wants); /* empties */

/* Writes down what is new, and what was last wanted more than a day ago; does not wait for
 * anybody. 0 or -errno, nothing written. */
int dlk_wanted_note(struct dlk_record *record, const struct dlk_wants *wants, int64_t now);

struct dlk_wanted {
	int64_t row; /* a later one has a higher number */
	char url[DLK_WANTED_URL_MAX + 1];
	struct dlk_cert *issuer; /* borrowed for the call; NULL where it is not known */
	char name[DLK_DN_MAX + 1];
	int64_t since, at; /* first and last wanted */
};
int dlk_wanted_each(struct dlk_record *record,
    int (*each)(const struct dlk_wanted *wanted, void *arg), void *arg);
/* The number of the latest row, 0 for none. */
int dlk_wanted_latest(struct dlk_record *record, int64_t *ret_row);

#endif
