/* SPDX-License-Identifier: MIT */
/* doctor_pam.c - every way through a PAM stack that ends well without our module. */
#include "doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/pamstack.h"

#define OURS     "pam_doublelock.so"
#define DIR      "/etc/pam.d"
#define FILE_MAX (256 * 1024)
#define WAYS_MAX 16

void
doctor_read_pam(struct doctor *d)
{
	static const char *const any[] = { "", NULL };

	(void)ctl_files_read(&d->pam, DIR, any, FILE_MAX);
}

/* libpam's own directories: pam.d beside /usr holds what a distribution ships. */
static int
open_service(void *arg, const char *name, struct dlk_bytes *ret_content)
{
	const struct doctor *d = arg;
	const char *base = strrchr(name, '/');

	base = base ? base + 1 : name;
	for (size_t i = 0; i < d->pam.n; i++) {
		const char *label = strrchr(d->pam.file[i].label, '/');

		if (strcmp(label ? label + 1 : d->pam.file[i].label, base) != 0)
			continue;
		*ret_content = dlk_bytes_of(&d->pam.file[i].content);
		return d->pam.file[i].error;
	}
	return -ENOENT;
}

static void
describe_way(
    const struct dlk_pam_stack *stack, const struct dlk_pam_way *way, char *out, size_t size)
{
	static const char *const how[] = { "succeeds", "fails", "is ignored" };

	out[0] = '\0';
	for (size_t i = 0; i < way->n; i++) {
		const struct dlk_pam_line *line = &stack->line[way->step[i].line];
		size_t n = strlen(out);

		dlk_text_print(out + n, size - n, "%s%s:%u %s %s", n ? ", " : "", line->file,
		    line->line, line->module, how[way->step[i].how]);
	}
}

/* Whether a module has succeeded that asks anything of anybody. */
static bool
asks_something(const struct dlk_pam_stack *stack, const struct dlk_pam_way *way)
{
	static const char *const silent[] = { "pam_permit.so", "pam_env.so", "pam_echo.so",
		"pam_faildelay.so", "pam_motd.so", "pam_warn.so", "pam_nologin.so" };

	for (size_t i = 0; i < way->n; i++) {
		bool asks = way->step[i].how == DLK_PAM_SUCCEEDS;

		for (size_t j = 0; j < sizeof(silent) / sizeof(*silent); j++)
			asks &= strcmp(stack->line[way->step[i].line].module, silent[j]) != 0;
		if (asks)
			return true;
	}
	return false;
}

/* Each module that is enough to get in without us. */
static void
show_ways(struct doctor *d, const char *subject, const struct dlk_pam_stack *stack,
    struct dlk_pam_way *way)
{
	struct dlk_pam_bars bars = { 0 };
	char shown[700];

	for (size_t i = 0; i < WAYS_MAX; i++) {
		if (!dlk_pam_stack_leaks_by(stack, OURS, false, &bars, way))
			return;
		describe_way(stack, way, shown, sizeof(shown));
		doctor_find(d, DOCTOR_CRITICAL, subject,
		    "auth required pam_doublelock.so, with nothing 'sufficient' and no jump "
		    "around it",
		    "somebody gets in without us: %s", shown);
		if (!dlk_pam_bars_add(&bars, stack, way))
			return;
	}
}

/* pam_env may set what the user wrote into ~/.pam_environment. */
static void
check_env(struct doctor *d, const struct dlk_service *service, const char *type)
{
	DLK_AUTO_PAM_STACK stack = { 0 };
	char why[300], subject[300];

	if (dlk_pam_stack_read(
		service->name, type, open_service, d, &stack, why, sizeof(why)) != 0)
		return;
	for (size_t i = 0; i < stack.n; i++) {
		const struct dlk_pam_line *line = &stack.line[i];

		if (strcmp(line->module, "pam_env.so") != 0 ||
		    !strstr(line->options, "user_readenv=1"))
			continue;
		dlk_text_print(subject, sizeof(subject), "pam.d/%s", service->name);
		doctor_find(d, DOCTOR_WARNING, subject,
		    "user_readenv=0, and pam_env.so behind pam_doublelock.so",
		    "%s:%u pam_env.so reads ~/.pam_environment: what later modules are told "
		    "of sshd's keys may be the user's own words",
		    line->file, line->line);
	}
}

