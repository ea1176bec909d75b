/* SPDX-License-Identifier: MIT */
/*
 * download.c - libcurl, held short. It knows nothing of lists, follows nothing out of its
 * scheme, asks no proxy and takes no name of a host for the address that it leads to.
 */
#include "agent/download.h"

#include <errno.h>
#include <string.h>

#include <curl/curl.h>

#include "agent/outward/reach.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/text.h"

#define CONNECT_S   10L
#define REDIRECTS   3L
#define SCHEME_ROOM 16

struct transfer {
	const struct dlk_download *download;
	CURL *easy;
	int64_t written;
	int error;   /* of writing */
	bool barred; /* led where it must not */
	char scheme[SCHEME_ROOM];
	char words[CURL_ERROR_SIZE];
};

/* Its scheme, where the URL is one that may be asked. */
static bool
read_scheme(const char *url, char *ret_scheme)
{
	CURLU *parsed = curl_url();
	char *scheme = NULL;
	bool good = false;

	if (parsed && curl_url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER) == 0 &&
	    curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == 0)
		good = (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
		       dlk_text_copy(ret_scheme, SCHEME_ROOM, scheme);
	curl_free(scheme);
	curl_url_cleanup(parsed);
	return good;
}

/* After the name was resolved, for every connection that is made, redirections included. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *t = arg;

	(void)purpose;
	if (!t->download->anywhere && !dlk_reach_may(&address->addr, address->addrlen)) {
		t->barred = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int
put(const struct dlk_download *download, struct dlk_bytes octets)
{
	if (download->put)
		return download->put(download->ctx, octets);
	return dlk_fd_write(download->fd, octets);
}

static size_t
take(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	t->written += (int64_t)(size * n);
	t->error = t->written > DLK_DOWNLOAD_MAX ? -EFBIG
						 : put(t->download, DLK_BYTES(data, size * n));
	return t->error == 0 ? size * n : 0;
}

static int
look(void *arg, curl_off_t all_down, curl_off_t down, curl_off_t all_up, curl_off_t up)
{
	const struct transfer *t = arg;

	(void)all_down;
	(void)down;
	(void)all_up;
	(void)up;
	return t->download->stop && t->download->stop(t->download->ctx);
}

static bool
set_bounds(struct transfer *t)
{
	CURL *easy = t->easy;

	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, t->scheme) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, t->scheme) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_MAXREDIRS, REDIRECTS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_S) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)DLK_DOWNLOAD_S) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
		   (curl_off_t)DLK_DOWNLOAD_MAX) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
		   CURLE_OK &&
#if LIBCURL_VERSION_NUM >= 0x075700
	       /* who stops does not wait for a name server */
	       curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
#endif
	       curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK;
}

static bool
set_request(struct transfer *t)
{
	CURL *easy = t->easy;

	return curl_easy_setopt(easy, CURLOPT_URL, t->download->url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, "doublelock/" DLK_VERSION) ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FILETIME, 1L) == CURLE_OK &&
	       (t->download->since <= 0 ||
		   (curl_easy_setopt(easy, CURLOPT_TIMECONDITION,
			(long)CURL_TIMECOND_IFMODSINCE) == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_TIMEVALUE_LARGE,
			   (curl_off_t)t->download->since) == CURLE_OK)) &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, t) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, look) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_XFERINFODATA, t) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->words) == CURLE_OK;
}

static int
fail(char *words, const char *why)
{
	dlk_text_escape(words, DLK_DOWNLOAD_WORDS, dlk_bytes_str(why));
	return -EIO;
}

static int
judge(struct transfer *t, CURLcode result, int64_t *ret_modified, char *words)
{
	long status = 0, unmet = 0;
	curl_off_t modified = -1;

	if (result == CURLE_ABORTED_BY_CALLBACK && !t->barred)
		return -ECANCELED;
	if (t->barred && result != CURLE_OK)
		return fail(words, "it leads to this machine or its link, and only a url= of "
				   "the configuration may");
	if (t->error == -EFBIG || result == CURLE_FILESIZE_EXCEEDED)
		return fail(words, "longer than 256 MB");
	if (t->error != 0)
		return fail(words, strerror(-t->error));
	if (result != CURLE_OK)
		return fail(words, t->words[0] ? t->words : curl_easy_strerror(result));
	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(t->easy, CURLINFO_CONDITION_UNMET, &unmet);
	(void)curl_easy_getinfo(t->easy, CURLINFO_FILETIME_T, &modified);
	if (t->download->since > 0 && (status == 304 || unmet))
		return 0;
	if (status < 200 || status > 299) {
		dlk_text_print(words, DLK_DOWNLOAD_WORDS, "the server answered %ld", status);
		return -EIO;
	}
	*ret_modified = modified > 0 ? modified : 0;
	return 1;
}

int
dlk_download(const struct dlk_download *download, int64_t *ret_modified, char *words)
{
	struct transfer t = { .download = download };

	words[0] = '\0';
	if (!read_scheme(download->url, t.scheme))
		return fail(words, "only http and https are asked, without a user's name");
	t.easy = curl_easy_init();
	if (!t.easy || !set_request(&t) || !set_bounds(&t)) {
		curl_easy_cleanup(t.easy);
		return fail(words, "libcurl does not do what is asked of it");
	}
	int r = judge(&t, curl_easy_perform(t.easy), ret_modified, words);
	curl_easy_cleanup(t.easy);
	return r;
}
