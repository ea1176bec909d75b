/* SPDX-License-Identifier: MIT */
/*
 * conns.c - counts, bounds and names connections. It reads no octet of what they carry.
 *
 * evhttp of libevent 2.1 says nothing of a connection before its first request. The way in
 * is the bufferevent that it asks us for: right after evhttp has taken it, and before any
 * octet can have arrived, the argument of its callbacks is the connection. With TLS that is
 * before any octet of the handshake.
 */
#include "agent/conns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "base/say.h"
#include "wire/frame.h"

#define LISTENERS_MAX 8
#define GROUPS_MAX    256

struct dlk_conn {
	struct dlk_conns *all;
	struct dlk_conn *next, **back;
	struct bufferevent *bev;
	struct evhttp_connection *http; /* NULL until evhttp has made it */
	struct event *born;
	int fd;
	struct dlk_peer peer; /* of this machine */
	gid_t gid;
	SSL *ssl; /* the bufferevent's; NULL: of this machine */
	int64_t begun_ms;
	struct dlk_gate_from from;
	struct dlk_gate_pass pass;
	bool known, busy, refused;
	int64_t since_ms; /* first octet of a request that is not whole; 0: none */
};

struct dlk_conns {
	struct event_base *base;
	struct dlk_conn *first;
	size_t n, most;
	struct dlk_conn **at; /* by descriptor */
	size_t n_at;
	struct evhttp *http;
	struct dlk_gate *gate; /* NULL: of this machine */
	struct evconnlistener *listener[LISTENERS_MAX];
	size_t n_listeners;
	struct event *tick, *resume;
	bool full, pauses;
	unsigned taken;     /* since the last pause */
	int64_t crowded_ms; /* when somebody was turned away for want of places */
};

/* Whoever comes while it does not listen waits in the sockets' queues. */
static void
listen_or_not(struct dlk_conns *conns)
{
	bool listens = !conns->full && !conns->pauses;

	for (size_t i = 0; i < conns->n_listeners; i++)
		(void)(listens ? evconnlistener_enable(conns->listener[i])
			       : evconnlistener_disable(conns->listener[i]));
}

static void
set_full(struct dlk_conns *conns, bool full)
{
	if (conns->full == full)
		return;
	conns->full = full;
	listen_or_not(conns);
	if (full)
		dlk_say(DLK_WARNING, "%zu connections are open: new ones wait", conns->n);
}

static void
resume(evutil_socket_t fd, short what, void *arg)
{
	struct dlk_conns *conns = arg;

	(void)fd;
	(void)what;
	conns->taken = 0;
	conns->pauses = false;
	listen_or_not(conns);
}

/* Somebody who has all that one may have, and comes again and again, would keep the loop from
 * those who are there: libevent accepts whoever waits before it looks at anybody else. */
static void
take(struct dlk_conns *conns, int64_t now)
{
	if (++conns->taken < DLK_CONNS_BURST || conns->pauses ||
	    now - conns->crowded_ms > DLK_CONNS_CROWD_MS)
		return;
	conns->pauses =
	    event_add(conns->resume, &(struct timeval){ .tv_usec = DLK_CONNS_PAUSE_US }) == 0;
	listen_or_not(conns);
}

static void
forget(struct dlk_conn *conn)
{
	*conn->back = conn->next;
	if (conn->next)
		conn->next->back = conn->back;
	conn->all->n--;
	if (conn->known)
		conn->all->at[conn->fd] = NULL;
	set_full(conn->all, false);
	if (conn->born)
		event_free(conn->born);
	free(conn);
}

static void
closed(struct evhttp_connection *http, void *arg)
{
	(void)http;
	forget(arg);
}

static void
arriving(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
	struct dlk_conn *conn = arg;

	(void)buffer;
	if (info->n_added > 0 && conn->since_ms == 0 && !conn->busy)
		conn->since_ms = dlk_monotonic_ms();
}

/* One user of this machine does not take the places of all others. */
static bool
takes_too_many(const struct dlk_conn *conn)
{
	size_t n = 0;

	if (conn->peer.uid == 0)
		return false;
	for (const struct dlk_conn *c = conn->all->first; c; c = c->next)
		if (c->known && c->peer.uid == conn->peer.uid)
			n++;
	return n > conn->all->most * DLK_CONNS_SHARE / 100;
}

static bool
comes_from(const struct dlk_conn *conn, const struct dlk_gate_from *from)
{
	return conn->known && memcmp(conn->from.key, from->key, sizeof(from->key)) == 0;
}

