/* SPDX-License-Identifier: MIT */
/*
 * post.c - an event as an HTTP request, and what an answer means. It follows nothing, believes
 * no name of a host alone, uses no proxy and keeps no word of the answer.
 */
#include "agent/outward/post.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "agent/cloudevent.h"
#include "base/text.h"

#define ANSWER_MAX (64 * 1024) /* octets that are read and thrown away */
#define LOOK_MS    500

struct post {
	CURL *easy;
	struct curl_slist *headers;
	struct dlk_buf body;
	size_t answered;
	char words[CURL_ERROR_SIZE];
};

struct dlk_posts {
	const struct dlk_out_files *files;
	CURLM *multi;
	struct post post[DLK_OUT_EVENTS_MAX];
};

int
dlk_posts_new(const struct dlk_out_files *files, struct dlk_posts **ret_posts)
{
	struct dlk_posts *posts = calloc(1, sizeof(*posts));

	if (posts)
		posts->multi = curl_multi_init();
	if (!posts || !posts->multi) {
		free(posts);
		return -ENOMEM;
	}
	posts->files = files;
	*ret_posts = posts;
	return 0;
}

static void
put_down(struct dlk_posts *posts, struct post *post)
{
	if (post->easy) {
		(void)curl_multi_remove_handle(posts->multi, post->easy);
		curl_easy_cleanup(post->easy);
	}
	curl_slist_free_all(post->headers);
	dlk_buf_free(&post->body);
	*post = (struct post){ .easy = NULL };
}

void
dlk_posts_free(struct dlk_posts *posts)
{
	if (!posts)
		return;
	for (size_t i = 0; i < DLK_OUT_EVENTS_MAX; i++)
		put_down(posts, &posts->post[i]);
	(void)curl_multi_cleanup(posts->multi);
	free(posts);
}

static size_t
throw_away(char *data, size_t size, size_t n, void *arg)
{
	struct post *post = arg;

	(void)data;
	post->answered += size * n;
	return post->answered <= ANSWER_MAX ? size * n : 0;
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
add_header(struct post *post, const char *name, struct dlk_bytes value)
{
	char line[512];

	dlk_text_print(
	    line, sizeof(line), "%s: %.*s", name, (int)value.n, (const char *)value.p);
	struct curl_slist *longer = curl_slist_append(post->headers, line);
	if (longer)
		post->headers = longer;
	return longer;
}

static bool
add_headers(struct post *post, const struct dlk_bytes *text)
{
	return add_header(post, "Content-Type", dlk_bytes_str(DLK_CLOUDEVENT_TYPE)) &&
	       add_header(post, "webhook-id", text[1]) &&
	       add_header(post, "webhook-timestamp", text[2]) &&
	       add_header(post, "webhook-signature", text[3]) &&
	       add_header(post, "User-Agent", dlk_bytes_str("doublelock/" DLK_VERSION)) &&
	       /* no "100 Continue" to wait for */
	       add_header(post, "Expect", dlk_bytes_str(""));
}

static bool
set_bounds(CURL *easy, bool plain)
{
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https") ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)DLK_POST_WHOLE_MS) ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)DLK_POST_CONNECT_MS) ==
		   CURLE_OK &&
	       (!plain ||
		   curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request) == CURLE_OK);
}

/* libcurl copies it. An empty file is none. */
static bool
set_blob(CURL *easy, CURLoption option, const struct dlk_buf *content)
{
	struct curl_blob blob = {
		.data = content->p, .len = content->n, .flags = CURL_BLOB_COPY
	};

	return content->n == 0 || curl_easy_setopt(easy, option, &blob) == CURLE_OK;
}

static bool
set_tls(CURL *easy, const struct dlk_out_files *files)
{
	const struct dlk_buf *content = files->content;

	return curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
		   CURLE_OK &&
	       set_blob(easy, CURLOPT_CAINFO_BLOB, &content[DLK_OUT_CA]) &&
	       (content[DLK_OUT_CA].n == 0 ||
		   (curl_easy_setopt(easy, CURLOPT_CAINFO, NULL) == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK)) &&
	       set_blob(easy, CURLOPT_SSLCERT_BLOB, &content[DLK_OUT_CERTIFICATE]) &&
	       set_blob(easy, CURLOPT_SSLKEY_BLOB, &content[DLK_OUT_KEY]);
}

