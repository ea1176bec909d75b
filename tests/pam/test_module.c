/* SPDX-License-Identifier: MIT */
/* Every exit of the module, through the real libpam; the judge is played. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <doublelock/reason.h>

#include "base/text.h"
#include "login.h"
#include "model/request.h"

#define TWO_HALVES "answer otp-required\nanswer ok\n"
#define PROMPT     "Verification code: "

static void
both_keys_open(void **state)
{
	struct login *l = *state;
	char first[64], uid[64];

	l->rhost = "192.0.2.7";
	l->tty = "ssh";
	l->env[0] = "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\n";
	assert_int_equal(login(l, TWO_HALVES, ""), PAM_SUCCESS);
	assert_int_equal(l->prompts, 1);
	assert_string_equal(l->prompt[0], PROMPT);
	assert_int_equal(l->styles[0], PAM_PROMPT_ECHO_OFF);
	assert_string_equal(login_seen(l, "user", 0), login_self());
	dlk_text_print(uid, sizeof(uid), "1 %lu", (unsigned long)getuid());
	assert_string_equal(login_seen(l, "known", 0), uid);
	assert_string_equal(login_seen(l, "service", 0), "doublelock-test");
	assert_string_equal(login_seen(l, "source", 0), "192.0.2.7");
	assert_string_equal(login_seen(l, "tty", 0), "ssh");
	assert_string_equal(login_seen(l, "kinds", 0), "1 1 1");
	assert_string_equal(login_seen(l, "evidence", 0), "27");
	/* one judge, one attempt, the code only in the second half */
	assert_null(login_seen(l, "pid", 1));
	assert_string_equal(login_seen(l, "code", 0), "123456");
	assert_null(login_seen(l, "code", 1));
	dlk_text_copy(first, sizeof(first), login_seen(l, "attempt", 0));
	assert_string_equal(login_seen(l, "attempt", 1), first);
	assert_string_equal(login_seen(l, "evidence", 1), "27");
	assert_int_equal(l->lines, 1);
	assert_non_null(strstr(l->log, "accepted: ok: "));
	assert_non_null(strstr(l->log, "event 01890a5d-ac96-774b-bcce-b302099a8057"));
	assert_null(strstr(l->log, "123456"));
	assert_string_equal(login_token(l), "none");
	assert_false(login_left_children());
}

static void
attempts_differ(void **state)
{
	struct login *l = *state;
	char first[64];

	assert_int_equal(login(l, "answer ok\n", ""), PAM_SUCCESS);
	assert_int_equal(l->prompts, 0);
	dlk_text_copy(first, sizeof(first), login_seen(l, "attempt", 0));
	assert_int_equal(login(l, "answer ok\n", ""), PAM_SUCCESS);
	assert_string_not_equal(login_seen(l, "attempt", 0), first);
}

static int
code_for(enum dlk_reason reason)
{
	switch (dlk_reason_blame(reason)) {
	case DLK_BLAME_CLAIMANT:
	case DLK_BLAME_LOCK:
		return PAM_AUTH_ERR;
	case DLK_BLAME_OPERATOR:
	case DLK_BLAME_SYSTEM:
		break;
	case DLK_BLAME_NOBODY:
		return PAM_SUCCESS;
	}
	return PAM_AUTHINFO_UNAVAIL;
}

/* Of each reason there is, in each half, enforced and observed, recorded and not. */
static void
every_reason_has_its_code(void **state)
{
	struct login *l = *state;

	for (int i = 0; i < DLK_REASON_COUNT; i++) {
		enum dlk_reason reason = (enum dlk_reason)i;
		bool asks = reason == DLK_R_OTP_REQUIRED; /* that half has tests of its own */
		bool fault = dlk_reason_blame(reason) == DLK_BLAME_SYSTEM;

		for (int variant = 0; variant < 8 && !asks; variant++) {
			bool second = variant & 1, observed = variant & 2, lost = variant & 4;
			char part[256];
			int wanted = code_for(reason);

			if (lost && reason == DLK_R_OK)
				wanted = PAM_AUTHINFO_UNAVAIL;
			if (observed)
				wanted = fault || lost ? PAM_AUTHINFO_UNAVAIL : PAM_IGNORE;
			dlk_text_print(part, sizeof(part), "%sanswer %s %s %s\n",
			    second ? "answer otp-required\n" : "", dlk_reason_str(reason),
			    observed ? "observe" : "", lost ? "no-event" : "");
			int code = login(l, part, "");
			if (code != wanted)
				fail_msg("%s variant %d: %d, not %d", dlk_reason_str(reason),
				    variant, code, wanted);
			assert_int_equal(l->prompts, second);
			assert_int_equal(l->lines, 1);
		}
	}
	assert_false(login_left_children());
}

