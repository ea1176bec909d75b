/* SPDX-License-Identifier: MIT */
/*
 * conns.h - the connections of one kind: how many there may be, of whom, and which one goes
 * where there is no place left. Everything here is for the loop's thread.
 */
#ifndef DLK_AGENT_CONNS_H
#define DLK_AGENT_CONNS_H

#include "agent/conn.h"

#define DLK_CONNS_MAX       16384 /* where the limit of descriptors leaves room for them */
#define DLK_CONNS_FILES     32768 /* descriptors that are asked for */
#define DLK_CONNS_SHARE     75 /* percent of them that one uid but 0, or one address, may have */
#define DLK_CONNS_SPARE     64 /* descriptors that stay free for files */
#define DLK_CONNS_IDLE_S    75 /* longer than nginx keeps an idle one */
#define DLK_CONNS_ARRIVE_MS 10000
#define DLK_CONNS_CROWD_MS  1000 /* so long after somebody was turned away */
#define DLK_CONNS_BURST     4    /* so many new ones are taken, and then */
#define DLK_CONNS_PAUSE_US  1000 /* those who are there have the loop for themselves */

struct event_base;
struct dlk_conns;

/* With a gate they are those of TLS, and all of them. `percent` of the places are theirs. 0 or
 * -errno. */
int dlk_conns_new(struct event_base *base, const struct dlk_conn_reader *reader,
    struct dlk_gate *gate, unsigned percent, struct dlk_conns **ret_conns);
/* Leaves a part of the places to others. */
void dlk_conns_narrow(struct dlk_conns *conns, unsigned percent);
/* Takes the socket, which listens already. */
int dlk_conns_listen(struct dlk_conns *conns, int fd);
void dlk_conns_stop_listening(struct dlk_conns *conns);
size_t dlk_conns_count(const struct dlk_conns *conns);

#endif
