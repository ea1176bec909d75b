/* SPDX-License-Identifier: MIT */
/* What a gateway's first call leaves for its second one: who finds it, for how long, once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "tests/unit/room.h"

#define DIGEST  "\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab"
#define GATEWAY "uid:101"

/* A first call whose certificate is wanted again. */
static struct dlk_settlement
first_call(int64_t now, unsigned attempt, bool provisional)
{
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, now, attempt);

	subject.service[0] = '\0';
	s.provisional = provisional;
	if (provisional)
		s.event.reason = DLK_R_OTP_REQUIRED;
	s.keep = true;
	s.certificate = dlk_bytes_str("certificate");
	s.chain = dlk_bytes_str(provisional ? "chain" : "");
	strcpy(s.event.caller, GATEWAY);
	memset(s.event.fingerprint, 0, sizeof(s.event.fingerprint));
	memset(s.event.fingerprint, 'a', DLK_FINGERPRINT_HEX);
	for (size_t i = 1; i < DLK_FINGERPRINT_HEX; i += 2)
		s.event.fingerprint[i] = 'b';
	return s;
}

struct call {
	const char *name, *caller, *service, *source;
	size_t digest; /* octets */
	char last;     /* octet of it */
	int64_t after; /* seconds */
	int error;
};

static int
second_call(struct room *room, const struct call *call, struct dlk_kept *kept)
{
	struct dlk_caller caller = { .entrance = DLK_ENTRANCE_GATEWAY };
	DLK_AUTO_REQUEST request = { .evidence_kind = DLK_EVIDENCE_KEPT };
	uint8_t digest[DLK_SHA256_SIZE];

	memcpy(digest, DIGEST DIGEST, sizeof(digest));
	digest[sizeof(digest) - 1] = (uint8_t)call->last;
	strcpy(caller.name, call->caller);
	strcpy(request.service, call->service);
	strcpy(request.source, call->source);
	assert_int_equal(
	    dlk_buf_add(&request.evidence, SIZE_MAX, DLK_BYTES(digest, call->digest)), 0);
	return dlk_record_kept(room->record, &caller, &request, ROOM_NOW + call->after, kept);
}

static void
its_own_caller_finds_it_for_a_minute(void **state)
{
	static const struct call calls[] = {
		{ "at once", GATEWAY, "sshd", "192.0.2.7", 32, '\xab', 0, 0 },
		{ "after a minute", GATEWAY, "sshd", "192.0.2.7", 32, '\xab', 60, 0 },
		{ "later", GATEWAY, "sshd", "192.0.2.7", 32, '\xab', 61, -ENOENT },
		{ "before", GATEWAY, "sshd", "192.0.2.7", 32, '\xab', -1, -ENOENT },
		{ "another caller", "uid:102", "sshd", "192.0.2.7", 32, '\xab', 0, -ENOENT },
		{ "root", "uid:0", "sshd", "192.0.2.7", 32, '\xab', 0, -ENOENT },
		{ "another service", GATEWAY, "vpn", "192.0.2.7", 32, '\xab', 0, -ENOENT },
		{ "another address", GATEWAY, "sshd", "192.0.2.8", 32, '\xab', 0, -ENOENT },
		{ "no address", GATEWAY, "sshd", "", 32, '\xab', 0, -ENOENT },
		{ "another certificate", GATEWAY, "sshd", "192.0.2.7", 32, '\0', 0, -ENOENT },
		{ "half a digest", GATEWAY, "sshd", "192.0.2.7", 16, '\xab', 0, -ENOENT },
	};
	struct room *room = *state;
	struct dlk_settlement s = first_call(ROOM_NOW, 1, true);

	assert_int_equal(room_settle(room, &s, NULL), 0);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct dlk_kept kept = { 0 };
		int error = second_call(room, &calls[i], &kept);
		if (error != calls[i].error)
			fail_msg("%s: %d", calls[i].name, error);
		if (error == 0) {
			assert_true(dlk_bytes_equal(
			    dlk_bytes_of(&kept.certificate), dlk_bytes_str("certificate")));
			assert_true(dlk_bytes_equal(
			    dlk_bytes_of(&kept.chain), dlk_bytes_str("chain")));
			assert_memory_equal(kept.attempt, s.attempt, sizeof(kept.attempt));
		}
		dlk_kept_fini(&kept);
	}
}

static const struct call again = { "", GATEWAY, "sshd", "192.0.2.7", 32, '\xab', 1, 0 };

