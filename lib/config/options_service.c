/* SPDX-License-Identifier: MIT */
/* options_service.c - the keys of [service ...]. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "config/value.h"

static int
set_certificate(struct dlk_build *b, const char *value, const char **ret_why)
{
	static const enum dlk_certificate known[] = { DLK_CERTIFICATE_SSHD,
		DLK_CERTIFICATE_SSH_AGENT, DLK_CERTIFICATE_TOKEN, DLK_CERTIFICATE_GATEWAY,
		DLK_CERTIFICATE_NONE };

	b->service->given |= DLK_GIVEN_CERTIFICATE;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(value, dlk_certificate_str(known[i])) == 0) {
			b->service->certificate = known[i];
			return 0;
		}
	}
	return dlk_value_wrong(ret_why, "sshd, ssh-agent, token, gateway or none");
}

static int
set_subject(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->service->given |= DLK_GIVEN_SUBJECT;
	if (strcmp(value, "user") != 0 && strcmp(value, "ruser") != 0)
		return dlk_value_wrong(ret_why, "user, or ruser (who asks, for sudo and su)");
	b->service->subject = strcmp(value, "ruser") == 0 ? DLK_WHOSE_ASKER : DLK_WHOSE_USER;
	return 0;
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
		return dlk_value_wrong(ret_why, "required, if-enrolled or none");
	return 0;
}

static int
set_accounts(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->service->given |= DLK_GIVEN_ACCOUNTS;
	if (strcmp(value, "system") != 0 && strcmp(value, "names") != 0)
		return dlk_value_wrong(
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

/* A gateway on another host is "tls:NAME", or NAME where this machine has no such user. */
static int
add_peer(struct dlk_build *b, struct dlk_peers *peers, const char *word, const char **ret_why)
{
	bool remote = strncmp(word, "tls:", 4) == 0;
	uid_t uid = 0;

	if (!remote && find_uid(word, &uid) == 0) {
		if (uid == 65534)
			return dlk_value_wrong(ret_why,
			    "uid 65534 (nobody) is shared by too many to have a right");
		int error = dlk_strings_add(&b->settings->tls.users, word);
		return error ? error : dlk_peers_add_uid(peers, uid);
	}
	if (!dlk_text_is_name(word + (remote ? 4 : 0)))
		return dlk_value_wrong(ret_why, "users, uids or tls:NAME");
	if (!b->stranger[0])
		dlk_text_copy(b->stranger, sizeof(b->stranger), word);
	return dlk_peers_add_name(peers, word + (remote ? 4 : 0));
}

static int
add_vouch(struct dlk_build *b, const char *word, const char **ret_why)
{
	return add_peer(b, &b->service->vouch, word, ret_why);
}

static int
set_vouch(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->service->given |= DLK_GIVEN_VOUCH;
	return dlk_value_words(b, value, add_vouch, ret_why);
}

static int
add_ask_for(struct dlk_build *b, const char *word, const char **ret_why)
{
	return add_peer(b, &b->service->ask_for, word, ret_why);
}

static int
set_ask_for(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->service->given |= DLK_GIVEN_ASK_FOR;
	return dlk_value_words(b, value, add_ask_for, ret_why);
}

static int
add_from(struct dlk_build *b, const char *word, const char **ret_why)
{
	struct dlk_network network, *more;

	if (dlk_network_parse(word, &network) != 0)
		return dlk_value_wrong(ret_why,
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
		return dlk_value_wrong(ret_why, "an empty list");
	return dlk_value_words(b, value, add_from, ret_why);
}

static int
set_remember(struct dlk_build *b, const char *value, const char **ret_why)
{
	int error = dlk_value_duration(value, &b->service->remember, ret_why);

	b->service->given |= DLK_GIVEN_REMEMBER;
	if (error == 0 && b->service->remember > 7 * 86400)
		return dlk_value_wrong(ret_why, "at most 7d");
	return error;
}

static int
set_mode(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->service->given |= DLK_GIVEN_MODE;
	if (strcmp(value, "enforce") != 0 && strcmp(value, "observe") != 0)
		return dlk_value_wrong(ret_why, "enforce or observe");
	b->service->observe = strcmp(value, "observe") == 0;
	return 0;
}

static int
set_observe_until(struct dlk_build *b, const char *value, const char **ret_why)
{
	if (strchr(value, '-') == NULL ||
	    dlk_time_parse(value, &b->service->observe_until) != 0)
		return dlk_value_wrong(ret_why, "a date, 2026-12-31 or 2026-12-31T18:00:00Z");
	return 0;
}

static int
set_unprivileged(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->service->given |= DLK_GIVEN_UNPRIVILEGED;
	return dlk_value_yes(value, &b->service->unprivileged, ret_why);
}

static int
set_restrict(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->service->given |= DLK_GIVEN_RESTRICT;
	return dlk_value_yes(value, &b->service->restricted, ret_why);
}

static int
set_service_rule(struct dlk_build *b, const char *value, const char **ret_why)
{
	b->service->given |= DLK_GIVEN_RULES;
	return dlk_rules_add(&b->service->rules, value, ret_why);
}

const struct dlk_option dlk_options_service[] = {
	{ "service", "certificate", set_certificate, .repeats = false },
	{ "service", "otp", set_otp, .repeats = false },
	{ "service", "subject", set_subject, .repeats = false },
	{ "service", "accounts", set_accounts, .repeats = false },
	{ "service", "vouch", set_vouch, .repeats = true },
	{ "service", "ask-for", set_ask_for, .repeats = true },
	{ "service", "from", set_from, .repeats = true },
	{ "service", "restrict", set_restrict, .repeats = false },
	{ "service", "remember", set_remember, .repeats = false },
	{ "service", "mode", set_mode, .repeats = false },
	{ "service", "observe-until", set_observe_until, .repeats = false },
	{ "service", "unprivileged", set_unprivileged, .repeats = false },
	{ "service", "rule", set_service_rule, .repeats = true },
	{ 0 },
};
