/* SPDX-License-Identifier: MIT */
/* admit.h - may this caller ask this question, and is what it states to be believed? */
#ifndef DLK_CORE_ADMIT_H
#define DLK_CORE_ADMIT_H

#include "core/policy.h"

/* The service that the question is about: unknown-service, possession-unproven (this caller
 * may not ask it), or certificate-malformed for texts that no entrance makes. Who is not root
 * asks for the user of its own uid alone: the receiving process has put the user's uid into
 * the request itself. */
enum dlk_reason dlk_admit(const struct dlk_policy *policy, const struct dlk_caller *caller,
    const struct dlk_request *request, const struct dlk_service **ret_service,
    struct dlk_finding *finding);

/* The section's kind of certificate may come through this door and with this possession. */
enum dlk_reason dlk_admit_possession(const struct dlk_policy *policy,
    const struct dlk_caller *caller, const struct dlk_request *request,
    const struct dlk_service *section, struct dlk_finding *finding);

#endif