static void
it_is_used_once_and_by_one_attempt(void **state)
{
	struct room *room = *state;
	struct dlk_settlement s = first_call(ROOM_NOW, 1, true);
	struct dlk_subject subject = room_subject("alice");
	char provisional[DLK_EVENT_ID_TEXT + 1], id[DLK_EVENT_ID_TEXT + 1];
	struct dlk_kept kept = { 0 };

	assert_int_equal(room_settle(room, &s, provisional), 0);
	assert_int_equal(second_call(room, &again, &kept), 0);
	s = room_settlement(&subject, ROOM_NOW + 1, 0);
	memcpy(s.attempt, kept.attempt, sizeof(s.attempt));
	s.kept = kept.row;
	assert_int_equal(room_settle(room, &s, id), 0);
	assert_string_equal(id, provisional); /* one login, one event */
	s = room_settlement(&subject, ROOM_NOW + 1, 2);
	s.kept = kept.row;
	assert_int_equal(room_settle(room, &s, NULL), -EEXIST);
	assert_int_equal(room_number(room, "SELECT count(*) FROM event"), 1);
	dlk_kept_fini(&kept);
	assert_int_equal(second_call(room, &again, &kept), -ENOENT);
}

static void
the_newest_replaces_and_old_ones_go(void **state)
{
	struct room *room = *state;
	struct dlk_settlement s = first_call(ROOM_NOW, 1, true);
	struct dlk_kept kept = { 0 };
	uint8_t none[DLK_ATTEMPT_SIZE] = { 0 };

	assert_int_equal(room_settle(room, &s, NULL), 0);
	s = first_call(
	    ROOM_NOW, 2, false); /* judged already: the next call is another attempt */
	assert_int_equal(room_settle(room, &s, NULL), 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM kept"), 1);
	assert_int_equal(second_call(room, &again, &kept), 0);
	assert_memory_equal(kept.attempt, none, sizeof(none));
	assert_int_equal(kept.chain.n, 0);
	dlk_kept_fini(&kept);
	s = first_call(ROOM_NOW + 100, 3, true);
	strcpy(s.event.source, "192.0.2.9");
	assert_int_equal(room_settle(room, &s, NULL), 0);
	assert_int_equal(room_number(room, "SELECT count(*) FROM kept"), 1);
}

static void
a_damaged_row_is_a_fault(void **state)
{
	struct room *room = *state;
	struct dlk_settlement s = first_call(ROOM_NOW, 1, true);
	struct dlk_kept kept = { 0 };

	assert_int_equal(room_settle(room, &s, NULL), 0);
	room_sql(room, "UPDATE kept SET attempt = x'00'");
	assert_int_equal(second_call(room, &again, &kept), -EBADMSG);
	dlk_kept_fini(&kept);
	memset(&kept, 0, sizeof(kept));
	room_sql(
	    room, "UPDATE kept SET attempt = zeroblob(16), certificate = zeroblob(200000)");
	assert_int_equal(second_call(room, &again, &kept), -EBADMSG);
	dlk_kept_fini(&kept);
}

static bool
stands(struct room *room, const struct dlk_subject *subject)
{
	DLK_AUTO_MEMORY memory = { 0 };

	assert_int_equal(dlk_record_begin(room->record, subject, ROOM_NOW, &memory), 0);
	dlk_record_abandon(room->record);
	return memory.visited;
}

static void
a_visit_is_one_users_with_one_key_at_one_gateway(void **state)
{
	struct room *room = *state;
	struct dlk_subject subject = room_subject("alice");

	subject.caller = GATEWAY;
	subject.visit = "session";
	assert_false(stands(room, &subject));
	struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 1);
	s.visited = true;
	assert_int_equal(room_settle(room, &s, NULL), 0);
	assert_true(stands(room, &subject));
	struct dlk_subject other = subject;
	strcpy(other.user, "bob");
	assert_false(stands(room, &other));
	other = subject;
	other.key_id[0] ^= 1;
	assert_false(stands(room, &other));
	other = subject;
	other.caller = "uid:0";
	assert_false(stands(room, &other));
	other = subject;
	other.visit = "another";
	assert_false(stands(room, &other));
	other.visit = "";
	assert_false(stands(room, &other));
	other = subject;
	strcpy(other.service, "vpn");
	assert_false(stands(room, &other));
	other = subject; /* the client's address may change while the connection stands */
	strcpy(other.source, "192.0.2.200");
	assert_true(stands(room, &other));
	/* what ends remembered logins ends this */
	room_enrol(room, "alice", "phone", DLK_OTP_TOTP, "12345678901234567890");
	assert_false(stands(room, &subject));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(its_own_caller_finds_it_for_a_minute),
		IN_ROOM(it_is_used_once_and_by_one_attempt),
		IN_ROOM(the_newest_replaces_and_old_ones_go),
		IN_ROOM(a_damaged_row_is_a_fault),
		IN_ROOM(a_visit_is_one_users_with_one_key_at_one_gateway),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
