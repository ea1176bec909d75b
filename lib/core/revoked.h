/* SPDX-License-Identifier: MIT */
/*
 * revoked.h - no certificate of a path below its anchor is revoked (RFC 5280 section 6.3).
 * The one maker of struct dlk_cleared, which is all that an identity is ever read from.
 */
#ifndef DLK_CORE_REVOKED_H
#define DLK_CORE_REVOKED_H

#include "core/crl.h"
#include "core/path.h"

enum dlk_revocation_mode {
	DLK_REVOCATION_REQUIRE = 0, /* no usable list: revocation-unknown */
	DLK_REVOCATION_PREFER, /* absence alone passes; damaged, stale or unreadable refuses */
	DLK_REVOCATION_OFF
};

struct dlk_revocation_rules {
	enum dlk_revocation_mode mode;
	int64_t grace;   /* seconds past nextUpdate; 0 none */
	int64_t max_age; /* seconds past thisUpdate; 0 no limit */
};

struct dlk_cleared;
/* DLK_R_OK and *ret_cleared, or revoked, revocation-unknown, crl-stale. The path is borrowed
 * and has to outlive what is returned. `trust` and `path_rules` serve for signers of lists
 * that are not the issuer itself. */
enum dlk_reason dlk_path_clear(const struct dlk_path *path, const struct dlk_crls *crls,
    const struct dlk_trust *trust, const struct dlk_path_rules *path_rules,
    const struct dlk_revocation_rules *rules, int64_t now, struct dlk_cleared **ret_cleared,
    struct dlk_finding *finding);
void dlk_cleared_free(struct dlk_cleared *cleared);
const struct dlk_path *dlk_cleared_path(const struct dlk_cleared *cleared);
/* The earliest of the path's notAfter and the nextUpdate (and grace) of the lists used. */
int64_t dlk_cleared_good_until(const struct dlk_cleared *cleared);

#endif
