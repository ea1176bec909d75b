/* SPDX-License-Identifier: MIT */
/* The module in processes that are not as it would like: what the host does with signals,
 * children, descriptors and threads, and what a user leaves to a program that they start. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "login.h"

#define TWO_HALVES "answer otp-required\nanswer ok\n"
#define CODE       "73915846"

#define BY_TOKEN "answer possession-unproven token-challenge\nanswer ok\n"
#define BY_AGENT "answer possession-unproven challenge\nanswer otp-required\nanswer ok\n"

/* --- whom it is for ------------------------------------------------------------------- */

static void
become_root(struct login *l)
{
	pam_set_item(l->pamh, PAM_USER, strcmp(l->user, "root") == 0 ? "daemon" : "root");
}

static void
become_nobody_there(struct login *l)
{
	pam_set_item(l->pamh, PAM_USER, "no.such.account");
}

static void
become_nothing(struct login *l)
{
	pam_set_item(l->pamh, PAM_USER, NULL);
}

static void
stay(struct login *l)
{
	pam_set_item(l->pamh, PAM_USER, l->user);
}

static void
a_yes_is_for_the_user_who_was_asked_for(void **state)
{
	struct login *l = *state;
	void (*const changes[])(
	    struct login *) = { become_root, become_nobody_there, become_nothing };

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		l->meanwhile = changes[i];
		assert_int_equal(login(l, TWO_HALVES, ""), PAM_AUTHINFO_UNAVAIL);
		assert_int_equal(l->lines, 1);
		assert_non_null(strstr(l->log, "cannot decide: fault-internal: "));
		assert_non_null(strstr(l->log, "has changed PAM_USER since"));
		/* nor is a trial passed over */
		assert_int_equal(login(l, "answer otp-required\nanswer ok observe\n", ""),
		    PAM_AUTHINFO_UNAVAIL);
	}
	l->meanwhile = stay;
	assert_int_equal(login(l, TWO_HALVES, ""), PAM_SUCCESS);
}

/* --- signals and children ------------------------------------------------------------- */

static volatile sig_atomic_t alarms;

static void
count_alarm(int signal)
{
	(void)signal;
	alarms++;
}

static void
signals_interrupt_nothing_and_stay_the_hosts(void **state)
{
	struct login *l = *state;
	const struct itimerval often = { { 0, 500 }, { 0, 500 } },
			       never = { { 0, 0 }, { 0, 0 } };
	struct sigaction action = { .sa_handler = count_alarm }, before, now;
	sigset_t mask, mask_now;

	alarms = 0;
	assert_int_equal(sigaction(SIGALRM, &action, &before), 0); /* without SA_RESTART */
	sigprocmask(SIG_BLOCK, NULL, &mask);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 5; i++)
		assert_int_equal(login(l, TWO_HALVES, ""), PAM_SUCCESS);
	l->hasty = true;
	assert_int_equal(login(l, "silence\n", ""), PAM_AUTHINFO_UNAVAIL);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_true(alarms > 0);
	sigaction(SIGALRM, NULL, &now);
	assert_true(now.sa_handler == count_alarm);
	sigprocmask(SIG_BLOCK, NULL, &mask_now);
	assert_memory_equal(&mask, &mask_now, _NSIG / 8); /* what the kernel fills in */
	sigaction(SIGALRM, &before, NULL);
	assert_false(login_left_children());
}

static void
reap_all(int signal)
{
	int saved = errno;

	(void)signal;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	errno = saved;
}

static void
hosts_that_reap_every_child_are_served(void **state)
{
	struct login *l = *state;
	struct sigaction action = { .sa_handler = reap_all }, before;

	assert_int_equal(sigaction(SIGCHLD, &action, &before), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(login(l, TWO_HALVES, ""), PAM_SUCCESS);
	assert_int_equal(login(l, "answer revoked\n", ""), PAM_AUTH_ERR);
	assert_int_equal(login(l, "die\n", ""), PAM_AUTHINFO_UNAVAIL);
	sigaction(SIGCHLD, &before, NULL);
	assert_false(login_left_children());
}

static void
children_of_the_host_are_left_to_it(void **state)
{
	struct login *l = *state;
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(7);
	siginfo_t ended;
	assert_int_equal(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), 0);
	assert_int_equal(login(l, TWO_HALVES, ""), PAM_SUCCESS);
	assert_int_equal(waitpid(child, &status, WNOHANG), child);
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_false(login_left_children());
}

static pid_t forked;

/* It keeps what the host has open at that time, as long as it lives. */
static void
fork_one(struct login *l)
{
	(void)l;
	forked = fork();
	if (forked == 0)
		for (;;)
			pause();
}

