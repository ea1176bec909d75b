/* SPDX-License-Identifier: MIT */
/* http.h - the agent's HTTP: limits, routes and answers. For the loop's thread alone. */
#ifndef DLK_AGENT_HTTP_H
#define DLK_AGENT_HTTP_H

#include "agent/gate.h"
#include "agent/listen.h"

#define DLK_HTTP_BODY_MAX   (512 * 1024)
#define DLK_HTTP_HEADER_MAX (64 * 1024)
#define DLK_HTTP_READERS    "doublelock-metrics"

enum { DLK_HTTP_GET = 1 << 0, DLK_HTTP_POST = 1 << 1, DLK_HTTP_ANY = 1 << 2 };

struct event_base;
struct evhttp_request;
struct dlk_http;

struct dlk_route {
	const char *path; /* the whole path; one that ends in '/' takes all below it */
	unsigned methods;
	bool
	    restricted; /* root, the agent's own user, group doublelock-metrics, and readers */
	bool refuses;   /* peers of other hosts that are not accepted, with a record */
	/* Answers by dlk_http_answer(), now or later. */
	void (*handle)(struct dlk_http *http, struct evhttp_request *request,
	    const struct dlk_peer *peer, void *arg);
	void *arg;
};

/* Takes the sockets; borrows the routes. 0 or -errno. */
int dlk_http_new(struct event_base *base, struct dlk_listeners *listeners,
    const struct dlk_route *route, size_t n_routes, struct dlk_http **ret_http);
/* Besides, gateways on other hosts. Takes the sockets. 0 or -errno. */
int dlk_http_listen_tls(struct event_base *base, struct dlk_http *http, struct dlk_gate *gate,
    struct dlk_listeners *listeners);
/* `type` NULL and an empty body: Content-Length 0. Headers of the answer that are not these
 * are put into evhttp_request_get_output_headers() before. */
void dlk_http_answer(struct dlk_http *http, struct evhttp_request *request, int code,
    const char *type, struct dlk_bytes body);
/* {"error": words} */
void dlk_http_refuse(
    struct dlk_http *http, struct evhttp_request *request, int code, const char *words);
/* The path without its query; "" where there is none. */
const char *dlk_http_path(struct evhttp_request *request);
size_t dlk_http_connections(const struct dlk_http *http);
size_t dlk_http_open(const struct dlk_http *http); /* requests that are not answered yet */
void dlk_http_stop_listening(struct dlk_http *http);

#endif
