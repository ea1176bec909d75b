/* SPDX-License-Identifier: MIT */
/* SPOP as octets: numbers, values, frames, greetings and messages; what is not exactly that.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/spopmessage.h"

#define ROOM   4096
#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* With their NUL: a row may hold zeros. */
#define OCTETS(text)                                                                          \
	{                                                                                     \
		text, sizeof(text) - 1                                                        \
	}
struct octets {
	const char *p;
	size_t n;
};

static struct dlk_bytes
bytes(struct octets octets)
{
	return DLK_BYTES(octets.p, octets.n);
}

static void
a_number_has_one_spelling(void **state)
{
	static const struct {
		uint64_t number;
		struct octets octets;
	} rows[] = {
		{ 0, OCTETS("\x00") },
		{ 239, OCTETS("\xef") },
		{ 240, OCTETS("\xf0\x00") },
		{ 255, OCTETS("\xff\x00") },
		{ 256, OCTETS("\xf0\x01") },
		{ 2287, OCTETS("\xff\x7f") },
		{ 2288, OCTETS("\xf0\x80\x00") },
		{ 264431, OCTETS("\xff\xff\x7f") },
		{ 264432, OCTETS("\xf0\x80\x80\x00") },
		{ UINT64_MAX, OCTETS("\xff\xf0\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e") },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		DLK_AUTO_BUF buf = { 0 };
		uint64_t number = 0;
		assert_int_equal(dlk_spop_put_number(&buf, ROOM, rows[i].number), 0);
		assert_int_equal(buf.n, rows[i].octets.n);
		assert_memory_equal(buf.p, rows[i].octets.p, buf.n);
		struct dlk_bytes rest = dlk_bytes_of(&buf);
		assert_int_equal(dlk_spop_get_number(&rest, &number), 0);
		assert_true(number == rows[i].number && rest.n == 0);
		/* cut anywhere */
		for (size_t n = 0; n < buf.n; n++) {
			rest = DLK_BYTES(buf.p, n);
			assert_int_equal(dlk_spop_get_number(&rest, &number), -EBADMSG);
		}
	}
}