/* One address does not take the places of all others, neither by handshakes nor after them. */
static bool
is_let_in(const struct dlk_conn *conn)
{
	size_t here = 0, beginning_here = 0, beginning = 0;

	for (const struct dlk_conn *c = conn->all->first; c; c = c->next) {
		bool begins = c->ssl && !SSL_is_init_finished(c->ssl);
		bool same = comes_from(c, &conn->from);

		here += same;
		beginning += begins;
		beginning_here += begins && same;
	}
	return here <= conn->all->most * DLK_CONNS_SHARE / 100 &&
	       dlk_gate_lets(conn->all->gate, &conn->from, beginning_here, beginning);
}

static bool
knows_local(struct dlk_conn *conn)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 ||
	    peer.uid == DLK_PEER_NOBODY)
		return false;
	conn->peer.uid = peer.uid;
	conn->gid = peer.gid;
	return true;
}

static bool
know(struct dlk_conn *conn)
{
	conn->fd = bufferevent_getfd(conn->bev);
	if (conn->fd < 0 || (size_t)conn->fd >= conn->all->n_at)
		return false;
	if (conn->ssl ? dlk_gate_from(conn->fd, &conn->from) < 0 : !knows_local(conn))
		return false;
	conn->known = true;
	conn->all->at[conn->fd] = conn;
	return true;
}

static void
born(evutil_socket_t fd, short what, void *arg)
{
	struct dlk_conn *conn = arg;
	struct bufferevent *bev = conn->bev;
	bufferevent_event_cb event = NULL;
	void *taken = NULL;

	(void)fd;
	(void)what;
	bufferevent_getcb(bev, NULL, NULL, &event, &taken);
	if (!event) {
		forget(conn); /* evhttp has given it up already */
		bufferevent_decref(bev);
		return;
	}
	conn->http = taken;
	evhttp_connection_set_closecb(conn->http, closed, conn);
	bool refused = conn->refused || !know(conn) ||
		       (conn->ssl ? !is_let_in(conn) : takes_too_many(conn)) ||
		       !evbuffer_add_cb(bufferevent_get_input(bev), arriving, conn);
	bufferevent_decref(bev);
	if (!refused)
		return;
	conn->all->crowded_ms = dlk_monotonic_ms();
	evhttp_connection_free(conn->http);
}

static struct bufferevent *
make_bufferevent(struct event_base *base, struct dlk_conn *conn, struct dlk_gate *gate)
{
	SSL *ssl = gate ? dlk_gate_ssl(gate) : NULL;

	if (!ssl) {
		/* without one evhttp would make one of its own */
		conn->refused = gate != NULL;
		return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	}
	struct bufferevent *bev = bufferevent_openssl_socket_new(
	    base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!bev)
		SSL_free(ssl);
	conn->ssl = bev ? ssl : NULL;
	return bev;
}

static struct bufferevent *
make(struct event_base *base, void *arg)
{
	struct dlk_conns *conns = arg;
	struct dlk_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->begun_ms = dlk_monotonic_ms();
	conn->bev = make_bufferevent(base, conn, conns->gate);
	conn->born = event_new(base, -1, 0, born, conn);
	if (!conn->bev || !conn->born) {
		if (conn->bev)
			bufferevent_free(conn->bev);
		if (conn->born)
			event_free(conn->born);
		free(conn);
		return NULL;
	}
	conn->all = conns;
	conn->next = conns->first;
	conn->back = &conns->first;
	if (conn->next)
		conn->next->back = &conn->next;
	conns->first = conn;
	bufferevent_incref(conn->bev);
	take(conns, conn->begun_ms);
	event_active(conn->born, EV_TIMEOUT, 1);
	if (++conns->n >= conns->most)
		set_full(conns, true);
	return conn->bev;
}

/* A request or a handshake that trickles in holds a place as long as it likes otherwise. */
static bool
is_late(const struct dlk_conn *conn, int64_t now)
{
	if (conn->ssl && !SSL_is_init_finished(conn->ssl))
		return now - conn->begun_ms > DLK_GATE_HANDSHAKE_MS;
	return !conn->busy && conn->since_ms > 0 && now - conn->since_ms > DLK_CONNS_ARRIVE_MS;
}

static void
tick(evutil_socket_t fd, short what, void *arg)
{
	struct dlk_conns *conns = arg;
	int64_t now = dlk_monotonic_ms();

	(void)fd;
	(void)what;
	for (struct dlk_conn *conn = conns->first, *next; conn; conn = next) {
		next = conn->next;
		if (conn->http && is_late(conn, now))
			evhttp_connection_free(conn->http);
	}
	if (conns->n < conns->most)
		set_full(conns, false);
}

