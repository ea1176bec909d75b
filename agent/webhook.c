/* SPDX-License-Identifier: MIT */
/*
 * webhook.c - an event as an HTTP request, and what an answer means. It follows nothing,
 * believes no name of a host alone, uses no proxy and keeps no word of the answer.
 */
#include "agent/webhook.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cloudevent.h"
#include "agent/signature.h"
#include "base/text.h"

#define SECRET_FILE_MAX 4096
#define ANSWER_MAX      (64 * 1024) /* octets that are read and thrown away */

struct dlk_webhook {
	char *url, *ca, *certificate, *key;
	bool plain; /* http, to this machine alone */
	char host[DLK_NAME_MAX + 1];
	struct dlk_signature_keys keys;
};

struct dlk_transfer {
	CURL *easy;
	struct curl_slist *headers;
	char *body;
	size_t answered;
	char words[CURL_ERROR_SIZE];
};

static bool
copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

/* The name goes into a URN. */
static void
name_host(char *out, size_t size)
{
	if (gethostname(out, size) < 0)
		out[0] = '\0';
	out[size - 1] = '\0';
	for (char *c = out; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '.' && *c != '-')
			*c = '-';
	if (out[0] == '\0')
		(void)dlk_text_copy(out, size, "localhost");
}

static int
read_secret(const struct dlk_settings *s, uid_t owner, struct dlk_webhook *webhook,
    struct dlk_finding *finding)
{
	const struct dlk_care care = { .owned = true, .secret = true, .owner = owner };
	struct dlk_finding inner = { 0 };
	DLK_AUTO_BUF content = { 0 };

	if (!s->webhook.secret_file) {
		dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG,
		    "%.300s: [webhook] secret-file: is needed beside url", s->file);
		return -EINVAL;
	}
	int r = dlk_file_read(s->webhook.secret_file, SECRET_FILE_MAX, &care, &content);
	if (r == 0) {
		r = dlk_signature_parse(dlk_bytes_of(&content), &webhook->keys, &inner);
		if (r == 0)
			return 0;
	}
	dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG,
	    "%.300s: [webhook] secret-file: %s", s->webhook.secret_file,
	    inner.detail[0] ? inner.detail : dlk_file_error(r));
	return r;
}

int
dlk_webhook_new(const struct dlk_settings *settings, uid_t owner,
    struct dlk_webhook **ret_webhook, struct dlk_finding *finding)
{
	*ret_webhook = NULL;
	if (!settings->webhook.url)
		return 0;
	struct dlk_webhook *w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	int r = read_secret(settings, owner, w, finding);
	if (r == 0 &&
	    !(copy(&w->url, settings->webhook.url) && copy(&w->ca, settings->webhook.ca) &&
		copy(&w->certificate, settings->webhook.certificate) &&
		copy(&w->key, settings->webhook.key)))
		r = -ENOMEM;
	if (r != 0) {
		dlk_webhook_free(w);
		return r;
	}
	assert(settings->webhook.url);
	w->plain = strncmp(settings->webhook.url, "http:", 5) == 0;
	name_host(w->host, sizeof(w->host));
	*ret_webhook = w;
	return 0;
}

void
dlk_webhook_free(struct dlk_webhook *webhook)
{
	if (!webhook)
		return;
	dlk_signature_wipe(&webhook->keys);
	free(webhook->url);
	free(webhook->ca);
	free(webhook->certificate);
	free(webhook->key);
	free(webhook);
}

static size_t
throw_away(char *data, size_t size, size_t n, void *arg)
{
	struct dlk_transfer *transfer = arg;

	(void)data;
	transfer->answered += size * n;
	return transfer->answered <= ANSWER_MAX ? size * n : 0;
}

/* A name or a trick in the URL may lead elsewhere: without TLS, only this machine is asked. */
static int
before_request(void *arg, char *peer, char *local, int peer_port, int local_port)
{
	(void)arg;
	(void)local;
	(void)peer_port;
	(void)local_port;
	return strncmp(peer, "127.", 4) == 0 || strcmp(peer, "::1") == 0
		   ? CURL_PREREQFUNC_OK
		   : CURL_PREREQFUNC_ABORT;
}

