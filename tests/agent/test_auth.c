/* SPDX-License-Identifier: MIT */
/* /v1/auth/PROFILE/SERVICE of a whole agent: 200, 401 and 403, and what the answer says. */
#include <ctype.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "core/pem.h"
#include "store/tokens.h"
#include "tests/agent/site.h"

static struct site site;
static char *good, *revoked;
static struct dlk_token token;

static int
set_up(void **state)
{
	(void)state;
	site_init(&site);
	good = site_certificate(&site, SITE_USER, 24);
	revoked = site_certificate(&site, SITE_USER, 24);
	site_revoke(&site, site_serial(&site));
	token = (struct dlk_token){ .label = "phone",
		.otp = { .digits = 6, .period = 30, .last_step = -1 } };
	assert_int_equal(
	    dlk_secret_set(&token.otp.key, dlk_bytes_str("12345678901234567890")), 0);
	assert_int_equal(
	    dlk_tokens_add(site.record, SITE_USER, &token, "test", dlk_clock_now(), &token.id),
	    0);
	site_start(&site);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	site_fini(&site);
	free(good);
	free(revoked);
	return 0;
}

/* As nginx's $ssl_client_escaped_cert; static. */
static const char *
escape(const char *pem)
{
	static char out[8192];
	size_t n = 0;

	for (; *pem; pem++) {
		if (isalnum((unsigned char)*pem) || *pem == '-')
			out[n++] = *pem;
		else
			n += (size_t)sprintf(out + n, "%%%02X", (unsigned char)*pem);
	}
	out[n] = '\0';
	return out;
}

/* Status; the reason of the answer in `reason`. `headers` are whole lines. */
static int
ask(const char *line, const char *headers, char *reason, struct site_answer *ret_answer)
{
	static char request[16384];

	snprintf(request, sizeof(request),
	    "%s HTTP/1.1\r\nHost: app.example.test\r\nConnection: close\r\n%s\r\n", line,
	    headers);
	site_send(&site, geteuid(), dlk_bytes_str(request), ret_answer);
	const char *at = strstr(ret_answer->head, "X-Doublelock-Reason: ");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "X-Doublelock-Reason: %63s", reason), 1);
	/* a body would cost nginx the connection */
	assert_non_null(strstr(ret_answer->head, "Content-Length: 0\r\n"));
	assert_string_equal(ret_answer->text, "");
	site_answer_fini(ret_answer);
	return ret_answer->status;
}

static const char *
nginx(const char *pem, const char *more)
{
	static char headers[12288];

	snprintf(headers, sizeof(headers), "X-SSL-Client-Cert: %s\r\n%s",
	    pem ? escape(pem) : "", more);
	return headers;
}

static void
the_person_is_in_the_headers_of_a_yes(void **state)
{
	static const char *const lines[] = { "GET /v1/auth/nginx/web",
		"PROPFIND /v1/auth/nginx/web/", "POST /v1/auth/nginx/web/some/path?x=y",
		"BREW /v1/auth/nginx/web" };
	char reason[SITE_REASON_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct site_answer answer;
		assert_int_equal(ask(lines[i], nginx(good, ""), reason, &answer), 200);
		assert_string_equal(reason, "ok");
		assert_non_null(strstr(answer.head, "X-Doublelock-User: " SITE_USER "\r\n"));
		assert_non_null(
		    strstr(answer.head, "X-Doublelock-Subject: CN=" SITE_USER "\r\n"));
		assert_non_null(strstr(answer.head, "X-Doublelock-Fingerprint: "));
		assert_non_null(strstr(answer.head, "X-Doublelock-Serial: "));
		assert_non_null(strstr(answer.head, "X-Doublelock-Good-Until: "));
	}
}