static void
check_stack(
    struct doctor *d, const struct dlk_service *service, const struct dlk_pam_stack *stack)
{
	struct dlk_pam_way *way = calloc(1, sizeof(*way));
	bool observed = dlk_service_observes(service, d->now);
	char shown[700], subject[300];

	dlk_text_print(subject, sizeof(subject), "pam.d/%s", service->name);
	if (!way)
		return;
	if (dlk_pam_stack_count(stack, OURS) == 0) {
		doctor_find(d, DOCTOR_CRITICAL, subject, "auth required pam_doublelock.so",
		    "its auth stack does not ask us, although [%s] is configured",
		    service->section);
	} else if (dlk_pam_stack_leaks(stack, OURS, false, way)) {
		show_ways(d, subject, stack, way);
	} else if (observed && !dlk_pam_stack_leaks(stack, OURS, true, way)) {
		doctor_find(d, DOCTOR_CRITICAL, subject,
		    "keep another module required until then",
		    "[%s] only observes, and no other module lets anybody in",
		    service->section);
	} else if (observed) {
		describe_way(stack, way, shown, sizeof(shown));
		doctor_find(d, asks_something(stack, way) ? DOCTOR_NOTE : DOCTOR_CRITICAL,
		    subject, "keep another module required until then",
		    "[%s] only observes; this is enough to get in: %s", service->section,
		    shown);
	}
	if (dlk_pam_stack_count(stack, OURS) > 1)
		doctor_find(d, DOCTOR_WARNING, subject, "leave one of them",
		    "%s stands in it more than once: users are asked twice, and the second "
		    "code is a "
		    "replay",
		    OURS);
	free(way);
}

static void
check_service(struct doctor *d, const struct dlk_service *service)
{
	DLK_AUTO_PAM_STACK stack = { 0 };
	char why[300], subject[300];
	int error = dlk_pam_stack_read(
	    service->name, "auth", open_service, d, &stack, why, sizeof(why));

	dlk_text_print(subject, sizeof(subject), "pam.d/%s", service->name);
	check_env(d, service, "auth");
	check_env(d, service, "session");
	if (error == 0)
		check_stack(d, service, &stack);
	else
		doctor_find(d, DOCTOR_CRITICAL, subject,
		    "auth required pam_doublelock.so, in a file of this name",
		    "[%s] is configured, and its stack cannot be read: %s", service->section,
		    why);
}

/* The other way round: a stack asks us for a service that is not configured. */
static void
check_file(struct doctor *d, const char *name)
{
	DLK_AUTO_PAM_STACK stack = { 0 };
	char why[300], subject[300];

	if (dlk_policy_service(dlk_engine_policy(d->engine), name) ||
	    dlk_pam_stack_read(name, "auth", open_service, d, &stack, why, sizeof(why)) != 0)
		return;
	for (size_t i = 0; i < stack.n; i++) {
		const struct dlk_pam_line *line = &stack.line[i];

		/* a file that others include is no service; its own name is not asked for */
		if (strcmp(line->module, OURS) != 0 || strncmp(name, "common-", 7) == 0 ||
		    strstr(line->options, "service="))
			continue;
		dlk_text_print(subject, sizeof(subject), "pam.d/%s", name);
		doctor_find(d, DOCTOR_WARNING, subject,
		    "add the section, or take the module out of the stack",
		    "it asks us, and there is no [service %s]: nobody gets in by it", name);
		return;
	}
}

static bool
is_pam_service(const struct dlk_service *service)
{
	return service->scope == DLK_SCOPE_ALL && !service->unprivileged &&
	       (service->certificate == DLK_CERTIFICATE_SSHD ||
		   service->certificate == DLK_CERTIFICATE_SSH_AGENT ||
		   (service->certificate == DLK_CERTIFICATE_NONE &&
		       service->vouch.n_uids + service->ask_for.n_uids == 0));
}

void
doctor_check_pam(struct doctor *d)
{
	const struct dlk_policy *policy = dlk_engine_policy(d->engine);

	for (size_t i = 0; i < policy->n_services; i++)
		if (is_pam_service(&policy->service[i]))
			check_service(d, &policy->service[i]);
	for (size_t i = 0; i < d->pam.n; i++) {
		const char *name = strrchr(d->pam.file[i].label, '/');

		name = name ? name + 1 : d->pam.file[i].label;
		if (dlk_text_is_name(name))
			check_file(d, name);
	}
}
