/* SPDX-License-Identifier: MIT */
/* FastCGI as octets: records, pairs, and parameters that make a question. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/fcgiparams.h"
#include "agent/fcgirecord.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PEM    "-----BEGIN CERTIFICATE-----\nAQID\nBA==\n-----END CERTIFICATE-----\n"

static void
a_head_is_of_version_1(void **state)
{
	struct dlk_fcgi_head head;

	(void)state;
	assert_int_equal(
	    dlk_fcgi_head_parse((const uint8_t *)"\x01\x04\x01\x02\x03\x04\x05\xff", &head),
	    0);
	assert_true(head.type == DLK_FCGI_PARAMS && head.id == 0x102);
	assert_true(head.content == 0x304 && head.padding == 5);
	assert_int_equal(
	    dlk_fcgi_head_parse((const uint8_t *)"\x02\x04\x01\x02\x03\x04\x05\xff", &head),
	    -EBADMSG);
}

static void
a_request_has_a_role(void **state)
{
	struct dlk_fcgi_begin begin;

	(void)state;
	assert_int_equal(
	    dlk_fcgi_begin_parse(DLK_BYTES("\x00\x02\x01\x00\x00\x00\x00\x00", 8), &begin), 0);
	assert_true(begin.role == DLK_FCGI_AUTHORIZER && begin.keep);
	assert_int_equal(
	    dlk_fcgi_begin_parse(DLK_BYTES("\x01\x02\x02\x00\x00\x00\x00\x00", 8), &begin), 0);
	assert_true(begin.role == 0x102 && !begin.keep);
	for (size_t n = 0; n < 10; n++)
		if (n != 8)
			assert_int_equal(
			    dlk_fcgi_begin_parse(
				DLK_BYTES("\x00\x02\x01\x00\x00\x00\x00\x00\x00\x00", n),
				&begin),
			    -EBADMSG);
}

static void
a_pair_is_as_long_as_it_says(void **state)
{
	static const struct {
		const char *octets;
		size_t n;
		int error;
	} rows[] = {
		{ "\x02\x01"
		  "abc",
		    5, 0 },
		{ "\x80\x00\x00\x02\x80\x00\x00\x01"
		  "abc",
		    11, 0 },
		{ "\x02\x80\x00\x00\x01"
		  "abc",
		    8, 0 },
		{ "\x02\x01"
		  "ab",
		    4, -EBADMSG },
		{ "\x02", 1, -EBADMSG },
		{ "\x80\x00\x00", 3, -EBADMSG },
		{ "\x01\x80\x00\x00", 4, -EBADMSG },
		{ "\xff\xff\xff\xff\x00"
		  "a",
		    6, -EBADMSG },
		{ "\x01\xff\xff\xff\xff"
		  "a",
		    6, -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct dlk_bytes rest = DLK_BYTES(rows[i].octets, rows[i].n), name, value;
		int error = dlk_fcgi_get_pair(&rest, &name, &value);
		if (error != rows[i].error)
			fail_msg("row %zu: %d", i, error);
		if (error != 0)
			continue;
		assert_int_equal(rest.n, 0);
		assert_true(dlk_bytes_equal(name, dlk_bytes_str("ab")));
		assert_true(dlk_bytes_equal(value, dlk_bytes_str("c")));
	}
}

static void
answers_are_records(void **state)
{
	static const char answer[] = "\x01\x06\x01\x02\x00\x03\x00\x00"
				     "abc"
				     "\x01\x06\x01\x02\x00\x00\x00\x00"
				     "\x01\x03\x01\x02\x00\x08\x00\x00\0\0\0\0\x03\0\0\0";
	static const char values[] = "\x01\x0a\x00\x00\x00\x12\x00\x00"
				     "\x0f\x01"
				     "FCGI_MPXS_CONNS0";
	DLK_AUTO_BUF buf = { 0 };
	DLK_AUTO_BUF long_one = { 0 };

	(void)state;
	assert_int_equal(dlk_fcgi_put_stdout(&buf, 0x102, dlk_bytes_str("abc")), 0);
	assert_int_equal(dlk_fcgi_put_end(&buf, 0x102, DLK_FCGI_UNKNOWN_ROLE), 0);
	assert_int_equal(buf.n, sizeof(answer) - 1);
	assert_memory_equal(buf.p, answer, buf.n);
	assert_int_equal(dlk_buf_reserve(&long_one, 65536), 0);
	memset(long_one.p, 'x', 65536);
	long_one.n = 65536;
	assert_int_equal(dlk_fcgi_put_stdout(&buf, 1, dlk_bytes_of(&long_one)), -EMSGSIZE);
	assert_int_equal(buf.n, sizeof(answer) - 1);
	buf.n = 0;
	/* what is asked twice is answered once, what is not known not at all */
	assert_int_equal(dlk_fcgi_put_values(&buf, DLK_BYTES("\x0f\x00"
							     "FCGI_MPXS_CONNS\x0f\x00"
							     "FCGI_MPXS_CONNS\x01\x00x",
						       37)),
	    0);
	assert_int_equal(buf.n, sizeof(values) - 1);
	assert_memory_equal(buf.p, values, buf.n);
	assert_int_equal(dlk_fcgi_put_values(&buf, DLK_BYTES("\x0f\x00x", 3)), -EBADMSG);
}

