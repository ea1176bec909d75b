/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "core/second.h"

#define NOW INT64_C(1760000000)

static const uint8_t good_mac[DLK_SHA256_SIZE] = { 7 };

static int
recovery_mac(void *ctx, const char *user, const struct dlk_secret *code, uint8_t *ret_mac)
{
	(void)ctx;
	(void)user;
	memset(ret_mac, 0, DLK_SHA256_SIZE);
	if (code->b[0] == '!')
		return -EINVAL;
	if (code->b[0] == '?')
		return -ENOKEY;
	ret_mac[0] = code->b[0] == 'R' ? 7 : 8;
	return 0;
}

struct world {
	struct dlk_policy policy;
	struct dlk_service section;
	struct dlk_request request;
	struct dlk_subject subject;
	struct dlk_memory memory;
	struct dlk_settlement settlement;
	struct dlk_verdict verdict;
	struct dlk_finding finding;
};

static void
add_token(struct world *w, const char *label, int64_t last_step)
{
	struct dlk_token *token = &w->memory.token[w->memory.n_tokens++];

	token->id = (int64_t)w->memory.n_tokens;
	dlk_text_copy(token->label, sizeof(token->label), label);
	token->otp.digits = 6;
	token->otp.period = 30;
	token->otp.last_step = last_step;
	assert_int_equal(
	    dlk_secret_set(&token->otp.key, DLK_BYTES("12345678901234567890", 20)), 0);
	token->otp.key.b[0] = (uint8_t)label[0];
}

static void
begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	dlk_policy_init(&w->policy);
	w->section.certificate = DLK_CERTIFICATE_SSHD;
	dlk_text_copy(w->subject.user, sizeof(w->subject.user), "alice");
	dlk_text_copy(w->subject.source, sizeof(w->subject.source), "192.0.2.1");
	w->subject.key_id[0] = 1;
	add_token(w, "phone", -1);
}

static void
type(struct world *w, const char *text)
{
	w->request.has_code = true;
	assert_int_equal(dlk_secret_set(&w->request.code, dlk_bytes_str(text)), 0);
}

static void
type_code(struct world *w, size_t token, int64_t step)
{
	char code[DLK_OTP_DIGITS_MAX + 1];

	assert_int_equal(dlk_otp_code(&w->memory.token[token].otp, step, code), 0);
	type(w, code);
}

static enum dlk_reason
ask(struct world *w)
{
	const struct dlk_ports ports = { .recovery_mac = recovery_mac };

	return dlk_second(&w->policy, &w->section, &ports, &w->request, &w->subject,
	    &w->memory, NOW, &w->settlement, &w->verdict, &w->finding);
}

static void
a_code_is_asked_for_first(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.memory.token[0].otp.digits = 8;
	assert_int_equal(ask(&w), DLK_R_OTP_REQUIRED);
	assert_true(w.settlement.provisional);
	assert_int_equal(w.verdict.code_digits, 8);
	assert_int_equal(w.settlement.token, 0);
	assert_false(w.settlement.failures_changed);
}

static void
a_visit_is_renewed_without_a_code(void **state)
{
	static const struct {
		bool renews, visited, has_token, restored;
		enum dlk_reason reason;
	} rows[] = {
		{ true, true, true, false, DLK_R_OK },
		{ false, true, true, false, DLK_R_OTP_REQUIRED },
		{ true, false, true, false, DLK_R_OTP_REQUIRED },
		{ true, true, false, false, DLK_R_OTP_REQUIRED },
		{ true, true, true, true, DLK_R_OTP_REQUIRED },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&w);
		w.request.renews = rows[i].renews;
		w.memory.visited = rows[i].visited;
		w.memory.restored = rows[i].restored;
		w.memory.n_tokens = rows[i].has_token;
		assert_int_equal(ask(&w), rows[i].reason);
		assert_int_equal(w.verdict.remembered, rows[i].reason == DLK_R_OK);
	}
	/* a lockout holds for it as well, and a code that is there is looked at */
	begin(&w);
	w.request.renews = w.memory.visited = true;
	w.memory.failures.locked_until = NOW + 60;
	assert_int_equal(ask(&w), DLK_R_LOCKED_OUT);
	begin(&w);
	w.request.renews = w.memory.visited = true;
	type(&w, "000000");
	assert_int_equal(ask(&w), DLK_R_OTP_WRONG);
}

