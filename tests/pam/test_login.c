/* SPDX-License-Identifier: MIT */
/* The module and the real helper: logins by code, what is wrong with a machine, and eight
 * processes with one code. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "machine.h"
#include "wire/frame.h"

static void
one_code_opens_once(void **state)
{
	struct machine *m = *state;
	char code[16];

	dlk_text_copy(code, sizeof(code), machine_code(m));
	assert_int_equal(machine_log_in(m, code), PAM_SUCCESS);
	assert_logged(m, "accepted: ok: ");
	assert_int_equal(machine_log_in(m, code), PAM_AUTH_ERR);
	assert_logged(m, "refused: otp-replayed: ");
	assert_int_equal(machine_log_in(m, "000000"), PAM_AUTH_ERR);
	assert_logged(m, "refused: otp-wrong: ");
	assert_int_equal(machine_log_in(m, machine_code(m)), PAM_SUCCESS);
	m->login->user = "nobody.of.that.name";
	assert_int_equal(machine_log_in(m, machine_code(m)), PAM_AUTH_ERR);
	assert_int_equal(m->login->prompts, 1); /* as everybody else is asked */
	assert_null(strstr(m->login->log, "nobody.of"));
	assert_false(login_left_children());
}

/* A stranger who tries names sees the same of each: prompts, their words, and PAM's codes. */
static void
who_is_enrolled_is_not_told(void **state)
{
	struct machine *m = *state;
	const char *const users[] = { login_self(), "sync", "nobody.of.that.name" };
	static const char *const codes[] = { "000000", "12345", "", "AAAA-BBBB-CCCC-DDDD",
		"000001", "000002", "000003", "000004" };
	int first[2 * sizeof(codes) / sizeof(*codes)];

	m->login->rhost = "192.0.2.9";
	for (size_t u = 0; u < sizeof(users) / sizeof(*users); u++)
		for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
			m->login->user = users[u];
			int result = machine_log_in(m, codes[i]);
			if (u == 0) {
				first[2 * i] = result;
				first[2 * i + 1] = m->login->prompts;
			}
			assert_int_equal(result, first[2 * i]);
			assert_int_equal(m->login->prompts, first[2 * i + 1]);
			if (m->login->prompts > 0)
				assert_string_equal(
				    m->login->prompt[0], "Verification code: ");
		}
	assert_int_equal(first[0], PAM_AUTH_ERR);
	assert_int_equal(first[1], 1);
	assert_int_equal(first[2 * 7 + 1], 0); /* held back, all three */
}

