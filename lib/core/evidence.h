/* SPDX-License-Identifier: MIT */
/* evidence.h - the certificates that a request brings or leads to. */
#ifndef DLK_CORE_EVIDENCE_H
#define DLK_CORE_EVIDENCE_H

#include "core/policy.h"
#include "core/ports.h"

/* Adds the candidates to `leaves` (one of them has to hold), and what came with them to
 * `presented`; `ret_kept` is what the caller had kept before, where that is the evidence.
 * DLK_R_OK with at least one candidate; no-certificate, certificate-malformed,
 * possession-unproven (a carried leaf of another key), weak-key, or a fault. */
enum dlk_reason dlk_evidence_read(const struct dlk_policy *policy,
    const struct dlk_ports *ports, const struct dlk_caller *caller,
    const struct dlk_request *request, int64_t now, struct dlk_certs *leaves,
    struct dlk_certs *presented, struct dlk_kept *ret_kept, struct dlk_finding *finding);

#endif
