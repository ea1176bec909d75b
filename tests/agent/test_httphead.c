/* SPDX-License-Identifier: MIT */
/* A request has one reading, or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/httphead.h"

#define HEAD_MAX 1024
#define BODY_MAX 100

static struct dlk_httphead head;

/* Of a copy in memory of its own size. */
static int
read_text(const char *text, uint8_t **ret_copy)
{
	size_t n = strlen(text), seen = 0;
	uint8_t *copy = malloc(n + 1);

	assert_non_null(copy);
	memcpy(copy, text, n);
	int r = dlk_httphead_read(copy, n, HEAD_MAX, BODY_MAX, &seen, &head);
	*ret_copy = copy;
	return r;
}

static void
some_are_none(void **state)
{
	static const struct {
		const char *text;
		int status;
	} rows[] = {
		{ "", 0 },
		{ "\r\n\r\n\n", 0 },
		{ "GET / HTTP/1.1\r\nHost: a\r\n", 0 },
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r", 0 },
		{ "GET / HTTP/1.1\r\n\r\n", 1 },
		{ "\r\nGET / HTTP/1.0\n\n", 1 },
		{ "GET\r\n\r\n", 400 },
		{ "GET /\r\n\r\n", 400 },
		{ "GET  HTTP/1.1\r\n\r\n", 400 },
		{ "GET / HTTP/2.0\r\n\r\n", 400 },
		{ "GET / HTTP/1.12\r\n\r\n", 400 },
		{ "GET / http/1.1\r\n\r\n", 400 },
		{ "GET /a b HTTP/1.1\r\n\r\n", 400 },
		{ "GET /\x01 HTTP/1.1\r\n\r\n", 400 },
		{ " / HTTP/1.1\r\n\r\n", 400 },
		{ "G(T / HTTP/1.1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n: a\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n a: b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\na: b\rc: d\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length: 0x1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length:\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length: 1\r\n 2\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length: 101\r\n\r\n", 413 },
		{ "GET / HTTP/1.1\r\nContent-Length: 18446744073709551617\r\n\r\n", 413 },
		{ "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411 },
		{ "GET / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n", 411 },
		{ "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: x\r\n\r\n", 411 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t *copy;
		int r = read_text(rows[i].text, &copy);
		if (r != rows[i].status)
			fail_msg("row %zu: %d", i, r);
		free(copy);
	}
}

static void
a_nul_is_in_none(void **state)
{
	uint8_t text[] = "GET / HTTP/1.1\r\na: b\0c\r\n\r\n";
	size_t seen = 0;

	(void)state;
	assert_int_equal(
	    dlk_httphead_read(text, sizeof(text) - 1, HEAD_MAX, BODY_MAX, &seen, &head), 400);
}

static void
the_rest_is_strings(void **state)
{
	uint8_t *copy;

	(void)state;
	assert_int_equal(
	    read_text("POST http://agent:80/v1/check?a=b#c HTTP/1.1\r\nHost:agent\r\n"
		      "X-Empty:\r\nX-Long: \tone\r\n\ttwo\r\n  three \t\r\n"
		      "content-LENGTH: 007\r\nExpect: 100-Continue\r\n\r\nseven..GET",
		&copy),
	    1);
	assert_int_equal(head.n_body, 7);
	assert_int_equal(memcmp(copy + head.n_head, "seven..GET", 10), 0);
	dlk_httphead_cut(&head);
	assert_string_equal(head.method, "POST");
	assert_string_equal(head.path, "/v1/check");
	assert_int_equal(head.n, 5);
	assert_string_equal(head.field[0].name, "Host");
	assert_string_equal(head.field[0].value, "agent");
	assert_string_equal(head.field[1].name, "X-Empty");
	assert_string_equal(head.field[1].value, "");
	assert_string_equal(head.field[2].name, "X-Long");
	assert_string_equal(head.field[2].value, "one  \ttwo    three");
	assert_string_equal(head.field[3].value, "007");
	assert_true(head.keep && head.expects && !head.old && !head.too_many);
	free(copy);
}

static void
connections_are_kept_as_it_says(void **state)
{
	static const struct {
		const char *text;
		bool keep;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\nConnection: upgrade , Close\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\nConnection: keep-alive, close\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\nConnection: ,,\r\n\r\n", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t *copy;
		assert_int_equal(read_text(rows[i].text, &copy), 1);
		if (head.keep != rows[i].keep)
			fail_msg("row %zu", i);
		free(copy);
	}
}

/* However it arrives, it is the same; and too much is too much before its end. */
static void
octet_by_octet(void **state)
{
	static const char text[] = "\r\nGET /a HTTP/1.1\r\nA: b\r\n\r\nGET ";
	uint8_t copy[sizeof(text)], flood[HEAD_MAX + 1];
	size_t seen = 0, n = 0;
	int r = 0;

	(void)state;
	while (r == 0 && n < sizeof(text) - 1) {
		copy[n] = (uint8_t)text[n];
		r = dlk_httphead_read(copy, ++n, HEAD_MAX, BODY_MAX, &seen, &head);
	}
	assert_int_equal(r, 1);
	assert_int_equal(n, sizeof(text) - 1 - 4);
	assert_int_equal(head.n_head, n);
	memset(flood, 'a', sizeof(flood));
	seen = 0;
	assert_int_equal(
	    dlk_httphead_read(flood, HEAD_MAX, HEAD_MAX, BODY_MAX, &seen, &head), 0);
	assert_int_equal(
	    dlk_httphead_read(flood, HEAD_MAX + 1, HEAD_MAX, BODY_MAX, &seen, &head), 413);
}

static void
many_fields_are_said_to_be_too_many(void **state)
{
	char *text = NULL;
	size_t n = 0, seen = 0;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	(void)fputs("GET / HTTP/1.1\r\n", out);
	for (int i = 0; i < DLK_HTTPHEAD_FIELDS + 1; i++)
		(void)fputs("a: b\r\n", out);
	(void)fputs("\r\n", out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(dlk_httphead_read((uint8_t *)text, n, n, BODY_MAX, &seen, &head), 1);
	assert_true(head.too_many);
	assert_int_equal(head.n, DLK_HTTPHEAD_FIELDS);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(some_are_none),
		cmocka_unit_test(a_nul_is_in_none),
		cmocka_unit_test(the_rest_is_strings),
		cmocka_unit_test(connections_are_kept_as_it_says),
		cmocka_unit_test(octet_by_octet),
		cmocka_unit_test(many_fields_are_said_to_be_too_many),
	};
	return cmocka_run_group_tests_name("httphead", tests, NULL, NULL);
}