static void
nobody_enrolled_is_asked_all_the_same(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.memory.n_tokens = 0;
	assert_int_equal(ask(&w), DLK_R_OTP_REQUIRED);
	assert_int_equal(w.verdict.code_digits, 6);
	type(&w, "123456");
	assert_int_equal(ask(&w), DLK_R_NOT_ENROLLED);
	assert_true(w.settlement.failures_changed);
	begin(&w);
	w.memory.n_tokens = 0;
	w.section.observe = true;
	w.section.observe_until = NOW + 1;
	assert_int_equal(ask(&w), DLK_R_NOT_ENROLLED);
}

/* What was used after a backup was made is known to nobody; time goes on by itself. */
static void
after_a_restore_only_time_opens(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.memory.restored = true;
	type_code(&w, 0, NOW / 30);
	assert_int_equal(ask(&w), DLK_R_OK);

	begin(&w);
	w.memory.restored = true;
	w.memory.token[0].otp.kind = DLK_OTP_HOTP;
	type_code(&w, 0, 0);
	assert_int_equal(ask(&w), DLK_R_OTP_WRONG);
	assert_non_null(strstr(w.finding.detail, "--accept-restore"));
	assert_true(w.settlement.failures_changed);
	assert_int_equal(w.settlement.token, 0);
	w.memory.restored = false;
	assert_int_equal(ask(&w), DLK_R_OK);

	begin(&w);
	w.memory.restored = true;
	w.memory.recovery[w.memory.n_recovery++] = (struct dlk_recovery_code){ 3, { 7 } };
	type(&w, "RECOVERYCODE");
	assert_int_equal(ask(&w), DLK_R_OTP_WRONG);
	assert_non_null(strstr(w.finding.detail, "--accept-restore"));
	w.memory.restored = false;
	assert_int_equal(ask(&w), DLK_R_OK);

	/* who has a token that does not open is enrolled all the same */
	begin(&w);
	w.memory.restored = true;
	w.memory.token[0].otp.kind = DLK_OTP_HOTP;
	w.section.otp = DLK_OTP_IF_ENROLLED;
	assert_int_equal(ask(&w), DLK_R_OTP_REQUIRED);
}

static void
demands_are_kept(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.section.otp = DLK_OTP_NONE;
	assert_int_equal(ask(&w), DLK_R_OK);
	begin(&w);
	w.section.otp = DLK_OTP_IF_ENROLLED;
	assert_int_equal(ask(&w), DLK_R_OTP_REQUIRED);
	w.memory.n_tokens = 0;
	assert_int_equal(ask(&w), DLK_R_OK);
}

static void
every_step_of_the_window_opens_once(void **state)
{
	struct world w;

	(void)state;
	for (int64_t d = -2; d <= 2; d++) {
		begin(&w);
		type_code(&w, 0, NOW / 30 + d);
		if (d < -1 || d > 1) {
			assert_int_equal(ask(&w), DLK_R_OTP_WRONG);
			assert_int_equal(w.settlement.failures.count, 1);
			assert_int_equal(w.settlement.user_failures.count, 1);
			assert_int_equal(w.settlement.source_failures.count, 1);
			continue;
		}
		assert_int_equal(ask(&w), DLK_R_OK);
		assert_int_equal(w.settlement.token, 1);
		assert_int_equal(w.settlement.step_before, -1);
		assert_int_equal(w.settlement.step, NOW / 30 + d);
		assert_string_equal(w.settlement.event.token, "phone");
	}
}

static void
a_used_step_is_a_replay(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	type_code(&w, 0, NOW / 30);
	w.memory.token[0].otp.last_step = NOW / 30;
	assert_int_equal(ask(&w), DLK_R_OTP_REPLAYED);
	assert_true(w.settlement.failures_changed);
	/* a step that is older than one that was used is used as well */
	begin(&w);
	type_code(&w, 0, NOW / 30 - 1);
	w.memory.token[0].otp.last_step = NOW / 30;
	assert_int_equal(ask(&w), DLK_R_OTP_REPLAYED);
	/* the very last code of this subject, typed twice, is an accident */
	begin(&w);
	type_code(&w, 0, NOW / 30);
	w.memory.token[0].otp.last_step = w.memory.last_step = NOW / 30;
	w.memory.last_token = 1;
	assert_int_equal(ask(&w), DLK_R_OTP_REPLAYED);
	assert_false(w.settlement.failures_changed);
	assert_false(w.settlement.ceilings_changed);
}

