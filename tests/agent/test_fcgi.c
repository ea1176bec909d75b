/* SPDX-License-Identifier: MIT */
/* The door for FastCGI of a whole agent: requests as lighttpd makes them, and others. */
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

#include "agent/fcgirecord.h"
#include "base/text.h"
#include "tests/agent/talk.h"

static struct site site;
static char *good, *revoked;
static char where[128];

static int
set_up(void **state)
{
	char more[512];

	(void)state;
	site_init(&site);
	good = site_certificate(&site, SITE_USER, 24);
	revoked = site_certificate(&site, SITE_USER, 24);
	site_revoke(&site, site_serial(&site));
	snprintf(where, sizeof(where), "%s/run/door.sock", site.dir);
	snprintf(more, sizeof(more), "[agent]\nlisten = fastcgi:%s\n", where);
	site_configure(&site, more);
	site_start(&site);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	/* in good order, for whoever counts what is left behind */
	site_kill(&site, SIGTERM);
	site_fini(&site);
	free(good);
	free(revoked);
	return 0;
}

static void
record(struct dlk_buf *out, enum dlk_fcgi_type type, unsigned id, struct dlk_bytes content)
{
	uint8_t head[DLK_FCGI_HEAD] = { 1, (uint8_t)type, 0, (uint8_t)id };

	dlk_put_be16(head + 4, (uint16_t)content.n);
	head[6] = 3;
	talk_add(out, DLK_BYTES(head, sizeof(head)));
	talk_add(out, content);
	talk_add(out, DLK_BYTES("\0\0\0", 3));
}

static void
parameter(struct dlk_buf *params, const char *name, const char *value)
{
	uint8_t length[5] = { (uint8_t)strlen(name) };

	dlk_put_be32(length + 1, 0x80000000U | (uint32_t)strlen(value));
	talk_add(params, DLK_BYTES(length, sizeof(length)));
	talk_add(params, dlk_bytes_str(name));
	talk_add(params, dlk_bytes_str(value));
}

static void
begin(struct dlk_buf *out, unsigned id, unsigned role, bool keep)
{
	const uint8_t body[8] = { 0, (uint8_t)role, keep };

	record(out, DLK_FCGI_BEGIN_REQUEST, id, DLK_BYTES(body, sizeof(body)));
}

/* As lighttpd sends it, in two records. */
static void
request(
    struct dlk_buf *out, unsigned id, bool keep, const char *service, const char *certificate)
{
	DLK_AUTO_BUF params = { 0 };

	begin(out, id, DLK_FCGI_AUTHORIZER, keep);
	parameter(&params, "REMOTE_ADDR", "192.0.2.9");
	if (service)
		parameter(&params, "DOUBLELOCK_SERVICE", service);
	if (certificate)
		parameter(&params, "SSL_CLIENT_CERT", certificate);
	record(out, DLK_FCGI_PARAMS, id, DLK_BYTES(params.p, 10));
	record(out, DLK_FCGI_PARAMS, id, DLK_BYTES(params.p + 10, params.n - 10));
	record(out, DLK_FCGI_PARAMS, id, (struct dlk_bytes){ 0 });
	record(out, DLK_FCGI_STDIN, id, (struct dlk_bytes){ 0 });
}

struct answered {
	unsigned type, id;
	char text[2048];
	unsigned status; /* of an END_REQUEST */
};

static bool
hear_record(int fd, struct answered *a)
{
	uint8_t octets[DLK_FCGI_HEAD];
	struct dlk_fcgi_head head;

	memset(a, 0, sizeof(*a));
	if (!talk_hear(fd, octets, sizeof(octets)))
		return false;
	assert_int_equal(dlk_fcgi_head_parse(octets, &head), 0);
	assert_true(head.content < sizeof(a->text) && head.padding == 0);
	assert_true(talk_hear(fd, a->text, head.content));
	a->type = head.type;
	a->id = head.id;
	a->status = (uint8_t)a->text[4];
	return true;
}

