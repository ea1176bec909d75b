/* SPDX-License-Identifier: MIT */
/* POST /v1/check of a whole agent: each answer with its reason, and what is no question. */
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
#include "store/tokens.h"
#include "tests/agent/site.h"

static struct site site;
static char *good, *revoked, *expired, *other;
static struct dlk_token token;

static int
set_up(void **state)
{
	(void)state;
	site_init(&site);
	good = site_certificate(&site, SITE_USER, 24);
	revoked = site_certificate(&site, SITE_USER, 24);
	site_revoke(&site, site_serial(&site));
	expired = site_certificate(&site, SITE_USER, -1);
	other = site_certificate(&site, SITE_OTHER, 24);
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
	free(expired);
	free(other);
	return 0;
}

/* status and reason */
static void
says(int got, const char *reason, int wanted, const char *wanted_reason)
{
	assert_string_equal(reason, wanted_reason);
	assert_int_equal(got, wanted);
}

static void
the_verdict_has_its_reason(void **state)
{
	const struct {
		const char *service, *certificate, *user, *reason;
		int status;
	} rows[] = {
		{ "web", good, NULL, "ok", 200 },
		{ "web", good, SITE_USER, "ok", 200 },
		{ "web", good, SITE_OTHER, "user-mismatch", 403 },
		{ "web", good, "nobody-of-that-name", "user-mismatch", 403 },
		{ "web", other, NULL, "ok", 200 },
		{ "web", revoked, NULL, "revoked", 403 },
		{ "web", expired, NULL, "certificate-expired", 403 },
		{ "web", NULL, NULL, "no-certificate", 403 },
		{ "web", "AAAA", NULL, "certificate-malformed", 403 },
		{ "web", "no certificate", NULL, "certificate-malformed", 403 },
		{ "none", good, NULL, "unknown-service", 403 },
		{ "code", good, NULL, "otp-required", 403 },
		{ "code", other, NULL, "otp-required", 403 },
	};
	char reason[SITE_REASON_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = site_check(
		    &site, rows[i].service, rows[i].certificate, rows[i].user, NULL, reason);
		if (status != rows[i].status || strcmp(reason, rows[i].reason) != 0)
			fail_msg("row %zu: %d %s, want %d %s", i, status, reason,
			    rows[i].status, rows[i].reason);
	}
}

static void
a_code_opens_once(void **state)
{
	char code[DLK_OTP_DIGITS_MAX + 1], wrong[DLK_OTP_DIGITS_MAX + 1];
	char reason[SITE_REASON_MAX];

	(void)state;
	assert_int_equal(
	    dlk_otp_code(&token.otp, dlk_otp_step_at(&token.otp, dlk_clock_now()), code), 0);
	memcpy(wrong, code, sizeof(wrong));
	wrong[0] = code[0] == '0' ? '1' : '0';
	says(site_check(&site, "code", good, NULL, wrong, reason), reason, 403, "otp-wrong");
	says(site_check(&site, "code", good, NULL, code, reason), reason, 200, "ok");
	says(site_check(&site, "code", good, NULL, code, reason), reason, 403, "otp-replayed");
	says(site_check(&site, "code", good, NULL, "", reason), reason, 403, "otp-required");
	says(
	    site_check(&site, "code", other, NULL, code, reason), reason, 403, "not-enrolled");
}