static void
observed_logins_change_nothing(void **state)
{
	struct machine *m = *state;

	machine_config(m, "mode = observe\nobserve-until = 9999-01-01\n");
	assert_int_equal(machine_log_in(m, "000000"), PAM_IGNORE);
	assert_logged(m, "observed, not enforced: otp-wrong: ");
	assert_int_equal(machine_log_in(m, ""), PAM_IGNORE);
	assert_int_equal(machine_log_in(m, machine_code(m)), PAM_IGNORE);
	assert_int_equal(chmod(m->state, 0), 0);
	assert_int_equal(machine_log_in(m, "000000"), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(chmod(m->state, 0700), 0);
}

/* What may be wrong with a machine: nobody gets in, and one line says why. */
static void
a_broken_machine_says_why(void **state)
{
	struct machine *m = *state;
	char path[160], aside[160];

	machine_config(m, "nonsense = yes\n");
	assert_int_equal(machine_log_in(m, "1"), PAM_AUTHINFO_UNAVAIL);
	assert_logged(m, "cannot decide: fault-config: ");
	assert_logged(m, "doublelock.conf:6: nonsense: ");
	machine_config(m, "");
	assert_int_equal(chmod(m->config, 0666), 0);
	assert_int_equal(machine_log_in(m, "1"), PAM_AUTHINFO_UNAVAIL);
	assert_logged(m, "cannot decide: fault-config: ");
	assert_int_equal(chmod(m->config, 0644), 0);
	machine_path(m, path, sizeof(path), "trust.d/ca.pem");
	machine_path(m, aside, sizeof(aside), "ca.pem");
	assert_int_equal(rename(path, aside), 0);
	assert_int_equal(machine_log_in(m, "1"), PAM_AUTHINFO_UNAVAIL);
	assert_logged(m, "cannot decide: fault-config: ");
	assert_int_equal(rename(aside, path), 0);
	machine_path(m, aside, sizeof(aside), "seal.aside");
	assert_int_equal(rename(m->seal, aside), 0);
	assert_int_equal(machine_log_in(m, "1"), PAM_AUTHINFO_UNAVAIL);
	assert_logged(m, "cannot decide: fault-");
	assert_int_equal(rename(aside, m->seal), 0);
	machine_path(m, aside, sizeof(aside), "state.aside");
	assert_int_equal(rename(m->state, aside), 0);
	assert_int_equal(machine_log_in(m, "1"), PAM_AUTHINFO_UNAVAIL);
	assert_logged(m, "cannot decide: fault-store: ");
	assert_int_equal(rename(aside, m->state), 0);
	m->login->service = "other-service";
	assert_int_equal(machine_log_in(m, "1"), PAM_AUTHINFO_UNAVAIL);
	assert_logged(m, "cannot decide: unknown-service: ");
	m->login->service = NULL;
	assert_int_equal(machine_log_in(m, machine_code(m)), PAM_SUCCESS);
}

#define RACERS 8
#define ROUNDS 20

/* A login program of its own; it starts when the gate is closed. */
static pid_t
racer(const struct machine *m, const char *code, const int gate[2])
{
	void *own = NULL;
	char octet;

	pid_t pid = fork();
	if (pid != 0)
		return pid;
	close(gate[1]);
	login_setup(&own);
	struct login *l = own;
	l->answer = code;
	if (read(gate[0], &octet, 1) != 0)
		_exit(99);
	int result = login_bare(l, "", m->options);
	bool as_expected =
	    result == PAM_SUCCESS ||
	    (result == PAM_AUTH_ERR && strstr(l->log, "refused: otp-replayed: "));
	if (!as_expected)
		fputs(l->log, stderr);
	login_teardown(&own);
	_exit(as_expected ? result : 98);
}

static void
one_of_eight_wins(void **state)
{
	struct machine *m = *state;

	for (int round = 0; round < ROUNDS; round++) {
		int gate[2], won = 0, status;
		const char *code = machine_code(m);
		pid_t pid[RACERS];

		assert_int_equal(pipe(gate), 0);
		for (int i = 0; i < RACERS; i++)
			pid[i] = racer(m, code, gate);
		close(gate[0]);
		close(gate[1]);
		for (int i = 0; i < RACERS; i++) {
			assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
			assert_true(WIFEXITED(status));
			won += WEXITSTATUS(status) == PAM_SUCCESS;
			if (WEXITSTATUS(status) >= 98)
				fail_msg("round %d: exit %d", round, WEXITSTATUS(status));
		}
		assert_int_equal(won, 1);
	}
}

#define TRIALS_MAX 500

static void
set_fate(const struct machine *m, int n)
{
	char path[160];

	dlk_text_print(path, sizeof(path), "%s.frail", m->config);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out, "%d\n", n);
	assert_int_equal(fclose(out), 0);
}

/* The helper is killed at its first write, at its second, and so on until it lives. Nobody is
 * let in without it; the code that it took with it is used or is not, and then opens once. */
static void
a_killed_helper_lets_nobody_in(void **state)
{
	struct machine *m = *state;
	char sound[300], frail[300], path[128], code[16];
	int result = PAM_AUTHINFO_UNAVAIL, n = 0;

	machine_path(m, path, sizeof(path), "helper-frail");
	login_program("helper-frail", path);
	dlk_text_copy(sound, sizeof(sound), m->options);
	dlk_text_print(frail, sizeof(frail), "config=%s helper=%s", m->config, path);
	while (result != PAM_SUCCESS && ++n < TRIALS_MAX) {
		dlk_text_copy(code, sizeof(code), machine_code(m));
		dlk_text_copy(m->options, sizeof(m->options), frail);
		set_fate(m, n);
		result = machine_log_in(m, code);
		if (result != PAM_SUCCESS)
			assert_int_equal(result, PAM_AUTHINFO_UNAVAIL);
		dlk_text_copy(m->options, sizeof(m->options), sound);
		int again = machine_log_in(m, code);
		if (result == PAM_SUCCESS || again != PAM_SUCCESS) {
			assert_int_equal(again, PAM_AUTH_ERR);
			assert_logged(m, "refused: otp-replayed: ");
		}
		assert_int_equal(machine_log_in(m, code), PAM_AUTH_ERR);
		assert_logged(m, "refused: otp-replayed: ");
		assert_false(login_left_children());
	}
	assert_int_equal(result, PAM_SUCCESS);
	assert_true(n > 10); /* it was killed a few times */
}

