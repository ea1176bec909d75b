/* SPDX-License-Identifier: MIT */
/* /metrics and /v1/status: what is counted, under which labels, and who may read it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/metrics.h"
#include "tests/agent/site.h"

static struct site site;
static char *good;

static int
set_up(void **state)
{
	(void)state;
	site_init(&site);
	good = site_certificate(&site, SITE_USER, 24);
	site_start(&site);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	site_fini(&site);
	free(good);
	return 0;
}

static void
decisions_are_counted_by_service_and_reason(void **state)
{
	char reason[SITE_REASON_MAX];
	struct site_answer answer;

	(void)state;
	for (int i = 0; i < 3; i++)
		(void)site_check(&site, "web", good, NULL, NULL, reason);
	(void)site_check(&site, "web", NULL, NULL, NULL, reason);
	(void)site_check(&site, "peers-own-text", good, NULL, NULL, reason);
	site_ask(&site, geteuid(), "GET /metrics", NULL, &answer);
	assert_int_equal(answer.status, 200);
	assert_non_null(strstr(answer.head, "Content-Type: text/plain; version=0.0.4"));
	static const char *const wanted[] = {
		"doublelock_decisions_total{service=\"web\",reason=\"ok\"} 3\n",
		"doublelock_decisions_total{service=\"web\",reason=\"no-certificate\"} 1\n",
		"doublelock_decisions_total{service=\"\",reason=\"unknown-service\"} 1\n",
		"doublelock_decision_seconds_count 5\n",
		"doublelock_decision_seconds_bucket{le=\"+Inf\"} 5\n",
		"doublelock_store_up 1\n",
		"doublelock_crl_next_update_seconds{issuer=\"CN=root\"} ",
		"doublelock_events_pending 5\n",
		"doublelock_webhook_deliveries_total{result=\"delivered\"} 0\n",
		"doublelock_build_info{version=\"",
	};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!strstr(answer.text, wanted[i]))
			fail_msg("%s is not in:\n%s", wanted[i], answer.text);
	assert_null(strstr(answer.text, "peers-own-text"));
	site_answer_fini(&answer);
}

static void
the_status_has_facts_of_the_machine(void **state)
{
	struct site_answer answer;

	(void)state;
	site_ask(&site, geteuid(), "GET /v1/status", NULL, &answer);
	assert_int_equal(answer.status, 200);
	assert_int_equal(json_integer_value(json_object_get(answer.body, "pid")), site.agent);
	assert_int_equal(json_integer_value(json_object_get(answer.body, "anchors")), 1);
	assert_int_equal(json_integer_value(json_object_get(answer.body, "crls")), 1);
	assert_int_equal(json_integer_value(json_object_get(answer.body, "services")), 3);
	assert_true(json_is_true(json_object_get(answer.body, "store")));
	assert_false(json_is_true(json_object_get(answer.body, "configuration_rejected")));
	site_answer_fini(&answer);
}

static void
a_stranger_reads_neither(void **state)
{
	static const char *const lines[] = { "GET /metrics", "GET /v1/status" };

	(void)state;
	if (geteuid() != 0)
		return; /* nobody else can be played without root */
	for (size_t i = 0; i < 2; i++) {
		struct site_answer answer;
		site_ask(&site, 12345, lines[i], NULL, &answer);
		assert_int_equal(answer.status, 403);
		assert_string_equal(site_text(&answer, "error"), "not for this peer");
		site_answer_fini(&answer);
	}
}

static void
labels_are_bounded_and_escaped(void **state)
{
	const struct dlk_metrics_gauges gauges = { 0 };
	struct dlk_metrics *metrics = dlk_metrics_new();
	DLK_AUTO_BUF text = { 0 };
	char name[16];

	(void)state;
	assert_non_null(metrics);
	dlk_metrics_count(metrics, "a\"b\\c", DLK_R_OK, 3);
	for (int i = 0; i < 2 * DLK_METRICS_SERVICES; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		dlk_metrics_count(metrics, name, DLK_R_REVOKED, 100000);
	}
	assert_int_equal(dlk_metrics_text(metrics, &gauges, &text), 0);
	assert_int_equal(dlk_buf_add(&text, 1 << 20, DLK_BYTES("", 1)), 0);
	assert_non_null(strstr((char *)text.p, "{service=\"a\\\"b\\\\c\",reason=\"ok\"} 1\n"));
	assert_non_null(strstr((char *)text.p, "{service=\"\",reason=\"revoked\"} 65\n"));
	assert_non_null(strstr((char *)text.p, "_bucket{le=\"0.005\"} 1\n"));
	assert_non_null(strstr((char *)text.p, "_bucket{le=\"2.5\"} 1\n"));
	assert_non_null(strstr((char *)text.p, "doublelock_store_up 0\n"));
	assert_null(strstr((char *)text.p, "doublelock_events_pending"));
	dlk_metrics_free(metrics);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions_are_counted_by_service_and_reason),
		cmocka_unit_test(the_status_has_facts_of_the_machine),
		cmocka_unit_test(a_stranger_reads_neither),
		cmocka_unit_test(labels_are_bounded_and_escaped),
	};
	return cmocka_run_group_tests_name("status", tests, set_up, tear_down);
}
