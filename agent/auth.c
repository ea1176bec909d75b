/* SPDX-License-Identifier: MIT */
/*
 * auth.c - the door for gateways that can only pass headers on and look at a status. What
 * they do with any other status than 200, 401 and 403 is nothing to rely on, so there is none.
 */
#include "agent/auth.h"

#include <inttypes.h>
#include <string.h>

#include "agent/profile.h"
#include "base/text.h"

static bool
add(struct dlk_http *http, const char *name, const char *value)
{
	return value[0] == '\0' || dlk_http_add(http, name, value);
}

static bool
add_person(struct dlk_http *http, const struct dlk_verdict *v)
{
	char until[32] = "";

	if (v->good_until > 0)
		dlk_text_print(until, sizeof(until), "%" PRId64, v->good_until);
	return add(http, "X-Doublelock-User", v->user) &&
	       add(http, "X-Doublelock-Subject", v->subject) &&
	       add(http, "X-Doublelock-Serial", v->serial) &&
	       add(http, "X-Doublelock-Fingerprint", v->fingerprint) &&
	       add(http, "X-Doublelock-Good-Until", until);
}

static void
answer(struct dlk_question *q)
{
	struct dlk_http *http = q->door;
	const char *reason = dlk_reason_str(q->verdict.reason);
	int status = dlk_question_status(&q->verdict);

	/* without all of it the application behind would believe the client's own */
	if (status == 200 && !add_person(http, &q->verdict)) {
		status = 403;
		reason = dlk_reason_str(DLK_R_FAULT_INTERNAL);
		dlk_http_begin_again(http);
	}
	if (status == 401)
		(void)add(http, "WWW-Authenticate", dlk_question_challenge(&q->verdict));
	(void)add(http, "X-Doublelock-Reason", reason);
	dlk_http_answer(http, q->waiting, status, NULL, (struct dlk_bytes){ 0 });
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
read_headers(
    struct dlk_question *q, const struct dlk_profile *profile, const struct dlk_httphead *head)
{
	const struct dlk_headers headers = { head->field, head->n };

	if (head->too_many)
		return dlk_find(&q->refusal, DLK_STAGE_ADMIT, DLK_R_POSSESSION_UNPROVEN,
		    "more than %d headers", DLK_HTTPHEAD_FIELDS);
	return dlk_profile_read(profile, &headers, &q->asked, &q->refusal);
}

void
dlk_auth_handle(struct dlk_http *http, const struct dlk_http_request *request,
    const struct dlk_peer *peer, void *arg)
{
	struct dlk_question *q = dlk_question_of(peer);
	const struct dlk_profile *profile;

	if (!q) {
		dlk_http_answer(http, request->conn, 403, NULL, (struct dlk_bytes){ 0 });
		return;
	}
	q->door = http;
	q->waiting = request->conn;
	q->answer = answer;
	q->code_if_needed = true;
	q->repeats = true;
	if (q->refusal.reason == DLK_R_UNDECIDED &&
	    read_path(request->head->path, &profile, &q->asked, &q->refusal) == DLK_R_OK)
		(void)read_headers(q, profile, request->head);
	dlk_question_ask(q, arg);
}
