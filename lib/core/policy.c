/* SPDX-License-Identifier: MIT */
/* policy.c - the life of a policy, and questions about one section of it. Refuses to know
 * how it was written down; that is lib/config's. */
#include "core/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const struct {
	enum dlk_field field;
	const char *text;
} fields[] = {
	{ DLK_FIELD_SUBJECT_CN, "subject-cn" },
	{ DLK_FIELD_SUBJECT_UID, "subject-uid" },
	{ DLK_FIELD_SAN_EMAIL, "san-email" },
	{ DLK_FIELD_SAN_UPN, "san-upn" },
	{ DLK_FIELD_SAN_URI, "san-uri" },
};
#define N_FIELDS (sizeof(fields) / sizeof(*fields))

const char *
dlk_field_str(enum dlk_field field)
{
	for (size_t i = 0; i < N_FIELDS; i++)
		if (fields[i].field == field)
			return fields[i].text;
	return "none";
}

const char *
dlk_certificate_str(enum dlk_certificate certificate)
{
	switch (certificate) {
	case DLK_CERTIFICATE_UNSET:
		break;
	case DLK_CERTIFICATE_SSHD:
		return "sshd";
	case DLK_CERTIFICATE_SSH_AGENT:
		return "ssh-agent";
	case DLK_CERTIFICATE_TOKEN:
		return "token";
	case DLK_CERTIFICATE_GATEWAY:
		return "gateway";
	case DLK_CERTIFICATE_NONE:
		return "none";
	}
	return "unset";
}

void
dlk_policy_init(struct dlk_policy *policy)
{
	memset(policy, 0, sizeof(*policy));
	policy->path.max_depth = 8;
	policy->path.min_rsa_bits = 2048;
	policy->otp.digits = 6;
	policy->otp.period = 30;
	policy->otp.window = 1;
	policy->lockout.key = (struct dlk_lockout_rule){ 5, 600, 900 };
	policy->lockout.user = (struct dlk_lockout_rule){ 50, 86400, 900 };
	policy->lockout.source = (struct dlk_lockout_rule){ 100, 3600, 900 };
}

static void
free_strings(char **text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(text[i]);
	free(text);
}

void
dlk_rules_fini(struct dlk_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		free(rules->rule[i].before);
		free(rules->rule[i].after);
	}
	free(rules->rule);
	*rules = (struct dlk_rules){ 0 };
}

void
dlk_policy_fini(struct dlk_policy *policy)
{
	for (size_t i = 0; i < policy->n_sets; i++) {
		free_strings(policy->set[i].anchors, policy->set[i].n_anchors);
		dlk_rules_fini(&policy->set[i].rules);
	}
	free(policy->set);
	for (size_t i = 0; i < policy->n_services; i++) {
		dlk_peers_fini(&policy->service[i].vouch);
		dlk_peers_fini(&policy->service[i].ask_for);
		free(policy->service[i].from);
		dlk_rules_fini(&policy->service[i].rules);
	}
	free(policy->service);
	dlk_rules_fini(&policy->rules);
	free(policy->map);
	free_strings(policy->lockout.system_users, policy->lockout.n_system_users);
	free_strings(policy->sshd_services, policy->n_sshd_services);
	memset(policy, 0, sizeof(*policy));
}

const struct dlk_service *
dlk_policy_service(const struct dlk_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->n_services; i++) {
		const struct dlk_service *service = &policy->service[i];

		if (service->scope == DLK_SCOPE_ALL && strcmp(service->name, name) == 0)
			return service;
	}
	return NULL;
}

static bool
listed(char *const *text, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(text[i], name) == 0)
			return true;
	return false;
}

bool
dlk_policy_is_sshd(const struct dlk_policy *policy, const char *service)
{
	if (policy->n_sshd_services == 0)
		return strcmp(service, "sshd") == 0;
	return listed(policy->sshd_services, policy->n_sshd_services, service);
}

bool
dlk_policy_is_system_user(const struct dlk_policy *policy, const char *user)
{
	return listed(policy->lockout.system_users, policy->lockout.n_system_users, user);
}