/* What a judge may do wrong. None of it opens the door, and none of it is "ignore". */
static const struct {
	const char *name, *part;
	bool hasty;
} faults[] = {
	{ "ends before the question", "exit\n", false },
	{ "ends without an answer", "die\n", false },
	{ "does not answer", "silence\n", true },
	{ "does not answer the second half", "answer otp-required\nsilence\n", true },
	{ "ends without the second answer", "answer otp-required\ndie\n", false },
	{ "asks for the code twice", "answer otp-required\nanswer otp-required\n", false },
	{ "asks twice under observe",
	    "answer otp-required observe\nanswer otp-required observe\n", false },
	{ "says yes for another user", "answer ok other-user\n", false },
	{ "says yes for a longer name", "answer ok longer-user\n", false },
	{ "says yes for nobody", "answer ok no-user\n", false },
	{ "says yes without a record", "answer ok no-event\n", false },
	{ "sends something else", "octets 4854545020\n", true },
	{ "sends half a header", "octets 444c4b\n", true },
	{ "sends another version", "octets 444c4b0200000000\n", false },
	{ "sends an empty verdict", "octets 444c4b0100000000\n", false },
	{ "sends a request", "octets 444c4b0100000007000200000001ff\n", false },
	{ "announces 4 GiB", "octets 444c4b01ffffffff\n", false },
	/* ok, stage, but no times */
	{ "says ok alone", "octets 444c4b010000000f0101000000026f6b01020000000107\n", false },
};

static void
faults_are_faults(void **state)
{
	struct login *l = *state;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		l->hasty = faults[i].hasty;
		int code = login(l, faults[i].part, "");
		if (code != PAM_AUTHINFO_UNAVAIL)
			fail_msg("%s: %d", faults[i].name, code);
		assert_int_equal(l->lines, 1);
		assert_non_null(strstr(l->log, "cannot decide: fault-internal: "));
		assert_false(login_left_children());
	}
}

static void
the_judge_starts_clean(void **state)
{
	struct login *l = *state;
	sigset_t all, before;
	int extra = dup(1); /* without FD_CLOEXEC */

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	signal(SIGPIPE, SIG_IGN);
	setenv("SSH_AUTH_SOCK", "/tmp/none", 1);
	int code = login(l, "answer ok\n", "");
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, SIG_DFL);
	close(extra);
	assert_int_equal(code, PAM_SUCCESS);
	assert_string_equal(login_seen(l, "environment", 0), "0");
	assert_string_equal(login_seen(l, "descriptors", 0), "0");
	assert_string_equal(login_seen(l, "signals", 0), "0");
	assert_string_equal(login_seen(l, "leader", 0), "1");
}

static void
hosts_without_descriptors_or_children_are_served(void **state)
{
	struct login *l = *state;
	int saved[3];

	for (int i = 0; i < 3; i++) {
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 100);
		close(i);
	}
	/* the kernel reaps the judge by itself then */
	signal(SIGCHLD, SIG_IGN);
	int code = login(l, TWO_HALVES, "");
	signal(SIGCHLD, SIG_DFL);
	for (int i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
	}
	assert_int_equal(code, PAM_SUCCESS);
	assert_false(login_left_children());
}

static void
a_judge_that_has_gone_is_followed(void **state)
{
	struct login *l = *state;
	char first[64];

	l->wait_for_judge = true;
	assert_int_equal(login(l, "answer otp-required\nexit\nanswer ok\n", ""), PAM_SUCCESS);
	assert_non_null(login_seen(l, "pid", 1));
	dlk_text_copy(first, sizeof(first), login_seen(l, "attempt", 0));
	assert_string_equal(login_seen(l, "attempt", 1), first);
	assert_string_equal(login_seen(l, "code", 0), "123456");
	assert_false(login_left_children());
}

