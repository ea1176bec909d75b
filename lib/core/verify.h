/* SPDX-License-Identifier: MIT */
/* verify.h - one candidate path under RFC 5280 section 6.1. Private to lib/core. */
#ifndef DLK_CORE_VERIFY_H
#define DLK_CORE_VERIFY_H

#include "core/path.h"

#define DLK_DEPTH_MAX 8 /* where the rules do not say */

/* Everything but the signatures, which whoever built the path has checked. `comparisons` of
 * names and constraints are left to the whole search, and taken from. */
enum dlk_reason dlk_path_verify(const struct dlk_path *path,
    const struct dlk_path_rules *rules, int64_t now, size_t *comparisons,
    struct dlk_finding *finding);
/* What is asked of an issuer below the anchor whatever it has issued: no path through one
 * that fails has to be looked for. */
enum dlk_reason dlk_issuer_verify(const struct dlk_cert *ca,
    const struct dlk_path_rules *rules, int64_t now, struct dlk_finding *finding);

/* `issuer`'s key made the signature of `cert`. The algorithm is not judged. */
bool dlk_signature_ok(const struct dlk_cert *cert, const struct dlk_cert *issuer);

#endif
