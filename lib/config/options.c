/* SPDX-License-Identifier: MIT */
/* options.c - every key that a configuration may have, with its reader. What is not in this
 * table does not exist. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "config/build.h"

static int
wrong(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EINVAL;
}

static int
read_yes(const char *value, bool *ret, const char **ret_why)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return wrong(ret_why, "yes or no");
	*ret = strcmp(value, "yes") == 0;
	return 0;
}

static int
read_number(struct dlk_build *build, const char *value, int64_t least, int64_t most,
    unsigned *ret, const char **ret_why)
{
	int64_t number;

	if (dlk_int_parse(value, least, most, &number) != 0) {
		dlk_text_print(build->why, sizeof(build->why), "a number from %lld to %lld",
		    (long long)least, (long long)most);
		return wrong(ret_why, build->why);
	}
	*ret = (unsigned)number;
	return 0;
}

static int
read_duration(const char *value, int64_t *ret, const char **ret_why)
{
	if (dlk_duration_parse(value, ret) != 0)
		return wrong(
		    ret_why, "a duration is a number and its unit: 30s, 10m, 8h, 7d, or 0");
	return 0;
}

static int
read_path(const char *value, char **ret, const char **ret_why)
{
	char *copy;

	if (value[0] != '/')
		return wrong(ret_why, "a path begins with '/'");
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*ret);
	*ret = copy;
	return 0;
}

static int
add_path(struct dlk_strings *strings, const char *value, const char **ret_why)
{
	if (value[0] != '/')
		return wrong(ret_why, "a path begins with '/'");
	return dlk_strings_add(strings, value);
}

/* Each word of a list that is separated by commas. */
static int
each_word(struct dlk_build *build, const char *value,
    int (*each)(struct dlk_build *, const char *, const char **), const char **ret_why)
{
	while (*value) {
		size_t n = strcspn(value, ",");
		size_t blank = strspn(value, " \t");
		size_t end = n;
		char word[DLK_INI_LINE_MAX + 1];
		int error;

		while (end > blank && (value[end - 1] == ' ' || value[end - 1] == '\t'))
			end--;
		if (blank >= end)
			return wrong(ret_why, "an empty place in the list");
		memcpy(word, value + blank, end - blank);
		word[end - blank] = '\0';
		error = each(build, word, ret_why);
		if (error != 0)
			return error;
		value += n;
		if (*value == ',' && *++value == '\0')
			return wrong(ret_why, "an empty place in the list");
	}
	return 0;
}

/* [trust] */
static int
set_anchors(struct dlk_build *b, const char *value, const char **ret_why)
{
	struct dlk_strings list = { b->set->anchors, b->set->n_anchors };
	int error = add_path(&list, value, ret_why);

	b->set->anchors = list.text;
	b->set->n_anchors = list.n;
	return error;
}

static int
set_trust_rule(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_rules_add(&b->set->rules, value, ret_why);
}

static int
set_intermediates(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->settings->intermediates_given = true;
	return add_path(&b->settings->intermediates, value, ret_why);
}

static int
set_max_depth(struct dlk_build *b, const char *value, const char **ret_why)
{
	unsigned depth = 0;
	int error = read_number(b, value, 1, DLK_PATH_MAX - 1, &depth, ret_why);

	if (error == 0)
		b->settings->policy.path.max_depth = depth;
	return error;
}

static int
set_min_rsa_bits(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_number(
	    b, value, 2048, 16384, &b->settings->policy.path.min_rsa_bits, ret_why);
}

static int
set_purpose(struct dlk_build *b, const char *value, const char **ret_why)
{
	if (strcmp(value, "clientAuth") != 0 && strcmp(value, "clientAuth,any") != 0)
		return wrong(ret_why, "clientAuth, or clientAuth,any");
	b->settings->policy.path.any_purpose = strcmp(value, "clientAuth,any") == 0;
	return 0;
}

