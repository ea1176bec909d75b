/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config/pamstack.h"

#define OURS "pam_doublelock.so"

struct files {
	const char *service, *common;
};

static int
open_file(void *arg, const char *name, struct dlk_bytes *ret_content)
{
	const struct files *files = arg;
	const char *text = NULL;

	if (strcmp(name, "sshd") == 0)
		text = files->service;
	else if (strcmp(name, "common-auth") == 0)
		text = files->common;
	else if (strcmp(name, "loop") == 0)
		text = "auth include loop\n";
	if (!text)
		return -ENOENT;
	*ret_content = dlk_bytes_str(text);
	return 0;
}

static const char debian[] = "auth [success=1 default=ignore] pam_unix.so nullok\n"
			     "auth requisite pam_deny.so\n"
			     "auth required pam_permit.so\n";

static const struct {
	const char *name;
	const char *service, *common;
	bool leaks, leaks_ignored;
	const char *way; /* modules that answered, and how */
} stacks[] = {
	{ "alone", "auth required " OURS "\n", "", false, false, "" },
	{ "with another, before and after",
	    "auth required pam_env.so\nauth required " OURS "\nauth required pam_unix.so\n",
	    "", false, true, "" },
	{ "none of it", "auth required pam_unix.so\n", "", true, true, "pam_unix.so+" },
	{ "in another type", "account required " OURS "\nauth required pam_unix.so\n", "",
	    true, true, "pam_unix.so+" },
	{ "sufficient before it", "auth sufficient pam_unix.so\nauth required " OURS "\n", "",
	    true, true, "pam_unix.so+" },
	{ "it is sufficient itself", "auth sufficient " OURS "\nauth required pam_unix.so\n",
	    "", true, true, OURS "- pam_unix.so+" },
	{ "it is sufficient, and nothing follows",
	    "auth sufficient " OURS "\nauth required pam_deny.so\n", "", false, false, "" },
	{ "optional", "auth optional " OURS "\nauth required pam_unix.so\n", "", true, true,
	    OURS "- pam_unix.so+" },
	{ "a jump over it",
	    "auth [success=1 default=ignore] pam_succeed_if.so user = x\n"
	    "auth required " OURS "\nauth required pam_permit.so\n",
	    "", true, true, "pam_succeed_if.so+ pam_permit.so+" },
	{ "a jump that ends before it",
	    "auth [success=1 default=ignore] pam_unix.so\n"
	    "auth requisite pam_deny.so\nauth required " OURS "\n",
	    "", false, false, "" },
	{ "default=ignore",
	    "auth [success=ok default=ignore] " OURS "\nauth required pam_permit.so\n", "",
	    true, true, OURS "- pam_permit.so+" },
	{ "one failure that is passed over",
	    "auth [success=ok authinfo_unavail=ignore default=die] " OURS "\n"
	    "auth required pam_permit.so\n",
	    "", true, true, OURS "- pam_permit.so+" },
	{ "success=ok default=die",
	    "auth [success=ok default=die] " OURS "\nauth required pam_unix.so\n", "", false,
	    false, "" },
	{ "a failure is reset",
	    "auth required " OURS "\nauth [default=reset] pam_echo.so\n"
	    "auth required pam_permit.so\n",
	    "", true, true, OURS "- pam_echo.so+ pam_permit.so+" },
	{ "Debian's common-auth, and then it",
	    "@include common-auth\nauth required " OURS "\n", debian, false, true, "" },
	{ "it, and then Debian's common-auth",
	    "auth required " OURS "\nauth include common-auth\n", debian, false, true, "" },
	{ "sufficient under include ends the whole",
	    "auth include common-auth\nauth required " OURS "\n",
	    "auth sufficient pam_unix.so\n", true, true, "pam_unix.so+" },
	{ "sufficient under substack ends the substack",
	    "auth substack common-auth\nauth required " OURS "\n",
	    "auth sufficient pam_unix.so\n", false, true, "" },
	{ "a jump counts a substack as one",
	    "auth [success=1 default=ignore] pam_unix.so\nauth substack common-auth\n"
	    "auth required " OURS "\n",
	    debian, false, true, "" },
	{ "a jump over the substack that it is in",
	    "auth [success=1 default=ignore] pam_unix.so\nauth substack common-auth\n"
	    "auth required pam_permit.so\n",
	    "auth required " OURS "\n", true, true, "pam_unix.so+ pam_permit.so+" },
	{ "root is not asked", "auth sufficient pam_rootok.so\nauth required " OURS "\n", "",
	    false, false, "" },
	{ "spelling", "# x\n-AUTH  REQUIRED \\\n  /usr/lib/security/" OURS " config=/x\n", "",
	    false, false, "" },
};