/* STDOUT, its end, and the request's. */
static void
hear_answer(int fd, unsigned id, char text[2048])
{
	struct answered a;

	assert_true(hear_record(fd, &a));
	assert_true(a.type == DLK_FCGI_STDOUT && a.id == id);
	dlk_text_print(text, 2048, "%s", a.text);
	assert_true(hear_record(fd, &a));
	assert_true(a.type == DLK_FCGI_STDOUT && a.id == id && a.text[0] == '\0');
	assert_true(hear_record(fd, &a));
	assert_true(a.type == DLK_FCGI_END_REQUEST && a.id == id);
	assert_int_equal(a.status, DLK_FCGI_COMPLETE);
}

static void
lighttpd_is_answered(void **state)
{
	static const struct {
		const char *service;
		char **certificate;
		const char *head;
	} rows[] = {
		{ "web", &good,
		    "Status: 200 OK\r\nVariable-DOUBLELOCK_USER: " SITE_USER
		    "\r\nVariable-REMOTE_USER: " SITE_USER "\r\n" },
		{ "web", &revoked,
		    "Status: 403 Forbidden\r\nX-Doublelock-Reason: revoked\r\n\r\n" },
		{ "web", NULL,
		    "Status: 401 Unauthorized\r\nWWW-Authenticate: Certificate "
		    "realm=\"doublelock\"\r\nX-Doublelock-Reason: no-certificate\r\n\r\n" },
		{ NULL, &good,
		    "Status: 403 Forbidden\r\nX-Doublelock-Reason: unknown-service\r\n\r\n" },
	};
	int fd = site_connect(where, 0);
	char text[2048];

	(void)state;
	/* one connection for all of them, the last one closes it */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		DLK_AUTO_BUF out = { 0 };
		request(&out, 1, i + 1 < sizeof(rows) / sizeof(rows[0]), rows[i].service,
		    rows[i].certificate ? *rows[i].certificate : NULL);
		talk_say(fd, &out);
		hear_answer(fd, 1, text);
		if (strncmp(text, rows[i].head, strlen(rows[i].head)) != 0)
			fail_msg("row %zu: %s", i, text);
		size_t n = strlen(text);
		assert_true(n > 4 && strcmp(text + n - 4, "\r\n\r\n") == 0);
	}
	assert_true(talk_is_hung_up(fd));
	close(fd);
}

static void
one_request_at_a_time(void **state)
{
	int fd = site_connect(where, 0);
	DLK_AUTO_BUF out = { 0 };
	struct answered a;
	char text[2048];

	(void)state;
	/* behind each other in one piece, and one between the parameters of another */
	request(&out, 1, true, "web", good);
	request(&out, 2, true, "web", revoked);
	begin(&out, 3, DLK_FCGI_AUTHORIZER, true);
	begin(&out, 4, DLK_FCGI_AUTHORIZER, true);
	talk_say(fd, &out);
	hear_answer(fd, 1, text);
	assert_non_null(strstr(text, "Status: 200"));
	hear_answer(fd, 2, text);
	assert_non_null(strstr(text, "Status: 403"));
	assert_true(hear_record(fd, &a));
	assert_true(a.type == DLK_FCGI_END_REQUEST && a.id == 4);
	assert_int_equal(a.status, DLK_FCGI_CANT_MULTIPLEX);
	/* the one that had begun is given up */
	out.n = 0;
	record(&out, DLK_FCGI_ABORT_REQUEST, 3, (struct dlk_bytes){ 0 });
	talk_say(fd, &out);
	assert_true(hear_record(fd, &a));
	assert_true(a.type == DLK_FCGI_END_REQUEST && a.id == 3);
	assert_true(talk_is_hung_up(fd));
	close(fd);
}