static int
set_check_anchors(struct dlk_build *b, const char *value, const char **ret_why)
{
	bool yes = true;
	int error = read_yes(value, &yes, ret_why);

	if (error == 0)
		b->settings->policy.path.trust_anchors_blindly = !yes;
	return error;
}

/* [revocation] */
static int
set_revocation_mode(struct dlk_build *b, const char *value, const char **ret_why)
{
	enum dlk_revocation_mode *mode = &b->settings->policy.revocation.mode;

	if (strcmp(value, "require") == 0)
		*mode = DLK_REVOCATION_REQUIRE;
	else if (strcmp(value, "prefer") == 0)
		*mode = DLK_REVOCATION_PREFER;
	else if (strcmp(value, "off") == 0)
		*mode = DLK_REVOCATION_OFF;
	else
		return wrong(ret_why, "require, prefer or off");
	return 0;
}

static int
set_crl(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->settings->crls_given = true;
	return add_path(&b->settings->crls, value, ret_why);
}

static int
set_grace(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_duration(value, &b->settings->policy.revocation.grace, ret_why);
}

static int
set_max_age(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_duration(value, &b->settings->policy.revocation.max_age, ret_why);
}

static bool
is_web(const char *value)
{
	return strncmp(value, "http://", 7) == 0 || strncmp(value, "https://", 8) == 0;
}

static int
set_crl_url(struct dlk_build *b, const char *value, const char **ret_why)
{
	if (!is_web(value))
		return wrong(ret_why, "a URL begins with http:// or https://");
	return dlk_strings_add(&b->settings->crl_urls, value);
}

static int
set_fetch(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_yes(value, &b->settings->crl_fetch, ret_why);
}

/* [identity], [certificates] */
static int
set_rule(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_rules_add(&b->settings->policy.rules, value, ret_why);
}

static int
set_map(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_policy_add_map(&b->settings->policy, value, ret_why);
}

static int
set_certificates(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_path(value, &b->settings->certificates, ret_why);
}

static int
set_carried(struct dlk_build *b, const char *value, const char **ret_why)
{
	bool yes = true;
	int error = read_yes(value, &yes, ret_why);

	b->settings->policy.carried_refused = !yes;
	return error;
}

/* [otp] */
static int
set_digits(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_number(b, value, DLK_OTP_DIGITS_MIN, DLK_OTP_DIGITS_MAX,
	    &b->settings->policy.otp.digits, ret_why);
}

static int
set_period(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_number(b, value, DLK_OTP_PERIOD_MIN, DLK_OTP_PERIOD_MAX,
	    &b->settings->policy.otp.period, ret_why);
}

static int
set_algorithm(struct dlk_build *b, const char *value, const char **ret_why)
{
	if (dlk_otp_algorithm_find(value, &b->settings->policy.otp.algorithm) != 0)
		return wrong(ret_why, "SHA1, SHA256 or SHA512");
	return 0;
}

static int
set_window(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_number(
	    b, value, 0, DLK_OTP_WINDOW_MAX, &b->settings->policy.otp.window, ret_why);
}

/* [lockout] */
static int
set_failures(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_number(
	    b, value, 1, 1000, &b->settings->policy.lockout.key.failures, ret_why);
}

static int
set_within(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_duration(value, &b->settings->policy.lockout.key.within, ret_why);
}

static int
set_for(struct dlk_build *b, const char *value, const char **ret_why)
{
	int64_t lasting = 0;
	int error = read_duration(value, &lasting, ret_why);

	if (error == 0 && lasting < 1)
		return wrong(ret_why, "at least 1s");
	b->settings->policy.lockout.key.lasting = lasting;
	b->settings->policy.lockout.user.lasting = lasting;
	b->settings->policy.lockout.source.lasting = lasting;
	return error;
}

static int
set_user_failures(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_number(
	    b, value, 1, 100000, &b->settings->policy.lockout.user.failures, ret_why);
}

static int
set_source_failures(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_number(
	    b, value, 1, 100000, &b->settings->policy.lockout.source.failures, ret_why);
}

