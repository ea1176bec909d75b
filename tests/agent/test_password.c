/* SPDX-License-Identifier: MIT */
/* The code in an OpenVPN client's password, and what only looks like one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/gateways/password.h"

#define OF(text) text, sizeof(text) - 1
#define LONG     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct row {
	const char *name, *password;
	size_t n;
	int error;
	const char *code, *state;
};

static const struct row rows[] = {
	{ "nothing", OF(""), 0, "", "" },
	{ "a code alone", OF("123456"), 0, "123456", "" },
	{ "static", OF("SCRV1:c2VjcmV0:MTIzNDU2"), 0, "123456", "" },
	{ "static, no password", OF("SCRV1::MTIzNDU2"), 0, "123456", "" },
	{ "static, no answer", OF("SCRV1:c2VjcmV0:"), 0, "", "" },
	{ "static, one octet of padding", OF("SCRV1::MTIzNDU="), 0, "12345", "" },
	{ "static, two octets of padding", OF("SCRV1::MTIzNA=="), 0, "1234", "" },
	{ "static, the password is not looked at", OF("SCRV1:!!!:MTIzNDU2"), 0, "123456", "" },
	{ "static, no second colon", OF("SCRV1:MTIzNDU2"), -EBADMSG, NULL, NULL },
	{ "static, a third colon", OF("SCRV1:a:b:MTIzNDU2"), -EBADMSG, NULL, NULL },
	{ "static, cut", OF("SCRV1::MTIzNDU"), -EBADMSG, NULL, NULL },
	{ "static, white space", OF("SCRV1::MTIz NDU2"), -EBADMSG, NULL, NULL },
	{ "static, padding inside", OF("SCRV1::MT==NDU2"), -EBADMSG, NULL, NULL },
	{ "static, padding alone", OF("SCRV1::===="), -EBADMSG, NULL, NULL },
	{ "static, bits behind the end", OF("SCRV1::MTIzNDV="), -EBADMSG, NULL, NULL },
	{ "static, a NUL inside", OF("SCRV1::MTIAMTIz"), -EBADMSG, NULL, NULL },
	{ "static, bare", OF("SCRV1:"), -EBADMSG, NULL, NULL },
	{ "dynamic", OF("CRV1::state::123456"), 0, "123456", "state" },
	{ "dynamic, no answer", OF("CRV1::state::"), 0, "", "state" },
	{ "dynamic, no state", OF("CRV1::::123456"), 0, "123456", "" },
	{ "dynamic, colons in the answer", OF("CRV1::s::1::2"), 0, "1::2", "s" },
	{ "dynamic, the longest state", OF("CRV1::" LONG "::1"), 0, "1", LONG },
	{ "dynamic, a longer one", OF("CRV1::" LONG "x::1"), -EBADMSG, NULL, NULL },
	{ "dynamic, cut", OF("CRV1::state:123456"), -EBADMSG, NULL, NULL },
	{ "dynamic, a NUL", OF("CRV1::s\0t::1"), -EBADMSG, NULL, NULL },
	{ "a token of OpenVPN", OF("SESS_ID_AT_AbC123=="), 0, "", "" },
	{ "a NUL",
	    OF("123\0"
	       "456"),
	    -EBADMSG, NULL, NULL },
	{ "the longest code", OF(LONG LONG LONG LONG), 0, LONG LONG LONG LONG, "" },
	{ "a longer one", OF(LONG LONG LONG LONG "x"), -EBADMSG, NULL, NULL },
};

static void
each_password_has_one_reading(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		char of[DLK_PASSWORD_STATE_MAX + 1] = "left over";
		DLK_AUTO_SECRET code = { .n = 1, .b = "x" };
		int error = dlk_password_read(DLK_BYTES(row->password, row->n), of, &code);

		if (error != row->error)
			fail_msg("%s: %d", row->name, error);
		if (error != 0) {
			assert_int_equal(code.n, 0);
			continue;
		}
		if (code.n != strlen(row->code) || memcmp(code.b, row->code, code.n) != 0)
			fail_msg("%s: another code", row->name);
		assert_string_equal(of, row->state);
		assert_int_equal(
		    dlk_password_read(DLK_BYTES(row->password, row->n), NULL, &code), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_password_has_one_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
