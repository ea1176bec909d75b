/* SPDX-License-Identifier: MIT */
/* peers.c - lists of programs that have a right. Who somebody is was found out before. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy.h"

/* Whoever comes from another host has no uid here, whatever stands in that field. */
bool
dlk_peers_hold(const struct dlk_peers *peers, const struct dlk_caller *caller)
{
	if (caller->peer[0] != '\0') {
		for (size_t i = 0; i < peers->n_names; i++)
			if (strcmp(peers->name[i], caller->peer) == 0)
				return true;
		return false;
	}
	for (size_t i = 0; i < peers->n_uids; i++)
		if (peers->uid[i] == caller->uid)
			return true;
	return false;
}

int
dlk_peers_add_uid(struct dlk_peers *peers, uid_t uid)
{
	uid_t *more = reallocarray(peers->uid, peers->n_uids + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	peers->uid = more;
	more[peers->n_uids++] = uid;
	return 0;
}

int
dlk_peers_add_name(struct dlk_peers *peers, const char *name)
{
	char **more = reallocarray(peers->name, peers->n_names + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	peers->name = more;
	more[peers->n_names] = strdup(name);
	if (!more[peers->n_names])
		return -ENOMEM;
	peers->n_names++;
	return 0;
}

int
dlk_peers_copy(struct dlk_peers *to, const struct dlk_peers *from)
{
	int error = 0;

	for (size_t i = 0; i < from->n_uids && error == 0; i++)
		error = dlk_peers_add_uid(to, from->uid[i]);
	for (size_t i = 0; i < from->n_names && error == 0; i++)
		error = dlk_peers_add_name(to, from->name[i]);
	return error;
}

void
dlk_peers_fini(struct dlk_peers *peers)
{
	for (size_t i = 0; i < peers->n_names; i++)
		free(peers->name[i]);
	free(peers->name);
	free(peers->uid);
	*peers = (struct dlk_peers){ 0 };
}