static void
any_token_opens_whatever_its_place(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	add_token(&w, "card", -1);
	add_token(&w, "spare", -1);
	for (size_t i = 0; i < 3; i++) {
		type_code(&w, i, NOW / 30);
		assert_int_equal(ask(&w), DLK_R_OK);
		assert_int_equal(w.settlement.token, i + 1);
	}
}

static void
a_bound_token_opens_with_its_key_alone(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.memory.token[0].bound = true;
	w.memory.token[0].key_id[0] = 1;
	type_code(&w, 0, NOW / 30);
	assert_int_equal(ask(&w), DLK_R_OK);
	w.settlement = (struct dlk_settlement){ 0 };
	w.subject.key_id[0] = 2;
	assert_int_equal(ask(&w), DLK_R_OTP_WRONG);
	assert_int_equal(w.settlement.token, 0);
	w.subject.key_id[0] = 1;
	w.section.certificate = DLK_CERTIFICATE_NONE;
	assert_int_equal(ask(&w), DLK_R_OTP_WRONG);
}

static void
recovery_codes_open(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.memory.recovery[1].id = 42;
	memcpy(w.memory.recovery[1].mac, good_mac, sizeof(good_mac));
	w.memory.n_recovery = 2;
	type(&w, "R234-5678-90");
	assert_int_equal(ask(&w), DLK_R_OK);
	assert_int_equal(w.settlement.recovery, 42);
	assert_int_equal(w.settlement.token, 0);
	type(&w, "R2345678"); /* as short as google-authenticator's */
	assert_int_equal(ask(&w), DLK_R_OK);
	type(&w, "R234567");
	w.settlement = (struct dlk_settlement){ 0 };
	assert_int_equal(ask(&w), DLK_R_OTP_WRONG);
	type(&w, "X234-5678-90");
	w.settlement = (struct dlk_settlement){ 0 };
	assert_int_equal(ask(&w), DLK_R_OTP_WRONG);
	assert_int_equal(w.settlement.recovery, 0);
	type(&w, "!not-a-code");
	assert_int_equal(ask(&w), DLK_R_OTP_WRONG);
	type(&w, "?key-missing");
	assert_int_equal(ask(&w), DLK_R_FAULT_CONFIG);
}

static void
the_last_allowed_failure_locks(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.memory.failures = (struct dlk_failures){ .count = 4, .since = NOW - 60 };
	type(&w, "000000");
	assert_int_equal(ask(&w), DLK_R_OTP_WRONG);
	assert_true(w.settlement.lockout_started);
	assert_int_equal(w.settlement.failures.locked_until, NOW + 900);
	w.memory.failures = w.settlement.failures;
	w.settlement = (struct dlk_settlement){ 0 };
	type_code(&w, 0, NOW / 30);
	assert_int_equal(ask(&w), DLK_R_LOCKED_OUT);
	assert_int_equal(w.settlement.token, 0);
	assert_false(w.settlement.failures_changed);
	w.request.has_code = false;
	assert_int_equal(ask(&w), DLK_R_LOCKED_OUT);
}

static void
ceilings_hold(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	type_code(&w, 0, NOW / 30);
	w.memory.source_failures.locked_until = NOW + 10;
	assert_int_equal(ask(&w), DLK_R_RATE_LIMITED);
	w.subject.source[0] = '\0';
	assert_int_equal(ask(&w), DLK_R_OK);
	w.memory.user_failures.locked_until = NOW + 10;
	assert_int_equal(ask(&w), DLK_R_LOCKED_OUT);
}

static void
codes_alone_are_delayed_and_never_locked(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.section.certificate = DLK_CERTIFICATE_NONE;
	w.memory.user_failures.locked_until =
	    NOW + 10; /* others' failures with certificates */
	w.memory.failures = (struct dlk_failures){ .count = 4, .since = NOW, .lockouts = 60 };
	type(&w, "000000");
	assert_int_equal(ask(&w), DLK_R_OTP_WRONG);
	assert_false(w.settlement.lockout_started);
	assert_int_equal(w.settlement.failures.locked_until, NOW + (10 << 6));
	assert_int_equal(w.settlement.user_failures.count, 0);
	w.memory.failures = w.settlement.failures;
	type_code(&w, 0, NOW / 30);
	assert_int_equal(ask(&w), DLK_R_RATE_LIMITED);
}