static void
a_fork_in_the_conversation_keeps_no_judge(void **state)
{
	struct login *l = *state;

	l->meanwhile = fork_one;
	assert_int_equal(login(l, TWO_HALVES, ""), PAM_SUCCESS);
	assert_true(forked > 0);
	pid_t judge = (pid_t)atoi(login_seen(l, "pid", 0));
	assert_int_equal(kill(judge, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(waitpid(forked, NULL, WNOHANG), 0);
	kill(forked, SIGKILL);
	assert_int_equal(waitpid(forked, NULL, 0), forked);
	assert_false(login_left_children());
}

/* --- descriptors and limits ----------------------------------------------------------- */

static bool was_open[1024];
static int n_inheritable;

static void
note_descriptors(struct login *l)
{
	(void)l;
	for (int fd = 0; fd < 1024; fd++)
		was_open[fd] = fcntl(fd, F_GETFD) >= 0;
}

static void
count_inheritable(struct login *l)
{
	(void)l;
	for (int fd = 0; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);

		n_inheritable += flags >= 0 && !was_open[fd] && !(flags & FD_CLOEXEC);
	}
}

static void
assert_no_new_ones(struct login *l)
{
	(void)l;
	for (int fd = 0; fd < 1024; fd++)
		assert_int_equal(fcntl(fd, F_GETFD) >= 0, was_open[fd]);
}

static void
descriptors_are_closed_and_not_inherited(void **state)
{
	struct login *l = *state;
	static const char *const parts[] = { TWO_HALVES, "answer revoked\n", "die\n", "exit\n",
		"octets 444c4b0200000000\n", "answer otp-required\ndie\n" };

	static const char *const bad_provers[] = { "twice", "name", "unnamed", "kind",
		"dies" };

	l->before_call = note_descriptors;
	l->meanwhile = count_inheritable;
	l->after_call = assert_no_new_ones;
	n_inheritable = 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		(void)login(l, parts[i], "");
	l->ruser = login_self();
	assert_int_equal(login_proving(l, BY_TOKEN, "pin"), PAM_SUCCESS);
	assert_int_equal(login_proving(l, BY_AGENT, "answers"), PAM_SUCCESS);
	for (size_t i = 0; i < sizeof(bad_provers) / sizeof(*bad_provers); i++)
		(void)login_proving(l, BY_TOKEN, bad_provers[i]);
	assert_int_equal(n_inheritable, 0);
}

static rlim_t room;

static void
limit_descriptors(struct login *l)
{
	struct rlimit limit;
	int lowest = dup(0);

	(void)l;
	assert_true(lowest >= 0);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)lowest + room;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Where there is too little of something nobody gets in, and nobody is passed over. */
static void
without_descriptors_nothing_is_decided(void **state)
{
	struct login *l = *state;
	struct rlimit before;
	int n_refused = 0, n_in = 0;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	l->before_call = limit_descriptors;
	for (room = 0; room < 12; room++) {
		int code = login(l, "answer ok\n", "");

		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		n_in += code == PAM_SUCCESS;
		n_refused += code == PAM_AUTHINFO_UNAVAIL;
		/* the stub behind it, which the module had let pass */
		if (code != PAM_SUCCESS && code != PAM_AUTHINFO_UNAVAIL &&
		    code != PAM_SYSTEM_ERR)
			fail_msg("room for %d: %d", (int)room, code);
		assert_false(login_left_children());
	}
	assert_true(n_in > 0 && n_refused > 0);
}

static void
lose_the_place(struct login *l)
{
	char path[160];

	dlk_text_print(path, sizeof(path), "%s/gone", l->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chdir(path), 0);
	assert_int_equal(rmdir(path), 0);
	umask(0777);
}

static void
where_the_host_is_does_not_matter(void **state)
{
	struct login *l = *state;
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	mode_t before = umask(022);

	l->before_call = lose_the_place;
	l->after_call = NULL;
	int code = login(l, "answer revoked\n", "");
	mode_t after = umask(before);
	assert_int_equal(fchdir(here), 0);
	close(here);
	assert_int_equal(code, PAM_AUTH_ERR);
	assert_int_equal(after, 0777); /* as the host had set it */
}

/* --- long words ----------------------------------------------------------------------- */

static void
long_words_are_left_out(void **state)
{
	struct login *l = *state;
	const size_t n = 1024 * 1024;
	char *word = calloc(1, n + 32), *connection = calloc(1, n + 32);

	memset(word, '1', n);
	strcpy(connection, "SSH_CONNECTION=");
	memset(connection + strlen(connection), '1', n);
	l->rhost = l->tty = word + n - 4000; /* libpam has longer ones fail in its audit */
	l->ruser = word;
	assert_int_equal(login(l, "answer ok\n", ""), PAM_SUCCESS);
	assert_string_equal(login_seen(l, "source", 0), "");
	assert_string_equal(login_seen(l, "tty", 0), "");
	assert_string_equal(login_seen(l, "asker", 0), "");
	l->env[0] = connection;
	assert_int_equal(login(l, "answer ok\n", ""), PAM_SUCCESS);
	assert_string_equal(login_seen(l, "source", 0), "");
	l->env[0] = NULL;
	l->rhost = l->tty = l->ruser = NULL;
	l->answer = word;
	assert_int_equal(login(l, TWO_HALVES, ""), PAM_AUTH_ERR);
	assert_null(login_seen(l, "attempt", 1));
	l->user = word;
	assert_int_equal(login(l, "answer ok\n", ""), PAM_AUTH_ERR);
	assert_null(login_seen(l, "attempt", 0));
	free(word);
	free(connection);
}

static void
odd_words_are_no_names(void **state)
{
	struct login *l = *state;
	static const char *const words[] = { "a b", "a\nb", "\x1b[2J", "caf\xc3\xa9", " ",
		"" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		l->tty = l->ruser = words[i];
		assert_int_equal(login(l, "answer ok\n", ""), PAM_SUCCESS);
		assert_string_equal(login_seen(l, "tty", 0), "");
		if (words[i][0])
			assert_string_equal(login_seen(l, "asker", 0), "");
		assert_null(strstr(l->log, "\x1b"));
	}
}

/* --- threads -------------------------------------------------------------------------- */

static void *
log_in_often(void *arg)
{
	struct login *l = arg;
	intptr_t wrong = 0;

	for (int i = 0; i < 6; i++) {
		wrong += login(l, TWO_HALVES, "") != PAM_SUCCESS;
		wrong += strcmp(login_seen(l, "code", 0), l->answer) != 0;
		wrong += login(l, "answer revoked\n", "") != PAM_AUTH_ERR;
	}
	return (void *)wrong;
}

static void
threads_do_not_meet(void **state)
{
	static const char *const codes[] = { "111111", "222222", "333333", "444444" };
	pthread_t thread[4];
	void *own[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		login_setup(&own[i]);
		((struct login *)own[i])->answer = codes[i];
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, log_in_often, own[i]), 0);
	for (int i = 0; i < 4; i++) {
		void *wrong = NULL;

		assert_int_equal(pthread_join(thread[i], &wrong), 0);
		assert_null(wrong);
		login_teardown(&own[i]);
	}
	assert_false(login_left_children());
}