/* Whose path is not safe is not started. */
static void
unsafe_helpers_are_not_started(void **state)
{
	struct login *l = *state;
	char options[512], link[256], missing[256];

	assert_int_equal(chmod(l->judge, 0775), 0);
	assert_int_equal(login(l, "answer ok\n", ""), PAM_AUTHINFO_UNAVAIL);
	assert_non_null(strstr(l->log, "its owner or mode lets somebody else"));
	assert_int_equal(chmod(l->judge, 0755), 0);
	assert_int_equal(chmod(l->dir, 0757), 0);
	assert_int_equal(login(l, "answer ok\n", ""), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(chmod(l->dir, 0755), 0);
	assert_int_equal(login(l, "answer ok\n", ""), PAM_SUCCESS);
	/* what a link leads to counts */
	dlk_text_print(link, sizeof(link), "%s/link", l->dir);
	assert_int_equal(symlink("judge", link), 0);
	dlk_text_print(options, sizeof(options), "config=%s helper=%s", l->part, link);
	assert_int_equal(login_bare(l, "answer ok\n", options), PAM_SUCCESS);
	assert_int_equal(chmod(l->judge, 0777), 0);
	assert_int_equal(login_bare(l, "answer ok\n", options), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(chmod(l->judge, 0644), 0);
	assert_int_equal(login_bare(l, "answer ok\n", options), PAM_AUTHINFO_UNAVAIL);
	dlk_text_print(options, sizeof(options), "config=%s helper=%s", l->part, l->dir);
	assert_int_equal(login_bare(l, "answer ok\n", options), PAM_AUTHINFO_UNAVAIL);
	dlk_text_print(missing, sizeof(missing), "helper=%s/none", l->dir);
	assert_int_equal(login_bare(l, "answer ok\n", missing), PAM_AUTHINFO_UNAVAIL);
	assert_null(login_seen(l, "pid", 0));
}

/* Answers that are none: refused as the verdict stands, and the judge does not see them. */
static void
answers_that_are_none_count_nothing(void **state)
{
	struct login *l = *state;
	char *longest = calloc(1, DLK_SECRET_MAX + 2);
	const char *answers[] = { "", "\b\n\r\177INCORRECT", "\b", "\b\n\r\177INC", longest };

	memset(longest, '1', DLK_SECRET_MAX + 1);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		l->answer = answers[i];
		assert_int_equal(login(l, TWO_HALVES, ""), PAM_AUTH_ERR);
		assert_int_equal(l->prompts, 1);
		assert_null(login_seen(l, "attempt", 1));
		assert_int_equal(l->lines, 1);
		assert_non_null(strstr(l->log, "refused: otp-required: "));
		/* a trial changes nothing */
		assert_int_equal(
		    login(l, "answer otp-required observe\nanswer ok\n", ""), PAM_IGNORE);
		assert_int_equal(
		    login(l, "answer otp-required observe no-event\nanswer ok\n", ""),
		    PAM_AUTHINFO_UNAVAIL);
	}
	longest[DLK_SECRET_MAX] = '\0';
	l->answer = longest;
	assert_int_equal(login(l, TWO_HALVES, ""), PAM_SUCCESS);
	free(longest);
	assert_false(login_left_children());
}

static void
broken_conversations_are_errors(void **state)
{
	struct login *l = *state;
	const int errors[] = { PAM_CONV_ERR, PAM_CONV_AGAIN, PAM_BUF_ERR, PAM_IGNORE,
		PAM_ABORT };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		l->conversation = errors[i];
		assert_int_equal(login(l, TWO_HALVES, ""), PAM_CONV_ERR);
		assert_int_equal(
		    login(l, "answer otp-required observe\nanswer ok\n", ""), PAM_CONV_ERR);
	}
	l->conversation = PAM_SUCCESS;
	l->answer = NULL;
	assert_int_equal(login(l, TWO_HALVES, ""), PAM_CONV_ERR);
	l->user = NULL; /* PAM asks for the name itself */
	assert_int_equal(login(l, TWO_HALVES, ""), PAM_CONV_ERR);
	assert_false(login_left_children());
}

static void
unknown_names_are_judged_and_not_logged(void **state)
{
	struct login *l = *state;

	l->user = "hunter2-is-my-password";
	assert_int_equal(login(l, "answer no-identity no-user\n", ""), PAM_AUTH_ERR);
	assert_string_equal(login_seen(l, "user", 0), "hunter2-is-my-password");
	assert_string_equal(login_seen(l, "known", 0), "0 0");
	assert_null(strstr(l->log, "hunter2"));
	assert_null(strstr(l->log, "doublelock why"));
	l->user = login_self();
	assert_int_equal(login(l, "answer revoked no-user\n", ""), PAM_AUTH_ERR);
	assert_non_null(strstr(l->log, "'doublelock why "));
}

