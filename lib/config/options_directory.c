/* SPDX-License-Identifier: MIT */
/* options_directory.c - the keys of [certificates] that say where else certificates are looked
 * for: a directory that speaks LDAP. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/value.h"

static int
set_text(char **place, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*place);
	*place = copy;
	return 0;
}

/* A scheme, a host, perhaps a port; what else an LDAP URL can have has keys of its own. */
static int
set_ldap(struct dlk_build *b, const char *value, const char **ret_why)
{
	const char *host = strncmp(value, "ldaps://", 8) == 0  ? value + 8
			   : strncmp(value, "ldap://", 7) == 0 ? value + 7
							       : "";

	if (!host[0] || strpbrk(host, "/?#@ "))
		return dlk_value_wrong(ret_why,
		    "ldaps://HOST[:PORT], or ldap://HOST[:PORT], which begins TLS itself");
	return set_text(&b->settings->ldap.url, value);
}

static int
set_base(struct dlk_build *b, const char *value, const char **ret_why)
{
	(void)ret_why;
	return set_text(&b->settings->ldap.base, value);
}

static int
set_filter(struct dlk_build *b, const char *value, const char **ret_why)
{
	const char *user = strstr(value, "%u");

	if (value[0] != '(' || (strchr(value, '%') && strchr(value, '%') != user) ||
	    (user && strchr(user + 1, '%')))
		return dlk_value_wrong(ret_why,
		    "a filter in brackets (RFC 4515), with %u for a user's name at most once "
		    "and no other %");
	return set_text(&b->settings->ldap.filter, value);
}

static int
set_user(struct dlk_build *b, const char *value, const char **ret_why)
{
	if (strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") !=
	    strlen(value))
		return dlk_value_wrong(ret_why, "the name of an attribute");
	return set_text(&b->settings->ldap.user, value);
}

static int
set_ca(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_path(value, &b->settings->ldap.ca, ret_why);
}

static int
set_bind_dn(struct dlk_build *b, const char *value, const char **ret_why)
{
	(void)ret_why;
	return set_text(&b->settings->ldap.bind_dn, value);
}

static int
set_password_file(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_path(value, &b->settings->ldap.password_file, ret_why);
}

static int
set_refresh(struct dlk_build *b, const char *value, const char **ret_why)
{
	int64_t seconds = 0;
	int error = dlk_value_duration(value, &seconds, ret_why);

	if (error == 0 && (seconds < 1 || seconds > 7 * 86400))
		return dlk_value_wrong(ret_why, "from 1s to 7d");
	b->settings->ldap.refresh = seconds;
	return error;
}

const struct dlk_option dlk_options_directory[] = {
	{ "certificates", "ldap", set_ldap, .repeats = false },
	{ "certificates", "ldap-base", set_base, .repeats = false },
	{ "certificates", "ldap-filter", set_filter, .repeats = false },
	{ "certificates", "ldap-user", set_user, .repeats = false },
	{ "certificates", "ldap-ca", set_ca, .repeats = false },
	{ "certificates", "ldap-bind-dn", set_bind_dn, .repeats = false },
	{ "certificates", "ldap-password-file", set_password_file, .repeats = false },
	{ "certificates", "ldap-refresh", set_refresh, .repeats = false },
	{ 0 },
};
