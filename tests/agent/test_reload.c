/* SPDX-License-Identifier: MIT */
/* What changes while the agent runs, and what does not let it start. */
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

static bool
health_is(struct site *s, void *arg)
{
	const char *const *wanted = arg; /* key, text */
	struct site_answer answer;

	site_ask(s, geteuid(), "GET /healthz", NULL, &answer);
	bool is = strstr(site_text(&answer, wanted[0]), wanted[1]);
	site_answer_fini(&answer);
	return is;
}

static bool
decision_is(struct site *s, void *wanted)
{
	char reason[SITE_REASON_MAX];

	(void)site_check(s, "web", good, NULL, NULL, reason);
	return strcmp(reason, wanted) == 0;
}

static int
note_rejection(int64_t row, const struct dlk_event *event, void *arg)
{
	bool *found = arg;

	(void)row;
	*found = *found || (event->type == DLK_EVENT_CONFIG_REJECTED &&
			       strstr(event->detail, "nonsense"));
	return 0;
}

static bool
is_recorded(struct site *s, void *arg)
{
	const struct dlk_events_query all = { 0 };
	bool found = false;

	(void)arg;
	return dlk_events_each(s->record, &all, note_rejection, &found) == 0 && found;
}

static void
a_broken_configuration_leaves_the_one_before(void **state)
{
	(void)state;
	site_configure(&site, "[nonsense]\nkey = value\n");
	assert_int_equal(kill(site.agent, SIGHUP), 0);
	site_until(health_is, &site, (const char *[]){ "configuration_detail", "nonsense" });
	assert_true(health_is(&site, (const char *[]){ "status", "ok" }));
	assert_true(decision_is(&site, (char[]){ "ok" }));
	site_until(is_recorded, &site, NULL);
	site_configure(&site, "");
	assert_int_equal(kill(site.agent, SIGHUP), 0);
	site_until(health_is, &site, (const char *[]){ "configuration", "ok" });
}

static void
a_stranger_sees_no_words(void **state)
{
	struct site_answer answer;

	(void)state;
	if (geteuid() != 0)
		return; /* we are the agent's user, who may see them */
	site_configure(&site, "[nonsense]\nkey = value\n");
	assert_int_equal(kill(site.agent, SIGHUP), 0);
	site_until(health_is, &site, (const char *[]){ "configuration", "rejected" });
	site_ask(&site, 12345, "GET /healthz", NULL, &answer);
	assert_string_equal(site_text(&answer, "configuration"), "rejected");
	assert_null(json_object_get(answer.body, "configuration_detail"));
	site_answer_fini(&answer);
	site_configure(&site, "");
	assert_int_equal(kill(site.agent, SIGHUP), 0);
	site_until(health_is, &site, (const char *[]){ "configuration", "ok" });
}

static void
a_new_list_is_in_force_without_being_told(void **state)
{
	(void)state;
	assert_true(decision_is(&site, (char[]){ "ok" }));
	site_revoke(&site, site_serial(&site));
	site_until(decision_is, &site, (char[]){ "revoked" });
	free(good);
	good = site_certificate(&site, SITE_USER, 24);
	assert_true(decision_is(&site, (char[]){ "ok" }));
}

static int
note_stale(int64_t row, const struct dlk_event *event, void *arg)
{
	size_t *n = arg;

	(void)row;
	*n += event->type == DLK_EVENT_CRL_STALE && strstr(event->detail, "CN=root");
	return 0;
}

static bool
is_told(struct site *s, void *n)
{
	const struct dlk_events_query all = { 0 };

	*(size_t *)n = 0;
	return dlk_events_each(s->record, &all, note_stale, n) == 0 && *(size_t *)n > 0;
}

static void
a_list_that_is_over_is_told_once(void **state)
{
	size_t n;

	(void)state;
	site_age_crl(&site, -5);
	assert_int_equal(kill(site.agent, SIGHUP), 0);
	site_until(health_is, &site, (const char *[]){ "lists", "stale" });
	assert_true(health_is(&site, (const char *[]){ "status", "failing" }));
	assert_true(health_is(&site, (const char *[]){ "lists_detail", "CN=root" }));
	assert_true(decision_is(&site, (char[]){ "crl-stale" }));
	site_age_crl(&site, 60);
	assert_int_equal(kill(site.agent, SIGHUP), 0);
	site_until(health_is, &site, (const char *[]){ "lists", "ok" });
	assert_true(health_is(&site, (const char *[]){ "status", "ok" }));
	assert_true(decision_is(&site, (char[]){ "ok" }));
	site_until(is_told, &site, &n);
	assert_int_equal(n, 1);
}

static void
no_answer_is_wrong_while_it_reloads(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		if (i % 10 == 0)
			assert_int_equal(kill(site.agent, SIGHUP), 0);
		assert_true(decision_is(&site, (char[]){ "ok" }));
	}
}

static int
count_limited(int64_t row, const struct dlk_event *event, void *arg)
{
	size_t *n = arg;

	(void)row;
	*n += event->reason == DLK_R_RATE_LIMITED;
	return 0;
}

static bool
limit_is_in_force(struct site *s, void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++)
		if (decision_is(s, (char[]){ "rate-limited" }))
			return true;
	return false;
}