/* At the first sync, and at the second, and so on: no yes, one line that says why, and what
 * was typed opens at most once: what was not synced may have been written all the same. */
static void
a_disk_that_does_not_sync_lets_nobody_in(void **state)
{
	struct machine *m = *state;
	char sound[300], frail[300], path[128], code[16];
	int result = PAM_AUTHINFO_UNAVAIL, n = 0;

	machine_path(m, path, sizeof(path), "helper-frail");
	login_program("helper-frail", path);
	dlk_text_copy(sound, sizeof(sound), m->options);
	dlk_text_print(frail, sizeof(frail), "config=%s helper=%s", m->config, path);
	while (result != PAM_SUCCESS && ++n < TRIALS_MAX) {
		dlk_text_copy(code, sizeof(code), machine_code(m));
		dlk_text_copy(m->options, sizeof(m->options), frail);
		set_fate(m, -n);
		result = machine_log_in(m, code);
		if (result != PAM_SUCCESS) {
			assert_int_equal(result, PAM_AUTHINFO_UNAVAIL);
			assert_logged(m, "cannot decide: fault-store: ");
			assert_logged(m, m->store);
			assert_int_equal(m->login->lines, 1);
		}
		dlk_text_copy(m->options, sizeof(m->options), sound);
		(void)machine_log_in(m, code);
		assert_int_equal(machine_log_in(m, code), PAM_AUTH_ERR);
		assert_logged(m, "refused: otp-replayed: ");
	}
	assert_int_equal(result, PAM_SUCCESS);
	assert_true(n > 1);
}

/* The helper alone, at the other end of a socket. */
struct judge {
	pid_t pid;
	int fd;
};

static struct judge
start(const struct machine *m)
{
	struct judge judge;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	judge.fd = pair[0];
	judge.pid = fork();
	if (judge.pid == 0) {
		dup2(pair[1], 0);
		execl(m->helper, m->helper, "--config", m->config, (char *)NULL);
		_exit(99);
	}
	close(pair[1]);
	return judge;
}

static void
say(const struct judge *judge, const struct dlk_request *request)
{
	DLK_AUTO_BUF frame = { 0 };

	assert_int_equal(dlk_request_encode(request, &frame), 0);
	assert_int_equal(
	    dlk_frame_send(judge->fd, dlk_bytes_of(&frame), dlk_monotonic_ms() + 30000), 0);
}

static enum dlk_reason
hear(const struct judge *judge, struct dlk_verdict *verdict)
{
	DLK_AUTO_BUF frame = { 0 };

	assert_int_equal(dlk_frame_receive(judge->fd, dlk_monotonic_ms() + 30000, &frame), 0);
	assert_int_equal(dlk_verdict_decode(dlk_bytes_of(&frame), verdict), 0);
	return verdict->reason;
}

