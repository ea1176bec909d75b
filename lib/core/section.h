/* SPDX-License-Identifier: MIT */
/* section.h - which section of a service holds for a user: the most specific one. */
#ifndef DLK_CORE_SECTION_H
#define DLK_CORE_SECTION_H

#include "core/policy.h"
#include "core/ports.h"

/* [service NAME user:X], then group:Y in the order of the file, then [service NAME]. The
 * section's `from` has to take `source`, where one is given (NULL: not asked). */
enum dlk_reason dlk_section_find(const struct dlk_policy *policy,
    const struct dlk_service *base, const struct dlk_ports *ports, const char *user,
    const char *source, const struct dlk_service **ret_section, struct dlk_finding *finding);

#endif
