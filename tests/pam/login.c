/* SPDX-License-Identifier: MIT */
/* login.c - plays sshd. The stack has a stub behind the module, so that each of its codes
 * comes out of libpam as itself, and the log is caught on its way to syslog. */
#include "login.h"

#include <errno.h>
#include <ftw.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"

#define SERVICE "doublelock-test"
#define IGNORED PAM_TRY_AGAIN /* what the stub behind an ignored module says */

static _Thread_local struct login *current;

static void __attribute__((format(printf, 1, 0))) caught(const char *format, va_list args)
{
	size_t n = strlen(current->log);

	vsnprintf(current->log + n, sizeof(current->log) - n - 1, format, args);
	strcat(current->log, "\n");
	if (strstr(current->log + n, "pam_doublelock("))
		current->lines++; /* not libpam's own */
}

/* libpam's ways out; called instead of the C library's. */
void __syslog_chk(int priority, int flag, const char *format, ...)
    __attribute__((visibility("default"), format(printf, 3, 4)));
void syslog(int priority, const char *format, ...)
    __attribute__((visibility("default"), format(printf, 2, 3)));

void
__syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list args;

	(void)priority, (void)flag;
	va_start(args, format);
	caught(format, args);
	va_end(args);
}

void
syslog(int priority, const char *format, ...)
{
	va_list args;

	(void)priority;
	va_start(args, format);
	caught(format, args);
	va_end(args);
}

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[256];

	assert_int_equal(dlk_path_join(path, sizeof(path), dir, name), 0);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

/* Beside this program. What is built there may lie in a tree that others can write to. */
static const char *
built(const char *name)
{
	static _Thread_local char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);

	assert_true(n > 0);
	path[n] = '\0';
	strcpy(strrchr(path, '/') + 1, name);
	return path;
}

void
login_program(const char *name, const char *to)
{
	DLK_AUTO_BUF program = { 0 };

	assert_int_equal(dlk_file_read(built(name), SIZE_MAX, NULL, &program), 0);
	FILE *out = fopen(to, "w");
	assert_int_equal(fwrite(program.p, 1, program.n, out), program.n);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(to, 0755), 0);
}

