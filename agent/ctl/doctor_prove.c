/* SPDX-License-Identifier: MIT */
/* doctor_prove.c - what a service needs whose users prove their key to us: programs that have
 * it signed, a user for cards, and a module that reads them. */
#include "doctor.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/account.h"
#include "base/text.h"

#ifndef DLK_LIBEXECDIR
#define DLK_LIBEXECDIR "/usr/libexec/doublelock"
#endif
#define TOKEN_USER "doublelock-token"

/* The first service that asks for it, for the finding's name. */
static const struct dlk_service *
asks_for(const struct dlk_policy *policy, enum dlk_certificate certificate)
{
	for (size_t i = 0; i < policy->n_services; i++)
		if (policy->service[i].certificate == certificate)
			return &policy->service[i];
	return NULL;
}

static void
check_program(struct doctor *d, const struct dlk_service *service, const char *program)
{
	if (access(program, X_OK) != 0)
		doctor_find(d, DOCTOR_CRITICAL, service->section,
		    "install it again, as root's and executable",
		    "%s: %s; nobody gets in by it", program, dlk_file_error(errno));
}

static bool
ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && strcmp(name + n - m, end) == 0;
}

/* Of p11-kit's configuration, beside the one that knows anchors. */
static bool
has_module(const char *directory)
{
	DIR *dir = opendir(directory);
	bool found = false;

	for (const struct dirent *e = NULL; dir && !found && (e = readdir(dir));)
		found = ends_in(e->d_name, ".module") &&
			strcmp(e->d_name, "p11-kit-trust.module") != 0;
	if (dir)
		closedir(dir);
	return found;
}

static void
check_cards(struct doctor *d, const struct dlk_service *service)
{
	char name[sizeof(TOKEN_USER)];
	uid_t uid;

	if (dlk_account_find(TOKEN_USER, name, sizeof(name), &uid) == -ENOENT)
		doctor_find(d, DOCTOR_CRITICAL, service->section,
		    "useradd --system --user-group --no-create-home --shell "
		    "/usr/sbin/nologin " TOKEN_USER,
		    "there is no user " TOKEN_USER
		    ", as whom cards are asked; nobody gets in by it");
	if (!has_module("/etc/pkcs11/modules") && !has_module("/usr/share/p11-kit/modules"))
		doctor_find(d, DOCTOR_WARNING, service->section,
		    "install one for your cards, opensc-pkcs11 for most of them",
		    "p11-kit has no module that reads smart cards");
}

void
doctor_check_prove(struct doctor *d)
{
	const struct dlk_policy *policy = dlk_engine_policy(d->engine);
	const struct dlk_service *agent = asks_for(policy, DLK_CERTIFICATE_SSH_AGENT),
				 *token = asks_for(policy, DLK_CERTIFICATE_TOKEN);

	if (agent)
		check_program(d, agent, DLK_LIBEXECDIR "/doublelock-prove");
	if (token) {
		check_program(d, token, DLK_LIBEXECDIR "/doublelock-prove-token");
		check_cards(d, token);
	}
}
