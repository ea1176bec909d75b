/* SPDX-License-Identifier: MIT */
/*
 * conns.h - the connections of an evhttp: how many there may be, who is at the other end,
 * and how long a request may take to arrive. Everything here is for the loop's thread.
 */
#ifndef DLK_AGENT_CONNS_H
#define DLK_AGENT_CONNS_H

#include <stdbool.h>
#include <sys/types.h>

#define DLK_CONNS_MAX       1024 /* where the limit of descriptors leaves room for them */
#define DLK_CONNS_SHARE     75   /* percent of them that one uid but 0 may have */
#define DLK_CONNS_SPARE     64   /* descriptors that stay free for files */
#define DLK_CONNS_IDLE_S    75   /* longer than nginx keeps an idle one */
#define DLK_CONNS_ARRIVE_MS 10000

struct event_base;
struct evhttp;
struct evhttp_request;
struct dlk_conn;
struct dlk_conns;

/* Watches the connections that `http` will accept. 0 or -errno. */
int dlk_conns_new(struct event_base *base, struct evhttp *http, struct dlk_conns **ret_conns);
/* Takes the socket, which listens already. */
int dlk_conns_listen(struct dlk_conns *conns, int fd);
void dlk_conns_stop_listening(struct dlk_conns *conns);

/* The connection of a request that has arrived, from then on busy: it is not closed before
 * dlk_conn_rest(). NULL where nobody knows who is at its other end. */
struct dlk_conn *dlk_conns_find(struct dlk_conns *conns, struct evhttp_request *request);
void dlk_conn_rest(struct dlk_conn *conn);
uid_t dlk_conn_uid(const struct dlk_conn *conn);
bool dlk_conn_in_group(const struct dlk_conn *conn, gid_t group);
size_t dlk_conns_count(const struct dlk_conns *conns);

#endif