struct pair {
	const char *name, *value;
};

static void
add(struct dlk_buf *params, const char *name, const char *value)
{
	uint8_t length[8];

	dlk_put_be32(length, 0x80000000U | (uint32_t)strlen(name));
	dlk_put_be32(length + 4, 0x80000000U | (uint32_t)strlen(value));
	assert_int_equal(dlk_buf_add(params, 1 << 20, DLK_BYTES(length, 8)), 0);
	assert_int_equal(dlk_buf_add(params, 1 << 20, dlk_bytes_str(name)), 0);
	assert_int_equal(dlk_buf_add(params, 1 << 20, dlk_bytes_str(value)), 0);
}

#define SERVICE                                                                               \
	{                                                                                     \
		"DOUBLELOCK_SERVICE", "web"                                                   \
	}

static void
parameters_are_a_question(void **state)
{
	static const struct {
		struct pair pair[4];
		enum dlk_reason reason;
		bool certificate;
		const char *source, *user, *code;
	} rows[] = {
		{ { SERVICE, { "SSL_CLIENT_CERT", PEM }, { "REMOTE_ADDR", "192.0.2.1" },
		      { "HTTP_AUTHORIZATION", "Basic YWxpY2U6MTIzNDU2" } },
		    0, true, "192.0.2.1", "alice", "123456" },
		{ { SERVICE, { "HTTP_X_DOUBLELOCK_CODE", "123456" }, { "REMOTE_ADDR", "x" } },
		    0, false, "", "", "123456" },
		{ { SERVICE, { "SSL_CLIENT_CERT", "" } }, 0, false, "", "", "" },
		{ { SERVICE, { "HTTP_AUTHORIZATION", "Bearer x" }, { "SERVER_NAME", "s" } }, 0,
		    false, "", "", "" },
		/* what the client writes is no parameter of the server's */
		{ { SERVICE, { "HTTP_SSL_CLIENT_CERT", PEM } }, 0, false, "", "", "" },
		{ { SERVICE, { "HTTP_REMOTE_ADDR", "192.0.2.1" } }, 0, false, "", "", "" },
		{ { { "HTTP_DOUBLELOCK_SERVICE", "web" } }, DLK_R_UNKNOWN_SERVICE, false, "",
		    "", "" },
		{ { SERVICE, { "HTTP_X_SSL_CLIENT_CERT", "AQIDBA==" } },
		    DLK_R_POSSESSION_UNPROVEN, false, "", "", "" },
		{ { SERVICE, { "HTTP_X_FORWARDED_CLIENT_CERT", "" } },
		    DLK_R_POSSESSION_UNPROVEN, false, "", "", "" },
		{ { SERVICE, { "SSL_CLIENT_CERT", PEM }, { "SSL_CLIENT_CERT", PEM } },
		    DLK_R_POSSESSION_UNPROVEN, false, "", "", "" },
		{ { SERVICE, { "REMOTE_ADDR", "::1" }, { "REMOTE_ADDR", "::2" } },
		    DLK_R_POSSESSION_UNPROVEN, false, "", "", "" },
		{ { SERVICE, { "HTTP_AUTHORIZATION", "Basic YTox" },
		      { "HTTP_X_DOUBLELOCK_CODE", "1" } },
		    DLK_R_POSSESSION_UNPROVEN, false, "", "", "" },
		{ { SERVICE, { "HTTP_AUTHORIZATION", "Basic !" } }, DLK_R_OTP_WRONG, false, "",
		    "", "" },
		{ { SERVICE, SERVICE }, DLK_R_UNKNOWN_SERVICE, false, "", "", "" },
		{ { { "DOUBLELOCK_SERVICE", "" } }, DLK_R_UNKNOWN_SERVICE, false, "", "", "" },
		{ { { "DOUBLELOCK_SERVICE", "a b" } }, DLK_R_UNKNOWN_SERVICE, false, "", "",
		    "" },
		{ { { "SSL_CLIENT_CERT", PEM } }, DLK_R_UNKNOWN_SERVICE, false, "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		DLK_AUTO_BUF params = { 0 };
		DLK_AUTO_REQUEST request = { 0 };
		struct dlk_finding refusal = { 0 };
		for (size_t p = 0; p < 4 && rows[i].pair[p].name; p++)
			add(&params, rows[i].pair[p].name, rows[i].pair[p].value);
		assert_int_equal(
		    dlk_fcgi_params_read(dlk_bytes_of(&params), &request, &refusal), 0);
		if (refusal.reason != rows[i].reason)
			fail_msg("row %zu: %s: %s", i, dlk_reason_str(refusal.reason),
			    refusal.detail);
		if (refusal.reason != DLK_R_UNDECIDED)
			continue;
		assert_string_equal(request.service, "web");
		assert_string_equal(request.source, rows[i].source);
		assert_string_equal(request.user, rows[i].user);
		assert_true(dlk_bytes_equal(
		    DLK_BYTES(request.code.b, request.code.n), dlk_bytes_str(rows[i].code)));
		assert_int_equal(request.evidence.n, rows[i].certificate ? 4 : 0);
		assert_int_equal(request.possession,
		    rows[i].certificate ? DLK_POSSESSION_TLS_GATEWAY : DLK_POSSESSION_NONE);
	}
}

static int
read_raw(struct dlk_bytes params)
{
	DLK_AUTO_REQUEST request = { 0 };
	struct dlk_finding refusal = { 0 };

	return dlk_fcgi_params_read(params, &request, &refusal);
}

static void
what_is_no_list_is_no_question(void **state)
{
	DLK_AUTO_BUF params = { 0 };
	DLK_AUTO_REQUEST request = { 0 };
	struct dlk_finding refusal = { 0 };

	(void)state;
	assert_int_equal(read_raw(DLK_BYTES("\x0b\x02REMOTE_ADDRx", 14)), -EBADMSG);
	assert_int_equal(read_raw(DLK_BYTES("\x0b\x02REMOTE_ADDRx\0", 15)), -EBADMSG);
	assert_int_equal(read_raw(DLK_BYTES("\x03\x01H\0Tx", 6)), -EBADMSG);
	/* one header too many, and one octet */
	add(&params, "DOUBLELOCK_SERVICE", "web");
	for (int i = 0; i < DLK_FCGI_HEADERS_MAX; i++)
		add(&params, "HTTP_A", "");
	assert_int_equal(dlk_fcgi_params_read(dlk_bytes_of(&params), &request, &refusal), 0);
	assert_int_equal(refusal.reason, DLK_R_POSSESSION_UNPROVEN);
	assert_int_equal(dlk_buf_reserve(&params, DLK_FCGI_PARAMS_MAX + 1), 0);
	memset(params.p, 0, DLK_FCGI_PARAMS_MAX + 1);
	assert_int_equal(read_raw(DLK_BYTES(params.p, DLK_FCGI_PARAMS_MAX)), 0);
	assert_int_equal(read_raw(DLK_BYTES(params.p, DLK_FCGI_PARAMS_MAX + 1)), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_is_of_version_1),
		cmocka_unit_test(a_request_has_a_role),
		cmocka_unit_test(a_pair_is_as_long_as_it_says),
		cmocka_unit_test(answers_are_records),
		cmocka_unit_test(parameters_are_a_question),
		cmocka_unit_test(what_is_no_list_is_no_question),
	};
	return cmocka_run_group_tests_name("fcgicodec", tests, NULL, NULL);
}
