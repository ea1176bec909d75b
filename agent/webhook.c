/* SPDX-License-Identifier: MIT */
/* webhook.c - an event as octets, signed here and nowhere else. How they get to the receiver
 * is doublelock-outward's affair (agent/outward/post.c). */
#include "agent/webhook.h"

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

struct dlk_webhook {
	char *url, *ca, *certificate, *key;
	char host[DLK_NAME_MAX + 1];
	struct dlk_signature_keys keys;
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

static int
say_file(const char *path, enum dlk_out_file which, struct dlk_outward *outward, char *words,
    size_t size)
{
	DLK_AUTO_BUF content = { 0 };
	/* one that is named and empty is not the same as none */
	int r = path ? dlk_file_read(path, DLK_OUT_FILE_MAX, NULL, &content) : 0;

	if (r == 0 && path && content.n == 0)
		r = -ENODATA;
	if (r < 0) {
		dlk_text_print(words, size, "%.200s: %s", path,
		    r == -ENODATA ? "it is empty" : dlk_file_error(r));
		return r;
	}
	return dlk_outward_say_file(outward, which, dlk_bytes_of(&content));
}

int
dlk_webhook_say_files(
    const struct dlk_webhook *webhook, struct dlk_outward *outward, char *words, size_t size)
{
	int r = say_file(webhook->ca, DLK_OUT_CA, outward, words, size);

	if (r == 0)
		r = say_file(webhook->certificate, DLK_OUT_CERTIFICATE, outward, words, size);
	return r ? r : say_file(webhook->key, DLK_OUT_KEY, outward, words, size);
}

int
dlk_webhook_say_event(const struct dlk_webhook *webhook, struct dlk_outward *outward,
    size_t index, const struct dlk_delivery *delivery, int64_t now)
{
	char signature[DLK_SIGNATURE_TEXT], time[32];
	char *body = dlk_cloudevent_text(delivery, webhook->host);

	if (!body)
		return -ENOMEM;
	int r = dlk_signature_make(
	    &webhook->keys, delivery->event.id, now, dlk_bytes_str(body), signature);
	dlk_text_print(time, sizeof(time), "%" PRId64, now);
	const struct dlk_out_message event = { .kind = DLK_OUT_EVENT,
		.number = { (int64_t)index },
		.text = { dlk_bytes_str(webhook->url), dlk_bytes_str(delivery->event.id),
		    dlk_bytes_str(time), dlk_bytes_str(signature), dlk_bytes_str(body) } };
	if (r == 0)
		r = dlk_outward_say(outward, &event);
	free(body);
	return r;
}