static void
add_word(char *out, size_t size, const char *word)
{
	size_t n = strlen(out);

	dlk_text_print(out + n, size - n, "%s%s", n > 0 ? " " : "", word);
}

static bool
any_if_enrolled(const struct dlk_policy *policy, const struct dlk_service *section)
{
	if (section)
		return section->otp == DLK_OTP_IF_ENROLLED;
	for (size_t i = 0; i < policy->n_services; i++)
		if (policy->service[i].otp == DLK_OTP_IF_ENROLLED)
			return true;
	return false;
}

void
dlk_policy_relaxed(
    const struct dlk_policy *policy, const struct dlk_service *section, char *out, size_t size)
{
	out[0] = '\0';
	switch (policy->revocation.mode) {
	case DLK_REVOCATION_REQUIRE:
		break;
	case DLK_REVOCATION_PREFER:
		add_word(out, size, "prefer");
		break;
	case DLK_REVOCATION_OFF:
		add_word(out, size, "off");
		break;
	}
	if (policy->revocation.grace > 0)
		add_word(out, size, "grace");
	if (any_if_enrolled(policy, section))
		add_word(out, size, "if-enrolled");
}

bool
dlk_service_takes(const struct dlk_service *service, const char *source)
{
	if (service->n_from == 0)
		return true;
	for (size_t i = 0; i < service->n_from; i++)
		if (dlk_network_holds(&service->from[i], source))
			return true;
	return false;
}

bool
dlk_service_observes(const struct dlk_service *service, int64_t now)
{
	return service->observe && now < service->observe_until;
}

static enum dlk_field
field_find(const char *text, size_t n)
{
	for (size_t i = 0; i < N_FIELDS; i++)
		if (strlen(fields[i].text) == n && memcmp(fields[i].text, text, n) == 0)
			return fields[i].field;
	return DLK_FIELD_NONE;
}

int
dlk_rules_add(struct dlk_rules *rules, const char *text, const char **ret_why)
{
	const char *colon = strchr(text, ':');
	const char *pattern = colon ? colon + 1 : NULL;
	const char *hole = pattern ? strstr(pattern, "%u") : NULL;
	struct dlk_rule rule = { 0 };
	struct dlk_rule *more;

	*ret_why = NULL;
	if (!colon || field_find(text, (size_t)(colon - text)) == DLK_FIELD_NONE)
		*ret_why =
		    "a rule is FIELD:PATTERN; FIELD is subject-cn, subject-uid, san-email, "
		    "san-upn or san-uri";
	else if (!hole || strchr(pattern, '%') != hole || strchr(hole + 2, '%'))
		*ret_why = "a pattern has %u exactly once, where the user name stands, and no "
			   "other percent sign";
	if (*ret_why)
		return -EINVAL;
	rule.field = field_find(text, (size_t)(colon - text));
	rule.before = strndup(pattern, (size_t)(hole - pattern));
	rule.after = strdup(hole + 2);
	more = rule.before && rule.after
		   ? reallocarray(rules->rule, rules->n + 1, sizeof(*more))
		   : NULL;
	if (!more) {
		free(rule.before);
		free(rule.after);
		return -ENOMEM;
	}
	rules->rule = more;
	rules->rule[rules->n++] = rule;
	return 0;
}

int
dlk_policy_add_map(struct dlk_policy *policy, const char *text, const char **ret_why)
{
	struct dlk_map_entry entry, *more;
	char hex[DLK_FINGERPRINT_HEX + 1];
	size_t n = strcspn(text, " \t");
	const char *user = text + n + strspn(text + n, " \t");

	*ret_why =
	    "map is the SHA-256 of the certificate in 64 hexadecimal digits, then the user";
	if (n != DLK_FINGERPRINT_HEX || !dlk_text_is_account(dlk_bytes_str(user)))
		return -EINVAL;
	memcpy(hex, text, n);
	hex[n] = '\0';
	if (dlk_unhex(hex, entry.fingerprint, sizeof(entry.fingerprint)) != 0 ||
	    !dlk_text_copy(entry.user, sizeof(entry.user), user))
		return -EINVAL;
	more = reallocarray(policy->map, policy->n_map + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	policy->map = more;
	more[policy->n_map++] = entry;
	return 0;
}