int
login_setup(void **state)
{
	struct login *l = calloc(1, sizeof(*l));

	umask(022);
	strcpy(l->dir, "/tmp/doublelock-pam-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	dlk_path_join(l->judge, sizeof(l->judge), l->dir, "judge");
	dlk_path_join(l->part, sizeof(l->part), l->dir, "part");
	dlk_path_join(l->token, sizeof(l->token), l->dir, "token");
	login_program("judge", l->judge);
	l->user = login_self();
	l->answer = "123456";
	l->conversation = PAM_SUCCESS;
	*state = l;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

int
login_teardown(void **state)
{
	struct login *l = *state;

	nftw(l->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(l);
	return 0;
}

/* A judge that has ended and was not waited for is a zombie. */
static void
wait_for_judge(const struct login *l)
{
	char path[64], stat[512];
	const char *pid = login_seen(l, "pid", 0);

	assert_non_null(pid);
	dlk_text_print(path, sizeof(path), "/proc/%s/stat", pid);
	for (;;) {
		FILE *in = fopen(path, "r");

		if (!in)
			return;
		size_t n = fread(stat, 1, sizeof(stat) - 1, in);
		stat[n] = '\0';
		fclose(in);
		if (n == 0 || strstr(stat, ") Z "))
			return;
		usleep(1000);
	}
}

static int
converse(int n, const struct pam_message **message, struct pam_response **ret, void *arg)
{
	struct login *l = arg;

	for (int i = 0; i < n && l->prompts < LOGIN_PROMPTS; i++) {
		dlk_text_copy(l->prompt[l->prompts], sizeof(l->prompt[0]), message[i]->msg);
		l->styles[l->prompts++] = message[i]->msg_style;
	}
	if (l->wait_for_judge)
		wait_for_judge(l);
	if (l->meanwhile)
		l->meanwhile(l);
	if (l->conversation != PAM_SUCCESS)
		return l->conversation;
	*ret = calloc((size_t)n, sizeof(**ret));
	for (int i = 0; i < n; i++)
		(*ret)[i].resp = l->answer ? strdup(l->answer) : NULL;
	return PAM_SUCCESS;
}

static void
write_stack(const struct login *l, const char *arguments)
{
	char stack[8192], module[4200], stub[4200];

	dlk_text_copy(module, sizeof(module),
	    built(l->hasty ? "hasty/pam_doublelock.so" : "pam_doublelock.so"));
	dlk_text_copy(stub, sizeof(stub), built("pam_stub.so"));
	FILE *out = fmemopen(stack, sizeof(stack), "w");
	if (l->before)
		fprintf(out, "auth required %s %s\n", stub, l->before);
	if (l->twice)
		fprintf(out, "auth [success=ok default=die] %s %s\n", module, arguments);
	fprintf(out, "auth [success=1 ignore=ignore default=die] %s %s\n", module, arguments);
	fprintf(out, "auth [default=die] %s return=%d file=%s\n", stub, IGNORED, l->token);
	fprintf(out, "auth required %s file=%s\n", stub, l->token);
	fprintf(out, "account required %s\n", module);
	fprintf(out, "password required %s\n", module);
	fprintf(out, "session required %s %s\n", module, arguments);
	fclose(out);
	write_file(l->dir, l->service ? l->service : SERVICE, stack);
}

static pam_handle_t *
begin(struct login *l, const char *part, const char *arguments)
{
	const struct pam_conv conversation = { .conv = converse, .appdata_ptr = l };
	pam_handle_t *pamh = NULL;

	current = l;
	l->prompts = l->lines = 0;
	l->log[0] = '\0';
	write_file(l->dir, "part", part);
	write_file(l->dir, "part.seen", "");
	write_file(l->dir, "part.at", "");
	write_file(l->dir, "token", "none");
	write_stack(l, arguments);
	assert_int_equal(pam_start_confdir(l->service ? l->service : SERVICE, l->user,
			     &conversation, l->dir, &pamh),
	    PAM_SUCCESS);
	if (l->rhost)
		pam_set_item(pamh, PAM_RHOST, l->rhost);
	if (l->ruser)
		pam_set_item(pamh, PAM_RUSER, l->ruser);
	if (l->tty)
		pam_set_item(pamh, PAM_TTY, l->tty);
	for (size_t i = 0; l->env[i]; i++)
		assert_int_equal(pam_putenv(pamh, l->env[i]), PAM_SUCCESS);
	l->pamh = pamh;
	return pamh;
}

int
login_bare(struct login *l, const char *part, const char *arguments)
{
	pam_handle_t *pamh = begin(l, part, arguments);

	if (l->before_call)
		l->before_call(l);
	int code = pam_authenticate(pamh, 0);
	if (l->after_call)
		l->after_call(l);
	pam_end(pamh, code);
	return code == IGNORED ? PAM_IGNORE : code;
}

static const char *
with_judge(const struct login *l, const char *arguments)
{
	static _Thread_local char all[1024];

	dlk_text_print(
	    all, sizeof(all), "config=%s helper=%s %s", l->part, l->judge, arguments);
	return all;
}

int
login(struct login *l, const char *part, const char *arguments)
{
	return login_bare(l, part, with_judge(l, arguments));
}

int
login_proving(struct login *l, const char *part, const char *prover)
{
	char path[160], arguments[256];

	dlk_text_print(path, sizeof(path), "%s/prover-%s", l->dir, prover);
	login_program("prover", path);
	dlk_text_print(arguments, sizeof(arguments), "prove=%s", path);
	dlk_text_print(path, sizeof(path), "%s/prover-%s-token", l->dir, prover);
	login_program("prover", path);
	return login(l, part, arguments);
}

int
login_session(struct login *l, const char *part, const char *arguments)
{
	pam_handle_t *pamh = begin(l, part, with_judge(l, arguments));
	int code = pam_open_session(pamh, 0);

	if (code == PAM_SUCCESS)
		code = pam_close_session(pamh, 0);
	pam_end(pamh, code);
	return code;
}

const char *
login_seen(const struct login *l, const char *key, int nth)
{
	static _Thread_local char line[512];
	char path[160];
	size_t n = strlen(key);

	dlk_text_print(path, sizeof(path), "%s.seen", l->part);
	FILE *in = fopen(path, "r");
	const char *found = NULL;
	while (!found && in && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, key, n) == 0 && line[n] == ' ' && nth-- == 0)
			found = line + n + 1;
	}
	if (in)
		fclose(in);
	return found;
}

const char *
login_token(const struct login *l)
{
	static char token[1024];
	FILE *in = fopen(l->token, "r");
	size_t n = in ? fread(token, 1, sizeof(token) - 1, in) : 0;

	token[n] = '\0';
	if (in)
		fclose(in);
	return token;
}

const char *
login_self(void)
{
	const struct passwd *self = getpwuid(getuid());

	assert_non_null(self);
	return self->pw_name;
}

bool
login_left_children(void)
{
	return waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD;
}