static int
add_system_user(struct dlk_build *b, const char *word, const char **ret_why)
{
	struct dlk_policy *policy = &b->settings->policy;
	struct dlk_strings list = { policy->lockout.system_users,
		policy->lockout.n_system_users };
	int error;

	if (!dlk_text_is_account(dlk_bytes_str(word)))
		return wrong(ret_why, "account names, separated by commas");
	error = dlk_strings_add(&list, word);
	policy->lockout.system_users = list.text;
	policy->lockout.n_system_users = list.n;
	return error;
}

static int
set_system_users(struct dlk_build *b, const char *value, const char **ret_why)
{
	return each_word(b, value, add_system_user, ret_why);
}

/* [sshd] */
static int
add_sshd_service(struct dlk_build *b, const char *word, const char **ret_why)
{
	struct dlk_policy *policy = &b->settings->policy;
	struct dlk_strings list = { policy->sshd_services, policy->n_sshd_services };
	int error;

	if (!dlk_text_is_name(word))
		return wrong(ret_why, "names of PAM services, separated by commas");
	error = dlk_strings_add(&list, word);
	policy->sshd_services = list.text;
	policy->n_sshd_services = list.n;
	return error;
}

static int
set_sshd_services(struct dlk_build *b, const char *value, const char **ret_why)
{
	return each_word(b, value, add_sshd_service, ret_why);
}

/* [service ...] */
static int
set_certificate(struct dlk_build *b, const char *value, const char **ret_why)
{
	static const enum dlk_certificate known[] = { DLK_CERTIFICATE_SSHD,
		DLK_CERTIFICATE_GATEWAY, DLK_CERTIFICATE_NONE };

	b->service->given |= DLK_GIVEN_CERTIFICATE;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(value, dlk_certificate_str(known[i])) == 0) {
			b->service->certificate = known[i];
			return 0;
		}
	}
	return wrong(ret_why, "sshd, gateway or none");
}

static int
set_otp(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->service->given |= DLK_GIVEN_OTP;
	if (strcmp(value, "required") == 0)
		b->service->otp = DLK_OTP_REQUIRED;
	else if (strcmp(value, "if-enrolled") == 0)
		b->service->otp = DLK_OTP_IF_ENROLLED;
	else if (strcmp(value, "none") == 0)
		b->service->otp = DLK_OTP_NONE;
	else
		return wrong(ret_why, "required, if-enrolled or none");
	return 0;
}

static int
set_accounts(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->service->given |= DLK_GIVEN_ACCOUNTS;
	if (strcmp(value, "system") != 0 && strcmp(value, "names") != 0)
		return wrong(
		    ret_why, "system, or names (users that this machine does not know)");
	b->service->names_only = strcmp(value, "names") == 0;
	return 0;
}

static int
find_uid(const char *word, uid_t *ret_uid)
{
	const struct passwd *entry;
	int64_t number;

	if (dlk_int_parse(word, 0, UINT32_MAX - 1, &number) == 0) {
		*ret_uid = (uid_t)number;
		return 0;
	}
	entry = getpwnam(word);
	if (!entry)
		return -ENOENT;
	*ret_uid = entry->pw_uid;
	return 0;
}

