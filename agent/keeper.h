/* SPDX-License-Identifier: MIT */
/*
 * keeper.h - a small process beside the agent that starts doublelock-outward for it: one
 * program, without arguments, as often as it is asked. The agent itself can start nothing and
 * reach no network, and whoever takes it over can have no more than this started.
 */
#ifndef DLK_AGENT_KEEPER_H
#define DLK_AGENT_KEEPER_H

struct dlk_keeper;
/* `program` is borrowed. Before there are threads, and before the agent gives up programs and
 * network, which the keeper needs. It ends with the agent. 0 or -errno. */
int dlk_keeper_start(const char *program, struct dlk_keeper **ret_keeper);
/* The agent's end of a socket whose other end is a new process. That it could not be started
 * shows there. From any thread. 0, -EPIPE (there is no keeper any more), -errno. */
int dlk_keeper_ask(const struct dlk_keeper *keeper, int *ret_fd);
/* Becomes readable when the keeper has ended: it is not started a second time. */
int dlk_keeper_fd(const struct dlk_keeper *keeper);
void dlk_keeper_free(struct dlk_keeper *keeper); /* NULL is fine; lets it end */

#endif
