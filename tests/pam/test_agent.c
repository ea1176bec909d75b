/* SPDX-License-Identifier: MIT */
/* The module and the agent: programs that are not root's ask for their own user, and only an
 * agent that is one is asked. */
#include <errno.h>
#include <poll.h>
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
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/owner.h"
#include "agent/modules.h"
#include "base/text.h"
#include "machine.h"
#include "wire/frame.h"

#define PATIENCE_MS 30000

struct site {
	struct machine *machine;
	char run[128], socket[160], options[300];
	pid_t agent;
};

static void
write_config(const struct site *site, const char *service)
{
	char more[512];

	dlk_text_print(
	    more, sizeof(more), "%s[agent]\nlisten = unix:%s\n", service, site->socket);
	machine_config(site->machine, more);
}

static int
reach(const struct site *site)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	dlk_text_copy(address.sun_path, sizeof(address.sun_path), site->socket);
	if (connect(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
start_agent(struct site *site)
{
	char program[4096];
	int64_t until = dlk_monotonic_ms() + PATIENCE_MS;
	int fd = -1;

	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 64);
	program[n] = '\0';
	strcpy(strrchr(program, '/'), "/../../doublelockd");
	site->agent = fork();
	if (site->agent == 0) {
		execl(program, program, "--config", site->machine->config, "--user", DLK_USER,
		    (char *)NULL);
		_exit(99);
	}
	while (fd < 0 && dlk_monotonic_ms() < until) {
		assert_int_equal(waitpid(site->agent, NULL, WNOHANG), 0);
		usleep(1000);
		fd = reach(site);
	}
	assert_true(fd >= 0);
	/* it listens before it is ready; noise is answered by an end when it is */
	assert_int_equal(write(fd, "nonsense", 8), 8);
	assert_int_equal(dlk_frame_end(fd, until), 0);
	close(fd);
}

static void
stop_agent(struct site *site)
{
	int status;

	if (site->agent <= 0)
		return;
	kill(site->agent, SIGTERM);
	assert_int_equal(waitpid(site->agent, &status, 0), site->agent);
	site->agent = 0;
	assert_int_equal(status, 0);
}

static int
setup(void **state)
{
	struct site *site = calloc(1, sizeof(*site));
	void *machine = NULL;

	machine_setup(&machine);
	site->machine = machine;
	machine_path(site->machine, site->run, sizeof(site->run), "run");
	assert_int_equal(mkdir(site->run, 0755), 0);
	machine_path(site->machine, site->socket, sizeof(site->socket), "run/module.sock");
	dlk_text_print(site->options, sizeof(site->options), "agent=%s", site->socket);
	write_config(site, "unprivileged = yes\n");
	start_agent(site);
	*state = site;
	return 0;
}

static int
teardown(void **state)
{
	struct site *site = *state;
	void *machine = site->machine;

	stop_agent(site);
	machine_teardown(&machine);
	free(site);
	return 0;
}

/* As a program of `user`, who is nobody special; the log goes to `log`. */
static int
log_in_as(const struct site *site, const char *user, const char *code, const char *options,
    char *log, size_t size)
{
	const struct passwd *judge = getpwnam(DLK_USER);
	int out[2], status;

	assert_int_equal(pipe(out), 0);
	pid_t pid = fork();
	if (pid == 0) {
		void *own = NULL;
		if (getuid() == 0 && setresuid(judge->pw_uid, judge->pw_uid, judge->pw_uid))
			_exit(99);
		login_setup(&own);
		struct login *l = own;
		l->user = user;
		l->answer = code;
		int result = login_bare(l, "", options ? options : site->options);
		dprintf(out[1], "%s", l->log);
		login_teardown(&own);
		_exit(result);
	}
	close(out[1]);
	size_t n = 0;
	for (ssize_t got = 1; got > 0 && n<size - 1; n += got> 0 ? (size_t)got : 0)
		got = read(out[0], log + n, size - 1 - n);
	log[n] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
users_ask_for_themselves(void **state)
{
	struct site *site = *state;
	struct machine *m = site->machine;
	char log[16384], code[16];

	dlk_text_copy(code, sizeof(code), machine_code(m));
	assert_int_equal(log_in_as(site, DLK_USER, code, NULL, log, sizeof(log)), PAM_SUCCESS);
	assert_non_null(strstr(log, "accepted: ok: "));
	assert_int_equal(
	    log_in_as(site, DLK_USER, code, NULL, log, sizeof(log)), PAM_AUTH_ERR);
	assert_non_null(strstr(log, "refused: otp-replayed: "));
	assert_int_equal(
	    log_in_as(site, DLK_USER, "000000", NULL, log, sizeof(log)), PAM_AUTH_ERR);
	assert_non_null(strstr(log, "refused: otp-wrong: "));
}

static void
users_do_not_ask_for_others(void **state)
{
	struct site *site = *state;
	struct machine *m = site->machine;
	char log[16384], with_config[300];
	const char *const others[] = { "daemon", "no.such.account" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(
		    log_in_as(site, others[i], machine_code(m), NULL, log, sizeof(log)),
		    PAM_AUTH_ERR);
		assert_non_null(strstr(log, "refused: possession-unproven: "));
	}
	/* another configuration than the agent's cannot be asked for, except by who built
	 * this: to the module of the tests they are as good as root */
	dlk_text_print(with_config, sizeof(with_config), "config=%s", m->config);
	if (getuid() == 0 && !dlk_owner_is(getpwnam(DLK_USER)->pw_uid)) {
		assert_int_equal(
		    log_in_as(site, DLK_USER, machine_code(m), with_config, log, sizeof(log)),
		    PAM_AUTHINFO_UNAVAIL);
		assert_non_null(strstr(log, "cannot decide: fault-config: config= is for"));
	}
	stop_agent(site);
	write_config(site, "");
	start_agent(site);
	int result = log_in_as(site, DLK_USER, machine_code(m), NULL, log, sizeof(log));
	assert_int_equal(result, PAM_AUTH_ERR);
	assert_non_null(strstr(log, "refused: possession-unproven: "));
}

static void
only_the_agent_is_asked(void **state)
{
	struct site *site = *state;
	struct machine *m = site->machine;

	strcpy(m->options, site->options);
	assert_int_equal(chmod(site->run, 0777), 0);
	assert_int_equal(machine_log_in(m, "1"), PAM_AUTHINFO_UNAVAIL);
	assert_logged(m, "its owner or mode lets somebody else");
	assert_int_equal(chmod(site->run, 0755), 0);
	assert_int_equal(machine_log_in(m, machine_code(m)), PAM_SUCCESS);
	stop_agent(site);
	assert_int_equal(machine_log_in(m, machine_code(m)), PAM_AUTHINFO_UNAVAIL);
	assert_logged(m, "cannot decide: fault-internal: ");
	/* it was there when the code was asked for, and is another one when it comes */
	start_agent(site);
	assert_int_equal(machine_log_in(m, machine_code(m)), PAM_SUCCESS);
}

static int
put(const struct site *site, const struct dlk_request *request)
{
	DLK_AUTO_BUF out = { 0 };
	int fd = reach(site);

	assert_true(fd >= 0);
	assert_int_equal(dlk_request_encode(request, &out), 0);
	assert_int_equal(
	    dlk_frame_send(fd, dlk_bytes_of(&out), dlk_monotonic_ms() + PATIENCE_MS), 0);
	return fd;
}

static enum dlk_reason
ask(const struct site *site, const struct dlk_request *request, char *ret_event)
{
	DLK_AUTO_BUF in = { 0 };
	struct dlk_verdict verdict;
	int fd = put(site, request);

	assert_int_equal(dlk_frame_receive(fd, dlk_monotonic_ms() + PATIENCE_MS, &in), 0);
	assert_int_equal(dlk_verdict_decode(dlk_bytes_of(&in), &verdict), 0);
	close(fd);
	strcpy(ret_event, verdict.event);
	return verdict.reason;
}

/* The same octets from another process, and where that can be had of another user. */
static enum dlk_reason
ask_from_a_child(const struct site *site, const struct dlk_request *request, uid_t uid)
{
	char event[DLK_EVENT_ID_TEXT + 1];
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (uid != getuid() && setresuid(uid, uid, uid) != 0)
			_exit(99);
		_exit((int)ask(site, request, event));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return (enum dlk_reason)WEXITSTATUS(status);
}

/* The agent is killed between the record and the answer. */
static void
an_agent_that_was_killed_says_it_again(void **state)
{
	struct site *site = *state;
	const struct passwd *self = getpwuid(getuid());
	DLK_AUTO_REQUEST request = { .entrance = DLK_ENTRANCE_PAM,
		.attempt = { 0x11, 0x22, 0x33 },
		.account_known = true,
		.uid = getuid(),
		.service = "doublelock-test",
		.has_code = true };
	char event[DLK_EVENT_ID_TEXT + 1], again[DLK_EVENT_ID_TEXT + 1];
	struct pollfd answered = { .events = POLLIN };

	dlk_text_copy(request.user, sizeof(request.user), self->pw_name);
	dlk_secret_set(&request.code, dlk_bytes_str(machine_code(site->machine)));
	/* an answer that nobody reads: it was settled */
	answered.fd = put(site, &request);
	assert_int_equal(poll(&answered, 1, PATIENCE_MS), 1);
	kill(site->agent, SIGKILL);
	assert_int_equal(waitpid(site->agent, NULL, 0), site->agent);
	close(answered.fd);
	start_agent(site);
	/* whoever has a copy, by any name */
	assert_int_equal(ask_from_a_child(site, &request, getuid()), DLK_R_OTP_REPLAYED);
	if (getuid() == 0)
		assert_int_equal(
		    ask_from_a_child(site, &request, 54321), DLK_R_POSSESSION_UNPROVEN);
	/* whoever asked first */
	assert_int_equal(ask(site, &request, event), DLK_R_OK);
	assert_int_equal(ask(site, &request, again), DLK_R_OK);
	assert_string_equal(event, again);
	request.attempt[15] = 1;
	assert_int_equal(ask(site, &request, again), DLK_R_OTP_REPLAYED);
	assert_string_not_equal(event, again);
}

static void
somebody_elses_socket_is_not_believed(void **state)
{
	struct site *site = *state;
	struct machine *m = site->machine;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ready[2];
	char octet;

	if (getuid() != 0)
		return; /* nobody else's socket can be made */
	stop_agent(site);
	strcpy(m->options, site->options);
	dlk_text_copy(address.sun_path, sizeof(address.sun_path), site->socket);
	unlink(site->socket);
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		/* the name is there by root's hand; who listens is somebody else */
		if (bind(fd, (const struct sockaddr *)(const void *)&address,
			sizeof(address)) != 0 ||
		    chmod(site->socket, 0666) != 0 || setresuid(54321, 54321, 54321) != 0 ||
		    listen(fd, 1) != 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	assert_int_equal(read(ready[0], &octet, 1), 1);
	assert_int_equal(machine_log_in(m, "1"), PAM_AUTHINFO_UNAVAIL);
	assert_logged(m, "its owner or mode lets somebody else");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
}

/* One question per connection: so many get no answer, the next one is told that it is revoked.
 * Returns 0 where `wanted` came, all of one attempt. */
static int
play_agent(const struct site *site, int deaths, int wanted, int ready)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct dlk_verdict no = { .reason = DLK_R_REVOKED, .stage = DLK_STAGE_REVOKED };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	uint8_t first[DLK_ATTEMPT_SIZE] = { 0 };

	dlk_text_copy(address.sun_path, sizeof(address.sun_path), site->socket);
	unlink(site->socket);
	if (bind(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)) != 0 ||
	    listen(fd, 4) != 0 || write(ready, "x", 1) != 1)
		return 1;
	for (int i = 0; i < wanted; i++) {
		DLK_AUTO_REQUEST request = { 0 };
		DLK_AUTO_BUF in = { 0 }, out = { 0 };
		int peer = accept(fd, NULL, NULL);
		int64_t until = dlk_monotonic_ms() + PATIENCE_MS;

		if (dlk_frame_receive(peer, until, &in) != 0 ||
		    dlk_request_decode(dlk_bytes_of(&in), &request) != 0)
			return 2;
		if (i == 0)
			memcpy(first, request.attempt, sizeof(first));
		if (memcmp(first, request.attempt, sizeof(first)) != 0)
			return 3;
		if (i >= deaths && (dlk_verdict_encode(&no, &out) != 0 ||
				       dlk_frame_send(peer, dlk_bytes_of(&out), until) != 0))
			return 4;
		close(peer);
	}
	return 0;
}

static void
an_agent_that_ends_is_asked_once_more(void **state)
{
	static const struct {
		int deaths, result;
		const char *words;
	} cases[] = {
		{ 0, PAM_AUTH_ERR, "refused: revoked: " },
		{ 1, PAM_AUTH_ERR, "refused: revoked: " },
		{ 2, PAM_AUTHINFO_UNAVAIL, "it ended without an answer" },
	};
	struct site *site = *state;

	stop_agent(site);
	strcpy(site->machine->options, site->options);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int ready[2], status;
		char octet;

		assert_int_equal(pipe(ready), 0);
		pid_t pid = fork();
		if (pid == 0)
			_exit(play_agent(
			    site, cases[i].deaths, cases[i].deaths ? 2 : 1, ready[1]));
		close(ready[1]);
		assert_int_equal(read(ready[0], &octet, 1), 1);
		close(ready[0]);
		assert_int_equal(machine_log_in(site->machine, "1"), cases[i].result);
		assert_logged(site->machine, cases[i].words);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

/* Half of them ask the helper, half the agent. */
static void
one_of_eight_wins(void **state)
{
	struct site *site = *state;
	struct machine *m = site->machine;

	for (int round = 0; round < 20; round++) {
		int gate[2], won = 0, status;
		const char *code = machine_code(m);
		pid_t pid[8];

		assert_int_equal(pipe(gate), 0);
		for (size_t i = 0; i < 8; i++) {
			pid[i] = fork();
			if (pid[i] != 0)
				continue;
			void *own = NULL;
			char octet;
			close(gate[1]);
			login_setup(&own);
			struct login *l = own;
			l->answer = code;
			if (read(gate[0], &octet, 1) != 0)
				_exit(99);
			int result = login_bare(l, "", i % 2 ? site->options : m->options);
			login_teardown(&own);
			_exit(result);
		}
		close(gate[0]);
		close(gate[1]);
		for (size_t i = 0; i < 8; i++) {
			assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
			assert_true(WIFEXITED(status));
			won += WEXITSTATUS(status) == PAM_SUCCESS;
			if (WEXITSTATUS(status) != PAM_SUCCESS)
				assert_int_equal(WEXITSTATUS(status), PAM_AUTH_ERR);
		}
		assert_int_equal(won, 1);
	}
}

static void
noise_ends_the_connection(void **state)
{
	struct site *site = *state;
	static const struct {
		const char *octets;
		size_t n;
	} noise[] = { { "GET / HTTP/1.0\r\n\r\n", 18 }, { "DLK\1\0\0\0\0", 8 },
		{ "DLK\1\xff\xff\xff\xff", 8 }, { "DLK\1\0\0\0\6\0\1\0\0\0\x10", 14 },
		{ "DLK\2\0\0\0\0", 8 } };

	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
		int fd = reach(site);

		assert_int_equal(write(fd, noise[i].octets, noise[i].n), noise[i].n);
		/* with octets unread it is a reset, else an end; nothing is said */
		int error = dlk_frame_end(fd, dlk_monotonic_ms() + PATIENCE_MS);
		assert_int_equal(error == -EPIPE ? 0 : error, 0);
		close(fd);
	}
	assert_int_equal(machine_log_in(site->machine, machine_code(site->machine)), 0);
}

/* 0 where exactly `most` connections of one user are kept. */
static int
crowd(const struct site *site, uid_t uid, int most)
{
	int fd[DLK_MODULES_OFFERS_MAX + 1];
	char octet;

	if (getuid() == 0 && setresuid(uid, uid, uid) != 0)
		return 1;
	for (int i = 0; i < most + 1; i++)
		fd[i] = reach(site);
	if (read(fd[most], &octet, 1) != 0)
		return 2;
	for (int i = 0; i < most; i++)
		if (recv(fd[i], &octet, 1, MSG_DONTWAIT) != -1 || errno != EAGAIN)
			return 3;
	return 0;
}

static void
one_user_does_not_take_all_places(void **state)
{
	struct site *site = *state;
	struct machine *m = site->machine;
	const char *code = machine_code(m);
	int64_t until = dlk_monotonic_ms() + PATIENCE_MS;
	int result = PAM_AUTHINFO_UNAVAIL, status;

	/* the agent's own user has more; who is not root here is that one */
	for (int own = getuid() != 0; own <= 1; own++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(crowd(site, own ? getpwnam(DLK_USER)->pw_uid : 54321,
			    own ? DLK_MODULES_OFFERS_MAX : DLK_MODULES_OF_ONE_MAX));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	/* as soon as the agent has seen them go, there is room for the same user again */
	strcpy(m->options, site->options);
	while (result == PAM_AUTHINFO_UNAVAIL && dlk_monotonic_ms() < until)
		result = machine_log_in(m, code);
	assert_int_equal(result, PAM_SUCCESS);
}

static void
hear(int fd, enum dlk_reason reason)
{
	DLK_AUTO_BUF in = { 0 };
	struct dlk_verdict verdict = { 0 };

	assert_int_equal(dlk_frame_receive(fd, dlk_monotonic_ms() + PATIENCE_MS, &in), 0);
	assert_int_equal(dlk_verdict_decode(dlk_bytes_of(&in), &verdict), 0);
	assert_int_equal(verdict.reason, reason);
}

static void
say(int fd, const struct dlk_request *request)
{
	DLK_AUTO_BUF out = { 0 };

	assert_int_equal(dlk_request_encode(request, &out), 0);
	/* octet for octet: a frame may come in pieces */
	for (size_t i = 0; i < out.n; i++)
		assert_int_equal(send(fd, out.p + i, 1, MSG_NOSIGNAL), 1);
}

static void
a_code_is_for_its_own_attempt(void **state)
{
	struct site *site = *state;
	DLK_AUTO_REQUEST request = { .entrance = DLK_ENTRANCE_PAM };
	int fd = reach(site);

	dlk_text_copy(request.user, sizeof(request.user), login_self());
	dlk_text_copy(request.service, sizeof(request.service), "doublelock-test");
	/* what is stated of the account is not believed */
	request.account_known = true;
	request.uid = getuid() + 1;
	request.attempt[0] = 1;
	say(fd, &request);
	hear(fd, DLK_R_OTP_REQUIRED);
	request.attempt[0] = 2;
	request.has_code = true;
	dlk_secret_set(&request.code, dlk_bytes_str(machine_code(site->machine)));
	say(fd, &request);
	assert_int_equal(dlk_frame_end(fd, dlk_monotonic_ms() + PATIENCE_MS), 0);
	close(fd);
	fd = reach(site);
	say(fd, &request);
	hear(fd, DLK_R_OK);
	assert_int_equal(dlk_frame_end(fd, dlk_monotonic_ms() + PATIENCE_MS), 0);
	close(fd);
	/* no other door leads in here */
	fd = reach(site);
	request.attempt[0] = 3;
	request.entrance = DLK_ENTRANCE_GATEWAY;
	say(fd, &request);
	hear(fd, DLK_R_POSSESSION_UNPROVEN);
	close(fd);
}

#define SITE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SITE_TEST(users_ask_for_themselves),
		SITE_TEST(users_do_not_ask_for_others),
		SITE_TEST(only_the_agent_is_asked),
		SITE_TEST(somebody_elses_socket_is_not_believed),
		SITE_TEST(an_agent_that_ends_is_asked_once_more),
		SITE_TEST(an_agent_that_was_killed_says_it_again),
		SITE_TEST(one_of_eight_wins),
		SITE_TEST(noise_ends_the_connection),
		SITE_TEST(one_user_does_not_take_all_places),
		SITE_TEST(a_code_is_for_its_own_attempt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
