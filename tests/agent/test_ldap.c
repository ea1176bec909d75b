/* SPDX-License-Identifier: MIT */
/* Filters: a user's name in them is a value and never a part of the filter (RFC 4515). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/ldapfilter.h"

static void
names_are_values(void **state)
{
	static const struct {
		const char *filter, *user, *becomes;
	} rows[] = {
		{ "(uid=%u)", "anna", "(uid=anna)" },
		{ "(uid=%u)", NULL, "(uid=*)" },
		{ "(cn=x)", "anna", "(cn=x)" },
		{ "(cn=x)", NULL, "(cn=x)" },
		{ "(&(a=b)(uid=%u)(c=d))", "a.b-c_d", "(&(a=b)(uid=a.b-c_d)(c=d))" },
		{ "(uid=%u)", "*", "(uid=\\2a)" },
		{ "(uid=%u)", "a)(uid=*", "(uid=a\\29\\28uid=\\2a)" },
		{ "(uid=%u)", "a\\2a", "(uid=a\\5c2a)" },
		{ "(uid=%u)", "caf\xc3\xa9\n", "(uid=caf\\c3\\a9\\0a)" },
		{ "(uid=%u)", "", "(uid=)" },
	};
	char out[DLK_LDAP_FILTER];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(dlk_ldap_filter(rows[i].filter, rows[i].user, out), 0);
		assert_string_equal(out, rows[i].becomes);
	}
}

static void
what_does_not_fit_is_none(void **state)
{
	static char filter[DLK_LDAP_FILTER + 8], user[DLK_LDAP_FILTER];
	char out[DLK_LDAP_FILTER];

	(void)state;
	memset(filter, 'x', sizeof(filter) - 1);
	assert_int_equal(dlk_ldap_filter(filter, NULL, out), -EMSGSIZE);
	filter[DLK_LDAP_FILTER - 1] = '\0';
	assert_int_equal(dlk_ldap_filter(filter, NULL, out), 0);
	memset(user, '*', sizeof(user) - 1);
	assert_int_equal(dlk_ldap_filter("(uid=%u)", user, out), -EMSGSIZE);
	user[(DLK_LDAP_FILTER - 12) / 3] = '\0';
	assert_int_equal(dlk_ldap_filter("(uid=%u)", user, out), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_values),
		cmocka_unit_test(what_does_not_fit_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
