/* SPDX-License-Identifier: MIT */
/* judge.c - path, revocation and identity of one certificate, in the only order there is. */
#include "core/judge.h"

#include <string.h>

#include "core/map.h"

struct cleared_list {
	struct dlk_cleared *cleared[DLK_PATHS_MAX];
	size_t n;
};

static void
cleared_list_fini(struct cleared_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		dlk_cleared_free(list->cleared[i]);
}

/* Every path that revocation passes; the first refusal stands where none does. */
static enum dlk_reason
clear_all(const struct dlk_policy *policy, const struct dlk_ports *ports,
    const struct dlk_paths *paths, int64_t now, struct cleared_list *list,
    struct dlk_finding *finding)
{
	enum dlk_reason first = DLK_R_UNDECIDED;

	for (size_t i = 0; i < dlk_paths_count(paths) && list->n < DLK_PATHS_MAX; i++) {
		struct dlk_finding mine = { 0 };
		enum dlk_reason reason = dlk_path_clear(dlk_paths_at(paths, i), ports->crls,
		    ports->trust, &policy->path, &policy->revocation, now,
		    &list->cleared[list->n], &mine);

		if (reason == DLK_R_OK) {
			list->n++;
		} else if (first == DLK_R_UNDECIDED) {
			first = reason;
			*finding = mine;
		}
	}
	return list->n > 0 ? DLK_R_OK : first;
}

static void
hold(const struct cleared_list *list, struct dlk_judgement *judgement)
{
	judgement->good_until = judgement->chain_until = INT64_MAX;
	for (size_t i = 0; i < list->n; i++) {
		int64_t good = dlk_cleared_good_until(list->cleared[i]);
		int64_t chain = dlk_cleared_path(list->cleared[i])->good_until;

		if (good < judgement->good_until)
			judgement->good_until = good;
		if (chain < judgement->chain_until)
			judgement->chain_until = chain;
	}
}

enum dlk_reason
dlk_judge(const struct dlk_policy *policy, const struct dlk_service *service,
    const struct dlk_ports *ports, const struct dlk_cert *leaf,
    const struct dlk_certs *presented, bool with_identity, int64_t now,
    struct dlk_judgement *ret_judgement, struct dlk_finding *finding)
{
	DLK_AUTO_PATHS *paths = NULL; /* outlives what is cleared of it */
	__attribute__((cleanup(cleared_list_fini))) struct cleared_list list = { 0 };
	static const struct dlk_certs none;
	struct dlk_judgement judgement = { 0 };
	enum dlk_reason reason;

	reason = dlk_paths_find(ports->trust, &policy->path, leaf,
	    presented ? presented : &none, now, &paths, finding);
	if (reason == DLK_R_OK)
		reason = clear_all(policy, ports, paths, now, &list, finding);
	if (reason == DLK_R_OK && with_identity)
		reason = dlk_map(
		    policy, service, list.cleared, list.n, ports, &judgement.account, finding);
	if (reason == DLK_R_OK) {
		hold(&list, &judgement);
		*ret_judgement = judgement;
	}
	return reason;
}
