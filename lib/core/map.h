/* SPDX-License-Identifier: MIT */
/* map.h - from cleared paths of one certificate to exactly one account. */
#ifndef DLK_CORE_MAP_H
#define DLK_CORE_MAP_H

#include "core/policy.h"
#include "core/ports.h"

/* The one name that the rules find; whether there is such an account is not asked yet. */
struct dlk_named {
	char name[DLK_NAME_MAX + 1];
	bool mapped; /* by [identity] map */
};

/* Every trust set that stands in a path has to name the one same account, by its own rules or
 * by [identity]'s; [identity] map adds names, the service's rules narrow. no-identity,
 * identity-ambiguous, fault-internal, or DLK_R_OK. `service` may be NULL. */
enum dlk_reason dlk_map_name(const struct dlk_policy *policy,
    const struct dlk_service *service, struct dlk_cleared *const *cleared, size_t n,
    struct dlk_named *ret_named, struct dlk_finding *finding);
/* The account of that name, and whether a certificate may name it. `label` of the certificate
 * is for details. no-identity, fault-internal, or DLK_R_OK. */
enum dlk_reason dlk_map_account(const struct dlk_policy *policy,
    const struct dlk_service *service, const struct dlk_named *named, const char *label,
    const struct dlk_ports *ports, struct dlk_account *ret_account,
    struct dlk_finding *finding);

#endif
