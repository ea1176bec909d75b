/* SPDX-License-Identifier: MIT */
/* options_judge.c - the keys of what is believed and how: [trust], [revocation], [identity],
 * [certificates], [otp], [lockout], [sshd]. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "config/value.h"

/* [trust] */
static int
set_anchors(struct dlk_build *b, const char *value, const char **ret_why)
{
	struct dlk_strings list = { b->set->anchors, b->set->n_anchors };
	int error = dlk_value_add_path(&list, value, ret_why);

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
	return dlk_value_add_path(&b->settings->intermediates, value, ret_why);
}

static int
set_max_depth(struct dlk_build *b, const char *value, const char **ret_why)
{
	unsigned depth = 0;
	int error = dlk_value_number(b, value, 1, DLK_PATH_MAX - 1, &depth, ret_why);

	if (error == 0)
		b->settings->policy.path.max_depth = depth;
	return error;
}

static int
set_min_rsa_bits(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_number(
	    b, value, 2048, 16384, &b->settings->policy.path.min_rsa_bits, ret_why);
}

/* clientAuth first, and what serves besides. */
static int
set_purpose(struct dlk_build *b, const char *value, const char **ret_why)
{
	static const struct {
		const char *text;
		bool any, ssh;
	} purposes[] = {
		{ "clientAuth", false, false },
		{ "clientAuth,any", true, false },
		{ "clientAuth,secureShellClient", false, true },
		{ "clientAuth,any,secureShellClient", true, true },
	};
	struct dlk_path_rules *rules = &b->settings->policy.path;

	for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++) {
		if (strcmp(value, purposes[i].text) != 0)
			continue;
		rules->any_purpose = purposes[i].any;
		rules->ssh_purpose = purposes[i].ssh;
		return 0;
	}
	return dlk_value_wrong(
	    ret_why, "clientAuth, and behind it ,any or ,secureShellClient or both");
}

static int
set_check_anchors(struct dlk_build *b, const char *value, const char **ret_why)
{
	bool yes = true;
	int error = dlk_value_yes(value, &yes, ret_why);

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
		return dlk_value_wrong(ret_why, "require, prefer or off");
	return 0;
}

static int
set_crl(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->settings->crls_given = true;
	return dlk_value_add_path(&b->settings->crls, value, ret_why);
}

static int
set_grace(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_duration(value, &b->settings->policy.revocation.grace, ret_why);
}

static int
set_max_age(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_duration(value, &b->settings->policy.revocation.max_age, ret_why);
}

static int
set_crl_url(struct dlk_build *b, const char *value, const char **ret_why)
{
	if (!dlk_value_is_web(value))
		return dlk_value_wrong(ret_why, "a URL begins with http:// or https://");
	return dlk_strings_add(&b->settings->crl_urls, value);
}

static int
set_fetch(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_yes(value, &b->settings->crl_fetch, ret_why);
}

static int
set_export(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_path(value, &b->settings->export, ret_why);
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
	return dlk_value_path(value, &b->settings->certificates, ret_why);
}

static int
set_carried(struct dlk_build *b, const char *value, const char **ret_why)
{
	bool yes = true;
	int error = dlk_value_yes(value, &yes, ret_why);

	b->settings->policy.carried_refused = !yes;
	return error;
}

/* [otp] */
static int
set_digits(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_number(b, value, DLK_OTP_DIGITS_MIN, DLK_OTP_DIGITS_MAX,
	    &b->settings->policy.otp.digits, ret_why);
}

static int
set_period(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_number(b, value, DLK_OTP_PERIOD_MIN, DLK_OTP_PERIOD_MAX,
	    &b->settings->policy.otp.period, ret_why);
}

static int
set_algorithm(struct dlk_build *b, const char *value, const char **ret_why)
{
	if (dlk_otp_algorithm_find(value, &b->settings->policy.otp.algorithm) != 0)
		return dlk_value_wrong(ret_why, "SHA1, SHA256 or SHA512");
	return 0;
}

static int
set_window(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_number(
	    b, value, 0, DLK_OTP_WINDOW_MAX, &b->settings->policy.otp.window, ret_why);
}

/* [lockout] */
static int
set_failures(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_number(
	    b, value, 1, 1000, &b->settings->policy.lockout.key.failures, ret_why);
}

static int
set_within(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_duration(value, &b->settings->policy.lockout.key.within, ret_why);
}

static int
set_for(struct dlk_build *b, const char *value, const char **ret_why)
{
	int64_t lasting = 0;
	int error = dlk_value_duration(value, &lasting, ret_why);

	if (error == 0 && lasting < 1)
		return dlk_value_wrong(ret_why, "at least 1s");
	b->settings->policy.lockout.key.lasting = lasting;
	b->settings->policy.lockout.user.lasting = lasting;
	b->settings->policy.lockout.source.lasting = lasting;
	return error;
}

static int
set_user_failures(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_number(
	    b, value, 1, 100000, &b->settings->policy.lockout.user.failures, ret_why);
}

static int
set_source_failures(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_number(
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
		return dlk_value_wrong(ret_why, "account names, separated by commas");
	error = dlk_strings_add(&list, word);
	policy->lockout.system_users = list.text;
	policy->lockout.n_system_users = list.n;
	return error;
}

static int
set_system_users(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_words(b, value, add_system_user, ret_why);
}

/* [sshd] */
static int
add_sshd_service(struct dlk_build *b, const char *word, const char **ret_why)
{
	struct dlk_policy *policy = &b->settings->policy;
	struct dlk_strings list = { policy->sshd_services, policy->n_sshd_services };
	int error;

	if (!dlk_text_is_name(word))
		return dlk_value_wrong(ret_why, "names of PAM services, separated by commas");
	error = dlk_strings_add(&list, word);
	policy->sshd_services = list.text;
	policy->n_sshd_services = list.n;
	return error;
}

static int
set_sshd_services(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_words(b, value, add_sshd_service, ret_why);
}

const struct dlk_option dlk_options_judge[] = {
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
	{ "revocation", "export", set_export, .repeats = false },
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
	{ 0 },
};