static size_t
descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < 2 * DLK_CONNS_SPARE)
		return 2 * DLK_CONNS_SPARE;
	return limit.rlim_cur < 65536 ? limit.rlim_cur : 65536;
}

void
dlk_conns_narrow(struct dlk_conns *conns, unsigned percent)
{
	conns->most = (conns->n_at - DLK_CONNS_SPARE) * percent / 100;
	if (conns->most > DLK_CONNS_MAX)
		conns->most = DLK_CONNS_MAX;
}

static int
prepare(struct dlk_conns *conns, unsigned percent)
{
	conns->n_at = descriptors();
	dlk_conns_narrow(conns, percent);
	conns->at = calloc(conns->n_at, sizeof(struct dlk_conn *));
	conns->tick = event_new(conns->base, -1, EV_PERSIST, tick, conns);
	conns->resume = event_new(conns->base, -1, 0, resume, conns);
	if (!conns->at || !conns->tick || !conns->resume)
		return -ENOMEM;
	return event_add(conns->tick, &(struct timeval){ .tv_sec = 1 }) < 0 ? -ENOMEM : 0;
}

int
dlk_conns_new(struct event_base *base, struct evhttp *http, struct dlk_gate *gate,
    unsigned percent, struct dlk_conns **ret_conns)
{
	struct dlk_conns *conns = calloc(1, sizeof(*conns));

	if (!conns)
		return -ENOMEM;
	conns->base = base;
	conns->http = http;
	conns->gate = gate;
	int r = prepare(conns, percent);
	if (r < 0) {
		if (conns->tick)
			event_free(conns->tick);
		if (conns->resume)
			event_free(conns->resume);
		free(conns->at);
		free(conns);
		return r;
	}
	evhttp_set_bevcb(http, make, conns);
	*ret_conns = conns;
	return 0;
}

/* No descriptor is left: the next tick tries again, instead of a loop that spins. */
static void
no_descriptor(struct evconnlistener *listener, void *arg)
{
	struct dlk_conns *conns = arg;

	(void)listener;
	set_full(conns, true);
}

int
dlk_conns_listen(struct dlk_conns *conns, int fd)
{
	if (conns->n_listeners == LISTENERS_MAX) {
		close(fd);
		return -E2BIG;
	}
	struct evconnlistener *listener = evconnlistener_new(
	    conns->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!listener) {
		close(fd);
		return -ENOMEM;
	}
	if (!evhttp_bind_listener(conns->http, listener)) {
		evconnlistener_free(listener);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(listener, no_descriptor);
	conns->listener[conns->n_listeners++] = listener;
	return 0;
}

void
dlk_conns_stop_listening(struct dlk_conns *conns)
{
	for (size_t i = 0; i < conns->n_listeners; i++)
		(void)evconnlistener_disable(conns->listener[i]);
	conns->n_listeners = 0;
}

struct dlk_conn *
dlk_conns_find(struct dlk_conns *conns, struct evhttp_request *request)
{
	struct evhttp_connection *http = evhttp_request_get_connection(request);
	int fd = http ? bufferevent_getfd(evhttp_connection_get_bufferevent(http)) : -1;

	if (fd < 0 || (size_t)fd >= conns->n_at || !conns->at[fd])
		return NULL;
	conns->at[fd]->busy = true;
	conns->at[fd]->since_ms = 0;
	return conns->at[fd];
}

void
dlk_conn_rest(struct dlk_conn *conn)
{
	conn->busy = false;
}

const struct dlk_peer *
dlk_conn_peer(const struct dlk_conn *conn)
{
	if (!conn->ssl)
		return &conn->peer;
	return dlk_gate_holds(conn->all->gate, &conn->pass) ? &conn->pass.peer : NULL;
}

void
dlk_conn_judge(struct dlk_conn *conn,
    void (*done)(const struct dlk_gate_pass *pass, void *arg), void *arg)
{
	dlk_gate_judge(conn->all->gate, conn->ssl, &conn->from, done, arg);
}

void
dlk_conn_keep(struct dlk_conn *conn, const struct dlk_gate_pass *pass)
{
	conn->pass = *pass;
}

bool
dlk_conn_in_group(const struct dlk_conn *conn, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t n = sizeof(groups);

	if (conn->ssl)
		return false;
	if (conn->gid == group)
		return true;
	if (getsockopt(conn->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) < 0)
		return false;
	for (size_t i = 0; i < n / sizeof(gid_t); i++)
		if (groups[i] == group)
			return true;
	return false;
}

size_t
dlk_conns_count(const struct dlk_conns *conns)
{
	return conns->n;
}
