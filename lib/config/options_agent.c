/* SPDX-License-Identifier: MIT */
/* options_agent.c - the keys of what is around the judgement: [agent], [webhook], [state]. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endpoint.h"
#include "base/text.h"
#include "config/value.h"

static int
set_listen(struct dlk_build *b, const char *value, const char **ret_why)
{
	static const char *const local[] = { "unix:/", "spop:/", "fastcgi:/" };
	struct dlk_endpoint unused;
	bool good = dlk_endpoint_parse(value, &unused) == 0;

	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		good = good || strncmp(value, local[i], strlen(local[i])) == 0;
	if (!good)
		return dlk_value_wrong(ret_why,
		    "unix:/PATH, spop:/PATH, fastcgi:/PATH, or tls:ADDRESS:PORT with an IP "
		    "address ([...] where it is IPv6); there is none without TLS");
	return dlk_strings_add(&b->settings->listen, value);
}

static int
read_rate(const char *value, unsigned *ret_rate, const char **ret_why)
{
	char number[16] = "";
	size_t n = strlen(value);
	int64_t rate;

	if (n < 3 || n >= sizeof(number) || strcmp(value + n - 2, "/s") != 0)
		return dlk_value_wrong(ret_why, "N/s");
	memcpy(number, value, n - 2);
	if (dlk_int_parse(number, 1, 1000000, &rate) < 0)
		return dlk_value_wrong(ret_why, "N/s, N from 1 to 1000000");
	*ret_rate = (unsigned)rate;
	return 0;
}

static int
set_rate(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_rate(value, &b->settings->rate, ret_why);
}

static int
set_gateway_rate(struct dlk_build *b, const char *value, const char **ret_why)
{
	return read_rate(value, &b->settings->gateway_rate, ret_why);
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
set_tls_certificate(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_path(value, &b->settings->tls.certificate, ret_why);
}

static int
set_tls_key(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_path(value, &b->settings->tls.key, ret_why);
}

static int
set_tls_min(struct dlk_build *b, const char *value, const char **ret_why)
{
	if (strcmp(value, "1.2") != 0 && strcmp(value, "1.3") != 0)
		return dlk_value_wrong(ret_why, "1.3 or 1.2");
	b->settings->tls.with_1_2 = strcmp(value, "1.2") == 0;
	return 0;
}

static int
set_clients(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_path(value, &b->settings->tls.clients, ret_why);
}

static int
add_reader(struct dlk_build *b, const char *word, const char **ret_why)
{
	if (!dlk_text_is_name(word))
		return dlk_value_wrong(ret_why, "names of [agent] clients");
	return dlk_strings_add(&b->settings->tls.readers, word);
}

static int
set_readers(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_words(b, value, add_reader, ret_why);
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

static int
set_keep(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_duration(value, &b->settings->keep, ret_why);
}

static int
set_warn(struct dlk_build *b, const char *value, const char **ret_why)
{
	return dlk_value_duration(value, &b->settings->warn, ret_why);
}

const struct dlk_option dlk_options_agent[] = {
	{ "agent", "listen", set_listen, .repeats = true },
	{ "agent", "rate", set_rate, .repeats = false },
	{ "agent", "warn", set_warn, .repeats = false },
	{ "agent", "gateway-rate", set_gateway_rate, .repeats = false },
	{ "agent", "tls-certificate", set_tls_certificate, .repeats = false },
	{ "agent", "tls-key", set_tls_key, .repeats = false },
	{ "agent", "tls-min", set_tls_min, .repeats = false },
	{ "agent", "clients", set_clients, .repeats = false },
	{ "agent", "readers", set_readers, .repeats = true },
	{ "webhook", "url", set_webhook_url, .repeats = false },
	{ "webhook", "secret-file", set_secret_file, .repeats = false },
	{ "webhook", "ca", set_webhook_ca, .repeats = false },
	{ "webhook", "certificate", set_webhook_certificate, .repeats = false },
	{ "webhook", "key", set_webhook_key, .repeats = false },
	{ "state", "store", set_store, .repeats = false },
	{ "state", "seal-key", set_seal_key, .repeats = false },
	{ "state", "keep", set_keep, .repeats = false },
	{ 0 },
};
