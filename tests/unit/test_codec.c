/* SPDX-License-Identifier: MIT */
/* What is encoded reads back; any other octets are refused whole. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "wire/codec.h"

static void
fill_request(struct dlk_request *r)
{
	memset(r->attempt, 0xa5, sizeof(r->attempt));
	r->entrance = DLK_ENTRANCE_PAM;
	r->possession = DLK_POSSESSION_SSHD;
	r->evidence_kind = DLK_EVIDENCE_SSH_AUTH_INFO;
	assert_int_equal(dlk_buf_add(&r->evidence, DLK_EVIDENCE_MAX,
			     dlk_bytes_str("publickey ssh-ed25519 AAAA\n")),
	    0);
	assert_int_equal(
	    dlk_buf_add(&r->chain, DLK_CHAIN_MAX, DLK_BYTES("\x30\x00\x01", 3)), 0);
	dlk_text_copy(r->user, sizeof(r->user), "anna");
	r->account_known = true;
	r->uid = 4294967294U;
	dlk_text_copy(r->service, sizeof(r->service), "sshd");
	dlk_text_copy(r->source, sizeof(r->source), "2001:db8::1");
	dlk_text_copy(r->tty, sizeof(r->tty), "ssh");
	r->has_code = true;
	assert_int_equal(dlk_secret_set(&r->code, dlk_bytes_str("123456")), 0);
	r->keep = r->renews = true;
	dlk_text_copy(r->visit, sizeof(r->visit), "AbC+/dEf==");
}

static void
fill_verdict(struct dlk_verdict *v)
{
	v->reason = DLK_R_OTP_REQUIRED;
	v->effect = DLK_EFFECT_OBSERVE;
	v->stage = DLK_STAGE_SECOND;
	dlk_text_copy(v->detail, sizeof(v->detail), "the code is missing");
	dlk_text_copy(v->user, sizeof(v->user), "anna");
	memset(v->subject, 's', DLK_DN_MAX);
	dlk_text_copy(v->issuer, sizeof(v->issuer), "CN=Issuing CA");
	dlk_text_copy(v->serial, sizeof(v->serial), "01ff");
	memset(v->fingerprint, 'f', DLK_FINGERPRINT_HEX);
	v->good_until = -62135596800;
	v->chain_until = INT64_MAX;
	dlk_text_copy(v->policy, sizeof(v->policy), "service sshd group:ops");
	dlk_text_copy(v->event, sizeof(v->event), "01890a5d-ac96-774b-bcce-b302099a8057");
	v->code_digits = 8;
	v->remembered = true;
}

static void
assert_buf_equal(const struct dlk_buf *a, const struct dlk_buf *b)
{
	assert_true(dlk_bytes_equal(dlk_bytes_of(a), dlk_bytes_of(b)));
}

static void
a_request_reads_back(void **state)
{
	DLK_AUTO_REQUEST in = { 0 }, out = { 0 };
	DLK_AUTO_BUF frame = { 0 };

	(void)state;
	fill_request(&in);
	assert_int_equal(dlk_request_encode(&in, &frame), 0);
	assert_int_equal(dlk_request_decode(dlk_bytes_of(&frame), &out), 0);
	assert_memory_equal(out.attempt, in.attempt, DLK_ATTEMPT_SIZE);
	assert_int_equal(out.entrance, in.entrance);
	assert_int_equal(out.possession, in.possession);
	assert_int_equal(out.evidence_kind, in.evidence_kind);
	assert_buf_equal(&out.evidence, &in.evidence);
	assert_buf_equal(&out.chain, &in.chain);
	assert_string_equal(out.user, in.user);
	assert_true(out.account_known);
	assert_int_equal(out.uid, in.uid);
	assert_string_equal(out.service, in.service);
	assert_string_equal(out.source, in.source);
	assert_string_equal(out.tty, in.tty);
	assert_true(out.has_code);
	assert_true(dlk_secret_equal(&out.code, &in.code));
	assert_true(out.keep);
	assert_string_equal(out.visit, in.visit);
	assert_true(out.renews);
}

static void
a_session_reads_back(void **state)
{
	DLK_AUTO_REQUEST in = { 0 }, out = { 0 };
	DLK_AUTO_BUF frame = { 0 };

	(void)state;
	fill_request(&in);
	in.session = DLK_SESSION_CLOSED;
	assert_int_equal(dlk_request_encode(&in, &frame), -EINVAL); /* it asks for nothing */
	in.has_code = false;
	in.evidence.n = in.chain.n = 0;
	in.keep = in.renews = false;
	assert_int_equal(dlk_request_encode(&in, &frame), 0);
	assert_int_equal(dlk_request_decode(dlk_bytes_of(&frame), &out), 0);
	assert_int_equal(out.session, DLK_SESSION_CLOSED);
	assert_string_equal(out.user, in.user);
}