/* --- what stays in memory ------------------------------------------------------------- */

#ifndef __SANITIZE_ADDRESS__  /* which has a heap and a stack of its own */
static volatile bool looking; /* a compiler knows free() and what it does not look at */
static volatile int n_leaked;

void __libc_free(void *p);

/* Instead of the C library's: what is given back while the module works has no code in it. */
__attribute__((visibility("default"))) void
free(void *p)
{
	if (looking && p && memmem(p, malloc_usable_size(p), CODE, strlen(CODE)))
		n_leaked++;
	__libc_free(p);
}

static void
look(struct login *l)
{
	(void)l;
	looking = true;
}

/* Below this frame lies what the module has left. */
static __attribute__((noinline)) void
look_below(struct login *l)
{
	char below[128 * 1024];

	(void)l;
	looking = false;
	__asm__ volatile("" : : "r"(below) : "memory");
	if (memmem(below, sizeof(below), CODE, strlen(CODE)))
		n_leaked++;
}

static void
no_code_stays_in_memory(void **state)
{
	struct login *l = *state;
	static const char *const arguments[] = { "", "forward_pass", "try_first_pass" };

	l->answer = CODE;
	l->before_call = look;
	l->after_call = look_below;
	for (size_t i = 0; i < sizeof(arguments) / sizeof(*arguments); i++) {
		n_leaked = 0;
		assert_int_equal(login(l, TWO_HALVES, arguments[i]), PAM_SUCCESS);
		assert_int_equal(n_leaked, 0);
		assert_int_equal(
		    login(l, "answer otp-required\nanswer otp-wrong\n", arguments[i]),
		    PAM_AUTH_ERR);
		assert_int_equal(login(l, "answer otp-required\ndie\n", arguments[i]),
		    PAM_AUTHINFO_UNAVAIL);
		assert_int_equal(n_leaked, 0);
	}
	/* a PIN, which goes another way */
	assert_int_equal(login_proving(l, BY_TOKEN, "pin"), PAM_SUCCESS);
	assert_int_equal(l->prompts, 1);
	(void)login_proving(l, BY_TOKEN, "twice");
	(void)login_proving(l, BY_TOKEN, "dies");
	/* and it would be seen */
	char *volatile copy = strdup("a code: " CODE);
	looking = true;
	free(copy);
	looking = false;
	assert_int_equal(n_leaked, 1);
}
#endif

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, login_setup, login_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_yes_is_for_the_user_who_was_asked_for),
		TEST(signals_interrupt_nothing_and_stay_the_hosts),
		TEST(hosts_that_reap_every_child_are_served),
		TEST(children_of_the_host_are_left_to_it),
		TEST(a_fork_in_the_conversation_keeps_no_judge),
		TEST(descriptors_are_closed_and_not_inherited),
		TEST(without_descriptors_nothing_is_decided),
		TEST(where_the_host_is_does_not_matter),
		TEST(long_words_are_left_out),
		TEST(odd_words_are_no_names),
		cmocka_unit_test(threads_do_not_meet),
#ifndef __SANITIZE_ADDRESS__
		TEST(no_code_stays_in_memory),
#endif
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
