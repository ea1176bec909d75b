/* SPDX-License-Identifier: MIT */
/* The module and the real helper: logins by code, what is wrong with a machine, and eight
 * processes with one code. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
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

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "login.h"
#include "store/tokens.h"
#include "wire/frame.h"

/* A small installation: configuration, one anchor, a sealing key, a record with one HOTP
 * token of this process's user. The helper belongs to DLK_USER as it does when installed. */
struct machine {
	struct login *login;
	char config[128], helper[128], state[128], store[128], seal[128], options[300];
	struct dlk_otp otp;
	int64_t counter; /* of the code that comes next */
};

static void
in_dir(const struct machine *m, char *path, size_t size, const char *name)
{
	assert_int_equal(dlk_path_join(path, size, m->login->dir, name), 0);
}

static void
write_config(const struct machine *m, const char *more)
{
	FILE *out = fopen(m->config, "w");

	assert_non_null(out);
	fprintf(out, "[state]\nstore = sqlite:%s\n", m->store);
	fprintf(out, "[service doublelock-test]\ncertificate = none\notp = required\n");
	fputs(more, out);
	assert_int_equal(fclose(out), 0);
}

static void
make_anchor(const struct machine *m)
{
	char path[160];
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x509 = X509_new();
	X509_NAME *name = X509_get_subject_name(x509);

	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)"Test CA", -1, -1, 0);
	X509_set_issuer_name(x509, name);
	X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
	X509_set_pubkey(x509, key);
	X509_EXTENSION *ca =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
	X509_add_ext(x509, ca, -1);
	X509_EXTENSION_free(ca);
	assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
	in_dir(m, path, sizeof(path), "trust.d");
	assert_int_equal(mkdir(path, 0755), 0);
	in_dir(m, path, sizeof(path), "trust.d/ca.pem");
	FILE *out = fopen(path, "w");
	assert_int_equal(PEM_write_X509(out, x509), 1);
	assert_int_equal(fclose(out), 0);
	X509_free(x509);
	EVP_PKEY_free(key);
}

/* Everything below the state directory is the judge's; the sealing key it can read. */
static void
give_to_judge(const struct machine *m)
{
	const struct passwd *judge = getpwnam(DLK_USER);
	char path[160];
	const char *const names[] = { "state", "state/state.db", "state/state.db-wal",
		"state/state.db-shm" };

	assert_non_null(judge);
	assert_int_equal(chown(m->seal, (uid_t)-1, judge->pw_gid), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		in_dir(m, path, sizeof(path), names[i]);
		if (chown(path, judge->pw_uid, judge->pw_gid) != 0)
			assert_int_equal(errno, ENOENT);
	}
}

static void
make_record(struct machine *m)
{
	struct dlk_finding trouble = { 0 };
	struct dlk_token token = { .otp = m->otp, .label = "test" };
	struct dlk_seal *seal = NULL;
	struct dlk_record *record = NULL;
	DLK_AUTO_BUF line = { 0 };
	int64_t id;

	assert_int_equal(dlk_seal_generate("one", &line), 0);
	FILE *out = fopen(m->seal, "w");
	fwrite(line.p, 1, line.n, out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(m->seal, 0640), 0);
	assert_int_equal(mkdir(m->state, 0700), 0);
	assert_int_equal(dlk_seal_load(m->seal, NULL, &seal), 0);
	assert_int_equal(dlk_record_create(m->store, seal, &record, &trouble), 0);
	assert_int_equal(
	    dlk_tokens_add(record, login_self(), &token, "test", dlk_clock_now(), &id), 0);
	dlk_record_close(record);
	dlk_seal_free(seal);
}

static int
setup(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));
	void *login = NULL;

	login_setup(&login);
	m->login = login;
	assert_int_equal(chmod(m->login->dir, 0755), 0);
	in_dir(m, m->config, sizeof(m->config), "doublelock.conf");
	in_dir(m, m->helper, sizeof(m->helper), "doublelock-helper");
	in_dir(m, m->state, sizeof(m->state), "state");
	in_dir(m, m->store, sizeof(m->store), "state/state.db");
	in_dir(m, m->seal, sizeof(m->seal), "seal.key");
	dlk_text_print(
	    m->options, sizeof(m->options), "config=%s helper=%s", m->config, m->helper);
	login_program("doublelock-helper", m->helper);
	m->otp.kind = DLK_OTP_HOTP;
	m->otp.digits = 6;
	m->otp.last_step = -1;
	assert_int_equal(
	    dlk_secret_set(&m->otp.key, dlk_bytes_str("12345678901234567890")), 0);
	write_config(m, "");
	make_anchor(m);
	make_record(m);
	give_to_judge(m);
	*state = m;
	return 0;
}

static int
teardown(void **state)
{
	struct machine *m = *state;
	void *login = m->login;

	login_teardown(&login);
	free(m);
	return 0;
}

static const char *
next_code(struct machine *m)
{
	static char code[DLK_OTP_DIGITS_MAX + 1];

	assert_int_equal(dlk_otp_code(&m->otp, m->counter++, code), 0);
	return code;
}

