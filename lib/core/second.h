/* SPDX-License-Identifier: MIT */
/* second.h - the second factor, against what the record remembers of the subject. */
#ifndef DLK_CORE_SECOND_H
#define DLK_CORE_SECOND_H

#include "core/policy.h"
#include "core/ports.h"

/* Whether the section asks the record at all for this request. */
bool dlk_second_reads(
    const struct dlk_service *section, const struct dlk_request *request, int64_t now);
/* DLK_R_OK, otp-required, otp-wrong, otp-replayed, not-enrolled, locked-out, rate-limited, or
 * a fault; what has to be written is put into the settlement. */
enum dlk_reason dlk_second(const struct dlk_policy *policy, const struct dlk_service *section,
    const struct dlk_ports *ports, const struct dlk_request *request,
    const struct dlk_subject *subject, const struct dlk_memory *memory, int64_t now,
    struct dlk_settlement *settlement, struct dlk_verdict *verdict,
    struct dlk_finding *finding);

#endif
