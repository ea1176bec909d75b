/* SPDX-License-Identifier: MIT */
/* doctor_reach.c - whether the webhook's receiver can be reached from here now: a connection,
 * over TLS where it is https, and nothing is sent. */
#include "doctor.h"

#include <curl/curl.h>

#define WITHIN_MS 3000

static bool
connect_only(CURL *easy, const struct dlk_settings *settings, char *words)
{
	return curl_easy_setopt(easy, CURLOPT_URL, settings->webhook.url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)WITHIN_MS) == CURLE_OK &&
	       (!settings->webhook.ca ||
		   curl_easy_setopt(easy, CURLOPT_CAINFO, settings->webhook.ca) == CURLE_OK) &&
	       (!settings->webhook.certificate ||
		   curl_easy_setopt(easy, CURLOPT_SSLCERT, settings->webhook.certificate) ==
		       CURLE_OK) &&
	       (!settings->webhook.key || curl_easy_setopt(easy, CURLOPT_SSLKEY,
					      settings->webhook.key) == CURLE_OK) &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words) == CURLE_OK;
}

void
doctor_check_reach(struct doctor *d)
{
	const struct dlk_settings *settings = dlk_engine_settings(d->engine);
	char words[CURL_ERROR_SIZE] = "";

	if (!settings->webhook.url)
		return;
	CURL *easy = curl_easy_init();
	CURLcode code = easy && connect_only(easy, settings, words) ? curl_easy_perform(easy)
								    : CURLE_FAILED_INIT;
	curl_easy_cleanup(easy);
	if (code != CURLE_OK)
		doctor_find(d, DOCTOR_WARNING, "webhook",
		    "[webhook] url and ca; 'doublelock webhook test' tries the whole way",
		    "%s cannot be reached: %s; events wait here and nobody sees them",
		    settings->webhook.url, words[0] ? words : curl_easy_strerror(code));
}