static void
other_roles_and_questions_are_answered(void **state)
{
	int fd = site_connect(where, 0);
	DLK_AUTO_BUF out = { 0 };
	struct answered a;
	char text[2048];

	(void)state;
	begin(&out, 5, 1, true);
	record(&out, DLK_FCGI_PARAMS, 5, (struct dlk_bytes){ 0 }); /* for nobody */
	record(&out, DLK_FCGI_GET_VALUES, 0,
	    DLK_BYTES("\x0f\x00"
		      "FCGI_MPXS_CONNS",
		17));
	record(&out, 77, 0, (struct dlk_bytes){ 0 });
	request(&out, 6, false, "web", good);
	talk_say(fd, &out);
	assert_true(hear_record(fd, &a));
	assert_true(a.type == DLK_FCGI_END_REQUEST && a.id == 5);
	assert_int_equal(a.status, DLK_FCGI_UNKNOWN_ROLE);
	assert_true(hear_record(fd, &a));
	assert_int_equal(a.type, DLK_FCGI_GET_VALUES_RESULT);
	assert_non_null(strstr(a.text, "FCGI_MPXS_CONNS0"));
	assert_true(hear_record(fd, &a));
	assert_true(a.type == DLK_FCGI_UNKNOWN_TYPE && a.text[0] == 77);
	hear_answer(fd, 6, text);
	assert_non_null(strstr(text, "Status: 200"));
	assert_true(talk_is_hung_up(fd));
	close(fd);
}

static void
records_that_are_none_are_hung_up_on(void **state)
{
	static const struct {
		const char *octets;
		size_t n;
	} rows[] = {
		{ "\x02\x01\x00\x01\x00\x08\x00\x00", 8 },
		{ "\x01\x01\x00\x01\x00\x01\x00\x00\x00", 9 },
		{ "\x01\x03\x00\x01\x00\x00\x00\x00", 8 },
		{ "\x01\x01\x00\x01\x00\x08\x00\x00\x00\x02\x01\0\0\0\0\0"
		  "\x01\x01\x00\x01\x00\x08\x00\x00\x00\x02\x01\0\0\0\0\0",
		    32 },
		{ "\x01\x01\x00\x01\x00\x08\x00\x00\x00\x02\x01\0\0\0\0\0"
		  "\x01\x04\x00\x01\x00\x02\x00\x00\x09\x09"
		  "\x01\x04\x00\x01\x00\x00\x00\x00",
		    34 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = site_connect(where, 0);
		DLK_AUTO_BUF out = { 0 };
		talk_add(&out, DLK_BYTES(rows[i].octets, rows[i].n));
		talk_say(fd, &out);
		if (!talk_is_hung_up(fd))
			fail_msg("row %zu", i);
		close(fd);
	}
}

static void
parameters_end_somewhere(void **state)
{
	int fd = site_connect(where, 0);
	static uint8_t octets[60000];
	DLK_AUTO_BUF out = { 0 };
	struct answered a;

	(void)state;
	begin(&out, 1, DLK_FCGI_AUTHORIZER, true);
	record(&out, DLK_FCGI_PARAMS, 1, DLK_BYTES(octets, sizeof(octets)));
	record(&out, DLK_FCGI_PARAMS, 1, DLK_BYTES(octets, sizeof(octets)));
	talk_say(fd, &out);
	assert_true(hear_record(fd, &a));
	assert_true(a.type == DLK_FCGI_END_REQUEST && a.status == DLK_FCGI_OVERLOADED);
	assert_true(talk_is_hung_up(fd));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lighttpd_is_answered),
		cmocka_unit_test(one_request_at_a_time),
		cmocka_unit_test(other_roles_and_questions_are_answered),
		cmocka_unit_test(records_that_are_none_are_hung_up_on),
		cmocka_unit_test(parameters_end_somewhere),
	};
	return cmocka_run_group_tests_name("fcgi", tests, set_up, tear_down);
}
