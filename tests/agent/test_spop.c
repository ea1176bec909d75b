/* SPDX-License-Identifier: MIT */
/* The door for SPOP of a whole agent: a conversation as HAProxy has it, and those that nobody
 * should have. */
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

#include "agent/spelling.h"
#include "agent/spop.h"
#include "agent/spopmessage.h"
#include "tests/agent/talk.h"

static struct site site;
static char *good, *revoked, *other;
static char where[128];

static int
set_up(void **state)
{
	char more[512];

	(void)state;
	site_init(&site);
	good = site_certificate(&site, SITE_USER, 24);
	other = site_certificate(&site, SITE_OTHER, 24);
	revoked = site_certificate(&site, SITE_USER, 24);
	site_revoke(&site, site_serial(&site));
	snprintf(where, sizeof(where), "%s/run/door.sock", site.dir);
	snprintf(more, sizeof(more), "[agent]\nlisten = spop:%s\n", where);
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
	free(other);
	return 0;
}

static void
put(struct dlk_buf *buf, const char *name, enum dlk_spop_type type, struct dlk_bytes octets,
    uint64_t number)
{
	const struct dlk_spop_value value = { type, number == 1, number, octets };

	assert_int_equal(dlk_spop_put_string(buf, TALK_ROOM, name), 0);
	assert_int_equal(dlk_spop_put_value(buf, TALK_ROOM, &value), 0);
}

static void
frame(struct dlk_buf *out, enum dlk_spop_kind kind, uint64_t stream, uint64_t number,
    const struct dlk_buf *payload)
{
	uint8_t head[DLK_SPOP_LENGTH + 5] = { [DLK_SPOP_LENGTH] = (uint8_t)kind, [8] = 1 };
	size_t begin = out->n;

	talk_add(out, DLK_BYTES(head, sizeof(head)));
	assert_int_equal(dlk_spop_put_number(out, TALK_ROOM, stream), 0);
	assert_int_equal(dlk_spop_put_number(out, TALK_ROOM, number), 0);
	if (payload)
		talk_add(out, dlk_bytes_of(payload));
	dlk_put_be32(out->p + begin, (uint32_t)(out->n - begin - DLK_SPOP_LENGTH));
}

static void
greeting(struct dlk_buf *out, uint32_t frame_max, bool health)
{
	DLK_AUTO_BUF payload = { 0 };

	put(&payload, "supported-versions", DLK_SPOP_STRING, dlk_bytes_str("2.0"), 0);
	put(&payload, "max-frame-size", DLK_SPOP_UINT32, (struct dlk_bytes){ 0 }, frame_max);
	put(&payload, "capabilities", DLK_SPOP_STRING, dlk_bytes_str("pipelining,async"), 0);
	put(&payload, "healthcheck", DLK_SPOP_BOOL, (struct dlk_bytes){ 0 }, health);
	frame(out, DLK_SPOP_HAPROXY_HELLO, 0, 0, &payload);
}

/* A message for `service` with this certificate (PEM; NULL: none). */
static void
notify(struct dlk_buf *out, uint64_t stream, uint64_t number, const char *service,
    const char *certificate)
{
	DLK_AUTO_BUF payload = { 0 };
	DLK_AUTO_BUF der = { 0 };

	if (certificate)
		assert_int_equal(
		    dlk_spelling_decode(dlk_bytes_str(certificate), TALK_ROOM, &der), 0);
	assert_int_equal(dlk_spop_put_string(&payload, TALK_ROOM, service), 0);
	talk_add(&payload, DLK_BYTES("\x02", 1));
	put(&payload, "cert", DLK_SPOP_BINARY, dlk_bytes_of(&der), 0);
	put(&payload, "src", DLK_SPOP_IPV4, DLK_BYTES("\xc0\x00\x02\x01", 4), 0);
	frame(out, DLK_SPOP_NOTIFY, stream, number, &payload);
}

struct heard {
	unsigned kind;
	uint64_t stream, number;
	bool ok;
	char reason[64], user[64], message[64];
	uint64_t status;
	uint8_t octets[4096];
};

static bool
hear_frame(int fd, struct heard *h)
{
	struct dlk_spop_frame f;
	struct dlk_spop_value value;
	struct dlk_bytes rest, name;
	uint8_t length[DLK_SPOP_LENGTH];

	memset(h, 0, sizeof(*h));
	if (!talk_hear(fd, length, sizeof(length)))
		return false;
	size_t n = dlk_get_be32(length);
	assert_true(n <= sizeof(h->octets));
	assert_true(talk_hear(fd, h->octets, n));
	assert_int_equal(dlk_spop_frame_parse(DLK_BYTES(h->octets, n), &f), DLK_SPOP_NORMAL);
	h->kind = f.kind;
	h->stream = f.stream;
	h->number = f.number;
	for (rest = f.payload; rest.n > 0;) {
		if (f.kind == DLK_SPOP_ACK)
			rest = DLK_BYTES(rest.p + 3, rest.n - 3);
		assert_int_equal(dlk_spop_get_string(&rest, &name), 0);
		assert_int_equal(dlk_spop_get_value(&rest, &value), 0);
		char *place = dlk_bytes_equal(name, dlk_bytes_str("reason"))    ? h->reason
			      : dlk_bytes_equal(name, dlk_bytes_str("user"))    ? h->user
			      : dlk_bytes_equal(name, dlk_bytes_str("message")) ? h->message
										: NULL;
		if (place)
			snprintf(place, 64, "%.*s", (int)value.octets.n,
			    (const char *)value.octets.p);
		if (value.type == DLK_SPOP_BOOL)
			h->ok = value.truth;
		if (dlk_bytes_equal(name, dlk_bytes_str("status")) ||
		    dlk_bytes_equal(name, dlk_bytes_str("status-code")))
			h->status = value.number;
	}
	return true;
}

