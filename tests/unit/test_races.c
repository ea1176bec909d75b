/* SPDX-License-Identifier: MIT */
/* Many processes with one code: exactly one of them is let in, and never more guesses are
 * judged than the lockout allows. `test_races ROUNDS` for a long run. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "core/second.h"
#include "tests/unit/room.h"

#define PROCESSES 64
#define KEY       "12345678901234567890"

static int rounds = 2;

/* What all processes of a round see. */
struct start {
	int ready;
	int go;
};

/* As dlk_decide() goes about it: the reason, or a fault. */
static enum dlk_reason
judge(struct dlk_record *record, const struct dlk_request *request, int64_t now)
{
	struct dlk_policy policy;
	const struct dlk_service section = { .certificate = DLK_CERTIFICATE_SSHD };
	const struct dlk_ports ports = { .ctx = record,
		.recovery_mac = dlk_record_recovery_mac };
	struct dlk_subject subject = room_subject("alice");
	struct dlk_settlement s = room_settlement(&subject, now, 0);
	struct dlk_verdict verdict = { 0 };
	struct dlk_finding finding = { 0 };
	DLK_AUTO_MEMORY memory = { 0 };
	char id[DLK_EVENT_ID_TEXT + 1];

	dlk_policy_init(&policy);
	if (dlk_record_begin(record, &subject, now, &memory) != 0)
		return DLK_R_FAULT_STORE;
	enum dlk_reason reason = dlk_second(&policy, &section, &ports, request, &subject,
	    &memory, now, &s, &verdict, &finding);
	s.event.reason = reason;
	if (reason != DLK_R_OK)
		s.event.type = DLK_EVENT_DECISION_REFUSED;
	int r = dlk_record_settle(record, &s, id);
	dlk_policy_fini(&policy);
	return r == -EEXIST ? DLK_R_OTP_REPLAYED : r != 0 ? DLK_R_FAULT_STORE : reason;
}

static void
contend(const struct room *room, volatile struct start *start, const char *code, int64_t now)
{
	struct dlk_record *record = NULL;
	struct dlk_finding trouble = { 0 };
	DLK_AUTO_REQUEST request = { .has_code = true };

	__atomic_add_fetch(&start->ready, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&start->go, __ATOMIC_SEQ_CST))
		usleep(100);
	if (dlk_secret_set(&request.code, dlk_bytes_str(code)) != 0 ||
	    dlk_record_open(room->db, room->seal, &record, &trouble) != 0)
		_exit(DLK_R_FAULT_STORE);
	enum dlk_reason reason = judge(record, &request, now);
	if (reason == DLK_R_FAULT_STORE)
		fprintf(stderr, "%s\n", dlk_record_trouble(record));
	dlk_record_close(record);
	_exit((int)reason);
}

