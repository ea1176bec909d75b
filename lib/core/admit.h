/* SPDX-License-Identifier: MIT */
/* admit.h - may this caller ask this question, and is what it states to be believed? */
#ifndef DLK_CORE_ADMIT_H
#define DLK_CORE_ADMIT_H

#include "core/policy.h"

/* The service that holds, or unknown-service, possession-unproven, certificate-malformed. */
enum dlk_reason dlk_admit(const struct dlk_policy *policy, const struct dlk_caller *caller,
    const struct dlk_request *request, const struct dlk_service **ret_service,
    struct dlk_finding *finding);

#endif
