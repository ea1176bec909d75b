/* SPDX-License-Identifier: MIT */
/*
 * http.c - from octets to a handler and back. How they come and go is conns.h's; what a
 * request asks for is its handler's business.
 */
#include "agent/http.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/text.h"

#define PERCENT_TLS 40   /* of the places, where there is such a listener */
#define ADDED_MAX   8192 /* octets of headers of an answer */
#define ANSWER_MAX  (8 * 1024 * 1024)

struct dlk_http {
	struct dlk_conns *conns, *conns_tls; /* of this machine; of others, or NULL */
	const struct dlk_route *route;
	size_t n_routes;
	size_t n_open;
	bool has_readers;
	gid_t readers;
	struct dlk_httphead head; /* of the request that a handler has */
	char added[ADDED_MAX];    /* headers of the answer that is next */
	size_t n_added;
	struct dlk_buf answer;
	int64_t dated;
	char date[64];
};

static const char no_memory[] =
    "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

static const struct {
	int code;
	const char *text;
} codes[] = { { 200, "200 OK" }, { 400, "400 Bad Request" }, { 401, "401 Unauthorized" },
	{ 403, "403 Forbidden" }, { 404, "404 Not Found" }, { 405, "405 Method Not Allowed" },
	{ 411, "411 Length Required" }, { 413, "413 Content Too Large" },
	{ 503, "503 Service Unavailable" } };

static const char *
status_of(int code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return codes[i].text;
	return "403 Forbidden";
}

bool
dlk_http_add(struct dlk_http *http, const char *name, const char *value)
{
	size_t n_name = strlen(name), n = strlen(value);
	char *at = http->added + http->n_added;

	if (n_name + n + 4 > sizeof(http->added) - http->n_added || memchr(value, '\n', n) ||
	    memchr(value, '\r', n))
		return false;
	memcpy(at, name, n_name);
	memcpy(at + n_name, ": ", 2);
	memcpy(at + n_name + 2, value, n);
	memcpy(at + n_name + 2 + n, "\r\n", 2);
	http->n_added += n_name + n + 4;
	return true;
}

void
dlk_http_begin_again(struct dlk_http *http)
{
	http->n_added = 0;
}

