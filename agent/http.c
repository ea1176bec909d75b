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

struct dlk_http {
	struct evhttp *server;
	struct dlk_conns *conns;
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

void
dlk_http_answer(struct dlk_http *http, struct evhttp_request *request, int code,
    const char *type, struct dlk_bytes body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *buffer = body.n > 0 ? evbuffer_new() : NULL;
	struct dlk_conn *conn = dlk_conns_find(http->conns, request);
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
may_read(const struct dlk_http *http, const struct dlk_conn *conn)
{
	uid_t uid = dlk_conn_uid(conn);

	return uid == 0 || uid == geteuid() ||
	       (http->has_readers && dlk_conn_in_group(conn, http->readers));
}

static void
arrived(struct evhttp_request *request, void *arg)
{
	struct dlk_http *http = arg;
	struct dlk_conn *conn = dlk_conns_find(http->conns, request);

	http->n_open++;
	if (!conn) {
		dlk_http_refuse(http, request, 403, "the peer of this connection is unknown");
		return;
	}
	for (size_t i = 0; i < http->n_routes; i++) {
		const struct dlk_route *route = &http->route[i];
		if (!leads_to(route, dlk_http_path(request)))
			continue;
		if (route->restricted && !may_read(http, conn)) {
			dlk_http_refuse(http, request, 403, "not for this peer");
			return;
		}
		if (takes(route, evhttp_request_get_command(request))) {
			route->handle(http, request, dlk_conn_uid(conn), route->arg);
			return;
		}
		evhttp_add_header(evhttp_request_get_output_headers(request), "Allow",
		    route->methods & DLK_HTTP_POST ? "POST" : "GET");
		dlk_http_refuse(http, request, 405, "not with this method");
		return;
	}
	dlk_http_refuse(http, request, 404, "no such path");
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
	http->server = evhttp_new(base);
	if (!http->server) {
		free(http);
		return -ENOMEM;
	}
	evhttp_set_max_body_size(http->server, DLK_HTTP_BODY_MAX);
	evhttp_set_max_headers_size(http->server, DLK_HTTP_HEADER_MAX);
	evhttp_set_timeout(http->server, DLK_CONNS_IDLE_S);
	/* all of them, unknown ones too: a 501 of libevent's would be "fail open" to some */
	evhttp_set_allowed_methods(http->server, UINT16_MAX);
	evhttp_set_default_content_type(http->server, NULL);
	evhttp_set_gencb(http->server, arrived, http);
	int r = dlk_conns_new(base, http->server, &http->conns);
	while (r == 0 && listeners->n > 0)
		r = dlk_conns_listen(http->conns, listeners->fd[--listeners->n]);
	*ret_http = http; /* lives as long as the process, as does what a failure leaves */
	return r;
}

size_t
dlk_http_connections(const struct dlk_http *http)
{
	return dlk_conns_count(http->conns);
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
}