/* All processes at once; how many came to which reason. `code` gives the code of each. */
static void
race(struct room *room, const char *(*code)(int process, void *arg), void *arg, int64_t now,
    int *ret_count)
{
	struct start *start = mmap(
	    NULL, sizeof(*start), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	assert_true(start != MAP_FAILED);
	/* SQLite's handle does not cross a fork. */
	dlk_record_close(room->record);
	room->record = NULL;
	for (int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			contend(room, start, code(i, arg), now);
	}
	while (__atomic_load_n(&start->ready, __ATOMIC_SEQ_CST) < PROCESSES)
		usleep(100);
	__atomic_store_n(&start->go, 1, __ATOMIC_SEQ_CST);
	memset(ret_count, 0, sizeof(int) * DLK_REASON_COUNT);
	for (int i = 0; i < PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		ret_count[WEXITSTATUS(status)]++;
	}
	munmap(start, sizeof(*start));
	room_reopen(room);
}

static const char *
the_same(int process, void *arg)
{
	(void)process;
	return arg;
}

static const char *
another_wrong_one(int process, void *arg)
{
	static char code[8];

	/* Never the right one, which is `arg`. */
	snprintf(code, sizeof(code), "%06d", (atoi(arg) + 1 + process) % 1000000);
	return code;
}

/* One yes; all others found it used, or the lockout that these failures began. */
static void
expect_one(const struct room *room, const int *count, int round)
{
	(void)room;
	if (count[DLK_R_OK] != 1 || count[DLK_R_FAULT_STORE] != 0 ||
	    count[DLK_R_OK] + count[DLK_R_OTP_REPLAYED] + count[DLK_R_OTP_WRONG] +
		    count[DLK_R_LOCKED_OUT] + count[DLK_R_RATE_LIMITED] !=
		PROCESSES)
		fail_msg("round %d: %d ok, %d replayed, %d wrong, %d locked out, %d faults",
		    round, count[DLK_R_OK], count[DLK_R_OTP_REPLAYED], count[DLK_R_OTP_WRONG],
		    count[DLK_R_LOCKED_OUT], count[DLK_R_FAULT_STORE]);
}

static void
forgive(struct room *room)
{
	room_sql(room, "DELETE FROM failure");
}

static void
race_with_token(struct room *room, enum dlk_otp_kind kind)
{
	struct dlk_token token = room_token("phone", kind, KEY);
	char code[DLK_OTP_DIGITS_MAX + 1];
	int count[DLK_REASON_COUNT];

	room_enrol(room, "alice", "phone", kind, KEY);
	for (int round = 0; round < rounds; round++) {
		int64_t now = ROOM_NOW + 30 * round;
		int64_t step = kind == DLK_OTP_HOTP ? round : now / 30;
		assert_int_equal(dlk_otp_code(&token.otp, step, code), 0);
		race(room, the_same, code, now, count);
		expect_one(room, count, round);
		forgive(room);
	}
}

static void
one_totp_code(void **state)
{
	race_with_token(*state, DLK_OTP_TOTP);
}

static void
one_hotp_code(void **state)
{
	race_with_token(*state, DLK_OTP_HOTP);
}

static void
one_recovery_code(void **state)
{
	struct room *room = *state;
	int count[DLK_REASON_COUNT];

	room_enrol(room, "alice", "phone", DLK_OTP_TOTP, KEY);
	for (int round = 0; round < rounds; round++) {
		DLK_AUTO_SECRET code = { 0 };
		char text[DLK_RECOVERY_TEXT_MAX + 1] = { 0 };
		assert_int_equal(dlk_recovery_generate(&code), 0);
		memcpy(text, code.b, code.n);
		assert_int_equal(
		    dlk_recovery_replace(room->record, "alice", &code, 1, "uid:0", ROOM_NOW),
		    0);
		race(room, the_same, text, ROOM_NOW, count);
		expect_one(room, count, round);
		forgive(room);
	}
}

static void
guesses_stop_at_the_lockout(void **state)
{
	struct room *room = *state;
	struct dlk_token token = room_token("phone", DLK_OTP_TOTP, KEY);
	char code[DLK_OTP_DIGITS_MAX + 1];
	int count[DLK_REASON_COUNT];
	struct dlk_policy policy;

	dlk_policy_init(&policy);
	room_enrol(room, "alice", "phone", DLK_OTP_TOTP, KEY);
	for (int round = 0; round < rounds; round++) {
		int64_t now = ROOM_NOW + 30 * round;
		assert_int_equal(dlk_otp_code(&token.otp, now / 30 + 100, code), 0);
		race(room, another_wrong_one, code, now, count);
		/* A guess may hit a code of the window by chance; none did in these rounds. */
		assert_int_equal(count[DLK_R_OK], 0);
		assert_int_equal(count[DLK_R_FAULT_STORE], 0);
		if (count[DLK_R_OTP_WRONG] != (int)policy.lockout.key.failures)
			fail_msg(
			    "round %d: %d guesses were judged", round, count[DLK_R_OTP_WRONG]);
		forgive(room);
	}
	dlk_policy_fini(&policy);
}

/* Logs in for ever, each time with the next step, and says which ones let it in. */
static void
log_in_for_ever(const struct room *room, int out)
{
	for (;;) {
		struct dlk_record *record = NULL;
		struct dlk_finding trouble = { 0 };
		struct dlk_subject subject = room_subject("alice");
		DLK_AUTO_MEMORY memory = { 0 };
		char id[DLK_EVENT_ID_TEXT + 1];
		int r = dlk_record_open(room->db, room->seal, &record, &trouble);
		/* Ten logins of one process, so that some keep the record open. */
		for (int i = 0; i < 10 && r == 0; i++) {
			r = dlk_record_begin(record, &subject, ROOM_NOW, &memory);
			if (r < 0)
				break;
			struct dlk_settlement s = room_settlement(&subject, ROOM_NOW, 0);
			s.token = memory.token[0].id;
			s.step_before = memory.token[0].otp.last_step;
			s.step = s.step_before + 1;
			s.event.good_until = s.step;
			r = dlk_record_settle(record, &s, id);
			if (r == 0 && write(out, &s.step, sizeof(s.step)) < 0)
				_exit(1);
		}
		if (r != 0) {
			fprintf(stderr, "%s\n",
			    record ? dlk_record_trouble(record) : trouble.detail);
			_exit(2);
		}
		dlk_record_close(record);
	}
}

static pid_t
start_one(const struct room *room, int out)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		log_in_for_ever(room, out);
	return pid;
}

