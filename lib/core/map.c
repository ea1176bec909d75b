/* SPDX-License-Identifier: MIT */
/*
 * map.c - whose certificate is it? All values of all rules are collected before anything is
 * chosen, so a second name in a certificate never hides behind the first one.
 */
#include "core/map.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "core/field.h"

/* The one name that was found, and whether there was another one. */
struct found {
	char name[DLK_NAME_MAX + 1];
	bool any, several;
	bool mapped; /* by [identity] map */
};

static void
found_add(struct found *found, struct dlk_bytes name)
{
	if (found->any) {
		if (strlen(found->name) != name.n || memcmp(found->name, name.p, name.n) != 0)
			found->several = true;
		return;
	}
	found->any = true;
	if (name.n > DLK_NAME_MAX) {
		found->several = true;
		return;
	}
	memcpy(found->name, name.p, name.n);
	found->name[name.n] = '\0';
}

static bool
is_user_text(struct dlk_bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '_';

		if (!word && (i == 0 || (c != '.' && c != '-')))
			return false;
	}
	return text.n > 0;
}

/* The domain of an address has no case (RFC 5280 section 7.5); everything else has. */
static bool
part_equal(enum dlk_field field, const char *part, const uint8_t *value, bool *in_domain)
{
	for (; *part; part++, value++) {
		char a[2] = { *part, 0 }, b[2] = { (char)*value, 0 };

		if (*in_domain ? strcasecmp(a, b) != 0 : a[0] != b[0])
			return false;
		if (field == DLK_FIELD_SAN_EMAIL && *part == '@')
			*in_domain = true;
	}
	return true;
}

struct rule_search {
	const struct dlk_rule *rule;
	struct found *found;
};

static int
match_rule(struct dlk_bytes value, void *arg)
{
	const struct rule_search *search = arg;
	const struct dlk_rule *rule = search->rule;
	size_t before = strlen(rule->before), after = strlen(rule->after);
	bool in_domain = false;
	struct dlk_bytes user;

	if (value.n <= before + after)
		return 0;
	user = DLK_BYTES(value.p + before, value.n - before - after);
	if (part_equal(rule->field, rule->before, value.p, &in_domain) && is_user_text(user) &&
	    part_equal(rule->field, rule->after, user.p + user.n, &in_domain))
		found_add(search->found, user);
	return 0;
}

static void
collect(const struct dlk_policy *policy, const struct dlk_rules *rules,
    const struct dlk_cert *leaf, struct found *found)
{
	for (size_t i = 0; i < rules->n; i++) {
		struct rule_search search = { &rules->rule[i], found };

		dlk_field_each(leaf, rules->rule[i].field, match_rule, &search);
	}
	for (size_t i = 0; i < policy->n_map; i++) {
		if (!dlk_octets_equal(policy->map[i].fingerprint, dlk_cert_fingerprint(leaf),
			DLK_SHA256_SIZE))
			continue;
		found_add(found, dlk_bytes_str(policy->map[i].user));
		found->mapped = true;
	}
}

static const char *
set_name(const struct dlk_trust_set *set, char *out, size_t size)
{
	char name[128];

	dlk_text_escape(name, sizeof(name), dlk_bytes_str(set->name));
	dlk_text_print(out, size, set->name[0] ? "[trust %s]" : "[identity]", name);
	return out;
}

static enum dlk_reason
none_found(const struct dlk_cert *leaf, const char *whose, struct dlk_finding *finding)
{
	return dlk_find(finding, DLK_STAGE_MAP, DLK_R_NO_IDENTITY,
	    "%s: no rule of %s finds a user name in its names", dlk_cert_label(leaf), whose);
}

static enum dlk_reason
several_found(const struct dlk_cert *leaf, const char *whose, struct dlk_finding *finding)
{
	return dlk_find(finding, DLK_STAGE_MAP, DLK_R_IDENTITY_AMBIGUOUS,
	    "%s: the rules of %s find more than one user name", dlk_cert_label(leaf), whose);
}

/* One set's answer, held against what the sets before it said. */
static enum dlk_reason
agree(const struct found *found, const struct dlk_cert *leaf, const char *whose,
    struct found *all, struct dlk_finding *finding)
{
	if (!found->any)
		return none_found(leaf, whose, finding);
	if (found->several)
		return several_found(leaf, whose, finding);
	found_add(all, dlk_bytes_str(found->name));
	all->mapped |= found->mapped;
	if (all->several)
		return several_found(leaf, "several trust sets or paths", finding);
	return DLK_R_OK;
}

static enum dlk_reason
map_path(const struct dlk_policy *policy, const struct dlk_path *path, struct found *all,
    struct dlk_finding *finding)
{
	enum dlk_reason reason = DLK_R_NO_IDENTITY;
	char whose[160];