static void
an_empty_request_reads_back(void **state)
{
	DLK_AUTO_REQUEST in = { 0 }, out = { 0 };
	DLK_AUTO_BUF frame = { 0 };

	(void)state;
	assert_int_equal(dlk_request_encode(&in, &frame), 0);
	assert_int_equal(dlk_request_decode(dlk_bytes_of(&frame), &out), 0);
	assert_memory_equal(&out, &in, sizeof(in));
}

static void
a_verdict_reads_back(void **state)
{
	struct dlk_verdict in = { 0 }, out = { 0 };
	DLK_AUTO_BUF frame = { 0 };

	(void)state;
	fill_verdict(&in);
	assert_int_equal(dlk_verdict_encode(&in, &frame), 0);
	assert_int_equal(dlk_verdict_decode(dlk_bytes_of(&frame), &out), 0);
	assert_int_equal(out.reason, in.reason);
	assert_int_equal(out.effect, in.effect);
	assert_int_equal(out.stage, in.stage);
	assert_string_equal(out.detail, in.detail);
	assert_string_equal(out.user, in.user);
	assert_string_equal(out.subject, in.subject);
	assert_string_equal(out.issuer, in.issuer);
	assert_string_equal(out.serial, in.serial);
	assert_string_equal(out.fingerprint, in.fingerprint);
	assert_true(out.good_until == in.good_until);
	assert_true(out.chain_until == in.chain_until);
	assert_string_equal(out.policy, in.policy);
	assert_string_equal(out.event, in.event);
	assert_int_equal(out.code_digits, 8);
	assert_true(out.remembered);
}

static void
every_reason_travels(void **state)
{
	(void)state;
	for (int i = 0; i < DLK_REASON_COUNT; i++) {
		struct dlk_verdict in = { .reason = (enum dlk_reason)i }, out = { 0 };
		DLK_AUTO_BUF frame = { 0 };

		assert_int_equal(dlk_verdict_encode(&in, &frame), 0);
		assert_int_equal(dlk_verdict_decode(dlk_bytes_of(&frame), &out), 0);
		assert_memory_equal(&out, &in, sizeof(in));
	}
}

static void
a_frame_stands_behind_others(void **state)
{
	struct dlk_verdict in = { 0 }, out = { 0 };
	DLK_AUTO_BUF both = { 0 };

	(void)state;
	assert_int_equal(dlk_verdict_encode(&in, &both), 0);
	size_t first = both.n;
	fill_verdict(&in);
	assert_int_equal(dlk_verdict_encode(&in, &both), 0);
	assert_int_equal(dlk_verdict_decode(DLK_BYTES(both.p, first), &out), 0);
	assert_int_equal(
	    dlk_verdict_decode(DLK_BYTES(both.p + first, both.n - first), &out), 0);
	assert_int_equal(dlk_verdict_decode(dlk_bytes_of(&both), &out), -EBADMSG);
}

static void
what_cannot_be_read_is_not_written(void **state)
{
	DLK_AUTO_REQUEST request = { 0 };
	DLK_AUTO_BUF frame = { 0 };
	struct dlk_verdict verdict = { 0 };

	(void)state;
	dlk_text_copy(request.user, sizeof(request.user), "an\nna");
	assert_int_equal(dlk_request_encode(&request, &frame), -EINVAL);
	request.user[0] = '\0';
	request.has_code = true;
	assert_int_equal(dlk_request_encode(&request, &frame), -EINVAL);
	request.has_code = false;
	request.evidence.n = DLK_EVIDENCE_MAX + 1;
	request.evidence.room = request.evidence.n;
	request.evidence.p = calloc(1, request.evidence.n);
	assert_int_equal(dlk_request_encode(&request, &frame), -EMSGSIZE);
	verdict.code_digits = 256;
	assert_int_equal(dlk_verdict_encode(&verdict, &frame), -EINVAL);
	verdict.code_digits = 0;
	dlk_text_copy(verdict.detail, sizeof(verdict.detail), "caf\xc3\xa9");
	assert_int_equal(dlk_verdict_encode(&verdict, &frame), -EINVAL);
	assert_int_equal(frame.n, 0);
}