/* RFC 9110 section 5.6.7; once a second. */
static const char *
date_of(struct dlk_http *http)
{
	time_t now = (time_t)dlk_clock_now();
	struct tm tm;

	if (http->dated != now && gmtime_r(&now, &tm) &&
	    strftime(http->date, sizeof(http->date), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0)
		http->dated = now;
	return http->date;
}

static int
put(struct dlk_http *http, struct dlk_bytes octets)
{
	return dlk_buf_add(&http->answer, ANSWER_MAX, octets);
}

static int
put_words(struct dlk_http *http, const char *const *words, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = put(http, dlk_bytes_str(words[i]));
	return r;
}

static const char *
connection_of(const struct dlk_conn_mark *mark)
{
	if (!mark->keep)
		return "Connection: close\r\n";
	return mark->old ? "Connection: keep-alive\r\n" : "";
}

/* 0 or -ENOMEM. */
static int
compose(struct dlk_http *http, const struct dlk_conn_mark *mark, int code, const char *type,
    struct dlk_bytes body)
{
	char length[32];
	const char *const before[] = { "HTTP/1.1 ", status_of(code),
		"\r\nDate: ", date_of(http), "\r\nCache-Control: no-store\r\n",
		connection_of(mark), type ? "Content-Type: " : "", type ? type : "",
		type ? "\r\n" : "" };
	const char *const behind[] = { "Content-Length: ", length, "\r\n\r\n" };

	if (body.n == 0)
		memcpy(length, "0", 2);
	else
		dlk_text_print(length, sizeof(length), "%zu", body.n);
	http->answer.n = 0;
	int r = put_words(http, before, sizeof(before) / sizeof(before[0]));
	if (r == 0)
		r = put(http, DLK_BYTES(http->added, http->n_added));
	if (r == 0)
		r = put_words(http, behind, sizeof(behind) / sizeof(behind[0]));
	if (r == 0 && !mark->bodiless)
		r = put(http, body);
	http->n_added = 0;
	return r;
}

static void
answer(struct dlk_http *http, struct dlk_conn *conn, int code, const char *type,
    struct dlk_bytes body, enum dlk_conn_then then)
{
	struct dlk_bytes octets = dlk_bytes_str(no_memory);

	if (compose(http, dlk_conn_mark(conn), code, type, body) == 0)
		octets = dlk_bytes_of(&http->answer);
	else
		then = DLK_CONN_CLOSE;
	dlk_conn_answer(conn, octets, then);
}

void
dlk_http_answer(struct dlk_http *http, struct dlk_conn *conn, int code, const char *type,
    struct dlk_bytes body)
{
	http->n_open--;
	answer(http, conn, code, type, body,
	    dlk_conn_mark(conn)->keep ? DLK_CONN_KEEP : DLK_CONN_CLOSE);
}

void
dlk_http_refuse(struct dlk_http *http, struct dlk_conn *conn, int code, const char *words)
{
	json_t *object = json_pack("{s:s}", "error", words);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	dlk_http_answer(
	    http, conn, code, text ? "application/json" : NULL, dlk_bytes_str(text));
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
takes(const struct dlk_route *route, const char *method)
{
	return (route->methods & DLK_HTTP_ANY) ||
	       ((route->methods & DLK_HTTP_GET) && strcmp(method, "GET") == 0) ||
	       ((route->methods & DLK_HTTP_POST) && strcmp(method, "POST") == 0);
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
hand_over(
    struct dlk_http *http, const struct dlk_http_request *request, const struct dlk_peer *peer)
{
	const struct dlk_httphead *head = request->head;

	for (size_t i = 0; i < http->n_routes; i++) {
		const struct dlk_route *route = &http->route[i];
		if (!leads_to(route, head->path))
			continue;
		if (!may_ask(http, route, request->conn, peer)) {
			dlk_http_refuse(http, request->conn, 403, "not for this peer");
			return;
		}
		if (takes(route, head->method)) {
			route->handle(http, request, peer, route->arg);
			return;
		}
		(void)dlk_http_add(
		    http, "Allow", route->methods & DLK_HTTP_POST ? "POST" : "GET");
		dlk_http_refuse(http, request->conn, 405, "not with this method");
		return;
	}
	dlk_http_refuse(http, request->conn, 404, "no such path");
}

/* What is no request is answered as well as may be; nothing behind it is one. */
static size_t
turn_away(struct dlk_http *http, struct dlk_conn *conn, int code, size_t n)
{
	dlk_conn_begin(conn, &(struct dlk_conn_mark){ .keep = false });
	answer(http, conn, code, NULL, (struct dlk_bytes){ 0 }, DLK_CONN_HEAR_OUT);
	return n;
}

static size_t
take(void *arg, struct dlk_conn *conn, uint8_t *octets, size_t n, struct dlk_arrival *arrival)
{
	struct dlk_http *http = arg;
	struct dlk_httphead *head = &http->head;
	int r = dlk_httphead_read(
	    octets, n, DLK_HTTP_HEADER_MAX, DLK_HTTP_BODY_MAX, &arrival->seen, head);

	if (r == DLK_HTTPHEAD_MORE)
		return 0;
	if (r != DLK_HTTPHEAD_WHOLE)
		return turn_away(http, conn, r, n);
	arrival->need = head->n_head + head->n_body;
	if (n < arrival->need) {
		if (head->expects && !arrival->told)
			dlk_conn_tell(conn, "HTTP/1.1 100 Continue\r\n\r\n");
		arrival->told = true;
		return 0;
	}
	if (!dlk_conn_peer(conn))
		dlk_conn_judge(conn);
	const struct dlk_peer *peer = dlk_conn_peer(conn);
	if (!peer)
		return 0;
	const struct dlk_http_request request = { conn, head,
		DLK_BYTES(octets + head->n_head, head->n_body) };
	size_t taken = arrival->need;
	dlk_httphead_cut(head);
	dlk_conn_begin(conn, &(struct dlk_conn_mark){ .keep = head->keep,
				 .old = head->old,
				 .bodiless = strcmp(head->method, "HEAD") == 0 });
	http->n_open++;
	hand_over(http, &request, peer);
	explicit_bzero(octets, taken); /* codes were in it */
	return taken;
}

static struct dlk_conn_reader
reader_of(struct dlk_http *http)
{
	return (struct dlk_conn_reader){ take, http, DLK_HTTP_HEADER_MAX + DLK_HTTP_BODY_MAX };
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
	*ret_http = http; /* lives as long as the process, as does what a failure leaves */
	const struct dlk_conn_reader reader = reader_of(http);
	int r = dlk_conns_new(base, &reader, NULL, 100, &http->conns);
	while (r == 0 && listeners->n > 0)
		r = dlk_conns_listen(http->conns, listeners->fd[--listeners->n]);
	return r;
}

int
dlk_http_listen_tls(struct event_base *base, struct dlk_http *http, struct dlk_gate *gate,
    struct dlk_listeners *listeners)
{
	dlk_conns_narrow(http->conns, 100 - PERCENT_TLS);
	const struct dlk_conn_reader reader = reader_of(http);
	int r = dlk_conns_new(base, &reader, gate, PERCENT_TLS, &http->conns_tls);
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