static void
names_that_are_none_are_not_asked(void **state)
{
	struct login *l = *state;
	char longest[300] = "";
	const char *names[] = { "an\nna", "anna\x1b[2J", "an na", "", "caf\xc3\xa9", longest };

	memset(longest, 'a', sizeof(longest) - 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		l->user = names[i];
		int code = login(l, "answer ok\n", "");
		assert_int_equal(code, PAM_AUTH_ERR);
		assert_null(login_seen(l, "pid", 0));
		assert_int_equal(l->lines, 1);
		assert_non_null(strstr(l->log, "refused: no-identity: "));
		assert_null(strstr(l->log, "an"
					   "na"));
	}
}

static void
what_sshd_saw_is_handed_over_whole(void **state)
{
	struct login *l = *state;
	char *info = calloc(1, 200 * 1024 + 1);
	size_t head = (size_t)sprintf(info, "SSH_AUTH_INFO_0=publickey ssh-rsa ");

	l->env[0] = info;
	memset(info + head, 'A', 120 * 1024);
	assert_int_equal(login(l, "answer ok\n", ""), PAM_SUCCESS);
	assert_int_equal(atoi(login_seen(l, "evidence", 0)),
	    120 * 1024 + (int)head - (int)strlen("SSH_AUTH_INFO_0="));
	/* more than sshd can have taken */
	memset(info + head, 'A', 200 * 1024 - head);
	assert_int_equal(login(l, "answer ok\n", ""), PAM_AUTH_ERR);
	assert_non_null(
	    strstr(l->log, "refused: certificate-malformed: SSH_AUTH_INFO_0 has "));
	assert_null(login_seen(l, "pid", 0));
	free(info);
	/* which of two keys counts is for the judge to say */
	l->env[0] = "SSH_AUTH_INFO_0=publickey ssh-rsa AAAA\npublickey ssh-rsa BBBB\n";
	assert_int_equal(login(l, "answer ok\n", ""), PAM_SUCCESS);
	assert_string_equal(login_seen(l, "evidence", 0), "46");
	l->env[0] = "SSH_AUTH_INFO_0=";
	assert_int_equal(login(l, "answer ok\n", ""), PAM_SUCCESS);
	assert_string_equal(login_seen(l, "kinds", 0), "1 0 0");
	assert_string_equal(login_seen(l, "evidence", 0), "0");
}

