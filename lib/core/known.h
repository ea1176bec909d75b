/* SPDX-License-Identifier: MIT */
/*
 * known.h - certificates that were judged a while ago: as they were read, found by the SHA-256
 * of their octets before anything is parsed, and what path, revocation and rules of identity
 * said. It belongs to one policy, one trust and one set of lists; whoever opens others begins
 * with an empty one. Accounts, sections, codes and counts are asked for each time.
 */
#ifndef DLK_CORE_KNOWN_H
#define DLK_CORE_KNOWN_H

#include "core/map.h"

#define DLK_KNOWN_JUDGED 4096 /* judgements; the oldest go first */
#define DLK_KNOWN_CERTS  256  /* certificates that are kept as they were read */
#define DLK_KNOWN_KEY    32

/* What holds of a certificate without asking the machine. */
struct dlk_standing {
	struct dlk_named named;
	int64_t good_until;  /* chain and lists of revocation */
	int64_t chain_until; /* chain alone */
};

/* May be used by several threads at once. */
struct dlk_known;
int dlk_known_new(struct dlk_known **ret_known); /* 0 or -ENOMEM */
struct dlk_known *dlk_known_ref(struct dlk_known *known);
void dlk_known_free(struct dlk_known *known); /* gives one reference back; NULL is fine */

/* The certificate of exactly these octets, a reference of the caller's; NULL: not known. */
struct dlk_cert *dlk_known_cert(struct dlk_known *known, struct dlk_bytes der);

/* All that a judgement depends on besides time. `service` may be NULL. 0 or -ENOMEM. */
int dlk_known_key(const struct dlk_cert *leaf, const struct dlk_certs *presented,
    const struct dlk_service *service, uint8_t ret_key[DLK_KNOWN_KEY]);
/* False where it was never judged so, where its time is over, and where the clock was set
 * back behind the judgement. */
bool dlk_known_find(struct dlk_known *known, const uint8_t key[DLK_KNOWN_KEY], int64_t now,
    struct dlk_standing *ret_standing);
/* Keeps what was judged `now`, for a time before `until` and before its own good_until; and
 * the certificates. Where there is no memory, nothing is kept. */
void dlk_known_keep(struct dlk_known *known, const uint8_t key[DLK_KNOWN_KEY],
    const struct dlk_cert *leaf, const struct dlk_certs *presented, int64_t now, int64_t until,
    const struct dlk_standing *standing);

#endif