static void
the_largest_request_fits(void **state)
{
	DLK_AUTO_REQUEST in = { 0 }, out = { 0 };
	DLK_AUTO_BUF frame = { 0 };

	(void)state;
	fill_request(&in);
	dlk_buf_free(&in.evidence);
	dlk_buf_free(&in.chain);
	in.evidence.p = calloc(1, DLK_EVIDENCE_MAX);
	in.evidence.n = in.evidence.room = DLK_EVIDENCE_MAX;
	in.chain.p = calloc(1, DLK_CHAIN_MAX);
	in.chain.n = in.chain.room = DLK_CHAIN_MAX;
	memset(in.user, 'u', DLK_NAME_MAX);
	assert_int_equal(
	    dlk_secret_set(&in.code, DLK_BYTES(in.evidence.p, DLK_SECRET_MAX)), 0);
	assert_int_equal(dlk_request_encode(&in, &frame), 0);
	assert_int_equal(dlk_request_decode(dlk_bytes_of(&frame), &out), 0);
	assert_int_equal(out.evidence.n, DLK_EVIDENCE_MAX);
	assert_int_equal(out.code.n, DLK_SECRET_MAX);
}

static void
a_cut_frame_is_refused(void **state)
{
	DLK_AUTO_REQUEST request = { 0 }, out = { 0 };
	struct dlk_verdict verdict = { 0 }, ret = { 0 };
	DLK_AUTO_BUF asked = { 0 }, answered = { 0 };

	(void)state;
	fill_request(&request);
	fill_verdict(&verdict);
	assert_int_equal(dlk_request_encode(&request, &asked), 0);
	assert_int_equal(dlk_verdict_encode(&verdict, &answered), 0);
	for (size_t n = 0; n < asked.n; n++) {
		assert_true(dlk_request_decode(DLK_BYTES(asked.p, n), &out) < 0);
		/* the length says so too */
		if (n >= DLK_WIRE_HEADER) {
			dlk_put_be32(asked.p + 4, (uint32_t)(n - DLK_WIRE_HEADER));
			int error = dlk_request_decode(DLK_BYTES(asked.p, n), &out);
			assert_true(error == 0 || error == -EBADMSG);
			dlk_request_fini(&out);
			dlk_put_be32(asked.p + 4, (uint32_t)(asked.n - DLK_WIRE_HEADER));
		}
	}
	for (size_t n = 0; n < answered.n; n++)
		assert_true(dlk_verdict_decode(DLK_BYTES(answered.p, n), &ret) < 0);
	assert_int_equal(ret.reason, DLK_R_UNDECIDED);
}

/* Frames by hand: fields as "tag length value", without the header. */
struct bad {
	const char *name;
	int error;
	const char *fields; /* octets */
	size_t n;
};
#define F(octets) octets, sizeof(octets) - 1
#define REASON    "\x01\x01\0\0\0\x02ok"
#define STAGE     "\x01\x02\0\0\0\x01\x07"
#define UNTIL     "\x01\x09\0\0\0\x08\0\0\0\0\0\0\0\1"
#define CHAIN     "\x01\x0a\0\0\0\x08\0\0\0\0\0\0\0\1"

