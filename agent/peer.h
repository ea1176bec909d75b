/* SPDX-License-Identifier: MIT */
/* peer.h - who is at the other end of a connection, as the agent has found out. */
#ifndef DLK_AGENT_PEER_H
#define DLK_AGENT_PEER_H

#include "core/cert.h"

#define DLK_PEER_NOBODY ((uid_t)-1)

struct dlk_peer {
	uid_t uid;                   /* as the kernel says; NOBODY: from another host */
	char name[DLK_NAME_MAX + 1]; /* of another host: its file in [agent] clients */
	bool accepted;               /* of another host: its own certificate holds */
	bool reader;                 /* of another host: it is in [agent] readers */
	uint8_t key[DLK_SHA256_SIZE];
	char refused[DLK_DETAIL_MAX + 1]; /* why it is not accepted */
};

#endif
