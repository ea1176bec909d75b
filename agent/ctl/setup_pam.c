/* SPDX-License-Identifier: MIT */
/*
 * setup_pam.c - our line in a PAM stack, in the place of what asked before (sshd, where a key
 * has been shown) or above it (sudo and login, where the password stays). Before anything is
 * written every way through the new stack is walked, and libpam has to take it.
 */
#include "setup_pam.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <security/pam_appl.h>

#include "base/text.h"
#include "config/pamstack.h"
#include "setup.h"

#define OURS     "pam_doublelock.so"
#define INCLUDES 16
#define OUT_MAX  ((size_t)4 * 1024 * 1024)

static bool
is_auth(const char *text)
{
	return strncmp(text, "auth", 4) == 0 || strncmp(text, "-auth", 5) == 0;
}

/* An auth line, or Debian's include of several. Those of modules that ask nothing stay. */
static bool
asks(const char *text)
{
	if (strncmp(text, "@include common-auth", 20) == 0)
		return true;
	return is_auth(text) && (strstr(text, "include") || strstr(text, "substack") ||
				    strstr(text, "pam_unix.so") ||
				    strstr(text, "pam_sss.so") || strstr(text, OURS));
}

int
setup_stack_rewrite(struct setup_change *c, const char *ours, bool alone)
{
	struct dlk_bytes rest = dlk_bytes_of(&c->before);
	bool placed = false;
	int error = 0;

	while (rest.n > 0 && error == 0) {
		struct dlk_bytes line = setup_take_line(&rest);
		bool same = dlk_bytes_equal(line, dlk_bytes_str(ours));
		char text[512];

		dlk_text_print(text, sizeof(text), "%.*s", (int)line.n, (const char *)line.p);
		if (!asks(text)) {
			error = setup_change_add(c, line);
			continue;
		}
		if (!placed)
			error = setup_change_add(c, dlk_bytes_str(ours));
		placed = true;
		if (error == 0 && !same && (alone || strstr(text, OURS)))
			error = setup_change_add(c, dlk_bytes_str("#"));
		if (error == 0 && !same)
			error = setup_change_add(c, line);
	}
	if (error == 0 && !placed)
		error = setup_change_add(c, dlk_bytes_str(ours));
	return error;
}

/* The files of one stack: the one that is planned, and those that it includes. */
struct files {
	const char *name;
	struct dlk_bytes planned;
	struct dlk_buf included[INCLUDES];
	size_t n;
};

static void
files_fini(struct files *files)
{
	for (size_t i = 0; i < files->n; i++)
		dlk_buf_free(&files->included[i]);
}

static int
open_file(void *arg, const char *name, struct dlk_bytes *ret_content)
{
	struct files *files = arg;
	const char *base = strrchr(name, '/');
	char path[256];

	base = base ? base + 1 : name;
	if (strcmp(base, files->name) == 0) {
		*ret_content = files->planned;
		return 0;
	}
	if (files->n == INCLUDES)
		return -E2BIG;
	dlk_text_print(path, sizeof(path), "/etc/pam.d/%.200s", base);
	int error = dlk_file_read(path, SETUP_FILE_MAX, NULL, &files->included[files->n]);
	if (error == 0)
		*ret_content = dlk_bytes_of(&files->included[files->n++]);
	return error;
}

/* Which line it is that lets somebody pass. */
static int
refuse_way(const char *name, const struct dlk_pam_stack *stack, const struct dlk_pam_way *way)
{
	const struct dlk_pam_line *line = NULL;

	for (size_t i = 0; i < way->n; i++)
		if (way->step[i].how == DLK_PAM_SUCCEEDS)
			line = &stack->line[way->step[i].line];
	return ctl_refuse(
	    "/etc/pam.d/%s: somebody would get in without us still, by %s:%u %s; "
	    "change that line first",
	    name, line ? line->file : name, line ? line->line : 0,
	    line ? line->module : "nothing");
}

static int
walk(const struct setup_change *change, const char *name)
{
	__attribute__((cleanup(files_fini))) struct files files = { .name = name,
		.planned = dlk_bytes_of(&change->after) };
	struct dlk_pam_way *way = calloc(1, sizeof(*way));
	DLK_AUTO_PAM_STACK stack = { 0 };
	int end = CTL_YES;
	char why[300];

	if (!way)
		return ctl_fault("out of memory");
	if (dlk_pam_stack_read(name, "auth", open_file, &files, &stack, why, sizeof(why)) != 0)
		end = ctl_refuse("/etc/pam.d/%s: cannot be read as a stack: %s", name, why);
	else if (dlk_pam_stack_leaks(&stack, OURS, false, way))
		end = refuse_way(name, &stack, way);
	free(way);
	return end;
}

static int
say_nothing(int n, const struct pam_message **message, struct pam_response **ret, void *arg)
{
	(void)n, (void)message, (void)ret, (void)arg;
	return PAM_CONV_ERR;
}

