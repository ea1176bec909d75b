/* SPDX-License-Identifier: MIT */
/* judge.c - path, revocation and identity of one certificate, in the only order there is. */
#include "core/judge.h"

#include <string.h>

#include "core/known.h"

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
clear_all(const struct dlk_policy *policy, const struct dlk_path_rules *rules,
    const struct dlk_ports *ports, const struct dlk_paths *paths, int64_t now,
    struct cleared_list *list, struct dlk_finding *finding)
{
	enum dlk_reason first = DLK_R_UNDECIDED;

	for (size_t i = 0; i < dlk_paths_count(paths) && list->n < DLK_PATHS_MAX; i++) {
		struct dlk_finding mine = { 0 };
		enum dlk_reason reason =
		    dlk_path_clear(dlk_paths_at(paths, i), ports->crls, ports->trust, rules,
			&policy->revocation, now, &list->cleared[list->n], &mine);

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
hold(const struct cleared_list *list, struct dlk_standing *standing)
{
	standing->good_until = standing->chain_until = INT64_MAX;
	for (size_t i = 0; i < list->n; i++) {
		int64_t good = dlk_cleared_good_until(list->cleared[i]);
		int64_t chain = dlk_cleared_path(list->cleared[i])->good_until;

		if (good < standing->good_until)
			standing->good_until = good;
		if (chain < standing->chain_until)
			standing->chain_until = chain;
	}
}

/* Told before revocation is judged: whom no list covers is refused, and wants one. */
static void
want_lists(const struct dlk_ports *ports, const struct dlk_paths *paths)
{
	for (size_t i = 0; ports->want && i < dlk_paths_count(paths); i++) {
		const struct dlk_path *path = dlk_paths_at(paths, i);
		for (size_t n = 0; n + 1 < path->n; n++)
			ports->want(ports->ctx, path->cert[n], path->cert[n + 1]);
	}
}

/* What is judged, by what. */
struct judging {
	const struct dlk_policy *policy;
	const struct dlk_service *service;
	const struct dlk_ports *ports;
	const struct dlk_cert *leaf;
	const struct dlk_certs *presented;
	bool with_identity;
	int64_t now;
};

/* What certificates of SSH alone open is sshd's door, and no gateway's. */
static struct dlk_path_rules
rules_of(const struct judging *j)
{
	struct dlk_path_rules rules = j->policy->path;

	if (!j->service || j->service->certificate != DLK_CERTIFICATE_SSHD)
		rules.ssh_purpose = false;
	return rules;
}

static enum dlk_reason
judge(const struct judging *j, struct dlk_standing *ret_standing, struct dlk_finding *finding)
{
	DLK_AUTO_PATHS *paths = NULL; /* outlives what is cleared of it */
	__attribute__((cleanup(cleared_list_fini))) struct cleared_list list = { 0 };
	const struct dlk_path_rules rules = rules_of(j);
	struct dlk_standing standing = { 0 };
	enum dlk_reason reason;

	reason = dlk_paths_find(
	    j->ports->trust, &rules, j->leaf, j->presented, j->now, &paths, finding);
	if (reason == DLK_R_OK)
		want_lists(j->ports, paths);
	if (reason == DLK_R_OK)
		reason = clear_all(j->policy, &rules, j->ports, paths, j->now, &list, finding);
	if (j->ports->judged && (reason == DLK_R_OK || reason == DLK_R_REVOKED))
		j->ports->judged(j->ports->ctx, j->leaf, reason == DLK_R_OK);
	if (reason == DLK_R_OK && j->with_identity)
		reason = dlk_map_name(
		    j->policy, j->service, list.cleared, list.n, &standing.named, finding);
	if (reason == DLK_R_OK) {
		hold(&list, &standing);
		*ret_standing = standing;
	}
	return reason;
}

/* The next time from which a further certificate or list may have a say: until then nothing
 * but an end, which good_until knows, changes what was judged. */
static int64_t
next_begin(const struct judging *j)
{
	const struct dlk_cert *ca;
	struct dlk_crl_about about;
	int64_t next = INT64_MAX;

#define BEGINS(t) (next = (t) > j->now && (t) < next ? (t) : next)
	for (size_t i = 0; (ca = dlk_trust_ca_at(j->ports->trust, i)); i++)
		BEGINS(dlk_cert_not_before(ca));
	for (size_t i = 0; i < j->presented->n; i++)
		BEGINS(dlk_cert_not_before(j->presented->cert[i]));
	for (size_t i = 0; i < dlk_crls_count(j->ports->crls); i++) {
		dlk_crls_describe(j->ports->crls, i, &about);
		BEGINS(about.this_update);
	}
#undef BEGINS
	return next;
}

/* Known from before, or judged now and known from now on. */
static enum dlk_reason
judge_or_recall(
    const struct judging *j, struct dlk_standing *ret_standing, struct dlk_finding *finding)
{
	struct dlk_known *known = j->with_identity ? j->ports->known : NULL;
	uint8_t key[DLK_KNOWN_KEY];

	if (!known || dlk_known_key(j->leaf, j->presented, j->service, key) < 0)
		return judge(j, ret_standing, finding);
	if (dlk_known_find(known, key, j->now, ret_standing))
		return DLK_R_OK;
	enum dlk_reason reason = judge(j, ret_standing, finding);
	if (reason == DLK_R_OK)
		dlk_known_keep(
		    known, key, j->leaf, j->presented, j->now, next_begin(j), ret_standing);
	return reason;
}

enum dlk_reason
dlk_judge(const struct dlk_policy *policy, const struct dlk_service *service,
    const struct dlk_ports *ports, const struct dlk_cert *leaf,
    const struct dlk_certs *presented, bool with_identity, int64_t now,
    struct dlk_judgement *ret_judgement, struct dlk_finding *finding)
{
	static const struct dlk_certs none;
	const struct judging judging = { policy, service, ports, leaf,
		presented ? presented : &none, with_identity, now };
	struct dlk_judgement judgement = { 0 };
	struct dlk_standing standing = { 0 };
	enum dlk_reason reason = judge_or_recall(&judging, &standing, finding);

	if (reason == DLK_R_OK && with_identity)
		reason = dlk_map_account(policy, service, &standing.named,
		    dlk_cert_label(leaf), ports, &judgement.account, finding);
	if (reason != DLK_R_OK)
		return reason;
	judgement.good_until = standing.good_until;
	judgement.chain_until = standing.chain_until;
	*ret_judgement = judgement;
	return reason;
}