static void
the_answer_tells_what_was_judged(void **state)
{
	struct site_answer answer;

	(void)state;
	site_ask(&site, geteuid(), "POST /v1/check",
	    json_pack("{s:s, s:s, s:s}", "service", "web", "certificate", good, "source",
		"192.0.2.7"),
	    &answer);
	assert_int_equal(answer.status, 200);
	assert_non_null(strstr(answer.head, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(answer.head, "Cache-Control: no-store\r\n"));
	assert_string_equal(site_text(&answer, "user"), SITE_USER);
	assert_string_equal(site_text(&answer, "subject"), "CN=" SITE_USER);
	assert_string_equal(site_text(&answer, "issuer"), "CN=root");
	assert_int_equal(strlen(site_text(&answer, "id")), DLK_EVENT_ID_TEXT);
	assert_int_equal(strlen(site_text(&answer, "fingerprint")), DLK_FINGERPRINT_HEX);
	assert_true(
	    json_integer_value(json_object_get(answer.body, "good_until")) > dlk_clock_now());
	site_answer_fini(&answer);
}

static void
der_is_taken_as_well(void **state)
{
	char der[4096] = "", reason[SITE_REASON_MAX];
	const char *at = strchr(good, '\n') + 1, *end = strstr(good, "-----END");

	(void)state;
	for (size_t n = 0; at < end; at++)
		if (*at != '\n')
			der[n++] = *at;
	says(site_check(&site, "web", der, NULL, NULL, reason), reason, 200, "ok");
}

static int
ask_named(uid_t peer, const char *service, const char *issuer, long serial, char *ret_reason)
{
	struct site_answer answer;
	char hex[32];

	snprintf(hex, sizeof(hex), "%lx", serial);
	site_ask(&site, peer, "POST /v1/check",
	    json_pack("{s:s, s:s, s:s}", "service", service, "issuer", issuer, "serial", hex),
	    &answer);
	snprintf(ret_reason, SITE_REASON_MAX, "%s", site_text(&answer, "reason"));
	int status = answer.status;
	assert_int_equal(status == 200, strcmp(ret_reason, "ok") == 0);
	if (strcmp(ret_reason, "possession-unproven") == 0)
		assert_string_equal(site_text(&answer, "user"), "");
	site_answer_fini(&answer);
	return status;
}

static bool
is_revoked(struct site *of, void *arg)
{
	const long *serial = arg;
	char reason[SITE_REASON_MAX];

	(void)of;
	return ask_named(geteuid(), "web", "/CN=root", *serial, reason) == 403 &&
	       strcmp(reason, "revoked") == 0;
}

/* Only what was judged in full before, and judged again each time. */
static void
a_certificate_may_be_named(void **state)
{
	char *named = site_certificate(&site, SITE_USER, 24), reason[SITE_REASON_MAX];
	long serial = site_serial(&site);

	(void)state;
	says(ask_named(geteuid(), "web", "CN=root", serial, reason), reason, 403,
	    "no-certificate");
	says(site_check(&site, "web", named, NULL, NULL, reason), reason, 200, "ok");
	says(ask_named(geteuid(), "web", "CN=root", serial, reason), reason, 200, "ok");
	says(ask_named(geteuid(), "web", "/CN=root", serial, reason), reason, 200, "ok");
	says(ask_named(geteuid(), "code", "/CN=root", serial, reason), reason, 403,
	    "otp-required");
	says(ask_named(geteuid(), "web", "/CN=other", serial, reason), reason, 403,
	    "no-certificate");
	/* who may not vouch is not told whether there is such a one */
	says(ask_named(12345, "closed", "/CN=root", serial, reason), reason, 403,
	    "possession-unproven");
	says(ask_named(12345, "closed", "/CN=root", serial + 99, reason), reason, 403,
	    "possession-unproven");
	site_revoke(&site, serial);
	site_until(is_revoked, &site, &serial);
	free(named);
}

static void
who_may_not_vouch_is_not_believed(void **state)
{
	struct site_answer answer;

	(void)state;
	site_ask(&site, 12345, "POST /v1/check",
	    json_pack("{s:s, s:s}", "service", "closed", "certificate", good), &answer);
	assert_int_equal(answer.status, 403);
	assert_string_equal(site_text(&answer, "reason"), "possession-unproven");
	assert_string_equal(site_text(&answer, "user"), "");
	site_answer_fini(&answer);
}

/* An id that somebody else has used, or could guess. */
static void
attempts_of_a_peer_are_its_own(void **state)
{
	const uid_t peers[] = { 12345, geteuid() };
	const char *const reasons[] = { "possession-unproven", "ok" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct site_answer answer;
		site_ask(&site, peers[i], "POST /v1/check",
		    json_pack("{s:s, s:s, s:s}", "service", "web", "certificate", good,
			"attempt", "a77e3947a77e3947a77e3947a77e3947"),
		    &answer);
		assert_string_equal(site_text(&answer, "reason"), reasons[i]);
		site_answer_fini(&answer);
	}
}

static void
what_is_no_question_is_a_bad_request(void **state)
{
	static const char *const bodies[] = { "", "{", "[]", "\"web\"", "null", "{}",
		"{\"service\":\"web\",\"service\":\"code\"}", "{\"service\":1}",
		"{\"service\":\"\"}", "{\"service\":\"a b\"}", "{\"service\":\"web\"} x",
		"{\"service\":\"web\",\"root\":true}", "{\"service\":\"we\\u0000b\"}",
		"{\"service\":\"web\",\"source\":\"localhost\"}",
		"{\"service\":\"web\",\"source\":\"192.0.2.0/24\"}",
		"{\"service\":\"web\",\"attempt\":\"00\"}",
		"{\"service\":\"web\",\"user\":null}", "{\"service\":\"web\",\"code\":123456}",
		"{\"service\":\"web\",\"chain\":7}", "{\"service\":\"web\",\"chain\":[7]}",
		"{\"service\":\"web\",\"chain\":\"%\"}",
		"{\"service\":\"web\",\"serial\":\"1\"}",
		"{\"service\":\"web\",\"issuer\":\"CN=a\",\"serial\":\"x\"}",
		"{\"service\":\"web\",\"issuer\":\"CN=a\",\"serial\":\"1\",\"chain\":[]}",
		"{\"service\":\"w\xff\"}" };
	char request[512];

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct site_answer answer;
		snprintf(request, sizeof(request),
		    "POST /v1/check HTTP/1.1\r\nConnection: close\r\n"
		    "Content-Length: %zu\r\n\r\n%s",
		    strlen(bodies[i]), bodies[i]);
		site_send(&site, geteuid(), dlk_bytes_str(request), &answer);
		if (answer.status != 400)
			fail_msg("%s: %d", bodies[i], answer.status);
		assert_true(strlen(site_text(&answer, "error")) > 0);
		site_answer_fini(&answer);
	}
}