static int
greeted(uid_t peer)
{
	int fd = site_connect(where, peer);
	DLK_AUTO_BUF out = { 0 };
	struct heard heard;

	greeting(&out, 16380, false);
	talk_say(fd, &out);
	assert_true(hear_frame(fd, &heard));
	assert_int_equal(heard.kind, DLK_SPOP_AGENT_HELLO);
	return fd;
}

static void
haproxy_is_answered(void **state)
{
	static const struct {
		const char *service;
		char **certificate;
		uint64_t status;
		const char *reason, *user;
	} rows[] = {
		{ "web", &good, 200, "ok", SITE_USER },
		{ "web", &good, 200, "ok", SITE_USER }, /* remembered */
		{ "web", &other, 200, "ok", SITE_OTHER },
		{ "web", &revoked, 403, "revoked", "" },
		{ "web", NULL, 401, "no-certificate", "" },
		{ "code", &good, 401, "otp-required", "" },
		{ "nowhere", &good, 403, "unknown-service", "" },
	};
	int fd = greeted(0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		DLK_AUTO_BUF out = { 0 };
		struct heard heard;
		notify(&out, 300 + i, i, rows[i].service,
		    rows[i].certificate ? *rows[i].certificate : NULL);
		talk_say(fd, &out);
		assert_true(hear_frame(fd, &heard));
		if (strcmp(heard.reason, rows[i].reason) != 0)
			fail_msg("row %zu: %s", i, heard.reason);
		assert_int_equal(heard.kind, DLK_SPOP_ACK);
		assert_true(heard.stream == 300 + i && heard.number == i);
		assert_int_equal(heard.status, rows[i].status);
		assert_int_equal(heard.ok, rows[i].status == 200);
		assert_string_equal(heard.user, rows[i].user);
	}
	close(fd);
}

/* More than may be under way at once, in one piece: each is answered, whatever the order. */
static void
many_questions_are_under_way(void **state)
{
	enum { N = 5 * DLK_SPOP_ASKED_MAX };
	int fd = greeted(0);
	bool answered[N] = { false };
	DLK_AUTO_BUF out = { 0 };

	(void)state;
	for (uint64_t i = 0; i < N; i++)
		notify(&out, i, 7, "web", i % 2 ? good : revoked);
	talk_say(fd, &out);
	for (size_t i = 0; i < N; i++) {
		struct heard heard;
		assert_true(hear_frame(fd, &heard));
		assert_true(heard.stream < N && !answered[heard.stream]);
		answered[heard.stream] = true;
		assert_string_equal(heard.reason, heard.stream % 2 ? "ok" : "revoked");
	}
	close(fd);
}

static void
a_goodbye_is_answered(void **state)
{
	int fd = greeted(0);
	DLK_AUTO_BUF out = { 0 };
	struct heard heard;

	(void)state;
	frame(&out, DLK_SPOP_HAPROXY_DISCONNECT, 0, 0, NULL);
	talk_say(fd, &out);
	assert_true(hear_frame(fd, &heard));
	assert_int_equal(heard.kind, DLK_SPOP_AGENT_DISCONNECT);
	assert_int_equal(heard.status, DLK_SPOP_NORMAL);
	assert_true(talk_is_hung_up(fd));
	close(fd);
	/* "is anybody there?" */
	fd = site_connect(where, 0);
	out.n = 0;
	greeting(&out, 256, true);
	talk_say(fd, &out);
	assert_true(hear_frame(fd, &heard));
	assert_int_equal(heard.kind, DLK_SPOP_AGENT_HELLO);
	assert_true(talk_is_hung_up(fd));
	close(fd);
}

