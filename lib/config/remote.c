/* SPDX-License-Identifier: MIT */
/* remote.c - names in the configuration held against files. A name that leads to nobody was
 * meant to lead to somebody. */
#include "config/remote.h"

#include <errno.h>

#include "base/text.h"

static int
check_names(const struct dlk_clients *clients, char *const *name, size_t n,
    const char *section, const char *key, struct dlk_finding *finding)
{
	for (size_t i = 0; i < n; i++) {
		if (dlk_clients_know(clients, name[i]))
			continue;
		(void)dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG,
		    "[%.200s]: %s: there is no user '%.100s', and no such file in [agent] "
		    "clients",
		    section, key, name[i]);
		return -EINVAL;
	}
	return 0;
}

static int
check_service(const struct dlk_clients *clients, const struct dlk_service *service,
    struct dlk_finding *finding)
{
	int r = check_names(clients, service->vouch.name, service->vouch.n_names,
	    service->section, "vouch", finding);

	return r < 0 ? r
		     : check_names(clients, service->ask_for.name, service->ask_for.n_names,
			   service->section, "ask-for", finding);
}

/* Somebody who gets an account here must not get the rights of a gateway with it. */
static int
check_users(const struct dlk_clients *clients, const struct dlk_strings *users,
    struct dlk_finding *finding)
{
	for (size_t i = 0; i < users->n; i++) {
		if (!dlk_clients_know(clients, users->text[i]))
			continue;
		(void)dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG,
		    "vouch or ask-for: '%.100s' is a user of this machine and a file in "
		    "[agent] "
		    "clients: write tls:%.100s, or the uid",
		    users->text[i], users->text[i]);
		return -EINVAL;
	}
	return 0;
}

int
dlk_remote_load(const struct dlk_settings *settings, const struct dlk_care *care,
    struct dlk_clients **ret_clients, struct dlk_finding *finding)
{
	const struct dlk_strings *readers = &settings->tls.readers;
	struct dlk_clients *clients = NULL;
	int r;

	*ret_clients = NULL;
	if (!settings->tls.clients)
		return 0;
	r = dlk_clients_load(settings->tls.clients, care, &clients, finding);
	if (r == 0)
		r = check_users(clients, &settings->tls.users, finding);
	if (r == 0)
		r = check_names(
		    clients, readers->text, readers->n, "agent", "readers", finding);
	for (size_t i = 0; i < settings->policy.n_services && r == 0; i++)
		r = check_service(clients, &settings->policy.service[i], finding);
	if (r < 0) {
		dlk_clients_free(clients);
		return r;
	}
	*ret_clients = clients;
	return 0;
}
