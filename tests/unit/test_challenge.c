/* SPDX-License-Identifier: MIT */
/* Challenges and answers as octets, and how they travel beside verdicts and in requests. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/sshwire.h"
#include "wire/challenge.h"
#include "wire/codec.h"

static void
add(struct dlk_buf *buf, const char *text)
{
	assert_int_equal(dlk_buf_add(buf, SIZE_MAX / 2, dlk_bytes_str(text)), 0);
}

static void
fill(struct dlk_challenge *c)
{
	c->by = DLK_POSSESSION_SSH_AGENT;
	add(&c->data, "SSHSIG and so on");
	memset(c->digest, 7, sizeof(c->digest));
	assert_int_equal(
	    dlk_ssh_add_string(&c->wanted, DLK_WANTED_MAX, dlk_bytes_str("key one")), 0);
	assert_int_equal(
	    dlk_ssh_add_string(&c->wanted, DLK_WANTED_MAX, dlk_bytes_str("key two")), 0);
}

static void
a_challenge_reads_back(void **state)
{
	DLK_AUTO_CHALLENGE in = { 0 }, out = { 0 };
	DLK_AUTO_BUF octets = { 0 };

	(void)state;
	assert_int_equal(dlk_challenge_encode(&in, &octets), -EINVAL);
	fill(&in);
	assert_int_equal(dlk_challenge_encode(&in, &octets), 0);
	assert_int_equal(dlk_challenge_by(dlk_bytes_of(&octets)), DLK_POSSESSION_SSH_AGENT);
	assert_int_equal(dlk_challenge_decode(dlk_bytes_of(&octets), &out), 0);
	assert_true(dlk_bytes_equal(dlk_bytes_of(&out.data), dlk_bytes_of(&in.data)));
	assert_true(dlk_bytes_equal(dlk_bytes_of(&out.wanted), dlk_bytes_of(&in.wanted)));
	assert_memory_equal(out.digest, in.digest, sizeof(in.digest));
	for (size_t n = 0; n < octets.n; n++) {
		DLK_AUTO_CHALLENGE cut = { 0 };

		assert_int_equal(dlk_challenge_decode(DLK_BYTES(octets.p, n), &cut), -EBADMSG);
	}
	octets.p[0] = DLK_POSSESSION_SSHD;
	DLK_AUTO_CHALLENGE other = { 0 };
	assert_int_equal(dlk_challenge_decode(dlk_bytes_of(&octets), &other), -EBADMSG);
	assert_int_equal(dlk_challenge_by(dlk_bytes_of(&octets)), DLK_POSSESSION_NONE);
}

static void
an_answer_reads_back(void **state)
{
	DLK_AUTO_ANSWER in = { .by = DLK_POSSESSION_TOKEN }, out = { 0 };
	DLK_AUTO_BUF octets = { 0 };

	(void)state;
	assert_int_equal(dlk_answer_encode(&in, &octets), -EINVAL);
	add(&in.evidence, "a certificate");
	add(&in.signature, "signed");
	assert_int_equal(dlk_answer_encode(&in, &octets), 0);
	assert_int_equal(dlk_answer_decode(dlk_bytes_of(&octets), &out), 0);
	assert_int_equal(out.by, DLK_POSSESSION_TOKEN);
	assert_int_equal(out.trouble, DLK_TROUBLE_NONE);
	for (size_t n = 0; n < octets.n; n++) {
		DLK_AUTO_ANSWER cut = { 0 };

		assert_int_equal(dlk_answer_decode(DLK_BYTES(octets.p, n), &cut), -EBADMSG);
	}
	add(&octets, "x");
	DLK_AUTO_ANSWER more = { 0 };
	assert_int_equal(dlk_answer_decode(dlk_bytes_of(&octets), &more), -EBADMSG);
}

static void
a_trouble_reads_back(void **state)
{
	DLK_AUTO_ANSWER in = { .trouble = DLK_TROUBLE_LATE }, out = { 0 };
	DLK_AUTO_BUF octets = { 0 };

	(void)state;
	assert_int_equal(dlk_answer_encode(&in, &octets), 0);
	assert_int_equal(octets.n, 2);
	assert_int_equal(dlk_answer_decode(dlk_bytes_of(&octets), &out), 0);
	assert_int_equal(out.trouble, DLK_TROUBLE_LATE);
	octets.p[1] = 0;
	assert_int_equal(dlk_answer_decode(dlk_bytes_of(&octets), &out), -EBADMSG);
}

/* What is told of an answer is out of the answer, and of nothing beside it. */
static void
an_answer_is_unpacked_into_a_request(void **state)
{
	DLK_AUTO_ANSWER answer = { .by = DLK_POSSESSION_SSH_AGENT };
	DLK_AUTO_REQUEST request = { 0 }, both = { 0 }, none = { 0 };

	(void)state;
	add(&answer.evidence, "a key");
	add(&answer.signature, "signed");
	assert_int_equal(dlk_answer_encode(&answer, &request.answer), 0);
	assert_int_equal(dlk_answer_encode(&answer, &both.answer), 0);
	assert_int_equal(dlk_answer_unpack(&request), 0);
	assert_int_equal(request.possession, DLK_POSSESSION_SSH_AGENT);
	assert_int_equal(request.evidence_kind, DLK_EVIDENCE_SSH_BLOB);
	assert_true(dlk_bytes_equal(dlk_bytes_of(&request.evidence), dlk_bytes_str("a key")));
	assert_true(
	    dlk_bytes_equal(dlk_bytes_of(&request.signature), dlk_bytes_str("signed")));
	both.evidence_kind = DLK_EVIDENCE_SSH_AUTH_INFO;
	assert_int_equal(dlk_answer_unpack(&both), -EBADMSG);
	both.evidence_kind = DLK_EVIDENCE_NONE;
	both.possession = DLK_POSSESSION_SSHD;
	assert_int_equal(dlk_answer_unpack(&both), -EBADMSG);
	assert_int_equal(dlk_answer_unpack(&none), 0);
}

