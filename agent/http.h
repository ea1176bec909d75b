/* SPDX-License-Identifier: MIT */
/* http.h - the agent's HTTP: limits, routes and answers. For the loop's thread alone. */
#ifndef DLK_AGENT_HTTP_H
#define DLK_AGENT_HTTP_H

#include "agent/conns.h"
#include "agent/httphead.h"
#include "agent/listen.h"

#define DLK_HTTP_BODY_MAX   (512 * 1024)
#define DLK_HTTP_HEADER_MAX (64 * 1024)
#define DLK_HTTP_READERS    "doublelock-metrics"

enum { DLK_HTTP_GET = 1 << 0, DLK_HTTP_POST = 1 << 1, DLK_HTTP_ANY = 1 << 2 };

struct event_base;
struct dlk_http;

/* A request, for as long as its handler has it. Whoever answers later keeps the connection. */
struct dlk_http_request {
	struct dlk_conn *conn;
	const struct dlk_httphead *head;
	struct dlk_bytes body;
};

struct dlk_route {
	const char *path; /* the whole path; one that ends in '/' takes all below it */
	unsigned methods;
	bool
	    restricted; /* root, the agent's own user, group doublelock-metrics, and readers */
	bool refuses;   /* peers of other hosts that are not accepted, with a record */
	/* Answers by dlk_http_answer(), now or later. */
	void (*handle)(struct dlk_http *http, const struct dlk_http_request *request,
	    const struct dlk_peer *peer, void *arg);
	void *arg;
};

/* Takes the sockets; borrows the routes. 0 or -errno. */
int dlk_http_new(struct event_base *base, struct dlk_listeners *listeners,
    const struct dlk_route *route, size_t n_routes, struct dlk_http **ret_http);
/* Besides, gateways on other hosts. Takes the sockets. 0 or -errno. */
int dlk_http_listen_tls(struct event_base *base, struct dlk_http *http, struct dlk_gate *gate,
    struct dlk_listeners *listeners);
/* A header of the answer that dlk_http_answer() gives next. False, and it is not there: there
 * was no room for it, or it would have been more than one line. */
bool dlk_http_add(struct dlk_http *http, const char *name, const char *value);
/* Without headers that were added before. */
void dlk_http_begin_again(struct dlk_http *http);
/* `type` NULL and an empty body: Content-Length 0. */
void dlk_http_answer(struct dlk_http *http, struct dlk_conn *conn, int code, const char *type,
    struct dlk_bytes body);
/* {"error": words} */
void dlk_http_refuse(
    struct dlk_http *http, struct dlk_conn *conn, int code, const char *words);
size_t dlk_http_connections(const struct dlk_http *http);
size_t dlk_http_open(const struct dlk_http *http); /* requests that are not answered yet */
void dlk_http_stop_listening(struct dlk_http *http);

#endif