static bool
set_message(struct post *post, const char *url)
{
	CURL *easy = post->easy;

	return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)post->body.n) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post->body.p) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTPHEADER, post->headers) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, throw_away) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, post) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->words) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PRIVATE, post) == CURLE_OK;
}

int
dlk_posts_add(struct dlk_posts *posts, const struct dlk_out_message *event)
{
	struct post *post = &posts->post[event->number[0]];
	char url[DLK_OUT_URL_MAX + 1];

	dlk_text_print(
	    url, sizeof(url), "%.*s", (int)event->text[0].n, (const char *)event->text[0].p);
	if (post->easy)
		return -EEXIST;
	post->easy = curl_easy_init();
	int r =
	    post->easy ? dlk_buf_add(&post->body, DLK_OUT_BODY_MAX, event->text[4]) : -ENOMEM;
	if (r == 0 && !(add_headers(post, event->text) && set_message(post, url) &&
			  set_bounds(post->easy, strncmp(url, "http:", 5) == 0) &&
			  set_tls(post->easy, posts->files)))
		r = -EIO;
	if (r == 0 && curl_multi_add_handle(posts->multi, post->easy) != CURLM_OK)
		r = -EIO;
	if (r != 0)
		put_down(posts, post);
	return r;
}

static struct dlk_out_message
judge(const struct post *post, size_t index, CURLcode code, char *words)
{
	struct dlk_out_message result = { .kind = DLK_OUT_RESULT,
		.number = { (int64_t)index } };
	curl_off_t wait = 0;
	long status = 0;

	(void)curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(post->easy, CURLINFO_RETRY_AFTER, &wait);
	result.number[2] = wait < 0 ? 0 : wait > UINT32_MAX ? UINT32_MAX : wait;
	/* a long answer is cut off; its status was read */
	bool answered =
	    code == CURLE_OK || (code == CURLE_WRITE_ERROR && post->answered > ANSWER_MAX);
	if (answered && status >= 200 && status < 300) {
		result.number[1] = 1;
		return result;
	}
	if (answered)
		dlk_text_print(words, DLK_OUT_WORDS + 1, "the receiver answered %ld", status);
	else
		dlk_text_escape(words, DLK_OUT_WORDS + 1,
		    dlk_bytes_str(post->words[0] ? post->words : curl_easy_strerror(code)));
	result.text[0] = dlk_bytes_str(words);
	return result;
}

/* What has ended meanwhile. */
static int
collect(struct dlk_posts *posts, int (*ended)(void *ctx, const struct dlk_out_message *result),
    void *ctx)
{
	char words[DLK_OUT_WORDS + 1];
	const CURLMsg *m;
	int r = 0, left;

	while (r == 0 && (m = curl_multi_info_read(posts->multi, &left))) {
		size_t i = 0;
		while (i < DLK_OUT_EVENTS_MAX && posts->post[i].easy != m->easy_handle)
			i++;
		if (m->msg != CURLMSG_DONE || i == DLK_OUT_EVENTS_MAX)
			continue;
		struct dlk_out_message result =
		    judge(&posts->post[i], i, m->data.result, words);
		put_down(posts, &posts->post[i]);
		r = ended(ctx, &result);
	}
	return r;
}

int
dlk_posts_carry(struct dlk_posts *posts,
    int (*ended)(void *ctx, const struct dlk_out_message *result), bool (*stop)(void *ctx),
    void *ctx)
{
	int running = 1, r = 0;

	while (r == 0 && running > 0 && !stop(ctx)) {
		if (curl_multi_perform(posts->multi, &running) != CURLM_OK)
			r = -EIO;
		else
			r = collect(posts, ended, ctx);
		if (r == 0 && running > 0)
			(void)curl_multi_poll(posts->multi, NULL, 0, LOOK_MS, NULL);
	}
	for (size_t i = 0; i < DLK_OUT_EVENTS_MAX; i++)
		put_down(posts, &posts->post[i]);
	return r;
}