static void
only_addresses_are_sources(void **state)
{
	struct login *l = *state;
	static const struct {
		const char *rhost, *connection, *source;
	} rows[] = {
		{ "192.0.2.1", NULL, "192.0.2.1" },
		{ "2001:db8::1", NULL, "2001:db8::1" },
		{ "2001:DB8:0:0::1", NULL, "2001:db8::1" },
		{ "::ffff:192.0.2.1", NULL, "192.0.2.1" },
		{ "fe80::1%eth0", NULL, "" },
		{ "client.example.com", NULL, "" },
		{ "client.example.com", "SSH_CONNECTION=192.0.2.2 4711 192.0.2.3 22",
		    "192.0.2.2" },
		{ "192.0.2.1", "SSH_CONNECTION=UNKNOWN 65535 UNKNOWN 65535", "" },
		{ "192.0.2.1.", NULL, "" },
		{ "1", NULL, "" },
		{ "", NULL, "" },
		{ NULL, NULL, "" },
		{ "2001:db8:1111:2222:3333:4444:5555:6666:2001:db8:1111:2222:3333:4444:5555",
		    NULL, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		l->rhost = rows[i].rhost;
		l->env[0] = rows[i].connection;
		assert_int_equal(login(l, "answer ok\n", ""), PAM_SUCCESS);
		assert_string_equal(login_seen(l, "source", 0), rows[i].source);
	}
}

/* A mistyped argument is no argument that is passed over. */
static void
arguments_are_read_strictly(void **state)
{
	struct login *l = *state;
	static const char *const bad[] = { "nullok", "debug", "config",
		"config=", "config=part", "helper=judge", "agent=", "agent=run/x",
		"service=", "service=a\x01", "try_first_pass=1", "Forward_pass", "alwaysok",
		"agent=/run/x config=/etc/x" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(login_bare(l, "answer ok\n", bad[i]), PAM_SERVICE_ERR);
		assert_int_equal(l->prompts, 0);
		assert_int_equal(l->lines, 1);
	}
	assert_int_equal(login(l, "answer ok\n", "agent=/run/x"), PAM_SERVICE_ERR);
	assert_int_equal(login(l, "answer ok\n", "service=vpn"), PAM_SUCCESS);
	assert_string_equal(login_seen(l, "service", 0), "vpn");
}

/* What stands in PAM_AUTHTOK before, what is typed, and what comes of it. */
static const struct {
	const char *name, *before, *answer, *part, *arguments;
	int code, prompts;
	const char *sent; /* NULL: no code */
	const char *token;
} passes[] = {
	{ "plain", NULL, "123456", TWO_HALVES, "", PAM_SUCCESS, 1, "123456", "none" },
	{ "a recovery code", NULL, "ABCDE-12345", TWO_HALVES, "", PAM_SUCCESS, 1,
	    "ABCDE-12345", "none" },
	{ "plain leaves the password", "give=pw123456", "654321", TWO_HALVES, "", PAM_SUCCESS,
	    1, "654321", "pw123456" },
	{ "try: code behind a password", "give=pw123456", NULL, TWO_HALVES, "try_first_pass",
	    PAM_SUCCESS, 0, "123456", "pw123456" },
	{ "try: code alone", "give=123456", NULL, TWO_HALVES, "try_first_pass", PAM_SUCCESS, 0,
	    "123456", "123456" },
	{ "try: eight digits", "give=pw12345678", NULL,
	    "answer otp-required digits 8\nanswer ok\n", "try_first_pass", PAM_SUCCESS, 0,
	    "12345678", "pw12345678" },
	{ "try: no code there", "give=password", "654321", TWO_HALVES, "try_first_pass",
	    PAM_SUCCESS, 1, "654321", "password" },
	{ "try: nothing there", NULL, "654321", TWO_HALVES, "try_first_pass", PAM_SUCCESS, 1,
	    "654321", "none" },
	{ "try: a wrong one is not asked again", "give=pw123456", "654321",
	    "answer otp-required\nanswer otp-wrong\n", "try_first_pass", PAM_AUTH_ERR, 0,
	    "123456", "none" },
	{ "try: too short", "give=12345", "654321", TWO_HALVES, "try_first_pass", PAM_SUCCESS,
	    1, "654321", "12345" },
	{ "use: code behind a password", "give=pw123456", NULL, TWO_HALVES, "use_first_pass",
	    PAM_SUCCESS, 0, "123456", "pw123456" },
	{ "use: no code there", "give=password", "654321", TWO_HALVES, "use_first_pass",
	    PAM_AUTH_ERR, 0, NULL, "none" },
	{ "use: nothing there", NULL, "654321", TWO_HALVES, "use_first_pass", PAM_AUTH_ERR, 0,
	    NULL, "none" },
	{ "use: no code needed", NULL, NULL, "answer ok\n", "use_first_pass", PAM_SUCCESS, 0,
	    NULL, "none" },
	{ "forward", NULL, "pw123456", TWO_HALVES, "forward_pass", PAM_SUCCESS, 1, "123456",
	    "pw" },
	{ "forward: digits before digits", NULL, "99123456", TWO_HALVES, "forward_pass",
	    PAM_SUCCESS, 1, "123456", "99" },
	{ "forward: code alone", NULL, "123456", TWO_HALVES, "forward_pass", PAM_SUCCESS, 1,
	    "123456", "none" },
	{ "forward: password alone", NULL, "password", TWO_HALVES, "forward_pass",
	    PAM_AUTH_ERR, 1, NULL, "none" },
	{ "forward: wrong code", NULL, "pw123456", "answer otp-required\nanswer otp-wrong\n",
	    "forward_pass", PAM_AUTH_ERR, 1, "123456", "none" },
	{ "forward under observe", NULL, "pw123456",
	    "answer otp-required observe\nanswer otp-wrong observe\n", "forward_pass",
	    PAM_IGNORE, 1, "123456", "pw" },
	{ "forward under observe, no code", NULL, "password",
	    "answer otp-required observe\nanswer ok\n", "forward_pass", PAM_IGNORE, 1, NULL,
	    "password" },
	{ "forward and use", "give=pw123456", NULL, TWO_HALVES, "forward_pass use_first_pass",
	    PAM_SUCCESS, 0, "123456", "pw" },
	{ "forward and try, prompted", "give=password", "123456", TWO_HALVES,
	    "forward_pass try_first_pass", PAM_SUCCESS, 1, "123456", "password" },
	{ "sshd's answer as a password", "give=\b\177INC", NULL, TWO_HALVES, "use_first_pass",
	    PAM_AUTH_ERR, 0, NULL, "none" },
};

static void
passwords_and_codes_share_a_field(void **state)
{
	struct login *l = *state;

	for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++) {
		l->before = passes[i].before;
		l->answer = passes[i].answer;
		int code = login(l, passes[i].part, passes[i].arguments);
		if (code != passes[i].code || l->prompts != passes[i].prompts)
			fail_msg("%s: %d, %d prompts", passes[i].name, code, l->prompts);
		const char *sent = login_seen(l, "code", 0);
		if ((sent == NULL) != (passes[i].sent == NULL) ||
		    (sent && strcmp(sent, passes[i].sent) != 0))
			fail_msg("%s: sent %s", passes[i].name, sent ? sent : "nothing");
		/* the module behind is reached by success and ignore alone */
		if (strcmp(login_token(l), passes[i].token) != 0)
			fail_msg("%s: left %s", passes[i].name, login_token(l));
	}
}