/* libpam reads the file, and loads our module for a stack that asks nobody anything. */
static int
try_libpam(const char *dir, const char *name)
{
	const struct pam_conv conversation = { .conv = say_nothing };
	pam_handle_t *pamh = NULL;
	int code = pam_start_confdir(name, "root", &conversation, dir, &pamh);

	if (code == PAM_SUCCESS)
		pam_end(pamh, code);
	if (code != PAM_SUCCESS)
		return ctl_refuse(
		    "/etc/pam.d/%s: libpam does not take what it would become: %s", name,
		    pam_strerror(NULL, code));
	pamh = NULL;
	code = pam_start_confdir("trial", "root", &conversation, dir, &pamh);
	if (code == PAM_SUCCESS) {
		code = pam_acct_mgmt(pamh, PAM_SILENT);
		pam_end(pamh, code);
	}
	/* alone in a stack, it says nothing and opens nothing */
	return code == PAM_PERM_DENIED
		   ? CTL_YES
		   : ctl_refuse("libpam cannot use " OURS ": %s", pam_strerror(NULL, code));
}

static int
stage_and_try(const char *dir, const char *name, struct dlk_bytes planned)
{
	DLK_AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 ? -errno : dlk_file_replace(fd, name, 0600, planned);

	if (error == 0)
		error = dlk_file_replace(
		    fd, "trial", 0600, dlk_bytes_str("account required " OURS "\n"));
	int end =
	    error ? ctl_fault("%s: %s", dir, dlk_file_error(error)) : try_libpam(dir, name);
	if (fd >= 0) {
		(void)unlinkat(fd, name, 0);
		(void)unlinkat(fd, "trial", 0);
	}
	return end;
}

int
setup_stack_try(const struct setup_changes *changes, enum setup_place place)
{
	const struct setup_change *change = &changes->change[place];
	const char *name = setup_place_name(place);
	char dir[] = "/tmp/doublelock-setup-XXXXXX";
	int end = walk(change, name);

	if (end != CTL_YES)
		return end;
	if (!mkdtemp(dir)) /* of mode 0700 */
		return ctl_fault("%s: %s", dir, dlk_file_error(errno));
	end = stage_and_try(dir, name, dlk_bytes_of(&change->after));
	(void)rmdir(dir);
	return end;
}

/* What keeps everybody out, or lets somebody past us, in this service. */
static bool
is_in_the_way(const char *severity, const char *about, const char *what, const char *subject)
{
	bool critical = strcmp(severity, "critical") == 0;

	if (strcmp(about, subject) == 0)
		return critical || strstr(what, "nobody gets in");
	return critical && (strcmp(about, "config") == 0 || strcmp(about, "record") == 0);
}

/* What doctor says of the stack now that it is written. */
static int
hear(json_t *said, const char *subject)
{
	const char *severity, *about, *what, *change;
	json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(said, "findings"), i, finding)
	{
		if (json_unpack(finding, "{s:s,s:s,s:s,s:s}", "severity", &severity, "subject",
			&about, "what", &what, "change", &change) == 0 &&
		    is_in_the_way(severity, about, what, subject))
			return ctl_refuse("%s: %s; %s", about, what, change);
	}
	return CTL_YES;
}

int
setup_pam_agrees(const char *service)
{
	static const char *const words[] = { "doctor", "--json", NULL };
	DLK_AUTO_BUF out = { 0 };
	char subject[64];

	int end = setup_run(words, false, &out);
	json_t *said = end == CTL_YES || end == CTL_REFUSED
			   ? json_loadb((const char *)out.p, out.n, 0, NULL)
			   : NULL;
	if (!said)
		return ctl_fault("'doublelock doctor' gives no answer");
	dlk_text_print(subject, sizeof(subject), "pam.d/%s", service);
	end = hear(said, subject);
	json_decref(said);
	return end;
}

/* A service of PAM, and the one beside it that is asked as the same. */
static const struct service {
	const char *name;
	enum setup_place place, beside; /* the same: none */
	const char *line, *beside_line;
} services[] = {
	{ "sudo", SETUP_PAM_SUDO, SETUP_PAM_SUDO_I, "auth required " OURS "\n",
	    "auth required " OURS " service=sudo\n" },
	{ "login", SETUP_PAM_LOGIN, SETUP_PAM_LOGIN, "auth required " OURS "\n", NULL },
};

static int
plan_one(struct setup_changes *changes, enum setup_place place, const char *line, bool needed)
{
	struct setup_change *change = &changes->change[place];
	int end = setup_change_read(changes, place);

	if (end != CTL_YES)
		return end;
	if (!change->was_there) {
		change->chosen = false;
		return needed ? ctl_refuse("/etc/pam.d/%s: there is no such file",
				    setup_place_name(place))
			      : CTL_YES;
	}
	if (setup_stack_rewrite(change, line, false) != 0)
		return ctl_fault("out of memory");
	return setup_stack_try(changes, place);
}

int
setup_pam_plan(struct setup_changes *changes, const char *name)
{
	const struct service *service = services;

	while (strcmp(service->name, name) != 0)
		service++;
	int end = plan_one(changes, service->place, service->line, true);

	return end == CTL_YES && service->beside != service->place
		   ? plan_one(changes, service->beside, service->beside_line, false)
		   : end;
}
