/* SPDX-License-Identifier: MIT */
/*
 * conns.c - counts, bounds and names connections. It reads no octet of what they carry.
 *
 * evhttp of libevent 2.1 says nothing of a connection before its first request. The way in
 * is the bufferevent that it asks us for: right after evhttp has taken it, and before any
 * octet can have arrived, the argument of its callbacks is the connection.
 */
#include "agent/conns.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
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
	uid_t uid;
	gid_t gid;
	bool known, busy;
	int64_t since_ms; /* first octet of a request that is not whole; 0: none */
};

struct dlk_conns {
	struct event_base *base;
	struct dlk_conn *first;
	size_t n, most;
	struct dlk_conn **at; /* by descriptor */
	size_t n_at;
	struct evhttp *http;
	struct evconnlistener *listener[LISTENERS_MAX];
	size_t n_listeners;
	struct event *tick;
	bool full;
};

static void
set_full(struct dlk_conns *conns, bool full)
{
	if (conns->full == full)
		return;
	conns->full = full;
	/* whoever comes now waits in the sockets' queues */
	for (size_t i = 0; i < conns->n_listeners; i++)
		(void)(full ? evconnlistener_disable(conns->listener[i])
			    : evconnlistener_enable(conns->listener[i]));
	if (full)
		dlk_say(DLK_WARNING, "%zu connections are open: new ones wait", conns->n);
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

	if (conn->uid == 0)
		return false;
	for (const struct dlk_conn *c = conn->all->first; c; c = c->next)
		if (c->known && c->uid == conn->uid)
			n++;
	return n > conn->all->most * DLK_CONNS_SHARE / 100;
}

static bool
know(struct dlk_conn *conn)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	conn->fd = bufferevent_getfd(conn->bev);
	if (conn->fd < 0 || (size_t)conn->fd >= conn->all->n_at ||
	    getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 ||
	    peer.uid == (uid_t)-1)
		return false;
	conn->uid = peer.uid;
	conn->gid = peer.gid;
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
	bool refused = !know(conn) || takes_too_many(conn) ||
		       !evbuffer_add_cb(bufferevent_get_input(bev), arriving, conn);
	bufferevent_decref(bev);
	if (refused)
		evhttp_connection_free(conn->http);
}

static struct bufferevent *
make(struct event_base *base, void *arg)
{
	struct dlk_conns *conns = arg;
	struct dlk_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
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
	event_active(conn->born, EV_TIMEOUT, 1);
	if (++conns->n >= conns->most)
		set_full(conns, true);
	return conn->bev;
}

/* A request that trickles in holds a place as long as it likes otherwise. */
static void
tick(evutil_socket_t fd, short what, void *arg)
{
	struct dlk_conns *conns = arg;
	int64_t now = dlk_monotonic_ms();

	(void)fd;
	(void)what;
	for (struct dlk_conn *conn = conns->first, *next; conn; conn = next) {
		next = conn->next;
		if (conn->http && !conn->busy && conn->since_ms > 0 &&
		    now - conn->since_ms > DLK_CONNS_ARRIVE_MS)
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

static int
prepare(struct dlk_conns *conns)
{
	conns->n_at = descriptors();
	conns->most = conns->n_at - DLK_CONNS_SPARE;
	if (conns->most > DLK_CONNS_MAX)
		conns->most = DLK_CONNS_MAX;
	conns->at = calloc(conns->n_at, sizeof(struct dlk_conn *));
	conns->tick = event_new(conns->base, -1, EV_PERSIST, tick, conns);
	if (!conns->at || !conns->tick)
		return -ENOMEM;
	return event_add(conns->tick, &(struct timeval){ .tv_sec = 1 }) < 0 ? -ENOMEM : 0;
}

int
dlk_conns_new(struct event_base *base, struct evhttp *http, struct dlk_conns **ret_conns)
{
	struct dlk_conns *conns = calloc(1, sizeof(*conns));

	if (!conns)
		return -ENOMEM;
	conns->base = base;
	conns->http = http;
	int r = prepare(conns);
	if (r < 0) {
		if (conns->tick)
			event_free(conns->tick);
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

uid_t
dlk_conn_uid(const struct dlk_conn *conn)
{
	return conn->uid;
}

bool
dlk_conn_in_group(const struct dlk_conn *conn, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t n = sizeof(groups);

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
