/* SPDX-License-Identifier: MIT */
/*
 * conns.h - the connections of an evhttp: how many there may be, who is at the other end,
 * and how long a request may take to arrive. Everything here is for the loop's thread.
 */
#ifndef DLK_AGENT_CONNS_H
#define DLK_AGENT_CONNS_H

#include <stdbool.h>
#include <sys/types.h>

#include "agent/gate.h"

#define DLK_CONNS_MAX       1024 /* where the limit of descriptors leaves room for them */
#define DLK_CONNS_SHARE     75   /* percent of them that one uid but 0 may have */
#define DLK_CONNS_SPARE     64   /* descriptors that stay free for files */
#define DLK_CONNS_IDLE_S    75   /* longer than nginx keeps an idle one */
#define DLK_CONNS_ARRIVE_MS 10000
#define DLK_CONNS_CROWD_MS  1000 /* so long after somebody was turned away */
#define DLK_CONNS_BURST     4    /* so many new ones are taken, and then */
#define DLK_CONNS_PAUSE_US  1000 /* those who are there have the loop for themselves */

struct evhttp;
struct evhttp_request;
struct dlk_conn;
struct dlk_conns;

/* Watches the connections that `http` will accept; with a gate they are those of TLS, and all
 * of them. `percent` of the descriptors are theirs. 0 or -errno. */
int dlk_conns_new(struct event_base *base, struct evhttp *http, struct dlk_gate *gate,
    unsigned percent, struct dlk_conns **ret_conns);
/* Leaves a part of the descriptors to others. */
void dlk_conns_narrow(struct dlk_conns *conns, unsigned percent);
/* Takes the socket, which listens already. */
int dlk_conns_listen(struct dlk_conns *conns, int fd);
void dlk_conns_stop_listening(struct dlk_conns *conns);

/* The connection of a request that has arrived, from then on busy: it is not closed before
 * dlk_conn_rest(). NULL where nobody knows who is at its other end. */
struct dlk_conn *dlk_conns_find(struct dlk_conns *conns, struct evhttp_request *request);
void dlk_conn_rest(struct dlk_conn *conn);
/* Who it is; of another host where dlk_conn_judge() said so and it still holds, else NULL. */
const struct dlk_peer *dlk_conn_peer(const struct dlk_conn *conn);
/* Of another host: `done` is told once its certificate was judged; the request may have lost
 * its connection by then. */
void dlk_conn_judge(struct dlk_conn *conn,
    void (*done)(const struct dlk_gate_pass *pass, void *arg), void *arg);
void dlk_conn_keep(struct dlk_conn *conn, const struct dlk_gate_pass *pass);
bool dlk_conn_in_group(const struct dlk_conn *conn, gid_t group);
size_t dlk_conns_count(const struct dlk_conns *conns);

#endif