static int
log_in(struct machine *m, const char *code)
{
	m->login->answer = code;
	return login_bare(m->login, "", m->options);
}

#define assert_logged(m, words)                                                               \
	do {                                                                                  \
		if (!strstr((m)->login->log, words))                                          \
			fail_msg("no \"%s\" in: %s", words, (m)->login->log);                 \
	} while (0)

static void
one_code_opens_once(void **state)
{
	struct machine *m = *state;
	char code[16];

	dlk_text_copy(code, sizeof(code), next_code(m));
	assert_int_equal(log_in(m, code), PAM_SUCCESS);
	assert_logged(m, "accepted: ok: ");
	assert_int_equal(log_in(m, code), PAM_AUTH_ERR);
	assert_logged(m, "refused: otp-replayed: ");
	assert_int_equal(log_in(m, "000000"), PAM_AUTH_ERR);
	assert_logged(m, "refused: otp-wrong: ");
	assert_int_equal(log_in(m, next_code(m)), PAM_SUCCESS);
	m->login->user = "nobody.of.that.name";
	assert_int_equal(log_in(m, next_code(m)), PAM_AUTH_ERR);
	assert_int_equal(m->login->prompts, 1); /* as everybody else is asked */
	assert_null(strstr(m->login->log, "nobody.of"));
	assert_false(login_left_children());
}

static void
observed_logins_change_nothing(void **state)
{
	struct machine *m = *state;

	write_config(m, "mode = observe\nobserve-until = 9999-01-01\n");
	assert_int_equal(log_in(m, "000000"), PAM_IGNORE);
	assert_logged(m, "observed, not enforced: otp-wrong: ");
	assert_int_equal(log_in(m, ""), PAM_IGNORE);
	assert_int_equal(log_in(m, next_code(m)), PAM_IGNORE);
	assert_int_equal(chmod(m->state, 0), 0);
	if (getuid() != 0 || strcmp(DLK_USER, "root") != 0)
		assert_int_equal(log_in(m, "000000"), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(chmod(m->state, 0700), 0);
}

/* What may be wrong with a machine: nobody gets in, and one line says why. */
static void
a_broken_machine_says_why(void **state)
{
	struct machine *m = *state;
	char path[160], aside[160];

	write_config(m, "nonsense = yes\n");
	assert_int_equal(log_in(m, "1"), PAM_AUTHINFO_UNAVAIL);
	assert_logged(m, "cannot decide: fault-config: ");
	assert_logged(m, "doublelock.conf:6: nonsense: ");
	write_config(m, "");
	assert_int_equal(chmod(m->config, 0666), 0);
	assert_int_equal(log_in(m, "1"), PAM_AUTHINFO_UNAVAIL);
	assert_logged(m, "cannot decide: fault-config: ");
	assert_int_equal(chmod(m->config, 0644), 0);
	in_dir(m, path, sizeof(path), "trust.d/ca.pem");
	in_dir(m, aside, sizeof(aside), "ca.pem");
	assert_int_equal(rename(path, aside), 0);
	assert_int_equal(log_in(m, "1"), PAM_AUTHINFO_UNAVAIL);
	assert_logged(m, "cannot decide: fault-config: ");
	assert_int_equal(rename(aside, path), 0);
	in_dir(m, aside, sizeof(aside), "seal.aside");
	assert_int_equal(rename(m->seal, aside), 0);
	assert_int_equal(log_in(m, "1"), PAM_AUTHINFO_UNAVAIL);
	assert_logged(m, "cannot decide: fault-");
	assert_int_equal(rename(aside, m->seal), 0);
	in_dir(m, aside, sizeof(aside), "state.aside");
	assert_int_equal(rename(m->state, aside), 0);
	assert_int_equal(log_in(m, "1"), PAM_AUTHINFO_UNAVAIL);
	assert_logged(m, "cannot decide: fault-store: ");
	assert_int_equal(rename(aside, m->state), 0);
	m->login->service = "other-service";
	assert_int_equal(log_in(m, "1"), PAM_AUTHINFO_UNAVAIL);
	assert_logged(m, "cannot decide: unknown-service: ");
	m->login->service = NULL;
	assert_int_equal(log_in(m, next_code(m)), PAM_SUCCESS);
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
		const char *code = next_code(m);
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
	dlk_secret_set(&request.code, dlk_bytes_str(next_code(m)));
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
	dlk_secret_set(&request.code, dlk_bytes_str(next_code(m)));
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

#define LOGIN_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOGIN_TEST(one_code_opens_once),
		LOGIN_TEST(observed_logins_change_nothing),
		LOGIN_TEST(a_broken_machine_says_why),
		LOGIN_TEST(one_of_eight_wins),
		LOGIN_TEST(the_helper_serves_one_attempt),
		LOGIN_TEST(the_helper_takes_no_other_door),
		LOGIN_TEST(the_helper_answers_no_noise),
		LOGIN_TEST(the_helper_is_not_for_hands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
