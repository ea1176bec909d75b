/* SPDX-License-Identifier: MIT */
/* Events reach the webhook, signed and at least once, whatever dies on the way. */
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
#include "tests/agent/site.h"

#define ROUNDS 5
#define EACH   20

static struct site site;
static char *good;

static int
set_up(void **state)
{
	(void)state;
	site_init(&site);
	good = site_certificate(&site, SITE_USER, 24);
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

/* One allowed request; the id of its event. */
static void
allow(char *ret_id)
{
	struct site_answer answer;

	site_ask(&site, geteuid(), "POST /v1/check",
	    json_pack("{s:s, s:s}", "service", "web", "certificate", good), &answer);
	assert_int_equal(answer.status, 200);
	snprintf(ret_id, DLK_EVENT_ID_TEXT + 1, "%s", site_text(&answer, "id"));
	site_answer_fini(&answer);
}

/* Borrowed from `all`, or NULL. */
static const json_t *
find(const json_t *all, const char *id)
{
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *event = json_array_get(all, i);
		const char *its = json_string_value(json_object_get(event, "id"));
		if (its && strcmp(its, id) == 0)
			return event;
	}
	return NULL;
}

static bool
has_arrived(struct site *s, void *id)
{
	json_t *all = site_received(s);
	bool found = find(all, id);

	json_decref(all);
	return found;
}

static bool
is_quiet(struct site *s, void *arg)
{
	size_t n = 1;

	(void)arg;
	return dlk_outbox_count(s->record, &n) == 0 && n == 0;
}

static void
an_event_arrives_signed(void **state)
{
	char id[DLK_EVENT_ID_TEXT + 1];

	(void)state;
	site_receive(&site, NULL);
	site_configure(&site, "");
	site_start(&site);
	allow(id);
	site_until(has_arrived, &site, id);
	json_t *all = site_received(&site);
	const json_t *event = find(all, id), *data = json_object_get(event, "data");
	assert_string_equal(
	    json_string_value(json_object_get(event, "type")), "doublelock.decision.allowed");
	assert_string_equal(json_string_value(json_object_get(data, "reason")), "ok");
	assert_string_equal(json_string_value(json_object_get(data, "service")), "web");
	assert_string_equal(
	    json_string_value(json_object_get(data, "possession")), "tls-gateway");
	assert_int_equal(
	    strlen(json_string_value(json_object_get(data, "chain"))), DLK_CHAIN_TEXT);
	json_decref(all);
	site_until(is_quiet, &site, NULL);
}

static void
what_another_process_wrote_arrives(void **state)
{
	struct dlk_event event = {
		.type = DLK_EVENT_WEBHOOK_TEST, .at = dlk_clock_now(), .caller = "test"
	};

	(void)state;
	assert_int_equal(dlk_events_add(site.record, &event), 0);
	site_until(has_arrived, &site, event.id);
}

static void
a_receiver_that_fails_is_asked_again(void **state)
{
	static const char *const failing[] = { "--fail", "2", NULL };
	char id[DLK_EVENT_ID_TEXT + 1];

	(void)state;
	site_stop_receiver(&site);
	site_receive(&site, failing);
	allow(id);
	site_until(has_arrived, &site, id);
	site_until(is_quiet, &site, NULL);
}

/* Agent and receiver are killed in turn, in the middle of whatever they do. */
static void
nothing_is_lost_by_kill(void **state)
{
	static char id[ROUNDS][EACH][DLK_EVENT_ID_TEXT + 1];

	(void)state;
	for (size_t r = 0; r < ROUNDS; r++) {
		if (r % 2 == 1)
			site_stop_receiver(&site);
		for (size_t i = 0; i < EACH; i++)
			allow(id[r][i]);
		site_kill(&site, SIGKILL);
		if (r % 2 == 1)
			site_receive(&site, NULL);
		site_start(&site);
	}
	site_until(is_quiet, &site, NULL);
	json_t *all = site_received(&site);
	for (size_t r = 0; r < ROUNDS; r++)
		for (size_t i = 0; i < EACH; i++)
			if (!find(all, id[r][i]))
				fail_msg("round %zu: event %zu is lost", r, i);
	json_decref(all);
	site_kill(&site, SIGTERM);
	site_stop_receiver(&site);
}

static void
use_tls(const char *ca)
{
	char hook[512];
	int port = site.port;

	snprintf(hook, sizeof(hook),
	    "[webhook]\nurl = https://127.0.0.1:%d/\nsecret-file = %s\nca = %s/%s\n", port,
	    site.secret, site.dir, ca);
	site.port = 0;
	site_configure(&site, hook);
	site.port = port;
}

static int
error_of(const struct dlk_delivery *delivery, void *arg)
{
	char *words = arg;

	snprintf(words, sizeof(delivery->error), "%s", delivery->error);
	return 0;
}

static bool
has_failed(struct site *s, void *words)
{
	((char *)words)[0] = '\0';
	return dlk_outbox_each(s->record, error_of, words) == 0 && ((char *)words)[0] != '\0';
}

static void
a_receiver_is_known_by_its_certificate(void **state)
{
	char key[96], certificate[96], words[sizeof(((struct dlk_delivery *)0)->error)];
	const char *const tls[] = { "--certificate", certificate, "--key", key, NULL };
	char id[DLK_EVENT_ID_TEXT + 1];

	(void)state;
	snprintf(key, sizeof(key), "%s/receiver.key", site.dir);
	snprintf(certificate, sizeof(certificate), "%s/receiver.pem", site.dir);
	char *text = site_server_certificate(&site, key);
	site_write(&site, "receiver.pem", text);
	free(text);
	site_write(&site, "stranger.pem", good);
	site_receive(&site, tls);
	use_tls("stranger.pem");
	site_start(&site);
	allow(id);
	site_until(has_failed, &site, words);
	assert_non_null(strstr(words, "certificate"));
	assert_false(has_arrived(&site, id));
	use_tls("trust.d/root.pem");
	assert_int_equal(kill(site.agent, SIGHUP), 0);
	site_until(has_arrived, &site, id);
	site_kill(&site, SIGTERM);
	site_stop_receiver(&site);
}

static void
a_webhook_without_a_secret_does_not_start(void **state)
{
	static const struct {
		const char *secret, *words;
	} rows[] = { { "whsec_AAAA\n", "less than 16" }, { "", "holds no secret" } };
	char words[1024];

	(void)state;
	site.port = 1;
	site_configure(&site, "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		site_write_secret(&site, site.secret, rows[i].secret);
		assert_int_equal(site_fails(&site, words, sizeof(words)), 3);
		assert_non_null(strstr(words, rows[i].words));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_arrives_signed),
		cmocka_unit_test(what_another_process_wrote_arrives),
		cmocka_unit_test(a_receiver_that_fails_is_asked_again),
		cmocka_unit_test(nothing_is_lost_by_kill),
		cmocka_unit_test(a_receiver_is_known_by_its_certificate),
		cmocka_unit_test(a_webhook_without_a_secret_does_not_start),
	};
	return cmocka_run_group_tests_name("courier", tests, set_up, tear_down);
}
