/* SPDX-License-Identifier: MIT */
/* openvpn_pool.h - threads that wait for the agent, so that OpenVPN's only one does not. */
#ifndef DLK_AGENT_GATEWAYS_OPENVPN_POOL_H
#define DLK_AGENT_GATEWAYS_OPENVPN_POOL_H

#include <stdbool.h>

#define DLK_POOL_THREADS 8
#define DLK_POOL_WAITING 512

/* First member of what is to be done. run() is called once, in a thread, and owns it then. */
struct dlk_chore {
	void (*run)(struct dlk_chore *chore);
	struct dlk_chore *next;
};

struct dlk_pool;
/* Starts the first thread at once: it sees the directories as they are now, and so do those
 * that it starts, also where the process changes its root later. They take no signals. 0 or
 * -errno. */
int dlk_pool_new(struct dlk_pool **ret_pool);
/* False where too many wait, and then nothing happens. */
bool dlk_pool_add(struct dlk_pool *pool, struct dlk_chore *chore);
/* Ends the threads and waits for them, a second at most: who still waits for the agent by then
 * ends by itself, the memory stays, and this is false. What has not begun is not done. */
bool dlk_pool_free(struct dlk_pool *pool);

#endif