static const struct bad verdicts[] = {
	{ "as it should be", 0, F(REASON STAGE UNTIL CHAIN) },
	{ "unknown skippable", 0, F(REASON STAGE UNTIL CHAIN "\xff\xf0\0\0\0\1x") },
	{ "unknown", -EBADMSG, F(REASON STAGE UNTIL CHAIN "\x01\x1f\0\0\0\1x") },
	{ "doubled", -EBADMSG, F(REASON REASON STAGE UNTIL CHAIN) },
	{ "out of order", -EBADMSG, F(STAGE REASON UNTIL CHAIN) },
	{ "nothing", -EBADMSG, F("") },
	{ "no reason", -EBADMSG, F(STAGE UNTIL CHAIN) },
	{ "no stage", -EBADMSG, F(REASON UNTIL CHAIN) },
	{ "no good-until", -EBADMSG, F(REASON STAGE CHAIN) },
	{ "a reason that is none", -EBADMSG, F("\x01\x01\0\0\0\x03yes" STAGE UNTIL CHAIN) },
	{ "a reason with a NUL", -EBADMSG, F("\x01\x01\0\0\0\x03ok\0" STAGE UNTIL CHAIN) },
	{ "a stage that is none", -EBADMSG, F(REASON "\x01\x02\0\0\0\1\x08" UNTIL CHAIN) },
	{ "a stage of two octets", -EBADMSG, F(REASON "\x01\x02\0\0\0\2\0\1" UNTIL CHAIN) },
	{ "a short time", -EBADMSG, F(REASON STAGE "\x01\x09\0\0\0\4\0\0\0\1" CHAIN) },
	{ "an empty text", -EBADMSG, F(REASON STAGE "\x01\x03\0\0\0\0" UNTIL CHAIN) },
	{ "a line feed", -EBADMSG, F(REASON STAGE "\x01\x03\0\0\0\1\n" UNTIL CHAIN) },
	{ "eight bits", -EBADMSG, F(REASON STAGE "\x01\x03\0\0\0\1\xe9" UNTIL CHAIN) },
	{ "effect enforce", -EBADMSG, F(REASON STAGE UNTIL CHAIN "\x81\x0d\0\0\0\1\0") },
	{ "effect unknown", -EBADMSG, F(REASON STAGE UNTIL CHAIN "\x81\x0d\0\0\0\1\2") },
	{ "remembered no", -EBADMSG, F(REASON STAGE UNTIL CHAIN "\x81\x0f\0\0\0\1\0") },
	{ "remembered twice", -EBADMSG,
	    F(REASON STAGE UNTIL CHAIN "\x81\x0f\0\0\0\1\1\x81\x0f\0\0\0\1\1") },
	{ "half a field behind", -EBADMSG, F(REASON STAGE UNTIL CHAIN "\xff\xf0\0") },
	{ "a length beyond the end", -EBADMSG,
	    F(REASON STAGE UNTIL "\x01\x0a\0\0\0\x09\0\0") },
	{ "a length of 4 GiB", -EBADMSG, F(REASON STAGE UNTIL "\x01\x0a\xff\xff\xff\xff\0") },
	{ "an event id too long", -EBADMSG,
	    F(REASON STAGE UNTIL CHAIN
		"\x01\x0c\0\0\0\x25zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz") },
	{ "fields of a request", -EBADMSG, F("\0\x02\0\0\0\1\1" REASON STAGE UNTIL CHAIN) },
};

#define ATTEMPT                                                                               \
	"\0\x01\0\0\0\x10"                                                                    \
	"0123456789abcdef"
#define KINDS "\0\x02\0\0\0\1\1\0\x03\0\0\0\1\1\0\x04\0\0\0\1\1"