static int
add_vouch(struct dlk_build *b, const char *word, const char **ret_why)
{
	uid_t uid = 0, *more;

	if (find_uid(word, &uid) != 0)
		return wrong(ret_why, "there is no such user (name or uid)");
	if (uid == 65534)
		return wrong(ret_why, "uid 65534 (nobody) is shared by too many to vouch");
	more = reallocarray(b->service->vouch, b->service->n_vouch + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	b->service->vouch = more;
	more[b->service->n_vouch++] = uid;
	return 0;
}

static int
set_vouch(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->service->given |= DLK_GIVEN_VOUCH;
	return each_word(b, value, add_vouch, ret_why);
}

static int
add_from(struct dlk_build *b, const char *word, const char **ret_why)
{
	struct dlk_network network, *more;

	if (dlk_network_parse(word, &network) != 0)
		return wrong(ret_why,
		    "networks as 10.0.0.0/8 or 2001:db8::/32 (no bit may be set "
		    "behind the prefix), separated by commas");
	more = reallocarray(b->service->from, b->service->n_from + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	b->service->from = more;
	more[b->service->n_from++] = network;
	return 0;
}

static int
set_from(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->service->given |= DLK_GIVEN_FROM;
	if (!value[0])
		return wrong(ret_why, "an empty list");
	return each_word(b, value, add_from, ret_why);
}

static int
set_remember(struct dlk_build *b, const char *value, const char **ret_why)
{
	int error = read_duration(value, &b->service->remember, ret_why);

	b->service->given |= DLK_GIVEN_REMEMBER;
	if (error == 0 && b->service->remember > 7 * 86400)
		return wrong(ret_why, "at most 7d");
	return error;
}

static int
set_mode(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->service->given |= DLK_GIVEN_MODE;
	if (strcmp(value, "enforce") != 0 && strcmp(value, "observe") != 0)
		return wrong(ret_why, "enforce or observe");
	b->service->observe = strcmp(value, "observe") == 0;
	return 0;
}

static int
set_observe_until(struct dlk_build *b, const char *value, const char **ret_why)
{
	if (strchr(value, '-') == NULL ||
	    dlk_time_parse(value, &b->service->observe_until) != 0)
		return wrong(ret_why, "a date, 2026-12-31 or 2026-12-31T18:00:00Z");
	return 0;
}

static int
set_unprivileged(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->service->given |= DLK_GIVEN_UNPRIVILEGED;
	return read_yes(value, &b->service->unprivileged, ret_why);
}

static int
set_service_rule(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->service->given |= DLK_GIVEN_RULES;
	return dlk_rules_add(&b->service->rules, value, ret_why);
}

/* [agent], [webhook], [state] */
static int
set_listen(struct dlk_build *b, const char *value, const char **ret_why)
{
	if (strncmp(value, "unix:/", 6) != 0)
		return wrong(ret_why, "unix:/PATH");
	return dlk_strings_add(&b->settings->listen, value);
}

static int
set_rate(struct dlk_build *b, const char *value, const char **ret_why)
{
	char number[16] = "";
	size_t n = strlen(value);
	int64_t rate;

	if (n < 3 || n >= sizeof(number) || strcmp(value + n - 2, "/s") != 0)
		return wrong(ret_why, "N/s");
	memcpy(number, value, n - 2);
	if (dlk_int_parse(number, 1, 1000000, &rate) < 0)
		return wrong(ret_why, "N/s, N from 1 to 1000000");
	b->settings->rate = (unsigned)rate;
	return 0;
}

static bool
is_loopback(const char *host)
{
	static const char *const names[] = { "127.0.0.1", "localhost", "[::1]" };
	size_t authority = strcspn(host, "/?#");

	if (memchr(host, '@', authority))
		return false; /* what stands before it is a user, and the host is behind */

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(host, names[i], n) == 0 && strchr(":/", host[n]))
			return true;
	}
	return false;
}

static int
set_webhook_url(struct dlk_build *b, const char *value, const char **ret_why)
{
	char *copy;

	if (!is_web(value) || (strncmp(value, "http:", 5) == 0 && !is_loopback(value + 7)))
		return wrong(ret_why, "a URL begins with https://; http:// only to 127.0.0.1, "
				      "[::1] or localhost");
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	b->settings->webhook.url = copy;
	return 0;
}

static int
set_secret_file(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_path(value, &b->settings->webhook.secret_file, ret_why);
}

static int
set_webhook_ca(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_path(value, &b->settings->webhook.ca, ret_why);
}

static int
set_webhook_certificate(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_path(value, &b->settings->webhook.certificate, ret_why);
}

static int
set_webhook_key(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_path(value, &b->settings->webhook.key, ret_why);
}

static int
set_store(struct dlk_build *b, const char *value, const char **ret_why)
{
	if (strncmp(value, "sqlite:/", 8) != 0)
		return wrong(ret_why, "sqlite:/PATH");
	return read_path(value + 7, &b->settings->store, ret_why);
}

