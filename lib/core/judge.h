/* SPDX-License-Identifier: MIT */
/* judge.h - the certificate's judgement alone: path, revocation, identity. No state. */
#ifndef DLK_CORE_JUDGE_H
#define DLK_CORE_JUDGE_H

#include "core/policy.h"
#include "core/ports.h"

struct dlk_judgement {
	struct dlk_account account; /* empty without identity */
	int64_t good_until;         /* chain and lists of revocation */
	int64_t chain_until;        /* chain alone */
};

/* `presented` may be NULL. */
enum dlk_reason dlk_judge(const struct dlk_policy *policy, const struct dlk_service *service,
    const struct dlk_ports *ports, const struct dlk_cert *leaf,
    const struct dlk_certs *presented, bool with_identity, int64_t now,
    struct dlk_judgement *ret_judgement, struct dlk_finding *finding);

#endif