static void
fields_that_older_programs_pass_over(void **state)
{
	DLK_AUTO_REQUEST in = { .asker = "alice" }, out = { 0 };
	DLK_AUTO_BUF frame = { 0 }, asked = { 0 }, plain = { 0 }, found = { 0 };
	struct dlk_verdict verdict = { .reason = DLK_R_POSSESSION_UNPROVEN }, read;

	(void)state;
	add(&in.answer, "some octets");
	assert_int_equal(dlk_request_encode(&in, &frame), 0);
	assert_int_equal(dlk_request_decode(dlk_bytes_of(&frame), &out), 0);
	assert_string_equal(out.asker, "alice");
	assert_true(dlk_bytes_equal(dlk_bytes_of(&out.answer), dlk_bytes_of(&in.answer)));
	assert_int_equal(
	    dlk_verdict_encode_with(&verdict, dlk_bytes_str("a challenge"), &asked), 0);
	assert_int_equal(dlk_verdict_decode(dlk_bytes_of(&asked), &read), 0);
	assert_int_equal(read.reason, DLK_R_POSSESSION_UNPROVEN);
	assert_int_equal(dlk_verdict_challenge(dlk_bytes_of(&asked), &found), 0);
	assert_true(dlk_bytes_equal(dlk_bytes_of(&found), dlk_bytes_str("a challenge")));
	assert_int_equal(dlk_verdict_encode(&verdict, &plain), 0);
	dlk_buf_free(&found);
	assert_int_equal(dlk_verdict_challenge(dlk_bytes_of(&plain), &found), 0);
	assert_int_equal(found.n, 0);
	/* the tags' top bits, by which they are passed over */
	assert_int_equal(plain.n + 6 + strlen("a challenge"), asked.n);
	assert_int_equal(asked.p[plain.n] & 0x80, 0x80);
}

static void
an_offer_is_one_line(void **state)
{
	const struct dlk_verdict verdict = { .reason = DLK_R_OK };
	DLK_AUTO_BUF frame = { 0 }, none = { 0 }, found = { 0 };
	struct dlk_verdict read;

	(void)state;
	assert_int_equal(
	    dlk_verdict_encode_offer(&verdict, dlk_bytes_str("a\nb"), &frame), -EINVAL);
	assert_int_equal(frame.n, 0);
	assert_int_equal(
	    dlk_verdict_encode_offer(&verdict, dlk_bytes_str("from=\"::/0\""), &frame), 0);
	assert_int_equal(dlk_verdict_decode(dlk_bytes_of(&frame), &read), 0);
	assert_int_equal(read.reason, DLK_R_OK);
	assert_int_equal(dlk_verdict_offer(dlk_bytes_of(&frame), &found), 0);
	assert_true(dlk_bytes_equal(dlk_bytes_of(&found), dlk_bytes_str("from=\"::/0\"")));
	frame.p[frame.n - 1] = '\n';
	dlk_buf_free(&found);
	assert_int_equal(dlk_verdict_offer(dlk_bytes_of(&frame), &found), -EBADMSG);
	assert_int_equal(found.n, 0);
	assert_int_equal(dlk_verdict_encode(&verdict, &none), 0);
	assert_int_equal(dlk_verdict_offer(dlk_bytes_of(&none), &found), 0);
	assert_int_equal(found.n, 0);
}

static void
frames_to_and_from_the_prover(void **state)
{
	DLK_AUTO_BUF frame = { 0 };
	struct dlk_bytes content;
	enum dlk_prove what;

	(void)state;
	assert_int_equal(
	    dlk_prove_pack(DLK_PROVE_ANSWER, dlk_bytes_str("content"), &frame), 0);
	assert_int_equal(dlk_prove_unpack(dlk_bytes_of(&frame), &what, &content), 0);
	assert_int_equal(what, DLK_PROVE_ANSWER);
	assert_true(dlk_bytes_equal(content, dlk_bytes_str("content")));
	assert_int_equal(
	    dlk_prove_unpack(DLK_BYTES(frame.p, DLK_WIRE_HEADER), &what, &content), -EBADMSG);
	frame.p[DLK_WIRE_HEADER] = 99;
	assert_int_equal(dlk_prove_unpack(dlk_bytes_of(&frame), &what, &content), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_challenge_reads_back),
		cmocka_unit_test(an_answer_reads_back),
		cmocka_unit_test(a_trouble_reads_back),
		cmocka_unit_test(an_answer_is_unpacked_into_a_request),
		cmocka_unit_test(fields_that_older_programs_pass_over),
		cmocka_unit_test(an_offer_is_one_line),
		cmocka_unit_test(frames_to_and_from_the_prover),
	};

	return cmocka_run_group_tests_name("challenge", tests, NULL, NULL);
}