static void
what_is_wrong_is_told_and_hung_up_on(void **state)
{
	static const struct {
		bool greeted;
		const char *octets;
		size_t n;
		enum dlk_spop_status status;
	} rows[] = {
		{ false, "\x00\x02\x00\x01", 4, DLK_SPOP_TOO_BIG },
		{ true, "\x00\x00\x3f\xfd", 4, DLK_SPOP_TOO_BIG },
		{ false, "\x00\x00\x00\x00", 4, DLK_SPOP_INVALID },
		{ true, "\x00\x00\x00\x07\x03\x00\x00\x00\x00\x01\x01", 11,
		    DLK_SPOP_FRAGMENTED },
		{ true, "\x00\x00\x00\x07\x63\x00\x00\x00\x01\x01\x01", 11, DLK_SPOP_INVALID },
		{ true, "\x00\x00\x00\x07\x03\x00\x00\x00\x01\x01\x01", 11, DLK_SPOP_INVALID },
		/* out of order */
		{ false, "\x00\x00\x00\x0c\x03\x00\x00\x00\x01\x01\x01\x03web\x00", 16,
		    DLK_SPOP_INVALID },
		{ true, "\x00\x00\x00\x07\x01\x00\x00\x00\x01\x00\x00", 11, DLK_SPOP_INVALID },
		{ false, "\x00\x00\x00\x07\x01\x00\x00\x00\x01\x00\x00", 11,
		    DLK_SPOP_NO_VERSION },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = rows[i].greeted ? greeted(0) : site_connect(where, 0);
		DLK_AUTO_BUF out = { 0 };
		struct heard heard;
		talk_add(&out, DLK_BYTES(rows[i].octets, rows[i].n));
		talk_say(fd, &out);
		assert_true(hear_frame(fd, &heard));
		if (heard.kind != DLK_SPOP_AGENT_DISCONNECT || heard.status != rows[i].status)
			fail_msg("row %zu: %u, %s", i, heard.kind, heard.message);
		assert_true(talk_is_hung_up(fd));
		close(fd);
	}
}

static void
nobody_vouches_who_may_not(void **state)
{
	DLK_AUTO_BUF out = { 0 };
	struct heard heard;

	(void)state;
	if (geteuid() != 0)
		skip();
	int fd = greeted(TALK_STRANGER);
	notify(&out, 1, 1, "web", good);
	talk_say(fd, &out);
	assert_true(hear_frame(fd, &heard));
	assert_string_equal(heard.reason, "possession-unproven");
	assert_false(heard.ok);
	close(fd);
}

/* Who goes before the answer, and who begins and does not end, harm nobody else. */
static void
whoever_has_gone_is_forgotten(void **state)
{
	DLK_AUTO_BUF out = { 0 };
	struct heard heard;

	(void)state;
	for (int i = 0; i < 50; i++) {
		int fd = greeted(0);
		out.n = 0;
		notify(&out, 1, 1, "web", revoked);
		out.n -= i % 2 ? 0 : 10;
		talk_say(fd, &out);
		close(fd);
	}
	int fd = greeted(0);
	out.n = 0;
	notify(&out, 1, 1, "web", good);
	talk_say(fd, &out);
	assert_true(hear_frame(fd, &heard));
	assert_string_equal(heard.reason, "ok");
	close(fd);
}

/* Whoever has begun is waited for; whoever has been answered may be silent as long as it
 * likes. */
static void
half_a_frame_is_not_waited_for(void **state)
{
	int idle = greeted(0), silent = site_connect(where, 0), half = site_connect(where, 0),
	    later = greeted(0);
	DLK_AUTO_BUF out = { 0 };
	struct heard heard;

	(void)state;
	greeting(&out, 256, false);
	out.n -= 1;
	talk_say(half, &out);
	out.n = 0;
	notify(&out, 1, 1, "web", good);
	out.n -= 1;
	talk_say(later, &out);
	assert_true(talk_is_hung_up(silent));
	assert_true(talk_is_hung_up(half));
	assert_true(talk_is_hung_up(later));
	out.n = 0;
	notify(&out, 1, 1, "web", good);
	talk_say(idle, &out);
	assert_true(hear_frame(idle, &heard));
	assert_string_equal(heard.reason, "ok");
	close(idle);
	close(silent);
	close(half);
	close(later);
}

/* One uid leaves places for others, and those that go leave theirs. */
static void
places_are_shared(void **state)
{
	static int fd[DLK_TALKS_OF_ONE_MAX + 1];
	struct heard heard;
	DLK_AUTO_BUF out = { 0 };

	(void)state;
	if (geteuid() != 0)
		skip();
	greeting(&out, 256, false);
	for (size_t i = 0; i < DLK_TALKS_OF_ONE_MAX; i++) {
		fd[i] = site_connect(where, TALK_STRANGER);
		talk_say(fd[i], &out);
		assert_true(hear_frame(fd[i], &heard));
	}
	fd[DLK_TALKS_OF_ONE_MAX] = site_connect(where, TALK_STRANGER);
	assert_true(talk_is_hung_up(fd[DLK_TALKS_OF_ONE_MAX]));
	close(greeted(0));
	for (size_t i = 0; i <= DLK_TALKS_OF_ONE_MAX; i++)
		close(fd[i]);
	close(greeted(TALK_STRANGER));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(haproxy_is_answered),
		cmocka_unit_test(many_questions_are_under_way),
		cmocka_unit_test(a_goodbye_is_answered),
		cmocka_unit_test(what_is_wrong_is_told_and_hung_up_on),
		cmocka_unit_test(nobody_vouches_who_may_not),
		cmocka_unit_test(whoever_has_gone_is_forgotten),
		cmocka_unit_test(half_a_frame_is_not_waited_for),
		cmocka_unit_test(places_are_shared),
	};
	return cmocka_run_group_tests_name("spop", tests, set_up, tear_down);
}