static void
a_no_is_401_or_403(void **state)
{
	const struct {
		const char *line, *pem, *more, *reason;
		int status;
	} rows[] = {
		{ "GET /v1/auth/nginx/web", NULL, "", "no-certificate", 401 },
		{ "GET /v1/auth/nginx/web", revoked, "", "revoked", 403 },
		{ "GET /v1/auth/nginx/web", "x", "", "certificate-malformed", 403 },
		{ "GET /v1/auth/nginx/nowhere", good, "", "unknown-service", 403 },
		{ "GET /v1/auth/nginx/", good, "", "unknown-service", 403 },
		{ "GET /v1/auth/nginx", good, "", "unknown-service", 403 },
		{ "GET /v1/auth/iis/web", good, "", "unknown-service", 403 },
		{ "GET /v1/auth/haproxy/web", good, "", "possession-unproven", 403 },
		{ "GET /v1/auth/nginx/web", good, "Client-Cert: :AQID:\r\n",
		    "possession-unproven", 403 },
		{ "GET /v1/auth/nginx/web", good, "X-SSL-Client-Cert: \r\n",
		    "possession-unproven", 403 },
		{ "GET /v1/auth/nginx/web", good, "X_SSL_Client_Cert: x\r\n",
		    "possession-unproven", 403 },
		{ "GET /v1/auth/nginx/web", good, "Authorization: Basic YmluOjE=\r\n",
		    "user-mismatch", 403 },
	};
	char reason[SITE_REASON_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct site_answer answer;
		int status =
		    ask(rows[i].line, nginx(rows[i].pem, rows[i].more), reason, &answer);
		if (status != rows[i].status || strcmp(reason, rows[i].reason) != 0)
			fail_msg("row %zu: %d %s", i, status, reason);
		assert_null(strstr(answer.head, "X-Doublelock-User"));
		assert_int_equal(
		    status == 401, strstr(answer.head, "WWW-Authenticate: ") != NULL);
	}
}

static int
note_forgery(int64_t row, const struct dlk_event *event, void *arg)
{
	bool *found = arg;

	(void)row;
	*found = *found ||
		 (event->reason == DLK_R_POSSESSION_UNPROVEN &&
		     strstr(event->detail, "Client-Cert") && strstr(event->detail, "forging"));
	return 0;
}

static void
a_forgery_is_an_event(void **state)
{
	const struct dlk_events_query all = { 0 };
	char reason[SITE_REASON_MAX];
	struct site_answer answer;
	bool found = false;

	(void)state;
	assert_int_equal(ask("GET /v1/auth/nginx/web", nginx(NULL, "Client-Cert: :AQID:\r\n"),
			     reason, &answer),
	    403);
	assert_int_equal(dlk_events_each(site.record, &all, note_forgery, &found), 0);
	assert_true(found);
}

static int
count_allowed(int64_t row, const struct dlk_event *event, void *arg)
{
	size_t *n = arg;

	(void)row;
	*n += event->type == DLK_EVENT_DECISION_ALLOWED &&
	      strcmp(event->source, "192.0.2.9") == 0;
	return 0;
}

/* Of one address, which requests have their own. */
struct count {
	const char *source;
	const char *headers;
	uint64_t let_in;            /* answers */
	uint64_t decided, repeated; /* on record */
};

static int
count_one(int64_t row, const struct dlk_event *event, void *arg)
{
	struct count *count = arg;
	uint64_t repeats = dlk_event_repeats(event);

	(void)row;
	if (event->type != DLK_EVENT_DECISION_ALLOWED ||
	    strcmp(event->source, count->source) != 0)
		return 0;
	count->decided += repeats == 0;
	count->repeated += repeats;
	assert_string_equal(event->user, SITE_USER);
	assert_string_equal(event->service, "web");
	assert_string_equal(event->subject, "CN=" SITE_USER);
	assert_int_equal(strlen(event->fingerprint), DLK_FINGERPRINT_HEX);
	return 0;
}

static bool
all_are_counted(struct site *s, void *arg)
{
	const struct dlk_events_query all = { 0 };
	struct count *count = arg;

	count->decided = count->repeated = 0;
	assert_int_equal(dlk_events_each(s->record, &all, count_one, count), 0);
	assert_true(count->decided + count->repeated <= count->let_in);
	return count->decided + count->repeated == count->let_in;
}

static bool
is_revoked(struct site *s, void *arg)
{
	struct count *count = arg;
	char reason[SITE_REASON_MAX];
	struct site_answer answer;

	(void)s;
	count->let_in += ask("GET /v1/auth/nginx/web", count->headers, reason, &answer) == 200;
	return strcmp(reason, "revoked") == 0;
}

/* doublelock_decisions_total of the service for this reason. */
static long
metric(const char *reason)
{
	char wanted[128];
	struct site_answer answer;
	long value = 0;

	site_ask(&site, 0, "GET /metrics", NULL, &answer);
	snprintf(wanted, sizeof(wanted),
	    "doublelock_decisions_total{service=\"web\",reason=\"%s\"} ", reason);
	const char *at = strstr(answer.text, wanted);
	if (at)
		value = strtol(at + strlen(wanted), NULL, 10);
	site_answer_fini(&answer);
	return value;
}

