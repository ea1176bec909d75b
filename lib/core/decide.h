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

/*
 * The same in three steps, for whoever settles several decisions in one transaction. `new`
 * judges all that needs no record, and may do so beside others. `settle` looks at the code and
 * writes. `conclude` makes the verdict: `error` is 0 where the transaction is durable, or the
 * reason why it is not, and then nobody is let in by it. Caller, request, policy and ports are
 * borrowed until it is freed, which may be after any step.
 */
struct dlk_decision;
/* NULL: no memory. */
struct dlk_decision *dlk_decision_new(const struct dlk_policy *policy,
    const struct dlk_ports *ports, const struct dlk_caller *caller,
    const struct dlk_request *request, int64_t now);
void dlk_decision_settle(struct dlk_decision *decision);
void dlk_decision_conclude(
    struct dlk_decision *decision, int error, struct dlk_verdict *ret_verdict);
void dlk_decision_free(struct dlk_decision *decision);

#endif
