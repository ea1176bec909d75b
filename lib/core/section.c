/* SPDX-License-Identifier: MIT */
/* section.c - finds the section that holds. A group that cannot be asked for is a fault: to
 * pass it over could choose a milder section. */
#include "core/section.h"

#include <errno.h>
#include <string.h>

static const struct dlk_service *
user_section(const struct dlk_policy *policy, const struct dlk_service *base, const char *user)
{
	for (size_t i = 0; i < policy->n_services; i++) {
		const struct dlk_service *section = &policy->service[i];

		if (section->scope == DLK_SCOPE_USER &&
		    strcmp(section->name, base->name) == 0 && strcmp(section->who, user) == 0)
			return section;
	}
	return NULL;
}

/* 0 and *ret_section (NULL where no group section fits), or -errno. */
static int
group_section(const struct dlk_policy *policy, const struct dlk_service *base,
    const struct dlk_ports *ports, const char *user, const struct dlk_service **ret_section)
{
	*ret_section = NULL;
	for (size_t i = 0; i < policy->n_services; i++) {
		const struct dlk_service *section = &policy->service[i];
		bool member = false;
		int error;

		if (section->scope != DLK_SCOPE_GROUP ||
		    strcmp(section->name, base->name) != 0)
			continue;
		error = ports->member(ports->ctx, user, section->who, &member);
		if (error != 0)
			return error;
		if (member) {
			*ret_section = section;
			return 0;
		}
	}
	return 0;
}

enum dlk_reason
dlk_section_find(const struct dlk_policy *policy, const struct dlk_service *base,
    const struct dlk_ports *ports, const char *user, const char *source,
    const struct dlk_service **ret_section, struct dlk_finding *finding)
{
	const struct dlk_service *section = user_section(policy, base, user);
	int error = section ? 0 : group_section(policy, base, ports, user, &section);

	if (error != 0)
		return dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_FAULT_INTERNAL,
		    "the account database does not say which groups '%s' is in: %s", user,
		    strerrordesc_np(-error));
	if (!section)
		section = base;
	if (source && !dlk_service_takes(section, source))
		return dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_POSSESSION_UNPROVEN,
		    "[%s] from does not hold the address '%s'", section->section, source);
	*ret_section = section;
	return DLK_R_OK;
}