/* Its exit status; there was nothing more to hear. */
static int
finish(struct judge *judge)
{
	int status;

	shutdown(judge->fd, SHUT_WR);
	assert_int_equal(dlk_frame_end(judge->fd, dlk_monotonic_ms() + 30000), 0);
	close(judge->fd);
	assert_int_equal(waitpid(judge->pid, &status, 0), judge->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
question(struct dlk_request *request)
{
	memset(request, 0, sizeof(*request));
	memset(request->attempt, getpid() & 0x7f, sizeof(request->attempt));
	request->entrance = DLK_ENTRANCE_PAM;
	dlk_text_copy(request->user, sizeof(request->user), login_self());
	request->account_known = true;
	request->uid = getuid();
	dlk_text_copy(request->service, sizeof(request->service), "doublelock-test");
}

static void
the_helper_serves_one_attempt(void **state)
{
	struct machine *m = *state;
	DLK_AUTO_REQUEST request = { 0 };
	struct dlk_verdict verdict;
	struct judge judge = start(m);

	question(&request);
	say(&judge, &request);
	assert_int_equal(hear(&judge, &verdict), DLK_R_OTP_REQUIRED);
	assert_int_equal(verdict.code_digits, 6);
	request.has_code = true;
	dlk_secret_set(&request.code, dlk_bytes_str(machine_code(m)));
	say(&judge, &request);
	assert_int_equal(hear(&judge, &verdict), DLK_R_OK);
	assert_string_equal(verdict.user, login_self());
	assert_int_equal(strlen(verdict.event), DLK_EVENT_ID_TEXT);
	assert_int_equal(finish(&judge), 0);
	/* nobody types a code */
	judge = start(m);
	request.has_code = false;
	request.attempt[0]++;
	say(&judge, &request);
	assert_int_equal(hear(&judge, &verdict), DLK_R_OTP_REQUIRED);
	assert_int_equal(finish(&judge), 0);
	/* the code of another login */
	judge = start(m);
	request.attempt[0]++;
	say(&judge, &request);
	assert_int_equal(hear(&judge, &verdict), DLK_R_OTP_REQUIRED);
	request.attempt[0]++;
	request.has_code = true;
	dlk_secret_set(&request.code, dlk_bytes_str(machine_code(m)));
	say(&judge, &request);
	assert_int_equal(hear(&judge, &verdict), DLK_R_FAULT_INTERNAL);
	assert_int_equal(finish(&judge), 3);
	/* which it did not use */
	request.attempt[0]++;
	judge = start(m);
	say(&judge, &request);
	assert_int_equal(hear(&judge, &verdict), DLK_R_OK);
	assert_int_equal(finish(&judge), 0);
}

static enum dlk_reason
ask_alone(const struct machine *m, const struct dlk_request *request, char *ret_event)
{
	struct judge judge = start(m);
	struct dlk_verdict verdict;

	say(&judge, request);
	enum dlk_reason reason = hear(&judge, &verdict);
	strcpy(ret_event, verdict.event);
	assert_int_equal(finish(&judge), 0);
	return reason;
}

static enum dlk_reason
ask_from_a_child(const struct machine *m, const struct dlk_request *request)
{
	char event[DLK_EVENT_ID_TEXT + 1];
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit((int)ask_alone(m, request, event));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return (enum dlk_reason)WEXITSTATUS(status);
}

/* The helper has ended, and nobody knows what it said: who asked may ask again, and is told
 * what is on record. Others, or other octets, are judged. */
static void
the_answer_that_was_lost_is_given_again(void **state)
{
	struct machine *m = *state;
	DLK_AUTO_REQUEST request = { 0 };
	char event[DLK_EVENT_ID_TEXT + 1], again[DLK_EVENT_ID_TEXT + 1];
	struct dlk_verdict verdict;
	struct judge judge = start(m);

	question(&request);
	request.has_code = true;
	dlk_secret_set(&request.code, dlk_bytes_str(machine_code(m)));
	say(&judge, &request);
	/* what it answers is not read, but that it is there says that it was settled */
	struct pollfd answered = { .fd = judge.fd, .events = POLLIN };
	assert_int_equal(poll(&answered, 1, 30000), 1);
	kill(judge.pid, SIGKILL);
	assert_int_equal(waitpid(judge.pid, NULL, 0), judge.pid);
	assert_int_equal(hear(&judge, &verdict), DLK_R_OK);
	close(judge.fd);
	assert_int_equal(ask_from_a_child(m, &request), DLK_R_OTP_REPLAYED);
	assert_int_equal(ask_alone(m, &request, event), DLK_R_OK);
	assert_string_equal(event, verdict.event);
	assert_int_equal(ask_alone(m, &request, again), DLK_R_OK);
	assert_string_equal(again, event);
	/* another octet, and another attempt */
	strcpy(request.tty, "pts/1");
	assert_int_equal(ask_alone(m, &request, again), DLK_R_OTP_REPLAYED);
	assert_string_not_equal(again, event);
	request.tty[0] = '\0';
	request.attempt[0] ^= 1;
	assert_int_equal(ask_alone(m, &request, again), DLK_R_OTP_REPLAYED);
	/* a refusal is not counted twice either */
	request.attempt[0] ^= 2;
	dlk_secret_set(&request.code, dlk_bytes_str("000000"));
	assert_int_equal(ask_alone(m, &request, event), DLK_R_OTP_WRONG);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(ask_alone(m, &request, again), DLK_R_OTP_WRONG);
		assert_string_equal(again, event);
	}
}

/* What changes while the user looks for the code holds for the code. */
static void
the_second_half_is_judged_by_its_own_time(void **state)
{
	struct machine *m = *state;
	DLK_AUTO_REQUEST request = { 0 };
	struct dlk_verdict verdict;
	struct judge judge = start(m);
	char path[160], aside[160];

	question(&request);
	say(&judge, &request);
	assert_int_equal(hear(&judge, &verdict), DLK_R_OTP_REQUIRED);
	machine_path(m, path, sizeof(path), "trust.d/ca.pem");
	machine_path(m, aside, sizeof(aside), "ca.pem");
	assert_int_equal(rename(path, aside), 0);
	request.has_code = true;
	dlk_secret_set(&request.code, dlk_bytes_str(machine_code(m)));
	say(&judge, &request);
	assert_int_equal(hear(&judge, &verdict), DLK_R_FAULT_CONFIG);
	assert_int_equal(finish(&judge), 0);
	assert_int_equal(rename(aside, path), 0);
	judge = start(m);
	request.attempt[0]++;
	say(&judge, &request);
	assert_int_equal(hear(&judge, &verdict), DLK_R_OK);
	assert_int_equal(finish(&judge), 0);
}

static void
the_helper_takes_no_other_door(void **state)
{
	struct machine *m = *state;
	static const enum dlk_entrance doors[] = { DLK_ENTRANCE_NONE,
		DLK_ENTRANCE_AUTHORIZED_KEYS, DLK_ENTRANCE_GATEWAY, DLK_ENTRANCE_OPERATOR };

	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
		DLK_AUTO_REQUEST request = { 0 };
		struct dlk_verdict verdict;
		struct judge judge = start(m);

		question(&request);
		request.entrance = doors[i];
		say(&judge, &request);
		assert_int_equal(hear(&judge, &verdict), DLK_R_POSSESSION_UNPROVEN);
		finish(&judge);
	}
}

