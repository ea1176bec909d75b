/* SPDX-License-Identifier: MIT */
/* options_agent.c - the keys of what is around the judgement: [agent], [webhook], [state]. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/value.h"

static int
set_listen(struct dlk_build *b, const char *value, const char **ret_why)
{
	if (strncmp(value, "unix:/", 6) != 0)
		return dlk_value_wrong(ret_why, "unix:/PATH");
	return dlk_strings_add(&b->settings->listen, value);
}

static int
set_rate(struct dlk_build *b, const char *value, const char **ret_why)
{
	char number[16] = "";
	size_t n = strlen(value);
	int64_t rate;

	if (n < 3 || n >= sizeof(number) || strcmp(value + n - 2, "/s") != 0)
		return dlk_value_wrong(ret_why, "N/s");
	memcpy(number, value, n - 2);
	if (dlk_int_parse(number, 1, 1000000, &rate) < 0)
		return dlk_value_wrong(ret_why, "N/s, N from 1 to 1000000");
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

	if (!dlk_value_is_web(value) ||
	    (strncmp(value, "http:", 5) == 0 && !is_loopback(value + 7)))
		return dlk_value_wrong(ret_why,
		    "a URL begins with https://; http:// only to 127.0.0.1, "
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
	return dlk_value_path(value, &b->settings->webhook.secret_file, ret_why);
}

static int
set_webhook_ca(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_path(value, &b->settings->webhook.ca, ret_why);
}

static int
set_webhook_certificate(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_path(value, &b->settings->webhook.certificate, ret_why);
}

static int
set_webhook_key(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_path(value, &b->settings->webhook.key, ret_why);
}

static int
set_store(struct dlk_build *b, const char *value, const char **ret_why)
{
	if (strncmp(value, "sqlite:/", 8) != 0)
		return dlk_value_wrong(ret_why, "sqlite:/PATH");
	return dlk_value_path(value + 7, &b->settings->store, ret_why);
}

static int
set_seal_key(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_path(value, &b->settings->seal_key, ret_why);
}

const struct dlk_option dlk_options_agent[] = {
	{ "agent", "listen", set_listen, .repeats = true },
	{ "agent", "rate", set_rate, .repeats = false },
	{ "webhook", "url", set_webhook_url, .repeats = false },
	{ "webhook", "secret-file", set_secret_file, .repeats = false },
	{ "webhook", "ca", set_webhook_ca, .repeats = false },
	{ "webhook", "certificate", set_webhook_certificate, .repeats = false },
	{ "webhook", "key", set_webhook_key, .repeats = false },
	{ "state", "store", set_store, .repeats = false },
	{ "state", "seal-key", set_seal_key, .repeats = false },
	{ 0 },
};
