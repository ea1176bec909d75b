/* SPDX-License-Identifier: MIT */
/* Decisions of one transaction, by a real engine: all of them are durable, or nobody is let
 * in. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "tests/agent/site.h"

enum { GOOD, REVOKED, OTHER, ALL };

static struct site site;
static struct dlk_engine *engine;
static struct dlk_request request[ALL];
static const struct dlk_caller caller = {
	.entrance = DLK_ENTRANCE_GATEWAY, .root = true, .name = "uid:0"
};

static void
ask_for(struct dlk_request *r, char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	uint8_t *der = NULL;
	int n = i2d_X509(x509, &der);

	assert_true(n > 0);
	r->entrance = DLK_ENTRANCE_GATEWAY;
	r->possession = DLK_POSSESSION_TLS_GATEWAY;
	r->evidence_kind = DLK_EVIDENCE_CERTIFICATE;
	strcpy(r->service, "web");
	assert_int_equal(dlk_buf_add(&r->evidence, SIZE_MAX, DLK_BYTES(der, (size_t)n)), 0);
	OPENSSL_free(der);
	X509_free(x509);
	BIO_free(bio);
	free(pem);
}

static int
set_up(void **state)
{
	struct dlk_finding finding = { 0 };

	(void)state;
	site_init(&site);
	ask_for(&request[GOOD], site_certificate(&site, SITE_USER, 24));
	ask_for(&request[REVOKED], site_certificate(&site, SITE_USER, 24));
	site_revoke(&site, site_serial(&site));
	ask_for(&request[OTHER], site_certificate(&site, SITE_OTHER, 24));
	if (dlk_engine_open(site.config, DLK_ENGINE_TRUST | DLK_ENGINE_RECORD, site.uid,
		&engine, &finding) != 0)
		fail_msg("%s", finding.detail);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dlk_engine_close(engine);
	for (size_t i = 0; i < ALL; i++)
		dlk_request_fini(&request[i]);
	site_fini(&site);
	return 0;
}

static size_t
events(void)
{
	struct dlk_engine *other = NULL;
	struct dlk_finding finding = { 0 };
	int64_t row = 0;

	/* by another connection, which sees what is durable alone */
	assert_int_equal(
	    dlk_engine_open(site.config, DLK_ENGINE_RECORD, site.uid, &other, &finding), 0);
	size_t n = 0;
	assert_int_equal(dlk_outbox_count(dlk_engine_record(other), &n), 0);
	assert_int_equal(dlk_events_verify(dlk_engine_record(other), &row), 0);
	dlk_engine_close(other);
	return n;
}

/* Up to the commit, whose answer is returned. */
static int
settle_all(struct dlk_decision **d)
{
	for (size_t i = 0; i < ALL; i++) {
		d[i] = dlk_engine_judge(engine, &caller, &request[i], dlk_clock_now());
		assert_non_null(d[i]);
	}
	dlk_engine_gather(engine);
	for (size_t i = 0; i < ALL; i++)
		dlk_engine_settle(engine, d[i]);
	return dlk_engine_commit(engine);
}

static void
conclude_all(struct dlk_decision **d, int error, struct dlk_verdict *verdict)
{
	for (size_t i = 0; i < ALL; i++) {
		dlk_decision_conclude(d[i], error, &verdict[i]);
		dlk_decision_free(d[i]);
	}
}

static void
all_of_them_are_durable(void **state)
{
	struct dlk_decision *d[ALL];
	struct dlk_verdict verdict[ALL];
	size_t before = events();

	(void)state;
	int error = settle_all(d);
	assert_int_equal(error, 0);
	assert_int_equal(events(), before + ALL);
	conclude_all(d, error, verdict);
	assert_int_equal(verdict[GOOD].reason, DLK_R_OK);
	assert_string_equal(verdict[GOOD].user, SITE_USER);
	assert_int_equal(verdict[REVOKED].reason, DLK_R_REVOKED);
	assert_int_equal(verdict[OTHER].reason, DLK_R_OK);
	assert_string_equal(verdict[OTHER].user, SITE_OTHER);
	for (size_t i = 0; i < ALL; i++)
		assert_int_equal(strlen(verdict[i].event), DLK_EVENT_ID_TEXT);
}

static void
without_room_on_the_disk_nobody_is_let_in(void **state)
{
	struct rlimit limit, none;
	struct dlk_decision *d[ALL];
	struct dlk_verdict verdict[ALL];
	size_t before = events();
	struct stat st;
	char log[128];

	(void)state;
	snprintf(log, sizeof(log), "%s-wal", site.store);
	assert_int_equal(stat(log, &st), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	none = limit;
	/* some of it may still be written */
	none.rlim_cur = (rlim_t)st.st_size + 4096;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	int error = settle_all(d);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_true(error < 0);
	conclude_all(d, error, verdict);
	assert_int_equal(verdict[GOOD].reason, DLK_R_FAULT_STORE);
	assert_int_equal(verdict[REVOKED].reason, DLK_R_REVOKED);
	assert_int_equal(verdict[OTHER].reason, DLK_R_FAULT_STORE);
	for (size_t i = 0; i < ALL; i++)
		assert_string_equal(verdict[i].event, "");
	assert_non_null(strstr(verdict[GOOD].detail, site.store));
	assert_int_equal(events(), before);
	/* and with room again they are */
	assert_int_equal(settle_all(d), 0);
	conclude_all(d, 0, verdict);
	assert_int_equal(verdict[GOOD].reason, DLK_R_OK);
	assert_int_equal(events(), before + ALL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_them_are_durable),
		cmocka_unit_test(without_room_on_the_disk_nobody_is_let_in),
	};

	return cmocka_run_group_tests_name("gather", tests, set_up, tear_down);
}