/* A page of a hundred pictures is one event, and a new list holds at once all the same. */
static void
repeats_are_one_event_until_something_changes(void **state)
{
	const struct dlk_events_query all = { 0 };
	char reason[SITE_REASON_MAX], *pem = site_certificate(&site, SITE_USER, 24);
	char *headers = strdup(nginx(pem, "X-Real-IP: 192.0.2.9\r\n"));
	struct count count = { .source = "192.0.2.9", .headers = headers, .let_in = 20 };
	struct site_answer answer;
	long before = metric("ok");
	size_t n = 0;

	(void)state;
	assert_non_null(headers);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(ask("GET /v1/auth/nginx/web", headers, reason, &answer), 200);
		assert_non_null(strstr(answer.head, "X-Doublelock-User: " SITE_USER "\r\n"));
		assert_non_null(
		    strstr(answer.head, "X-Doublelock-Subject: CN=" SITE_USER "\r\n"));
	}
	assert_int_equal(dlk_events_each(site.record, &all, count_allowed, &n), 0);
	assert_in_range(n, 1, 2); /* the second where a minute had just ended */
	site_revoke(&site, site_serial(&site));
	site_until(is_revoked, &site, &count);
	/* what was in force has ended, and the record says how often it was asked */
	site_until(all_are_counted, &site, &count);
	assert_in_range(count.decided, 1, 2);
	assert_int_equal(metric("ok") - before, count.let_in);
	free(headers);
	free(pem);
}

/* And so it says when the agent ends. */
static void
the_end_loses_no_count(void **state)
{
	char reason[SITE_REASON_MAX], *pem = site_certificate(&site, SITE_USER, 24);
	char *headers = strdup(nginx(pem, "X-Real-IP: 192.0.2.8\r\n"));
	struct count count = { .source = "192.0.2.8", .let_in = 30 };
	struct site_answer answer;

	(void)state;
	for (int i = 0; i < 30; i++)
		assert_int_equal(ask("GET /v1/auth/nginx/web", headers, reason, &answer), 200);
	site_kill(&site, SIGTERM);
	assert_true(all_are_counted(&site, &count));
	assert_in_range(count.decided, 1, 2);
	site_start(&site);
	free(headers);
	free(pem);
}

/* For free(). */
static char *
basic(const char *code, const char *address)
{
	DLK_AUTO_BUF text = { 0 };
	char words[32], *out;

	snprintf(words, sizeof(words), ":%s", code);
	assert_int_equal(dlk_base64_encode(dlk_bytes_str(words), &text), 0);
	assert_true(asprintf(&out, "X-Real-IP: %s\r\nAuthorization: Basic %.*s\r\n", address,
			(int)text.n, (char *)text.p) > 0);
	return out;
}

/* A browser sends the same code with each request: it opens once, and is not needed again
 * from the same place. */
static void
a_code_is_asked_for_once(void **state)
{
	static const char line[] = "GET /v1/auth/nginx/code";
	char code[DLK_OTP_DIGITS_MAX + 1], reason[SITE_REASON_MAX];
	struct site_answer answer;

	(void)state;
	assert_int_equal(
	    dlk_otp_code(&token.otp, dlk_otp_step_at(&token.otp, dlk_clock_now()), code), 0);
	char *here = basic(code, "192.0.2.1"), *there = basic(code, "192.0.2.2");
	assert_int_equal(
	    ask(line, nginx(good, "X-Real-IP: 192.0.2.1\r\n"), reason, &answer), 401);
	assert_string_equal(reason, "otp-required");
	assert_non_null(strstr(answer.head, "WWW-Authenticate: Basic realm="));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(line, nginx(good, here), reason, &answer), 200);
		assert_non_null(strstr(answer.head, "X-Doublelock-User: " SITE_USER "\r\n"));
	}
	assert_int_equal(
	    ask(line, nginx(good, "X-Real-IP: 192.0.2.1\r\n"), reason, &answer), 200);
	assert_int_equal(ask(line, nginx(good, there), reason, &answer), 403);
	assert_string_equal(reason, "otp-replayed");
	assert_int_equal(ask(line, nginx(revoked, here), reason, &answer), 403);
	assert_string_equal(reason, "revoked");
	free(here);
	free(there);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_person_is_in_the_headers_of_a_yes),
		cmocka_unit_test(a_no_is_401_or_403),
		cmocka_unit_test(a_forgery_is_an_event),
		cmocka_unit_test(repeats_are_one_event_until_something_changes),
		cmocka_unit_test(the_end_loses_no_count),
		cmocka_unit_test(a_code_is_asked_for_once),
	};
	return cmocka_run_group_tests_name("auth", tests, set_up, tear_down);
}