static void
paths_and_methods_are_few(void **state)
{
	const struct {
		const char *line;
		int status;
	} rows[] = { { "GET /", 404 }, { "GET /v1/check/", 404 }, { "GET /v1/check", 405 },
		{ "PROPFIND /v1/check", 405 }, { "POST /healthz", 405 },
		{ "GET /healthz", 200 }, { "GET //healthz", 404 }, { "BREW /coffee", 404 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct site_answer answer;
		site_ask(&site, geteuid(), rows[i].line, NULL, &answer);
		if (answer.status != rows[i].status)
			fail_msg("%s: %d", rows[i].line, answer.status);
		site_answer_fini(&answer);
	}
}

/* A request of `n` octets of header or body; its status. */
static int
oversize(const char *head, size_t n)
{
	DLK_AUTO_BUF request = { 0 };
	struct site_answer answer;

	assert_int_equal(dlk_buf_add(&request, 1 << 22, dlk_bytes_str(head)), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(dlk_buf_add(&request, 1 << 22, dlk_bytes_str("a")), 0);
	assert_int_equal(dlk_buf_add(&request, 1 << 22, dlk_bytes_str("\r\n\r\n")), 0);
	site_send(&site, geteuid(), dlk_bytes_of(&request), &answer);
	site_answer_fini(&answer);
	return answer.status;
}

static void
too_much_is_refused_and_the_next_is_served(void **state)
{
	char reason[SITE_REASON_MAX];

	(void)state;
	assert_int_equal(oversize("POST /v1/check HTTP/1.1\r\nConnection: close\r\n"
				  "Content-Length: 1000000\r\n\r\n",
			     1000000),
	    413);
	/* the connection ends without an answer, or with a refusal: never with a yes */
	assert_true(
	    oversize("GET /healthz HTTP/1.1\r\nConnection: close\r\nX: ", 1000000) != 200);
	says(site_check(&site, "web", good, NULL, NULL, reason), reason, 200, "ok");
}

static void
one_connection_carries_many_requests(void **state)
{
	struct site_answer answer;

	(void)state;
	site_send(&site, geteuid(),
	    dlk_bytes_str("GET /healthz HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"
			  "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"),
	    &answer);
	assert_int_equal(answer.status, 200);
	site_answer_fini(&answer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_verdict_has_its_reason),
		cmocka_unit_test(a_code_opens_once),
		cmocka_unit_test(the_answer_tells_what_was_judged),
		cmocka_unit_test(der_is_taken_as_well),
		cmocka_unit_test(a_certificate_may_be_named),
		cmocka_unit_test(who_may_not_vouch_is_not_believed),
		cmocka_unit_test(attempts_of_a_peer_are_its_own),
		cmocka_unit_test(what_is_no_question_is_a_bad_request),
		cmocka_unit_test(paths_and_methods_are_few),
		cmocka_unit_test(too_much_is_refused_and_the_next_is_served),
		cmocka_unit_test(one_connection_carries_many_requests),
	};
	return cmocka_run_group_tests_name("check", tests, set_up, tear_down);
}