/* A stack that has the module twice works, and says why it asks twice. */
static void
twice_is_noticed(void **state)
{
	struct login *l = *state;

	l->twice = true;
	assert_int_equal(login(l, "answer ok\nexit\nanswer ok\n", ""), PAM_SUCCESS);
	assert_int_equal(l->lines, 3);
	assert_non_null(strstr(l->log, "is it in the stack twice?"));
	assert_int_equal(login(l, "answer revoked\nanswer ok\n", ""), PAM_AUTH_ERR);
	assert_int_equal(l->lines, 1);
}

static int
no_conversation(
    int n, const struct pam_message **message, struct pam_response **ret, void *arg)
{
	(void)n, (void)message, (void)ret, (void)arg;
	return PAM_CONV_ERR;
}

/* An application that never authenticates (cron, sshd's public keys), and one that does. */
static void
the_other_doors_decide_nothing(void **state)
{
	struct login *l = *state;
	const struct pam_conv conversation = { .conv = no_conversation };
	pam_handle_t *pamh = NULL;

	login(l, "", "");
	assert_int_equal(
	    pam_start_confdir("doublelock-test", login_self(), &conversation, l->dir, &pamh),
	    PAM_SUCCESS);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
		assert_int_equal(pam_open_session(pamh, PAM_SILENT), PAM_SUCCESS);
		assert_int_equal(pam_close_session(pamh, PAM_SILENT), PAM_SUCCESS);
	}
	/* alone in its stack, a module that says "ignore" grants nothing */
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	assert_int_not_equal(pam_chauthtok(pamh, 0), PAM_SUCCESS);
	pam_end(pamh, PAM_SUCCESS);
}

/* The judge is told of a session; what PAM's environment says by then may be the user's. */
static void
sessions_are_told_of(void **state)
{
	struct login *l = *state;

	l->rhost = "192.0.2.7";
	l->tty = "ssh";
	l->env[0] = "SSH_AUTH_INFO_0=publickey ssh-ed25519 FORGED";
	l->env[1] = "SSH_CONNECTION=198.51.100.66 1 192.0.2.1 22";
	assert_int_equal(
	    login_session(l, "answer undecided\nexit\nanswer undecided\n", ""), PAM_SUCCESS);
	assert_string_equal(login_seen(l, "session", 0), "1");
	assert_string_equal(login_seen(l, "session", 1), "2");
	assert_null(login_seen(l, "session", 2));
	assert_string_equal(login_seen(l, "user", 0), login_self());
	assert_string_equal(login_seen(l, "source", 0), "192.0.2.7");
	assert_string_equal(login_seen(l, "kinds", 0), "1 0 0");
	assert_string_equal(login_seen(l, "evidence", 0), "0");
	assert_string_equal(login_seen(l, "attempt", 1), "00000000000000000000000000000000");
	assert_int_equal(l->lines, 0);
	assert_int_equal(l->prompts, 0);
	assert_false(login_left_children());
}