static void
a_number_has_64_bits(void **state)
{
	static const struct octets rows[] = {
		OCTETS("\xff\xf1\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e"),
		OCTETS("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
		OCTETS("\xf0\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
	};
	uint64_t number;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct dlk_bytes rest = bytes(rows[i]);
		assert_int_equal(dlk_spop_get_number(&rest, &number), -EBADMSG);
	}
}

static void
values_are_of_ten_types(void **state)
{
	static const struct {
		struct octets octets;
		int error;
		enum dlk_spop_type type;
		uint64_t number; /* or the length */
	} rows[] = {
		{ OCTETS("\x00"), 0, DLK_SPOP_NULL, 0 },
		{ OCTETS("\x01"), 0, DLK_SPOP_BOOL, 0 },
		{ OCTETS("\x11"), 0, DLK_SPOP_BOOL, 1 },
		{ OCTETS("\x02\x2a"), 0, DLK_SPOP_INT32, 42 },
		{ OCTETS("\x03\xf0\x00"), 0, DLK_SPOP_UINT32, 240 },
		{ OCTETS("\x04\x2a"), 0, DLK_SPOP_INT64, 42 },
		{ OCTETS("\x05\x2a"), 0, DLK_SPOP_UINT64, 42 },
		{ OCTETS("\x06\x7f\x00\x00\x01"), 0, DLK_SPOP_IPV4, 4 },
		{ OCTETS("\x07"
			 "0123456789abcdef"),
		    0, DLK_SPOP_IPV6, 16 },
		{ OCTETS("\x08\x02hi"), 0, DLK_SPOP_STRING, 2 },
		{ OCTETS("\x09\x00"), 0, DLK_SPOP_BINARY, 0 },
		{ OCTETS(""), -EBADMSG, 0, 0 },
		{ OCTETS("\x0a"), -EBADMSG, 0, 0 },
		{ OCTETS("\x0f\x00"), -EBADMSG, 0, 0 },
		{ OCTETS("\x02"), -EBADMSG, 0, 0 },
		{ OCTETS("\x06\x7f\x00\x00"), -EBADMSG, 0, 0 },
		{ OCTETS("\x07"
			 "0123456789abcde"),
		    -EBADMSG, 0, 0 },
		{ OCTETS("\x08\x03hi"), -EBADMSG, 0, 0 },
		{ OCTETS("\x09\xf0"), -EBADMSG, 0, 0 },
		{ OCTETS("\x09\xff\xf0\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e"), -EBADMSG, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct dlk_bytes rest = bytes(rows[i].octets);
		struct dlk_spop_value value = { 0 };
		int error = dlk_spop_get_value(&rest, &value);
		if (error != rows[i].error || (error == 0 && rest.n != 0))
			fail_msg("row %zu: %d, %zu left", i, error, rest.n);
		if (error != 0)
			continue;
		assert_int_equal(value.type, rows[i].type);
		uint64_t n = value.type == DLK_SPOP_BOOL ? value.truth
			     : value.octets.p            ? value.octets.n
							 : value.number;
		assert_int_equal(n, rows[i].number);
		DLK_AUTO_BUF again = { 0 };
		assert_int_equal(dlk_spop_put_value(&again, ROOM, &value), 0);
		assert_true(dlk_bytes_equal(dlk_bytes_of(&again), bytes(rows[i].octets)));
	}
}

static void
a_frame_is_whole(void **state)
{
	static const struct {
		struct octets octets;
		enum dlk_spop_status status;
	} rows[] = {
		{ OCTETS("\x03\x00\x00\x00\x01\x07\x09payload"), DLK_SPOP_NORMAL },
		{ OCTETS("\x63\x00\x00\x00\x01\x07\x09"), DLK_SPOP_NORMAL },
		{ OCTETS(""), DLK_SPOP_INVALID },
		{ OCTETS("\x03\x00\x00\x00"), DLK_SPOP_INVALID },
		{ OCTETS("\x03\x00\x00\x00\x01"), DLK_SPOP_INVALID },
		{ OCTETS("\x03\x00\x00\x00\x01\x07"), DLK_SPOP_INVALID },
		{ OCTETS("\x03\x00\x00\x00\x01\x07\xf0"), DLK_SPOP_INVALID },
		/* a first part, a further one, and one that was given up */
		{ OCTETS("\x03\x00\x00\x00\x00\x07\x09payload"), DLK_SPOP_FRAGMENTED },
		{ OCTETS("\x00\x00\x00\x00\x01\x07\x09payload"), DLK_SPOP_FRAGMENTED },
		{ OCTETS("\x00\x00\x00\x00\x03\x07\x09"), DLK_SPOP_FRAGMENTED },
	};
	struct dlk_spop_frame frame;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++)
		if (dlk_spop_frame_parse(bytes(rows[i].octets), &frame) != rows[i].status)
			fail_msg("row %zu", i);
	assert_int_equal(dlk_spop_frame_parse(bytes(rows[0].octets), &frame), DLK_SPOP_NORMAL);
	assert_true(frame.kind == DLK_SPOP_NOTIFY && frame.stream == 7 && frame.number == 9);
	assert_true(dlk_bytes_equal(frame.payload, dlk_bytes_str("payload")));
}

#define VERSIONS  "\x12supported-versions\x08"
#define FRAME_MAX "\x0emax-frame-size\x03"
#define CAPABILITIES                                                                          \
	"\x0c"                                                                                \
	"capabilities\x08"
#define HEALTH "\x0bhealthcheck"
#define BOTH   CAPABILITIES "\x10pipelining,async"

static void
a_greeting_is_brought_down_to_what_is_spoken(void **state)
{
	static const struct {
		struct octets octets;
		enum dlk_spop_status status;
		struct dlk_spop_hello hello;
	} rows[] = {
		{
		    OCTETS(VERSIONS "\x03"
				    "2.0" FRAME_MAX "\xfc\xf0\x06" BOTH),
		    0,
		    { 16380, true, false },
		},
		{
		    OCTETS(VERSIONS "\x09"
				    "1.0, 2.0 " FRAME_MAX "\xf0\x01" CAPABILITIES "\x00"),
		    0,
		    { 256, false, false },
		},
		{
		    OCTETS(VERSIONS "\x03"
				    "2.0" FRAME_MAX "\xff\xff\xff\x7f" BOTH "\x09"
				    "engine-id\x08\x02id"),
		    0,
		    { DLK_SPOP_FRAME_MAX, true, false },
		},
		{
		    OCTETS(VERSIONS "\x03"
				    "2.0" FRAME_MAX "\xf0\x01" BOTH HEALTH "\x11"),
		    0,
		    { 256, true, true },
		},
		{
		    OCTETS(VERSIONS "\x03"
				    "2.0" FRAME_MAX "\xf0\x01" BOTH HEALTH "\x01"),
		    0,
		    { 256, true, false },
		},
		{
		    OCTETS(""),
		    DLK_SPOP_NO_VERSION,
		    { 0, false, false },
		},
		{
		    OCTETS(FRAME_MAX "\xf0\x01" BOTH),
		    DLK_SPOP_NO_VERSION,
		    { 0, false, false },
		},
		{
		    OCTETS(VERSIONS "\x03"
				    "2.0" BOTH),
		    DLK_SPOP_NO_FRAME_SIZE,
		    { 0, false, false },
		},
		{
		    OCTETS(VERSIONS "\x03"
				    "2.0" FRAME_MAX "\xf0\x01"),
		    DLK_SPOP_NO_CAPABILITIES,
		    { 0, false, false },
		},
		{
		    OCTETS(VERSIONS "\x03"
				    "1.0" FRAME_MAX "\xf0\x01" BOTH),
		    DLK_SPOP_BAD_VERSION,
		    { 0, false, false },
		},
		{
		    OCTETS(VERSIONS "\x04"
				    "12.0" FRAME_MAX "\xf0\x01" BOTH),
		    DLK_SPOP_BAD_VERSION,
		    { 0, false, false },
		},
		{
		    OCTETS(VERSIONS "\x03"
				    "2.0" FRAME_MAX "\xff\x00" BOTH),
		    DLK_SPOP_BAD_FRAME_SIZE,
		    { 0, false, false },
		},
		{
		    OCTETS(VERSIONS "\x03"
				    "2.0" FRAME_MAX "\xff\xf0\xfe\xfe\xfe\x7f" BOTH),
		    DLK_SPOP_BAD_FRAME_SIZE,
		    { 0, false, false },
		},
		/* twice, of another type, cut */
		{
		    OCTETS(VERSIONS "\x03"
				    "2.0" VERSIONS "\x03"
				    "2.0"),
		    DLK_SPOP_INVALID,
		    { 0, false, false },
		},
		{
		    OCTETS("\x12supported-versions\x02\x02"),
		    DLK_SPOP_INVALID,
		    { 0, false, false },
		},
		{
		    OCTETS(VERSIONS "\x03"
				    "2.0"
				    "\x0emax-frame-size\x08\x01"
				    "9"),
		    DLK_SPOP_INVALID,
		    { 0, false, false },
		},
		{
		    OCTETS(VERSIONS "\x03"
				    "2."),
		    DLK_SPOP_INVALID,
		    { 0, false, false },
		},
		{
		    OCTETS("\x12supported"),
		    DLK_SPOP_INVALID,
		    { 0, false, false },
		},
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct dlk_spop_hello hello = { 0 };
		enum dlk_spop_status status =
		    dlk_spop_hello_parse(bytes(rows[i].octets), &hello);
		if (status != rows[i].status || hello.frame_max != rows[i].hello.frame_max ||
		    hello.pipelining != rows[i].hello.pipelining ||
		    hello.health != rows[i].hello.health)
			fail_msg("row %zu: %s, %u", i, dlk_spop_status_str(status),
			    (unsigned)hello.frame_max);
	}
}

static void
answers_are_written_as_haproxy_reads_them(void **state)
{
	DLK_AUTO_BUF buf = { 0 };

	(void)state;
	assert_int_equal(
	    dlk_spop_put_hello(&buf, &(struct dlk_spop_hello){ 256, .pipelining = true }), 0);
	static const char hello[] = "\x00\x00\x00\x3f\x65\x00\x00\x00\x01\x00\x00"
				    "\x07version\x08\x03"
				    "2.0\x0emax-frame-size\x03\xf0\x01\x0c"
				    "capabilities\x08\x0apipelining";
	assert_int_equal(buf.n, sizeof(hello) - 1);
	assert_memory_equal(buf.p, hello, buf.n);
	buf.n = 0;
	assert_int_equal(dlk_spop_put_disconnect(&buf, DLK_SPOP_TOO_BIG), 0);
	static const char bye[] = "\x00\x00\x00\x2f\x66\x00\x00\x00\x01\x00\x00"
				  "\x0bstatus-code\x03\x03\x07message\x08\x10"
				  "frame is too big";
	assert_int_equal(buf.n, sizeof(bye) - 1);
	assert_memory_equal(buf.p, bye, buf.n);
	buf.n = 0;
	const struct dlk_spop_set set[] = { { "ok",
	    { .type = DLK_SPOP_BOOL, .truth = true } } };
	assert_int_equal(dlk_spop_put_ack(&buf, 256,
			     &(struct dlk_spop_ack){ 7, 300, DLK_SPOP_SESSION, set, 1 }),
	    0);
	static const char ack[] = "\x00\x00\x00\x0f\x67\x00\x00\x00\x01\x07\xfc\x03"
				  "\x01\x03\x01\x02ok\x11";
	assert_int_equal(buf.n, sizeof(ack) - 1);
	assert_memory_equal(buf.p, ack, buf.n);
}

#define ALICE                                                                                 \
	"\x04user\x08\x05"                                                                    \
	"alice"
#define CERT                                                                                  \
	"\x04"                                                                                \
	"cert\x09\x02\x30\x00"

static void
a_message_is_a_question(void **state)
{
	static const struct {
		struct octets octets;
		enum dlk_spop_status status;
		enum dlk_reason reason;
		const char *service, *user, *source, *code;
		size_t certificate;
		enum dlk_spop_scope scope;
	} rows[] = {
		{ OCTETS("\x03web\x00"), 0, 0, "web", "", "", "", 0, DLK_SPOP_TRANSACTION },
		{ OCTETS("\x03web\x04" CERT ALICE "\x03src\x06\x7f\x00\x00\x01\x04"
			 "code\x08\x06"
			 "123456"),
		    0, 0, "web", "alice", "127.0.0.1", "123456", 2, 2 },
		{ OCTETS("\x01m\x03\x07service\x08\x03web\x05scope\x08\x04sess"
			 "\x03src\x08\x09"
			 "127.0.0.1"),
		    0, 0, "web", "", "127.0.0.1", "", 0, 1 },
		{ OCTETS("\x03web\x02\x03src\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
			 "\x06verify\x02\x14"),
		    0, 0, "web", "", "2001:db8::1", "", 0, 2 },
		/* what HAProxy has no value for */
		{ OCTETS("\x03web\x05\x04"
			 "cert\x00\x05"
			 "chain\x09\x00\x04user\x00\x04"
			 "code\x00"
			 "\x06verify\x00"),
		    0, 0, "web", "", "", "", 0, 2 },
		/* the administrator's mistakes: no, and an event */
		{ OCTETS("\x03web\x01\x01x\x00"), 0, DLK_R_POSSESSION_UNPROVEN, "web", "", "",
		    "", 0, 2 },
		{ OCTETS("\x03web\x02" CERT CERT), 0, DLK_R_POSSESSION_UNPROVEN, "web", "", "",
		    "", 2, 2 },
		{ OCTETS("\x03web\x01\x04"
			 "cert\x08\x02"
			 "MI"),
		    0, DLK_R_POSSESSION_UNPROVEN, "web", "", "", "", 0, 2 },
		{ OCTETS("\x03web\x01\x03src\x08\x04here"), 0, DLK_R_POSSESSION_UNPROVEN,
		    "web", "", "", "", 0, 2 },
		{ OCTETS("\x03web\x01\x05scope\x08\x04proc"), 0, DLK_R_POSSESSION_UNPROVEN,
		    "web", "", "", "", 0, 2 },
		{ OCTETS("\x03web\x01\x04user\x08\x02"
			 "a\0"),
		    0, DLK_R_POSSESSION_UNPROVEN, "web", "", "", "", 0, 2 },
		{ OCTETS("\x03web\x00\x05"
			 "admin\x00"),
		    0, DLK_R_POSSESSION_UNPROVEN, "web", "", "", "", 0, 2 },
		{ OCTETS("\x00\x01" CERT), 0, DLK_R_UNKNOWN_SERVICE, "", "", "", "", 2, 2 },
		{ OCTETS("\x02 x\x00"), 0, DLK_R_UNKNOWN_SERVICE, "", "", "", "", 0, 2 },
		/* not a list of messages */
		{ OCTETS(""), DLK_SPOP_INVALID, 0, "", "", "", "", 0, 2 },
		{ OCTETS("\x03web"), DLK_SPOP_INVALID, 0, "", "", "", "", 0, 2 },
		{ OCTETS("\x03web\x01"), DLK_SPOP_INVALID, 0, "", "", "", "", 0, 2 },
		{ OCTETS("\x03web\x01\x04"
			 "cert\x09\x03\x30\x00"),
		    DLK_SPOP_INVALID, 0, "", "", "", "", 0, 2 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		DLK_AUTO_REQUEST request = { 0 };
		struct dlk_spop_question question = { .request = &request };
		enum dlk_spop_status status =
		    dlk_spop_message_read(bytes(rows[i].octets), &question);
		if (status != rows[i].status || question.refusal.reason != rows[i].reason)
			fail_msg("row %zu: %s, %s: %s", i, dlk_spop_status_str(status),
			    dlk_reason_str(question.refusal.reason), question.refusal.detail);
		if (status != DLK_SPOP_NORMAL)
			continue;
		assert_string_equal(request.service, rows[i].service);
		assert_string_equal(request.user, rows[i].user);
		assert_string_equal(request.source, rows[i].source);
		assert_int_equal(request.evidence.n, rows[i].certificate);
		assert_int_equal(question.scope, rows[i].scope);
		assert_int_equal(request.has_code, rows[i].code[0] != '\0');
		assert_true(dlk_bytes_equal(
		    DLK_BYTES(request.code.b, request.code.n), dlk_bytes_str(rows[i].code)));
		assert_int_equal(request.possession,
		    rows[i].certificate ? DLK_POSSESSION_TLS_GATEWAY : DLK_POSSESSION_NONE);
	}
}

/* The names of what an ACK sets, one after another. */
static void
names_of(const struct dlk_buf *buf, bool yes, char out[128])
{
	struct dlk_spop_frame frame;
	struct dlk_spop_value value;
	struct dlk_bytes rest = DLK_BYTES(buf->p + DLK_SPOP_LENGTH, buf->n - DLK_SPOP_LENGTH);

	assert_int_equal(dlk_get_be32(buf->p), rest.n);
	assert_int_equal(dlk_spop_frame_parse(rest, &frame), DLK_SPOP_NORMAL);
	assert_true(frame.kind == DLK_SPOP_ACK && frame.stream == 1 && frame.number == 2);
	out[0] = '\0';
	for (rest = frame.payload; rest.n > 0;) {
		struct dlk_bytes name;
		assert_memory_equal(rest.p, "\x01\x03\x02", 3);
		rest = DLK_BYTES(rest.p + 3, rest.n - 3);
		assert_int_equal(dlk_spop_get_string(&rest, &name), 0);
		assert_int_equal(dlk_spop_get_value(&rest, &value), 0);
		size_t n = strlen(out);
		snprintf(out + n, 128 - n, "%.*s ", (int)name.n, (const char *)name.p);
		if (value.type == DLK_SPOP_BOOL)
			assert_int_equal(value.truth, yes);
	}
}

static void
a_yes_says_who_it_is(void **state)
{
	const struct dlk_spop_ack where = { 1, 2, DLK_SPOP_TRANSACTION, NULL, 0 };
	struct dlk_verdict verdict = { .reason = DLK_R_OK, .user = "alice" };
	char names[128];

	(void)state;
	memset(verdict.subject, 's', DLK_DN_MAX);
	DLK_AUTO_BUF buf = { 0 };
	assert_int_equal(dlk_spop_put_verdict(&buf, 1024, &where, &verdict), 0);
	names_of(&buf, true, names);
	assert_string_equal(names, "ok status reason user subject serial fingerprint ");
	/* in a frame without the room for all of it */
	buf.n = 0;
	assert_int_equal(dlk_spop_put_verdict(&buf, 256, &where, &verdict), 0);
	names_of(&buf, true, names);
	assert_string_equal(names, "ok status reason user ");
	/* a name that does not fit is no yes without one */
	memset(verdict.user, 'u', DLK_NAME_MAX);
	buf.n = 0;
	assert_int_equal(dlk_spop_put_verdict(&buf, 256, &where, &verdict), -EMSGSIZE);
	assert_int_equal(buf.n, 0);
	verdict.user[0] = '\0';
	assert_int_equal(dlk_spop_put_verdict(&buf, 256, &where, &verdict), 0);
	names_of(&buf, false, names);
	assert_string_equal(names, "ok status reason ");
	buf.n = 0;
	verdict = (struct dlk_verdict){ .reason = DLK_R_REVOKED, .user = "alice" };
	assert_int_equal(dlk_spop_put_verdict(&buf, 256, &where, &verdict), 0);
	names_of(&buf, false, names);
	assert_string_equal(names, "ok status reason ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_has_one_spelling),
		cmocka_unit_test(a_number_has_64_bits),
		cmocka_unit_test(values_are_of_ten_types),
		cmocka_unit_test(a_frame_is_whole),
		cmocka_unit_test(a_greeting_is_brought_down_to_what_is_spoken),
		cmocka_unit_test(answers_are_written_as_haproxy_reads_them),
		cmocka_unit_test(a_message_is_a_question),
		cmocka_unit_test(a_yes_says_who_it_is),
	};
	return cmocka_run_group_tests_name("spopcodec", tests, NULL, NULL);
}
