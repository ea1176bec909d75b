/* SPDX-License-Identifier: MIT */
/* doctor_sudo.c - whether sudo leaves its users the socket of their SSH agent, in its own
 * words (sudo -V), where that is asked for a signature. */
#include "doctor.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define SUDO     "/usr/bin/sudo"
#define SAID_MAX (256 * 1024)

void
doctor_read_sudo(struct doctor *d)
{
	char sudo[] = SUDO, version[] = "-V";
	char *argv[] = { sudo, version, NULL };

	d->sudo_error = geteuid() == 0 ? doctor_listen(argv, &d->sudo) : -EPERM;
	if (d->sudo_error == 0)
		d->sudo_error = dlk_buf_add(&d->sudo, SAID_MAX + 1, DLK_BYTES("", 1));
}

static bool
asks_an_agent(const struct dlk_policy *policy)
{
	for (size_t i = 0; i < policy->n_services; i++)
		if (policy->service[i].certificate == DLK_CERTIFICATE_SSH_AGENT &&
		    strncmp(policy->service[i].name, "sudo", 4) == 0)
			return true;
	return false;
}

/* The names under the heading "... to preserve:", each in a line that is indented. */
static bool
preserves(const char *said, const char *name)
{
	const char *at = strstr(said, "to preserve:\n");
	size_t n = strlen(name);

	at = at ? strchr(at, '\n') + 1 : "";
	while (*at == '\t' || *at == ' ') {
		at += strspn(at, "\t ");
		if (strncmp(at, name, n) == 0 && (at[n] == '\n' || at[n] == '\0'))
			return true;
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	return false;
}

void
doctor_check_sudo(struct doctor *d)
{
	if (!asks_an_agent(dlk_engine_policy(d->engine)) || d->sudo_error != 0)
		return;
	if (!preserves((const char *)d->sudo.p, "SSH_AUTH_SOCK"))
		doctor_find(d, DOCTOR_WARNING, "sudo",
		    "Defaults env_keep += \"SSH_AUTH_SOCK\", in /etc/sudoers.d/doublelock",
		    "it takes the name of the agent's socket out of the environment, and "
		    "certificate = ssh-agent finds no agent: nobody gets in by it");
}
