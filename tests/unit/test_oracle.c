/* SPDX-License-Identifier: MIT */
/* Who is unknown, known without a token, and enrolled is not told apart: by code alone, where
 * anybody may ask, each login runs the same statements, writes as often to the disk and
 * computes as many codes. What can be counted is counted; nothing here looks at a clock. */
#include <dlfcn.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <liboath/oath.h>
#include <sqlite3.h>

#include "base/text.h"
#include "core/decide.h"
#include "store/binding.h"
#include "store/db.h"
#include "tests/unit/fault.h"
#include "tests/unit/room.h"

#define KEY   "12345678901234567890"
#define TRIES 7 /* the last ones are held back */

/* What one login cost, and what it was told. */
struct cost {
	char reasons[TRIES * 2][32];
	long writes[TRIES * 2];
	unsigned codes[TRIES * 2], digits[TRIES * 2];
	char statements[65536];
};

static unsigned codes;

/* liboath's own, on the way to it. */
int
oath_totp_generate2(const char *secret, size_t n, time_t now, unsigned step, time_t offset,
    unsigned digits, int flags, char *out)
{
	static __typeof__(oath_totp_generate2) *next;

	if (!next)
		*(void **)&next =
		    dlsym(dlopen("liboath.so.0", RTLD_NOW), "oath_totp_generate2");
	codes++;
	return next(secret, n, now, step, offset, digits, flags, out);
}

static int
note(unsigned kind, void *to, void *statement, void *text)
{
	struct cost *cost = to;
	size_t n = strlen(cost->statements);

	(void)kind, (void)statement;
	snprintf(cost->statements + n, sizeof(cost->statements) - n, "%s\n", (char *)text);
	return 0;
}

static void
ask(const struct dlk_policy *policy, const struct dlk_ports *ports, const char *user,
    bool known, int i, struct cost *cost)
{
	const struct dlk_caller caller = { .entrance = DLK_ENTRANCE_PAM, .root = true };
	DLK_AUTO_REQUEST request = { .entrance = DLK_ENTRANCE_PAM, .account_known = known };
	struct dlk_verdict verdict;

	request.attempt[0] = (uint8_t)(1 + i / 2);
	dlk_text_copy(request.user, sizeof(request.user), user);
	dlk_text_copy(request.service, sizeof(request.service), "door");
	dlk_text_copy(request.source, sizeof(request.source), "192.0.2.1");
	request.has_code = i % 2 == 1;
	if (request.has_code)
		assert_int_equal(dlk_secret_set(&request.code, dlk_bytes_str("000000")), 0);
	fault_arm(FAULT_EIO, LONG_MAX, 0); /* it counts, and never comes */
	codes = 0;
	dlk_decide(policy, ports, &caller, &request, ROOM_NOW, &verdict);
	cost->codes[i] = codes;
	cost->writes[i] = fault.count;
	cost->digits[i] = verdict.code_digits;
	dlk_text_copy(
	    cost->reasons[i], sizeof(cost->reasons[i]), dlk_reason_str(verdict.reason));
}

/* TRIES logins of a user, asked and wrong each, on a machine where alice is enrolled. */
static struct cost *
measure(const char *user, bool known)
{
	struct cost *cost = calloc(1, sizeof(*cost));
	struct dlk_policy policy;
	struct room room;

	room_init(&room);
	room_enrol(&room, "alice", "phone", DLK_OTP_TOTP, KEY);
	struct dlk_binding binding = { .record = room.record };
	const struct dlk_ports ports = dlk_binding_ports(&binding, NULL, NULL);
	struct dlk_service door = { .certificate = DLK_CERTIFICATE_NONE,
		.otp = DLK_OTP_REQUIRED,
		.name = "door",
		.section = "service door" };
	dlk_policy_init(&policy);
	policy.service = &door;
	policy.n_services = 1;
	sqlite3_trace_v2(room.record->db, SQLITE_TRACE_STMT, note, cost);
	for (int i = 0; i < 2 * TRIES; i++)
		ask(&policy, &ports, user, known, i, cost);
	fault_arm(FAULT_NONE, 0, 0);
	policy.service = NULL;
	policy.n_services = 0;
	dlk_policy_fini(&policy);
	room_fini(&room);
	return cost;
}

static void
who_is_who_is_not_told(void **state)
{
	struct cost *enrolled = measure("alice", true);
	static const struct {
		const char *name;
		bool known;
	} others[] = { { "bobby", true }, { "carol", false } };

	(void)state;
	assert_string_equal(enrolled->reasons[0], "otp-required");
	assert_string_equal(enrolled->reasons[1], "otp-wrong");
	assert_string_equal(enrolled->reasons[2 * TRIES - 2], "rate-limited");
	assert_int_equal(enrolled->codes[1], 3); /* the window */
	assert_true(enrolled->writes[1] > 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct cost *other = measure(others[i].name, others[i].known);

		assert_string_equal(other->reasons[1], "not-enrolled"); /* for the record */
		assert_string_equal(other->statements, enrolled->statements);
		for (int n = 0; n < 2 * TRIES; n++) {
			assert_int_equal(other->codes[n], enrolled->codes[n]);
			assert_int_equal(other->writes[n], enrolled->writes[n]);
			assert_int_equal(other->digits[n], enrolled->digits[n]);
			if (strcmp(enrolled->reasons[n], "otp-wrong") != 0)
				assert_string_equal(other->reasons[n], enrolled->reasons[n]);
		}
		free(other);
	}
	free(enrolled);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_who_is_not_told),
	};

	fault_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