static void
success_clears_the_failures_of_its_key_alone(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.memory.failures = (struct dlk_failures){ .count = 3, .since = NOW };
	w.memory.user_failures.count = w.memory.source_failures.count = 3;
	type_code(&w, 0, NOW / 30);
	assert_int_equal(ask(&w), DLK_R_OK);
	assert_true(w.settlement.failures_changed);
	assert_int_equal(w.settlement.failures.count, 0);
	assert_false(w.settlement.ceilings_changed);
}

static void
a_login_is_remembered(void **state)
{
	static const struct {
		int64_t since, until;
		int64_t remember;
		const char *source;
		size_t n_tokens;
		enum dlk_reason reason;
	} rows[] = {
		{ NOW - 10, NOW + 10, 60, "192.0.2.1", 1, DLK_R_OK },
		{ NOW - 10, NOW, 60, "192.0.2.1", 1, DLK_R_OTP_REQUIRED },
		{ NOW + 1, NOW + 10, 60, "192.0.2.1", 1, DLK_R_OTP_REQUIRED },
		{ NOW - 60, NOW + 10, 60, "192.0.2.1", 1, DLK_R_OTP_REQUIRED },
		{ NOW - 10, NOW + 10, 0, "192.0.2.1", 1, DLK_R_OTP_REQUIRED },
		{ NOW - 10, NOW + 10, 60, "", 1, DLK_R_OTP_REQUIRED },
		{ NOW - 10, NOW + 10, 60, "192.0.2.1", 0, DLK_R_OTP_REQUIRED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct world w;

		begin(&w);
		w.section.remember = rows[i].remember;
		w.memory.remembered_since = rows[i].since;
		w.memory.remembered_until = rows[i].until;
		w.memory.n_tokens = rows[i].n_tokens;
		dlk_text_copy(w.subject.source, sizeof(w.subject.source), rows[i].source);
		assert_int_equal(ask(&w), rows[i].reason);
		assert_int_equal(w.verdict.remembered, rows[i].reason == DLK_R_OK);
		assert_int_equal(w.settlement.remember_until, 0);
	}
}

static void
a_full_login_with_a_source_is_what_is_remembered(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.section.remember = 60;
	type_code(&w, 0, NOW / 30);
	assert_int_equal(ask(&w), DLK_R_OK);
	assert_int_equal(w.settlement.remember_until, NOW + 60);
	w.settlement = (struct dlk_settlement){ 0 };
	w.subject.source[0] = '\0';
	assert_int_equal(ask(&w), DLK_R_OK);
	assert_int_equal(w.settlement.remember_until, 0);
}

static void
by_code_alone_nothing_is_remembered(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.section.remember = 60;
	w.section.certificate = DLK_CERTIFICATE_NONE;
	w.memory.remembered_since = NOW - 10;
	w.memory.remembered_until = NOW + 10;
	assert_int_equal(ask(&w), DLK_R_OTP_REQUIRED);
	assert_false(w.verdict.remembered);
	type_code(&w, 0, NOW / 30);
	assert_int_equal(ask(&w), DLK_R_OK);
	assert_int_equal(w.settlement.remember_until, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_is_asked_for_first),
		cmocka_unit_test(a_visit_is_renewed_without_a_code),
		cmocka_unit_test(nobody_enrolled_is_asked_all_the_same),
		cmocka_unit_test(after_a_restore_only_time_opens),
		cmocka_unit_test(demands_are_kept),
		cmocka_unit_test(every_step_of_the_window_opens_once),
		cmocka_unit_test(a_used_step_is_a_replay),
		cmocka_unit_test(any_token_opens_whatever_its_place),
		cmocka_unit_test(a_bound_token_opens_with_its_key_alone),
		cmocka_unit_test(recovery_codes_open),
		cmocka_unit_test(the_last_allowed_failure_locks),
		cmocka_unit_test(ceilings_hold),
		cmocka_unit_test(codes_alone_are_delayed_and_never_locked),
		cmocka_unit_test(success_clears_the_failures_of_its_key_alone),
		cmocka_unit_test(a_login_is_remembered),
		cmocka_unit_test(a_full_login_with_a_source_is_what_is_remembered),
		cmocka_unit_test(by_code_alone_nothing_is_remembered),
	};

	return cmocka_run_group_tests_name("second", tests, NULL, NULL);
}
