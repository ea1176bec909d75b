/* SPDX-License-Identifier: MIT */
/* doctor_sshd.c - what sshd really does, in its own words (sshd -T), against what two locks
 * need. */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

#define SSHD     "/usr/sbin/sshd"
#define SAID_MAX (256 * 1024)
#define PLACES   30 /* logins that wait at once */
#define GRACE    60 /* seconds */

static int
spawn(char *const *argv, int out, pid_t *ret_pid)
{
	static char *const environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0)
		return -error;
	error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_addopen(
		    &actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (error == 0)
		error = posix_spawn(ret_pid, argv[0], &actions, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

int
doctor_listen(char *const *argv, struct dlk_buf *said)
{
	int ends[2], error, status = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	DLK_AUTO_FD ours = ends[0];
	error = spawn(argv, ends[1], &pid);
	close(ends[1]);
	if (error != 0)
		return error;
	error = dlk_fd_read(ours, SAID_MAX, said);
	dlk_fd_close(&ours);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (error == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		error = -EINVAL;
	return error;
}

static void
look_for_matches(struct doctor *d, const char *path)
{
	DLK_AUTO_BUF text = { 0 };
	char *rest = NULL;

	if (dlk_file_read(path, SAID_MAX, NULL, &text) != 0 ||
	    dlk_buf_add(&text, SAID_MAX + 1, DLK_BYTES("", 1)) != 0)
		return;
	for (char *line = strtok_r((char *)text.p, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		line += strspn(line, " \t");
		d->sshd_matches |=
		    strncasecmp(line, "match", 5) == 0 && strchr(" \t", line[5]);
	}
}

void
doctor_read_sshd(struct doctor *d)
{
	char sshd[] = SSHD, show[] = "-T", file[] = "-f";
	char *config = d->sshd_config ? strdup(d->sshd_config) : NULL;
	char *argv[] = { sshd, show, config ? file : NULL, config, NULL };

	d->sshd_error = geteuid() == 0 ? doctor_listen(argv, &d->sshd) : -EPERM;
	if (d->sshd_error == 0)
		d->sshd_error = dlk_buf_add(&d->sshd, SAID_MAX + 1, DLK_BYTES("", 1));
	look_for_matches(d, config ? config : "/etc/ssh/sshd_config");
	free(config);
}

/* The value of a keyword as sshd -T prints it, in lower case; "" where it says nothing. */
static void
value_of(const struct doctor *d, const char *keyword, char *out, size_t size)
{
	const char *at = (const char *)d->sshd.p;
	size_t n = strlen(keyword);

	out[0] = '\0';
	while (at && *at) {
		if (strncmp(at, keyword, n) == 0 && at[n] == ' ') {
			dlk_text_print(
			    out, size, "%.*s", (int)strcspn(at + n + 1, "\n"), at + n + 1);
			return;
		}
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
}

static void
want(struct doctor *d, const char *keyword, const char *wanted, const char *change,
    const char *why)
{
	char value[512];

	value_of(d, keyword, value, sizeof(value));
	if (strcasecmp(value, wanted) != 0)
		doctor_find(
		    d, DOCTOR_CRITICAL, "sshd", change, "%s is '%s': %s", keyword, value, why);
}

static bool
has_method(const char *list, size_t n, const char *method)
{
	size_t len = strlen(method);

	while (n > 0) {
		size_t word = 0;

		while (word < n && list[word] != ',')
			word++;
		if (word >= len && strncmp(list, method, len) == 0 &&
		    (word == len || list[len] == ':'))
			return true;
		list += word + (word < n);
		n -= word + (word < n);
	}
	return false;
}

/* Each alternative has to hold both locks. */
static void
check_methods(struct doctor *d)
{
	char value[1024];
	const char *at = value;

	value_of(d, "authenticationmethods", value, sizeof(value));
	while (*at) {
		size_t n = strcspn(at, " ");

		if (!has_method(at, n, "publickey") ||
		    !has_method(at, n, "keyboard-interactive"))
			doctor_find(d, DOCTOR_CRITICAL, "sshd",
			    "AuthenticationMethods publickey,keyboard-interactive",
			    "authenticationmethods has '%.*s': one of the two locks is not "
			    "asked for",
			    (int)n, at);
		at += n + strspn(at + n, " ");
	}
	if (!value[0])
		doctor_find(d, DOCTOR_CRITICAL, "sshd",
		    "AuthenticationMethods publickey,keyboard-interactive",
		    "authenticationmethods is not set: one method is enough");
}

static void
check_keys(struct doctor *d)
{
	char value[1024];

	value_of(d, "authorizedkeyscommand", value, sizeof(value));
	if (!strstr(value, "ssh-keys"))
		doctor_find(d, DOCTOR_CRITICAL, "sshd",
		    "AuthorizedKeysCommand /usr/sbin/doublelock ssh-keys %u %t %k",
		    "authorizedkeyscommand is '%s': sshd does not ask us for keys", value);
	value_of(d, "authorizedkeyscommanduser", value, sizeof(value));
	if (strcmp(value, "doublelock") != 0)
		doctor_find(d, DOCTOR_WARNING, "sshd", "AuthorizedKeysCommandUser doublelock",
		    "authorizedkeyscommanduser is '%s': it cannot record what it refuses",
		    value);
	value_of(d, "authorizedkeysfile", value, sizeof(value));
	if (strcmp(value, "none") != 0)
		doctor_find(d, DOCTOR_WARNING, "sshd", "AuthorizedKeysFile none",
		    "authorizedkeysfile is '%s': users offer keys of their own, which are "
		    "refused "
		    "only after the first lock",
		    value);
}

/* Whoever looks for a code has not logged in yet: sshd counts and times them. */
static void
check_waiting(struct doctor *d)
{
	char value[64];
	int64_t most, grace;

	value_of(d, "maxstartups", value, sizeof(value));
	value[strcspn(value, ":")] = '\0';
	if (dlk_int_parse(value, 0, INT32_MAX, &most) == 0 && most < PLACES)
		doctor_find(d, DOCTOR_WARNING, "sshd", "MaxStartups 100:30:200",
		    "maxstartups begins with %s: with that many who look for their codes sshd "
		    "turns others away",
		    value);
	value_of(d, "logingracetime", value, sizeof(value));
	if (dlk_int_parse(value, 0, INT32_MAX, &grace) != 0)
		return;
	if (grace == 0)
		doctor_find(d, DOCTOR_WARNING, "sshd", "LoginGraceTime 120",
		    "logingracetime is 0: a connection that never logs in holds its place for "
		    "ever");
	else if (grace < GRACE)
		doctor_find(d, DOCTOR_WARNING, "sshd", "LoginGraceTime 120",
		    "logingracetime is %s: so many seconds are left to find a code and type "
		    "it, and for the judgement",
		    value);
}

static bool
asks_for_sshd(const struct dlk_policy *policy)
{
	for (size_t i = 0; i < policy->n_services; i++)
		if (policy->service[i].certificate == DLK_CERTIFICATE_SSHD)
			return true;
	return false;
}

void
doctor_check_sshd(struct doctor *d)
{
	if (!asks_for_sshd(dlk_engine_policy(d->engine)))
		return;
	if (d->sshd_error != 0) {
		doctor_find(d, d->sshd_error == -EPERM ? DOCTOR_NOTE : DOCTOR_CRITICAL, "sshd",
		    "'sshd -T' as root says why",
		    "its configuration could not be looked at: %s",
		    dlk_file_error(d->sshd_error));
		return;
	}
	want(d, "usepam", "yes", "UsePAM yes", "the second lock is never asked for");
	want(d, "kbdinteractiveauthentication", "yes", "KbdInteractiveAuthentication yes",
	    "sshd cannot ask for the code");
	check_methods(d);
	check_keys(d);
	check_waiting(d);
	if (d->sshd_matches)
		doctor_find(d, DOCTOR_WARNING, "sshd",
		    "look at each with 'sshd -T -C user=NAME,addr=ADDRESS,host=HOST'",
		    "Match blocks may say otherwise for some; what is shown holds without "
		    "them");
}