static bool
add_header(struct dlk_transfer *transfer, const char *name, const char *value)
{
	char line[DLK_SIGNATURE_TEXT + 64];

	dlk_text_print(line, sizeof(line), "%s: %s", name, value);
	struct curl_slist *longer = curl_slist_append(transfer->headers, line);
	if (longer)
		transfer->headers = longer;
	return longer;
}

static int
write_message(struct dlk_transfer *transfer, const struct dlk_webhook *webhook,
    const struct dlk_delivery *delivery, int64_t now)
{
	char signature[DLK_SIGNATURE_TEXT], time[32];

	transfer->body = dlk_cloudevent_text(delivery, webhook->host);
	if (!transfer->body)
		return -ENOMEM;
	int r = dlk_signature_make(
	    &webhook->keys, delivery->event.id, now, dlk_bytes_str(transfer->body), signature);
	if (r < 0)
		return r;
	dlk_text_print(time, sizeof(time), "%" PRId64, now);
	return add_header(transfer, "Content-Type", DLK_CLOUDEVENT_TYPE) &&
		       add_header(transfer, "webhook-id", delivery->event.id) &&
		       add_header(transfer, "webhook-timestamp", time) &&
		       add_header(transfer, "webhook-signature", signature) &&
		       add_header(transfer, "User-Agent", "doublelock/" DLK_VERSION) &&
		       /* no "100 Continue" to wait for */
		       add_header(transfer, "Expect", "")
		   ? 0
		   : -ENOMEM;
}

static bool
set_bounds(CURL *easy, const struct dlk_webhook *webhook)
{
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
		   webhook->plain ? "http" : "https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)DLK_WEBHOOK_WHOLE_MS) ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		   (long)DLK_WEBHOOK_CONNECT_MS) == CURLE_OK &&
	       (!webhook->plain ||
		   curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request) == CURLE_OK);
}

static bool
set_tls(CURL *easy, const struct dlk_webhook *webhook)
{
	return curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
		   CURLE_OK &&
	       (!webhook->ca ||
		   (curl_easy_setopt(easy, CURLOPT_CAINFO, webhook->ca) == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK)) &&
	       (!webhook->certificate || curl_easy_setopt(easy, CURLOPT_SSLCERT,
					     webhook->certificate) == CURLE_OK) &&
	       (!webhook->key ||
		   curl_easy_setopt(easy, CURLOPT_SSLKEY, webhook->key) == CURLE_OK);
}

static bool
set_message(struct dlk_transfer *transfer, const struct dlk_webhook *webhook)
{
	CURL *easy = transfer->easy;

	return curl_easy_setopt(easy, CURLOPT_URL, webhook->url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(transfer->body)) ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, throw_away) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->words) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK;
}

int
dlk_transfer_new(const struct dlk_webhook *webhook, const struct dlk_delivery *delivery,
    int64_t now, struct dlk_transfer **ret_transfer)
{
	struct dlk_transfer *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->easy = curl_easy_init();
	int r = t->easy ? write_message(t, webhook, delivery, now) : -ENOMEM;
	if (r == 0 && !(set_message(t, webhook) && set_bounds(t->easy, webhook) &&
			  set_tls(t->easy, webhook)))
		r = -EIO;
	if (r < 0) {
		dlk_transfer_free(t);
		return r;
	}
	*ret_transfer = t;
	return 0;
}

CURL *
dlk_transfer_easy(const struct dlk_transfer *transfer)
{
	return transfer->easy;
}

bool
dlk_transfer_delivered(const struct dlk_transfer *transfer, CURLcode result, char *words,
    size_t size, int64_t *ret_wait)
{
	curl_off_t wait = 0;
	long status = 0;

	(void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &wait);
	*ret_wait = wait;
	/* a long answer is cut off; its status was read */
	bool answered = result == CURLE_OK ||
			(result == CURLE_WRITE_ERROR && transfer->answered > ANSWER_MAX);
	if (answered && status >= 200 && status < 300)
		return true;
	if (answered)
		dlk_text_print(words, size, "the receiver answered %ld", status);
	else
		dlk_text_escape(words, size,
		    dlk_bytes_str(
			transfer->words[0] ? transfer->words : curl_easy_strerror(result)));
	return false;
}

void
dlk_transfer_free(struct dlk_transfer *transfer)
{
	if (!transfer)
		return;
	if (transfer->easy)
		curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	free(transfer->body);
	free(transfer);
}
