/* SPDX-License-Identifier: MIT */
/* decide.h - the one place that says yes. */
#ifndef DLK_CORE_DECIDE_H
#define DLK_CORE_DECIDE_H

#include "core/policy.h"
#include "core/ports.h"

/* Judges the request of a caller whom the process that calls this established itself. The
 * verdict is complete in every case; its event is durable before DLK_R_OK is in it. */
void dlk_decide(const struct dlk_policy *policy, const struct dlk_ports *ports,
    const struct dlk_caller *caller, const struct dlk_request *request, int64_t now,
    struct dlk_verdict *ret_verdict);

#endif