	if (path->sets == 0)
		return none_found(path->cert[0], "any trust set", finding);
	for (unsigned s = 0; s < DLK_TRUST_SETS_MAX; s++) {
		const struct dlk_trust_set *set;
		struct found found = { 0 };

		if (!(path->sets & UINT64_C(1) << s))
			continue;
		if (s >= policy->n_sets)
			return none_found(path->cert[0], "an unknown trust set", finding);
		set = &policy->set[s];
		collect(policy, set->rules.n ? &set->rules : &policy->rules, path->cert[0],
		    &found);
		reason = agree(
		    &found, path->cert[0], set_name(set, whose, sizeof(whose)), all, finding);
		if (reason != DLK_R_OK)
			return reason;
	}
	return reason;
}

/* A service's own rules take names away, and never add one. */
static enum dlk_reason
narrow(const struct dlk_policy *policy, const struct dlk_service *service,
    const struct dlk_cert *leaf, struct found *all, struct dlk_finding *finding)
{
	struct found found = { 0 };

	if (!service || service->rules.n == 0)
		return DLK_R_OK;
	collect(policy, &service->rules, leaf, &found);
	return agree(&found, leaf, "the service", all, finding);
}

static enum dlk_reason
check_account(const struct dlk_policy *policy, const struct dlk_named *named,
    const struct dlk_account *account, const char *label, struct dlk_finding *finding)
{
	if (strcmp(account->name, named->name) != 0)
		return dlk_find(finding, DLK_STAGE_MAP, DLK_R_NO_IDENTITY,
		    "%s: '%s' is spelled otherwise in the account database", label,
		    named->name);
	if (account->uid < 1000 && !dlk_policy_is_system_user(policy, named->name))
		return dlk_find(finding, DLK_STAGE_MAP, DLK_R_NO_IDENTITY,
		    "%s: '%s' is a system account (uid %u), which certificates name only "
		    "where "
		    "[lockout] system-users lists it",
		    label, named->name, (unsigned)account->uid);
	if (account->uid == 0 && !named->mapped)
		return dlk_find(finding, DLK_STAGE_MAP, DLK_R_NO_IDENTITY,
		    "%s: '%s' has uid 0, which needs [identity] map besides system-users",
		    label, named->name);
	return DLK_R_OK;
}

enum dlk_reason
dlk_map_account(const struct dlk_policy *policy, const struct dlk_service *service,
    const struct dlk_named *named, const char *label, const struct dlk_ports *ports,
    struct dlk_account *ret_account, struct dlk_finding *finding)
{
	struct dlk_account account = { .uid = (uid_t)-1 };
	enum dlk_reason reason = DLK_R_OK;
	int error;

	if (!dlk_text_is_account(dlk_bytes_str(named->name)))
		return dlk_find(finding, DLK_STAGE_MAP, DLK_R_NO_IDENTITY,
		    "%s: '%s' is no account name ([a-z_][a-z0-9_.-]*, up to 32)", label,
		    named->name);
	error = ports->account(ports->ctx, named->name, &account);
	if (error == 0)
		reason = check_account(policy, named, &account, label, finding);
	else if (error != -ENOENT)
		reason = dlk_find(finding, DLK_STAGE_MAP, DLK_R_FAULT_INTERNAL,
		    "the account database gives no answer for '%s': %s", named->name,
		    strerrordesc_np(-error));
	else if (service && service->names_only)
		dlk_text_copy(account.name, sizeof(account.name), named->name);
	else
		reason = dlk_find(finding, DLK_STAGE_MAP, DLK_R_NO_IDENTITY,
		    "%s: there is no account '%s' on this machine", label, named->name);
	if (reason == DLK_R_OK)
		*ret_account = account;
	return reason;
}

enum dlk_reason
dlk_map_name(const struct dlk_policy *policy, const struct dlk_service *service,
    struct dlk_cleared *const *cleared, size_t n, struct dlk_named *ret_named,
    struct dlk_finding *finding)
{
	struct found all = { 0 };
	enum dlk_reason reason;

	if (n == 0)
		return dlk_find(
		    finding, DLK_STAGE_MAP, DLK_R_FAULT_INTERNAL, "no path to map");
	for (size_t i = 0; i < n; i++) {
		reason = map_path(policy, dlk_cleared_path(cleared[i]), &all, finding);
		if (reason != DLK_R_OK)
			return reason;
	}
	reason = narrow(policy, service, dlk_cleared_path(cleared[0])->cert[0], &all, finding);
	if (reason != DLK_R_OK)
		return reason;
	ret_named->mapped = all.mapped;
	memcpy(ret_named->name, all.name, sizeof(ret_named->name));
	return DLK_R_OK;
}