static void
the_helper_answers_no_noise(void **state)
{
	struct machine *m = *state;
	static const struct {
		const char *octets;
		size_t n;
	} noise[] = { { "GET / HTTP/1.0\r\n\r\n", 18 }, { "DLK\1\0\0\0\0", 8 },
		{ "DLK\1\xff\xff\xff\xff", 8 }, { "DLK\1\0\0\0\6\0\1\0\0\0\x10", 14 },
		{ "DL", 2 }, { "", 0 } };

	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
		struct dlk_verdict verdict;
		struct judge judge = start(m);

		assert_int_equal(write(judge.fd, noise[i].octets, noise[i].n), noise[i].n);
		shutdown(judge.fd, SHUT_WR);
		assert_int_equal(hear(&judge, &verdict), DLK_R_FAULT_INTERNAL);
		assert_int_equal(verdict.event[0], '\0');
		/* it may go with octets unread, which is no orderly end */
		int status;
		close(judge.fd);
		assert_int_equal(waitpid(judge.pid, &status, 0), judge.pid);
		assert_int_equal(WEXITSTATUS(status), 3);
	}
}

static void
the_helper_is_not_for_hands(void **state)
{
	struct machine *m = *state;
	const char *const arguments[][4] = { { m->helper, NULL },
		{ m->helper, "--help", NULL }, { m->helper, "--config", NULL },
		{ m->helper, "--config", "a", "b" } };
	int status;

	for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
		pid_t pid = fork();
		if (pid == 0) {
			if (!freopen("/dev/null", "r", stdin) ||
			    !freopen("/dev/null", "w", stderr))
				_exit(98);
			execl(m->helper, m->helper, arguments[i][1],
			    arguments[i][1] ? arguments[i][2] : NULL, (char *)NULL);
			_exit(99);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(WEXITSTATUS(status), 2);
	}
}

#define LOGIN_TEST(f) cmocka_unit_test_setup_teardown(f, machine_setup, machine_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOGIN_TEST(one_code_opens_once),
		LOGIN_TEST(who_is_enrolled_is_not_told),
		LOGIN_TEST(observed_logins_change_nothing),
		LOGIN_TEST(a_broken_machine_says_why),
		LOGIN_TEST(one_of_eight_wins),
		LOGIN_TEST(a_killed_helper_lets_nobody_in),
		LOGIN_TEST(a_disk_that_does_not_sync_lets_nobody_in),
		LOGIN_TEST(the_helper_serves_one_attempt),
		LOGIN_TEST(the_answer_that_was_lost_is_given_again),
		LOGIN_TEST(the_second_half_is_judged_by_its_own_time),
		LOGIN_TEST(the_helper_takes_no_other_door),
		LOGIN_TEST(the_helper_answers_no_noise),
		LOGIN_TEST(the_helper_is_not_for_hands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