/* Whatever becomes of it: a session opens and closes. */
static void
no_session_is_refused(void **state)
{
	static const char *const answers[] = { "answer fault-store no-event",
		"answer revoked no-event", "answer ok", "die", "exit", "octets 00",
		"silence" };
	struct login *l = *state;
	char part[256];

	l->hasty = true;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		dlk_text_print(part, sizeof(part), "%s\n", answers[i]);
		assert_int_equal(login_session(l, part, ""), PAM_SUCCESS);
		if (i != 2)
			assert_non_null(strstr(l->log, "not noted"));
	}
	assert_int_equal(login_session(l, "answer undecided\n", "nonsense"), PAM_SUCCESS);
	l->user = "nobody-of-that-name";
	assert_int_equal(login_session(l, "answer undecided\n", ""), PAM_SUCCESS);
	assert_null(login_seen(l, "session", 0));
	assert_null(strstr(l->log, "nobody-of-that-name"));
	assert_false(login_left_children());
}

#define LOGIN_TEST(f) cmocka_unit_test_setup_teardown(f, login_setup, login_teardown)

#define BY_TOKEN "answer possession-unproven token-challenge\nanswer ok\n"

/* The PIN goes to the prover alone, and nowhere else. */
static void
a_pin_is_asked_for_and_passed_on(void **state)
{
	static const struct {
		const char *prover, *prompt, *proof;
		int style;
	} rows[] = {
		{ "pin", "PIN for my card: ", "4 567890", PAM_PROMPT_ECHO_OFF },
		{ "last", "PIN for my card (the last try before it is locked): ", "4 567890",
		    PAM_PROMPT_ECHO_OFF },
		{ "reader", "Enter the PIN for my card on its reader.", "4 ", PAM_TEXT_INFO },
	};
	struct login *l = *state;

	l->answer = "567890";
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(login_proving(l, BY_TOKEN, rows[i].prover), PAM_SUCCESS);
		assert_int_equal(l->prompts, 1);
		assert_string_equal(l->prompt[0], rows[i].prompt);
		assert_int_equal(l->styles[0], rows[i].style);
		assert_string_equal(login_seen(l, "proof", 0), rows[i].proof);
		assert_null(strstr(l->log, "567890"));
		assert_null(login_seen(l, "code", 0));
	}
}

static void
no_pin_where_nobody_is_asked(void **state)
{
	static const char *const provers[] = { "twice", "name", "unnamed", "kind" };
	struct login *l = *state;
	static char long_pin[400];

	for (size_t i = 0; i < sizeof(provers) / sizeof(*provers); i++) {
		l->answer = "567890";
		assert_int_equal(login_proving(l,
				     "answer possession-unproven token-challenge\n"
				     "answer possession-unproven\n",
				     provers[i]),
		    PAM_AUTH_ERR);
		assert_string_equal(login_seen(l, "trouble", 0), "1");
		assert_int_equal(l->prompts, i == 0); /* the second one is not shown */
		assert_false(login_left_children());
	}
	l->conversation = PAM_CONV_ERR; /* no PIN is none, and that is passed on */
	assert_int_equal(login_proving(l, BY_TOKEN, "pin"), PAM_SUCCESS);
	assert_string_equal(login_seen(l, "proof", 0), "4 ");
	l->conversation = PAM_SUCCESS;
	memset(long_pin, '5', sizeof(long_pin) - 1);
	l->answer = long_pin;
	assert_int_equal(login_proving(l, BY_TOKEN, "pin"), PAM_SUCCESS);
	assert_string_equal(login_seen(l, "trouble", 0), "1");
}

#define ASKED_IN_VAIN "answer possession-unproven challenge\nanswer possession-unproven\n"

/* The challenge goes to the prover and its answer to the judge, as they are. */
static void
a_key_proves_itself_before_the_code(void **state)
{
	struct login *l = *state;
	char expected[300];

	l->ruser = login_self();
	assert_int_equal(login_proving(l,
			     "answer possession-unproven challenge\nanswer otp-required\n"
			     "answer ok\n",
			     "answers"),
	    PAM_SUCCESS);
	assert_int_equal(l->prompts, 1);
	assert_string_equal(login_seen(l, "asker", 0), login_self());
	/* the prover was told whom to become, and said it back */
	dlk_text_print(expected, sizeof(expected), "%d %s", login_self()[0], login_self() + 1);
	assert_string_equal(login_seen(l, "proof", 0), expected);
	assert_string_equal(login_seen(l, "proof", 1), expected);
	assert_null(login_seen(l, "proof", 2));
	assert_string_equal(login_seen(l, "code", 0), "123456");
	assert_null(login_seen(l, "pid", 1));
	assert_false(login_left_children());
}