static const struct bad requests[] = {
	{ "as it should be", 0, F(ATTEMPT KINDS) },
	{ "no attempt", -EBADMSG, F(KINDS) },
	{ "a short attempt", -EBADMSG, F("\0\x01\0\0\0\x02zz" KINDS) },
	{ "no kinds", -EBADMSG, F(ATTEMPT) },
	{ "an entrance that is none", -EBADMSG,
	    F(ATTEMPT "\0\x02\0\0\0\1\5\0\x03\0\0\0\1\1\0\x04\0\0\0\1\1") },
	{ "a kind that is none", -EBADMSG,
	    F(ATTEMPT "\0\x02\0\0\0\1\1\0\x03\0\0\0\1\1\0\x04\0\0\0\1\6") },
	{ "a uid of two octets", -EBADMSG, F(ATTEMPT KINDS "\0\x08\0\0\0\2\0\0") },
	{ "an empty code", -EBADMSG, F(ATTEMPT KINDS "\0\x0c\0\0\0\0") },
	{ "a verdict's field", -EBADMSG, F(ATTEMPT KINDS REASON) },
	{ "a session", 0, F(ATTEMPT KINDS "\0\x0d\0\0\0\1\2") },
	{ "no session", -EBADMSG, F(ATTEMPT KINDS "\0\x0d\0\0\0\1\0") },
	{ "a session that is none", -EBADMSG, F(ATTEMPT KINDS "\0\x0d\0\0\0\1\3") },
	{ "a session with a code", -EBADMSG,
	    F(ATTEMPT KINDS "\0\x0c\0\0\0\1"
			    "1"
			    "\0\x0d\0\0\0\1\1") },
	{ "a session with evidence", -EBADMSG,
	    F(ATTEMPT KINDS "\0\x05\0\0\0\1"
			    "1"
			    "\0\x0d\0\0\0\1\1") },
	{ "keep nothing", -EBADMSG, F(ATTEMPT KINDS "\0\x0e\0\0\0\1\0") },
	{ "a session that renews", -EBADMSG,
	    F(ATTEMPT KINDS "\0\x0d\0\0\0\1\1\0\x10\0\0\0\1\1") },
	{ "a visit before a session", -EBADMSG,
	    F(ATTEMPT KINDS "\0\x0f\0\0\0\1v\0\x0d\0\0\0\1\1") },
	{ "a user with ESC", -EBADMSG, F(ATTEMPT KINDS "\0\x07\0\0\0\2\x1bZ") },
};

static void
frame_of(const struct bad *row, struct dlk_buf *frame)
{
	uint8_t header[DLK_WIRE_HEADER] = { 'D', 'L', 'K', DLK_WIRE_VERSION };

	dlk_put_be32(header + 4, (uint32_t)row->n);
	assert_int_equal(
	    dlk_buf_add(frame, DLK_WIRE_MAX, DLK_BYTES(header, sizeof(header))), 0);
	assert_int_equal(dlk_buf_add(frame, DLK_WIRE_MAX, DLK_BYTES(row->fields, row->n)), 0);
}

static void
bad_verdicts_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		DLK_AUTO_BUF frame = { 0 };
		struct dlk_verdict out = { 0 };

		frame_of(&verdicts[i], &frame);
		int error = dlk_verdict_decode(dlk_bytes_of(&frame), &out);
		if (error != verdicts[i].error)
			fail_msg("%s: %d", verdicts[i].name, error);
		assert_true(out.reason == (error ? DLK_R_UNDECIDED : DLK_R_OK));
	}
}

static void
bad_requests_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		DLK_AUTO_BUF frame = { 0 };
		DLK_AUTO_REQUEST out = { 0 };

		frame_of(&requests[i], &frame);
		int error = dlk_request_decode(dlk_bytes_of(&frame), &out);
		if (error != requests[i].error)
			fail_msg("%s: %d", requests[i].name, error);
	}
}

static void
other_versions_are_not_ours(void **state)
{
	DLK_AUTO_BUF frame = { 0 };
	struct dlk_verdict out = { 0 };

	(void)state;
	frame_of(&verdicts[0], &frame);
	frame.p[3]++;
	assert_int_equal(dlk_verdict_decode(dlk_bytes_of(&frame), &out), -EPROTO);
	frame.p[3]--;
	frame.p[0] = 'd';
	assert_int_equal(dlk_verdict_decode(dlk_bytes_of(&frame), &out), -EPROTO);
	assert_int_equal(dlk_verdict_decode(DLK_BYTES("DLK", 3), &out), -EPROTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_reads_back),
		cmocka_unit_test(a_session_reads_back),
		cmocka_unit_test(an_empty_request_reads_back),
		cmocka_unit_test(a_verdict_reads_back),
		cmocka_unit_test(every_reason_travels),
		cmocka_unit_test(a_frame_stands_behind_others),
		cmocka_unit_test(what_cannot_be_read_is_not_written),
		cmocka_unit_test(the_largest_request_fits),
		cmocka_unit_test(a_cut_frame_is_refused),
		cmocka_unit_test(bad_verdicts_are_refused),
		cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(other_versions_are_not_ours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
