/* SPDX-License-Identifier: MIT */
/*
 * http.c - from a socket to a handler and back. libevent reads the HTTP; what a request asks
 * for is its handler's business.
 */
#include "agent/http.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>

#include "agent/conns.h"

#define PERCENT_TLS 40 /* of the descriptors, where there is such a listener */

struct dlk_http {
	struct evhttp *server, *server_tls;
	struct dlk_conns *conns, *conns_tls; /* of this machine; of others, or NULL */
	const struct dlk_route *route;
	size_t n_routes;
	size_t n_open;
	bool has_readers;
	gid_t readers;
};

static const struct {
	int code;
	const char *text;
} codes[] = { { 200, "OK" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
	{ 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
	{ 503, "Service Unavailable" } };

static const char *
text_of(int code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return codes[i].text;
	return "";
}

const char *
dlk_http_path(struct evhttp_request *request)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;

	return path ? path : "";
}

/* The one whose connection it is of. */
static struct dlk_conn *
conn_of(struct dlk_http *http, struct evhttp_request *request)
{
	struct dlk_conn *conn = dlk_conns_find(http->conns, request);

	return conn || !http->conns_tls ? conn : dlk_conns_find(http->conns_tls, request);
}

void
dlk_http_answer(struct dlk_http *http, struct evhttp_request *request, int code,
    const char *type, struct dlk_bytes body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *buffer = body.n > 0 ? evbuffer_new() : NULL;
	struct dlk_conn *conn = conn_of(http, request);
	bool whole = body.n == 0 || (buffer && evbuffer_add(buffer, body.p, body.n) == 0);

	if (conn)
		dlk_conn_rest(conn);
	http->n_open--;
	evhttp_add_header(headers, "Cache-Control", "no-store");
	if (type)
		evhttp_add_header(headers, "Content-Type", type);
	if (body.n == 0 || !whole)
		evhttp_add_header(headers, "Content-Length", "0");
	evhttp_send_reply(request, whole ? code : 403, text_of(code), buffer);
	if (buffer)
		evbuffer_free(buffer);
}

void
dlk_http_refuse(
    struct dlk_http *http, struct evhttp_request *request, int code, const char *words)
{
	json_t *object = json_pack("{s:s}", "error", words);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	dlk_http_answer(
	    http, request, code, text ? "application/json" : NULL, dlk_bytes_str(text));
	free(text);
	json_decref(object);
}

static bool
leads_to(const struct dlk_route *route, const char *path)
{
	size_t n = strlen(route->path);

	return n > 1 && route->path[n - 1] == '/' ? strncmp(path, route->path, n) == 0
						  : strcmp(path, route->path) == 0;
}

static bool
takes(const struct dlk_route *route, enum evhttp_cmd_type method)
{
	return (route->methods & DLK_HTTP_ANY) ||
	       ((route->methods & DLK_HTTP_GET) && method == EVHTTP_REQ_GET) ||
	       ((route->methods & DLK_HTTP_POST) && method == EVHTTP_REQ_POST);
}

static bool
may_read(const struct dlk_http *http, const struct dlk_conn *conn, const struct dlk_peer *peer)
{
	if (peer->uid == DLK_PEER_NOBODY)
		return peer->accepted && peer->reader;
	return peer->uid == 0 || peer->uid == geteuid() ||
	       (http->has_readers && dlk_conn_in_group(conn, http->readers));
}

static bool
may_ask(const struct dlk_http *http, const struct dlk_route *route,
    const struct dlk_conn *conn, const struct dlk_peer *peer)
{
	if (route->restricted)
		return may_read(http, conn, peer);
	return peer->uid != DLK_PEER_NOBODY || peer->accepted || route->refuses;
}

static void
hand_over(struct dlk_http *http, struct evhttp_request *request, const struct dlk_conn *conn,
    const struct dlk_peer *peer)
{
	for (size_t i = 0; i < http->n_routes; i++) {
		const struct dlk_route *route = &http->route[i];
		if (!leads_to(route, dlk_http_path(request)))
			continue;
		if (!may_ask(http, route, conn, peer)) {
			dlk_http_refuse(http, request, 403, "not for this peer");
			return;
		}
		if (takes(route, evhttp_request_get_command(request))) {
			route->handle(http, request, peer, route->arg);
			return;
		}
		evhttp_add_header(evhttp_request_get_output_headers(request), "Allow",
		    route->methods & DLK_HTTP_POST ? "POST" : "GET");
		dlk_http_refuse(http, request, 405, "not with this method");
		return;
	}
	dlk_http_refuse(http, request, 404, "no such path");
}

/* A request that waits for the judgement of who asks. */
struct held {
	struct dlk_http *http;
	struct evhttp_request *request;
};

static void
judged(const struct dlk_gate_pass *pass, void *arg)
{
	struct held *held = arg;
	struct dlk_conn *conn = conn_of(held->http, held->request);

	if (conn)
		dlk_conn_keep(conn, pass);
	if (conn)
		hand_over(held->http, held->request, conn, &pass->peer);
	else
		dlk_http_refuse(held->http, held->request, 403, "the peer has gone");
	free(held);
}

static void
arrived(struct evhttp_request *request, void *arg)
{
	struct dlk_http *http = arg;
	struct dlk_conn *conn = conn_of(http, request);

	http->n_open++;
	if (!conn) {
		dlk_http_refuse(http, request, 403, "the peer of this connection is unknown");
		return;
	}
	const struct dlk_peer *peer = dlk_conn_peer(conn);
	if (peer) {
		hand_over(http, request, conn, peer);
		return;
	}
	struct held *held = malloc(sizeof(*held));
	if (!held) {
		dlk_http_refuse(http, request, 403, "no memory");
		return;
	}
	*held = (struct held){ http, request };
	dlk_conn_judge(conn, judged, held);
}

static struct evhttp *
make_server(struct event_base *base, struct dlk_http *http)
{
	struct evhttp *server = evhttp_new(base);

	if (!server)
		return NULL;
	evhttp_set_max_body_size(server, DLK_HTTP_BODY_MAX);
	evhttp_set_max_headers_size(server, DLK_HTTP_HEADER_MAX);
	evhttp_set_timeout(server, DLK_CONNS_IDLE_S);
	/* all of them, unknown ones too: a 501 of libevent's would be "fail open" to some */
	evhttp_set_allowed_methods(server, UINT16_MAX);
	evhttp_set_default_content_type(server, NULL);
	evhttp_set_gencb(server, arrived, http);
	return server;
}

int
dlk_http_new(struct event_base *base, struct dlk_listeners *listeners,
    const struct dlk_route *route, size_t n_routes, struct dlk_http **ret_http)
{
	struct dlk_http *http = calloc(1, sizeof(*http));

	if (!http)
		return -ENOMEM;
	http->route = route;
	http->n_routes = n_routes;
	const struct group *readers = getgrnam(DLK_HTTP_READERS);
	http->has_readers = readers != NULL;
	http->readers = readers ? readers->gr_gid : 0;
	http->server = make_server(base, http);
	if (!http->server) {
		free(http);
		return -ENOMEM;
	}
	int r = dlk_conns_new(base, http->server, NULL, 100, &http->conns);
	while (r == 0 && listeners->n > 0)
		r = dlk_conns_listen(http->conns, listeners->fd[--listeners->n]);
	*ret_http = http; /* lives as long as the process, as does what a failure leaves */
	return r;
}

int
dlk_http_listen_tls(struct event_base *base, struct dlk_http *http, struct dlk_gate *gate,
    struct dlk_listeners *listeners)
{
	dlk_conns_narrow(http->conns, 100 - PERCENT_TLS);
	http->server_tls = make_server(base, http);
	if (!http->server_tls)
		return -ENOMEM;
	int r = dlk_conns_new(base, http->server_tls, gate, PERCENT_TLS, &http->conns_tls);
	while (r == 0 && listeners->n > 0)
		r = dlk_conns_listen(http->conns_tls, listeners->fd[--listeners->n]);
	return r;
}

size_t
dlk_http_connections(const struct dlk_http *http)
{
	return dlk_conns_count(http->conns) +
	       (http->conns_tls ? dlk_conns_count(http->conns_tls) : 0);
}

size_t
dlk_http_open(const struct dlk_http *http)
{
	return http->n_open;
}

void
dlk_http_stop_listening(struct dlk_http *http)
{
	dlk_conns_stop_listening(http->conns);
	if (http->conns_tls)
		dlk_conns_stop_listening(http->conns_tls);
}