static void
provers_that_bring_nothing(void **state)
{
	static const char *const provers[] = { "asks", "junk", "silent", "dies" };
	struct login *l = *state;

	l->ruser = login_self();
	l->hasty = true;
	for (size_t i = 0; i < sizeof(provers) / sizeof(*provers); i++) {
		assert_int_equal(login_proving(l, ASKED_IN_VAIN, provers[i]), PAM_AUTH_ERR);
		assert_string_equal(login_seen(l, "trouble", 0), "1"); /* INTERNAL */
		assert_int_equal(l->prompts, 0);
		assert_false(login_left_children());
		assert_non_null(strstr(l->log, "/prover-"));
	}
	l->hasty = false;
	assert_int_equal(login(l, ASKED_IN_VAIN, "prove=/no/such/program"), PAM_AUTH_ERR);
	assert_string_equal(login_seen(l, "trouble", 0), "1");
}

/* One challenge in a login: a judge that asks again has its refusal taken. */
static void
a_second_challenge_is_a_refusal(void **state)
{
	struct login *l = *state;

	l->ruser = login_self();
	assert_int_equal(login_proving(l,
			     "answer possession-unproven challenge\n"
			     "answer possession-unproven challenge\nanswer ok\n",
			     "answers"),
	    PAM_AUTH_ERR);
	assert_null(login_seen(l, "attempt", 2));
}

static void
nobody_is_named_where_two_say_different(void **state)
{
	struct login *l = *state;

	l->ruser = "no.such.user";
	assert_int_equal(login_proving(l, ASKED_IN_VAIN, "answers"), PAM_AUTH_ERR);
	assert_string_equal(login_seen(l, "asker", 0), "");
	assert_string_equal(login_seen(l, "trouble", 0), "2"); /* NOBODY */
}

static void
a_yes_for_the_asker_is_one(void **state)
{
	struct login *l = *state;

	l->ruser = login_self();
	assert_int_equal(login(l, "answer ok as-asker\n", ""), PAM_SUCCESS);
	l->ruser = "no.such.user"; /* nobody asks, so a yes names nobody */
	assert_int_equal(login(l, "answer ok as-asker\n", ""), PAM_AUTHINFO_UNAVAIL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOGIN_TEST(both_keys_open),
		LOGIN_TEST(attempts_differ),
		LOGIN_TEST(every_reason_has_its_code),
		LOGIN_TEST(faults_are_faults),
		LOGIN_TEST(the_judge_starts_clean),
		LOGIN_TEST(hosts_without_descriptors_or_children_are_served),
		LOGIN_TEST(a_judge_that_has_gone_is_followed),
		LOGIN_TEST(unsafe_helpers_are_not_started),
		LOGIN_TEST(answers_that_are_none_count_nothing),
		LOGIN_TEST(broken_conversations_are_errors),
		LOGIN_TEST(unknown_names_are_judged_and_not_logged),
		LOGIN_TEST(names_that_are_none_are_not_asked),
		LOGIN_TEST(what_sshd_saw_is_handed_over_whole),
		LOGIN_TEST(only_addresses_are_sources),
		LOGIN_TEST(arguments_are_read_strictly),
		LOGIN_TEST(passwords_and_codes_share_a_field),
		LOGIN_TEST(twice_is_noticed),
		LOGIN_TEST(the_other_doors_decide_nothing),
		LOGIN_TEST(sessions_are_told_of),
		LOGIN_TEST(no_session_is_refused),
		LOGIN_TEST(a_key_proves_itself_before_the_code),
		LOGIN_TEST(provers_that_bring_nothing),
		LOGIN_TEST(a_second_challenge_is_a_refusal),
		LOGIN_TEST(nobody_is_named_where_two_say_different),
		LOGIN_TEST(a_yes_for_the_asker_is_one),
		LOGIN_TEST(a_pin_is_asked_for_and_passed_on),
		LOGIN_TEST(no_pin_where_nobody_is_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