static void
too_many_of_one_certificate_are_held_back(void **state)
{
	const struct dlk_events_query all = { 0 };
	size_t n = 0;

	(void)state;
	site_configure(&site, "[agent]\nrate = 1/s\n");
	assert_int_equal(kill(site.agent, SIGHUP), 0);
	site_until(limit_is_in_force, &site, NULL);
	for (int i = 0; i < 20; i++)
		(void)decision_is(&site, (char[]){ "rate-limited" });
	/* one event for all that were held back in a row, and not one for each */
	assert_int_equal(dlk_events_each(site.record, &all, count_limited, &n), 0);
	assert_in_range(n, 1, 10);
	site_configure(&site, "");
	assert_int_equal(kill(site.agent, SIGHUP), 0);
	site_until(decision_is, &site, (char[]){ "ok" });
}

static void
a_record_that_comes_later_is_found(void **state)
{
	char hidden[112];

	(void)state;
	site_kill(&site, SIGTERM);
	dlk_record_close(site.record);
	site.record = NULL;
	snprintf(hidden, sizeof(hidden), "%s.hidden", site.store);
	assert_int_equal(rename(site.store, hidden), 0);
	site_start(&site);
	assert_true(health_is(&site, (const char *[]){ "status", "failing" }));
	assert_true(decision_is(&site, (char[]){ "fault-store" }));
	assert_int_equal(rename(hidden, site.store), 0);
	site_until(decision_is, &site, (char[]){ "ok" });
	assert_true(health_is(&site, (const char *[]){ "status", "ok" }));
}

static void
what_is_wrong_at_the_start_is_said(void **state)
{
	static const struct {
		const char *more, *words;
	} rows[] = {
		{ "[agent]\ncolour = blue\n", "doublelock.conf:" },
		{ "", "another agent answers there" },
	};
	char words[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		site_configure(&site, rows[i].more);
		assert_int_equal(site_fails(&site, words, sizeof(words)), 3);
		if (!strstr(words, rows[i].words))
			fail_msg("%s", words);
	}
}

static void
it_ends_when_it_is_told_and_needs_its_anchors(void **state)
{
	char words[2048];

	(void)state;
	site_kill(&site, SIGTERM);
	site_configure(&site, "[trust]\nanchors = /nonexistent\n");
	assert_int_equal(site_fails(&site, words, sizeof(words)), 3);
	assert_non_null(strstr(words, "/nonexistent"));
}

/* Events that certificates end, by what is told of. */
struct ends {
	size_t n, of_user, of_anchor;
	char fingerprint[DLK_FINGERPRINT_HEX + 1];
};

static int
note_end(int64_t row, const struct dlk_event *event, void *arg)
{
	struct ends *ends = arg;

	(void)row;
	if (event->type != DLK_EVENT_CERTIFICATE_EXPIRING)
		return 0;
	ends->n++;
	ends->of_anchor += strstr(event->detail, "anchor ") != NULL;
	if (strcmp(event->user, SITE_USER) == 0 && strcmp(event->service, "web") == 0) {
		ends->of_user++;
		strcpy(ends->fingerprint, event->fingerprint);
	}
	assert_int_equal(event->reason, DLK_R_UNDECIDED);
	assert_int_equal(strlen(event->fingerprint), DLK_FINGERPRINT_HEX);
	assert_non_null(strstr(event->detail, " ends "));
	return 0;
}

static bool
ends_are_told(struct site *s, void *arg)
{
	const struct dlk_events_query all = { 0 };
	struct ends *ends = arg;

	memset(ends, 0, sizeof(*ends));
	return dlk_events_each(s->record, &all, note_end, ends) == 0 && ends->of_user > 0 &&
	       ends->of_anchor > 0;
}

/* A gateway's client whose certificate ends tomorrow, and the anchor of this machine; whoever
 * judges it and however often the agent starts. */
static void
what_ends_soon_is_said_once_a_day(void **state)
{
	char reason[SITE_REASON_MAX], *pem = site_certificate(&site, SITE_USER, 20);
	char *later = site_certificate(&site, SITE_USER, 24 * 15);
	struct ends ends, again;

	(void)state;
	site_configure(&site, "[agent]\nwarn = 400d\n");
	if (site.agent > 0)
		site_kill(&site, SIGTERM);
	site_start(&site);
	assert_int_equal(site_check(&site, "web", pem, NULL, NULL, reason), 200);
	site_until(ends_are_told, &site, &ends);
	site_kill(&site, SIGTERM);
	site_start(&site);
	for (int i = 0; i < 3; i++)
		assert_int_equal(site_check(&site, "web", pem, NULL, NULL, reason), 200);
	/* another one is said, behind those that would have been said again */
	assert_int_equal(site_check(&site, "web", later, NULL, NULL, reason), 200);
	do
		assert_true(ends_are_told(&site, &again));
	while (again.of_user == ends.of_user);
	assert_int_equal(again.of_user, ends.of_user + 1);
	assert_int_equal(again.of_anchor, ends.of_anchor);
	site_configure(&site, "");
	free(later);
	free(pem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_broken_configuration_leaves_the_one_before),
		cmocka_unit_test(a_stranger_sees_no_words),
		cmocka_unit_test(a_new_list_is_in_force_without_being_told),
		cmocka_unit_test(a_list_that_is_over_is_told_once),
		cmocka_unit_test(no_answer_is_wrong_while_it_reloads),
		cmocka_unit_test(too_many_of_one_certificate_are_held_back),
		cmocka_unit_test(what_ends_soon_is_said_once_a_day),
		cmocka_unit_test(a_record_that_comes_later_is_found),
		cmocka_unit_test(what_is_wrong_at_the_start_is_said),
		cmocka_unit_test(it_ends_when_it_is_told_and_needs_its_anchors),
	};
	return cmocka_run_group_tests_name("reload", tests, set_up, tear_down);
}