static void
describe(
    const struct dlk_pam_stack *stack, const struct dlk_pam_way *way, char *out, size_t size)
{
	static const char how[] = { '+', '-', '~' };

	out[0] = '\0';
	for (size_t i = 0; i < way->n; i++) {
		size_t n = strlen(out);

		snprintf(out + n, size - n, "%s%s%c", n ? " " : "",
		    stack->line[way->step[i].line].module, how[way->step[i].how]);
	}
}

static void
ways_past_it_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stacks) / sizeof(*stacks); i++) {
		struct files files = { stacks[i].service, stacks[i].common };
		DLK_AUTO_PAM_STACK stack = { 0 };
		static struct dlk_pam_way way;
		char why[256], shown[1024];
		bool leaks;

		if (dlk_pam_stack_read(
			"sshd", "auth", open_file, &files, &stack, why, sizeof(why)) != 0)
			fail_msg("%s: %s", stacks[i].name, why);
		leaks = dlk_pam_stack_leaks(&stack, OURS, false, &way);
		describe(&stack, &way, shown, sizeof(shown));
		if (leaks != stacks[i].leaks || (leaks && strcmp(shown, stacks[i].way) != 0))
			fail_msg("%s: %d: %s", stacks[i].name, leaks, shown);
		if (dlk_pam_stack_leaks(&stack, OURS, true, &way) != stacks[i].leaks_ignored)
			fail_msg("%s: ignored: %d", stacks[i].name, !stacks[i].leaks_ignored);
	}
}

/* Each module that is enough is named once, and the search ends. */
static void
every_way_is_found_once(void **state)
{
	static const char service[] = "auth sufficient pam_unix.so\n"
				      "auth include common-auth\n"
				      "auth [success=1 default=ignore] pam_ldap.so\n"
				      "auth required " OURS "\n"
				      "auth required pam_permit.so\n";
	static const char *const ways[] = { "pam_unix.so+", "pam_unix.so- pam_sss.so+",
		"pam_unix.so- pam_sss.so- pam_ldap.so+ pam_permit.so+" };
	struct files files = { service, "auth sufficient pam_sss.so\n" };
	DLK_AUTO_PAM_STACK stack = { 0 };
	static struct dlk_pam_way way;
	static struct dlk_pam_bars bars;
	char why[256], shown[1024];

	(void)state;
	assert_int_equal(
	    dlk_pam_stack_read("sshd", "auth", open_file, &files, &stack, why, sizeof(why)),
	    0);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		assert_true(dlk_pam_stack_leaks_by(&stack, OURS, false, &bars, &way));
		describe(&stack, &way, shown, sizeof(shown));
		assert_string_equal(shown, ways[i]);
		assert_true(dlk_pam_bars_add(&bars, &stack, &way));
	}
	assert_false(dlk_pam_stack_leaks_by(&stack, OURS, false, &bars, &way));
}

/* Where nothing is asked of anybody there is one way, and no other. */
static void
a_stack_that_permits_has_one_way(void **state)
{
	struct files files = { "auth required pam_permit.so\n", "" };
	DLK_AUTO_PAM_STACK stack = { 0 };
	static struct dlk_pam_way way;
	static struct dlk_pam_bars bars;
	char why[256];

	(void)state;
	assert_int_equal(
	    dlk_pam_stack_read("sshd", "auth", open_file, &files, &stack, why, sizeof(why)),
	    0);
	assert_true(dlk_pam_stack_leaks_by(&stack, OURS, false, &bars, &way));
	assert_false(dlk_pam_bars_add(&bars, &stack, &way));
}

static const struct {
	const char *text;
	int error;
	const char *why;
} bad[] = {
	{ "auth required\n", -EINVAL, "sshd:1: not TYPE CONTROL MODULE" },
	{ "\nauth mandatory pam_x.so\n", -EINVAL,
	    "sshd:2: a control that libpam does not know" },
	{ "auth [success=x] pam_x.so\n", -EINVAL,
	    "sshd:1: a control that libpam does not know" },
	{ "auth [success=1 pam_x.so\n", -EINVAL, "sshd:1: not TYPE CONTROL MODULE" },
	{ "auth [sucess=1] pam_x.so\n", -EINVAL,
	    "sshd:1: a control that libpam does not know" },
	{ "@include missing\n", -ENOENT, "sshd:1: what it includes is not there" },
	{ "auth include loop\n", -E2BIG, "loop:1: too many includes in one another" },
};

static void
stacks_that_cannot_be_read_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct files files = { bad[i].text, "" };
		DLK_AUTO_PAM_STACK stack = { 0 };
		char why[256];

		assert_int_equal(dlk_pam_stack_read("sshd", "auth", open_file, &files, &stack,
				     why, sizeof(why)),
		    bad[i].error);
		assert_string_equal(why, bad[i].why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ways_past_it_are_found),
		cmocka_unit_test(every_way_is_found_once),
		cmocka_unit_test(a_stack_that_permits_has_one_way),
		cmocka_unit_test(stacks_that_cannot_be_read_are_named),
	};

	return cmocka_run_group_tests_name("pamstack", tests, NULL, NULL);
}