static int
set_seal_key(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_path(value, &b->settings->seal_key, ret_why);
}

static const struct dlk_option options[] = {
	{ "trust", "anchors", set_anchors, .repeats = true },
	{ "trust", "rule", set_trust_rule, .repeats = true },
	{ "trust", "intermediates", set_intermediates, .repeats = true, .plain_only = true },
	{ "trust", "max-depth", set_max_depth, .plain_only = true },
	{ "trust", "min-rsa-bits", set_min_rsa_bits, .plain_only = true },
	{ "trust", "purpose", set_purpose, .plain_only = true },
	{ "trust", "check-anchors", set_check_anchors, .plain_only = true },
	{ "revocation", "mode", set_revocation_mode, .repeats = false },
	{ "revocation", "crl", set_crl, .repeats = true },
	{ "revocation", "grace", set_grace, .repeats = false },
	{ "revocation", "max-age", set_max_age, .repeats = false },
	{ "revocation", "url", set_crl_url, .repeats = true },
	{ "revocation", "fetch", set_fetch, .repeats = false },
	{ "identity", "rule", set_rule, .repeats = true },
	{ "identity", "map", set_map, .repeats = true },
	{ "certificates", "directory", set_certificates, .repeats = false },
	{ "certificates", "carried", set_carried, .repeats = false },
	{ "otp", "digits", set_digits, .repeats = false },
	{ "otp", "period", set_period, .repeats = false },
	{ "otp", "algorithm", set_algorithm, .repeats = false },
	{ "otp", "window", set_window, .repeats = false },
	{ "lockout", "failures", set_failures, .repeats = false },
	{ "lockout", "within", set_within, .repeats = false },
	{ "lockout", "for", set_for, .repeats = false },
	{ "lockout", "user-failures", set_user_failures, .repeats = false },
	{ "lockout", "source-failures", set_source_failures, .repeats = false },
	{ "lockout", "system-users", set_system_users, .repeats = true },
	{ "sshd", "services", set_sshd_services, .repeats = true },
	{ "service", "certificate", set_certificate, .repeats = false },
	{ "service", "otp", set_otp, .repeats = false },
	{ "service", "accounts", set_accounts, .repeats = false },
	{ "service", "vouch", set_vouch, .repeats = true },
	{ "service", "from", set_from, .repeats = true },
	{ "service", "remember", set_remember, .repeats = false },
	{ "service", "mode", set_mode, .repeats = false },
	{ "service", "observe-until", set_observe_until, .repeats = false },
	{ "service", "unprivileged", set_unprivileged, .repeats = false },
	{ "service", "rule", set_service_rule, .repeats = true },
	{ "agent", "listen", set_listen, .repeats = true },
	{ "agent", "rate", set_rate, .repeats = false },
	{ "webhook", "url", set_webhook_url, .repeats = false },
	{ "webhook", "secret-file", set_secret_file, .repeats = false },
	{ "webhook", "ca", set_webhook_ca, .repeats = false },
	{ "webhook", "certificate", set_webhook_certificate, .repeats = false },
	{ "webhook", "key", set_webhook_key, .repeats = false },
	{ "state", "store", set_store, .repeats = false },
	{ "state", "seal-key", set_seal_key, .repeats = false },
};
#define N_OPTIONS (sizeof(options) / sizeof(*options))

bool
dlk_option_section_known(const char *word)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (strcmp(options[i].section, word) == 0)
			return true;
	return false;
}

const struct dlk_option *
dlk_option_find(const struct dlk_build *build, const char *key)
{
	size_t word = strcspn(build->section, " ");
	bool named = build->section[word] != '\0';

	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (strlen(options[i].section) != word ||
		    memcmp(options[i].section, build->section, word) != 0 ||
		    strcmp(options[i].key, key) != 0)
			continue;
		return named && options[i].plain_only ? NULL : &options[i];
	}
	return NULL;
}
