/* SPDX-License-Identifier: MIT */
/*
 * auth.c - the door for gateways that can only pass headers on and look at a status. What
 * they do with any other status than 200, 401 and 403 is nothing to rely on, so there is none.
 */
#include "agent/auth.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "agent/profile.h"
#include "base/text.h"

#define HEADERS_MAX 256

static void
add(struct evhttp_request *request, const char *name, const char *value)
{
	/* libevent refuses a value with a line end */
	if (value[0] != '\0')
		(void)evhttp_add_header(
		    evhttp_request_get_output_headers(request), name, value);
}

static void
add_person(struct evhttp_request *request, const struct dlk_verdict *v)
{
	char until[32];

	dlk_text_print(until, sizeof(until), "%" PRId64, v->good_until);
	add(request, "X-Doublelock-User", v->user);
	add(request, "X-Doublelock-Subject", v->subject);
	add(request, "X-Doublelock-Serial", v->serial);
	add(request, "X-Doublelock-Fingerprint", v->fingerprint);
	add(request, "X-Doublelock-Good-Until", v->good_until > 0 ? until : "");
}

static void
answer(struct dlk_question *q)
{
	struct evhttp_request *request = q->waiting;
	int status = dlk_question_status(&q->verdict);

	if (status == 200)
		add_person(request, &q->verdict);
	if (status == 401)
		add(request, "WWW-Authenticate", dlk_question_challenge(&q->verdict));
	add(request, "X-Doublelock-Reason", dlk_reason_str(q->verdict.reason));
	dlk_http_answer(q->door, request, status, NULL, (struct dlk_bytes){ 0 });
}

/* PROFILE/SERVICE[/...] behind the fixed part of the path. */
static enum dlk_reason
read_path(const char *path, const struct dlk_profile **ret_profile,
    struct dlk_request *request, struct dlk_finding *finding)
{
	const char *at = path + strlen(DLK_AUTH_PATH);
	size_t n = strcspn(at, "/");

	*ret_profile = dlk_profile_find(DLK_BYTES(at, n));
	if (!*ret_profile || at[n] != '/')
		return dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_UNKNOWN_SERVICE,
		    "want /v1/auth/PROFILE/SERVICE with a profile that is known");
	at += n + 1;
	n = strcspn(at, "/");
	if (n >= sizeof(request->service))
		return dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_UNKNOWN_SERVICE,
		    "the service's name is too long");
	memcpy(request->service, at, n);
	request->service[n] = '\0';
	if (!dlk_text_is_name(request->service))
		return dlk_find(
		    finding, DLK_STAGE_ADMIT, DLK_R_UNKNOWN_SERVICE, "no service is named");
	return DLK_R_OK;
}

static enum dlk_reason
read_headers(struct dlk_question *q, const struct dlk_profile *profile)
{
	struct dlk_header header[HEADERS_MAX];
	struct dlk_headers headers = { .header = header };
	const struct evkeyval *h = NULL;

	TAILQ_FOREACH(h, evhttp_request_get_input_headers(q->waiting), next)
	{
		if (headers.n == HEADERS_MAX)
			return dlk_find(&q->refusal, DLK_STAGE_ADMIT,
			    DLK_R_POSSESSION_UNPROVEN, "more than %d headers", HEADERS_MAX);
		header[headers.n++] = (struct dlk_header){ h->key, h->value };
	}
	return dlk_profile_read(profile, &headers, &q->asked, &q->refusal);
}

/* What held a code. */
static void
wipe_headers(struct evhttp_request *request)
{
	const struct evkeyval *h = NULL;

	TAILQ_FOREACH(h, evhttp_request_get_input_headers(request), next)
	{
		if (strcasecmp(h->key, "Authorization") == 0 ||
		    strcasecmp(h->key, "X-Doublelock-Code") == 0)
			explicit_bzero(h->value, strlen(h->value));
	}
}

void
dlk_auth_handle(struct dlk_http *http, struct evhttp_request *request,
    const struct dlk_peer *peer, void *arg)
{
	struct dlk_question *q = dlk_question_of(peer);
	const struct dlk_profile *profile;

	if (!q) {
		dlk_http_answer(http, request, 403, NULL, (struct dlk_bytes){ 0 });
		return;
	}
	q->door = http;
	q->waiting = request;
	q->answer = answer;
	q->code_if_needed = true;
	q->repeats = true;
	if (q->refusal.reason == DLK_R_UNDECIDED &&
	    read_path(dlk_http_path(request), &profile, &q->asked, &q->refusal) == DLK_R_OK)
		(void)read_headers(q, profile);
	wipe_headers(request);
	dlk_question_ask(q, arg);
}