static void
end_one(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* None had ended by itself: there was no error. */
	assert_true(WIFSIGNALED(status));
}

static void
killed_among_others(void **state)
{
	enum { WORKERS = 8, LOGINS = 400 };
	struct room *room = *state;
	pid_t pid[WORKERS];
	int pipes[2];
	int64_t step, row, seen[LOGINS * 100 / 64 + 1] = { 0 };
	char sql[128];

	room_enrol(room, "alice", "phone", DLK_OTP_HOTP, KEY);
	dlk_record_close(room->record);
	room->record = NULL;
	assert_int_equal(pipe(pipes), 0);
	for (int i = 0; i < WORKERS; i++)
		pid[i] = start_one(room, pipes[1]);
	for (int n = 0; n < LOGINS * rounds; n++) {
		assert_int_equal(read(pipes[0], &step, sizeof(step)), sizeof(step));
		assert_true(step >= 0);
		if (step < LOGINS * 100) {
			assert_false(seen[step / 64] & (int64_t)((uint64_t)1 << step % 64));
			seen[step / 64] |= (int64_t)((uint64_t)1 << step % 64);
		}
		if (n % 5 == 0) {
			end_one(pid[n / 5 % WORKERS]);
			pid[n / 5 % WORKERS] = start_one(room, pipes[1]);
		}
	}
	for (int i = 0; i < WORKERS; i++)
		end_one(pid[i]);
	close(pipes[0]);
	close(pipes[1]);
	room_reopen(room);
	assert_int_equal(dlk_events_verify(room->record, &row), 0);
	/* Each yes has its record, and each step has one. */
	for (step = 0; step < LOGINS * 100; step++)
		if (seen[step / 64] & (int64_t)((uint64_t)1 << step % 64)) {
			snprintf(sql, sizeof(sql),
			    "SELECT count(*) FROM event WHERE good_until = %lld AND type = "
			    "'doublelock.decision.allowed'",
			    (long long)step);
			if (room_number(room, sql) != 1)
				fail_msg("step %lld", (long long)step);
		}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(one_totp_code),
		IN_ROOM(one_hotp_code),
		IN_ROOM(one_recovery_code),
		IN_ROOM(guesses_stop_at_the_lockout),
		IN_ROOM(killed_among_others),
	};
	if (argc == 2)
		rounds = atoi(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
