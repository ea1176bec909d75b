/* SPDX-License-Identifier: MIT */
/*
 * conns.c - who comes in and who has to go. Of what they carry it sees nothing.
 */
#include "agent/conns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/listener.h>

#include "agent/hall.h"
#include "base/say.h"
#include "wire/frame.h"

#define LISTENERS_MAX 8

struct dlk_conns {
	struct dlk_hall hall; /* first */
	size_t most;
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
		dlk_say(DLK_WARNING,
		    "no descriptor is left, with %zu connections: new ones wait",
		    dlk_owners_count(conns->hall.owners));
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
pace(struct dlk_conns *conns)
{
	if (++conns->taken < DLK_CONNS_BURST || conns->pauses ||
	    dlk_monotonic_ms() - conns->crowded_ms > DLK_CONNS_CROWD_MS)
		return;
	conns->pauses =
	    event_add(conns->resume, &(struct timeval){ .tv_usec = DLK_CONNS_PAUSE_US }) == 0;
	listen_or_not(conns);
}

static void
end_place(struct dlk_place *place)
{
	dlk_conn_end((struct dlk_conn *)(void *)place);
}

/* Who is there; false where nobody can say. */
static bool
know(struct dlk_conn *conn, uint8_t key[DLK_OWNERS_KEY])
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	memset(key, 0, DLK_OWNERS_KEY);
	if (conn->remote) {
		_Static_assert(DLK_GATE_ADDRESS <= DLK_OWNERS_KEY, "an address is a key");
		if (dlk_gate_from(conn->stream.fd, &conn->remote->from) < 0)
			return false;
		memcpy(key, conn->remote->from.key, DLK_GATE_ADDRESS);
		return true;
	}
	if (getsockopt(conn->stream.fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 ||
	    peer.uid == DLK_PEER_NOBODY)
		return false;
	conn->uid = peer.uid;
	conn->gid = peer.gid;
	memcpy(key, &peer.uid, sizeof(peer.uid));
	return true;
}

/* Of whoever has most the one that has been idle for longest; of the newcomer itself where
 * nobody has more. */
static bool
make_place(struct dlk_conns *conns, const struct dlk_owner *newcomer)
{
	const struct dlk_owner *largest = dlk_owners_largest(conns->hall.owners);
	struct dlk_place *oldest;

	if (!largest)
		return false;
	if (newcomer && newcomer->n >= largest->n)
		largest = newcomer;
	oldest = dlk_owner_oldest(largest);
	if (oldest)
		end_place(oldest);
	return oldest != NULL;
}

/* One user of this machine, or one address, does not take the places of all others, neither by
 * handshakes nor after them. */
static bool
is_let_in(struct dlk_conns *conns, const struct dlk_conn *conn)
{
	const struct dlk_owner *owner = conn->place.owner;
	bool exempt = !conn->remote && conn->uid == 0;

	if (!exempt && owner->n > conns->most * DLK_CONNS_SHARE / 100)
		return false;
	if (conn->remote &&
	    !dlk_gate_lets(conns->hall.gate, &conn->remote->from, owner->n_handshakes + 1,
		dlk_owners_handshakes(conns->hall.owners) + 1))
		return false;
	return dlk_owners_count(conns->hall.owners) <= conns->most || make_place(conns, owner);
}

static bool
begin(struct dlk_conns *conns, struct dlk_conn *conn)
{
	uint8_t key[DLK_OWNERS_KEY];

	if (!know(conn, key) || dlk_owners_add(conns->hall.owners, key, &conn->place) < 0)
		return false;
	if (!is_let_in(conns, conn)) {
		conns->crowded_ms = dlk_monotonic_ms();
		return false;
	}
	return dlk_conn_open(conn);
}

static void
accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int n,
    void *arg)
{
	struct dlk_conns *conns = arg;
	struct dlk_conn *conn = calloc(1, sizeof(*conn));
	SSL *ssl = conns->hall.gate ? dlk_gate_ssl(conns->hall.gate) : NULL;

	(void)listener, (void)address, (void)n;
	pace(conns);
	if (!conn || (conns->hall.gate && !ssl)) {
		SSL_free(ssl);
		free(conn);
		close(fd);
		return;
	}
	conn->hall = &conns->hall;
	if (ssl)
		conn->remote = calloc(1, sizeof(*conn->remote));
	if (dlk_stream_init(fd, ssl, &conn->stream) < 0 || (ssl && !conn->remote) ||
	    !begin(conns, conn))
		dlk_conn_end(conn);
}

static void
tick(evutil_socket_t fd, short what, void *arg)
{
	static const int64_t limit_ms[DLK_WAITS] = { [DLK_WAIT_IDLE] =
							 DLK_CONNS_IDLE_S * INT64_C(1000),
		[DLK_WAIT_ARRIVING] = DLK_CONNS_ARRIVE_MS,
		[DLK_WAIT_HANDSHAKE] = DLK_GATE_HANDSHAKE_MS };
	struct dlk_conns *conns = arg;

	(void)fd;
	(void)what;
	dlk_owners_each_late(conns->hall.owners, limit_ms, dlk_monotonic_ms(), end_place);
	set_full(conns, false);
}

static size_t
descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < 2 * DLK_CONNS_SPARE)
		return 2 * DLK_CONNS_SPARE;
	return limit.rlim_cur < DLK_CONNS_MAX + DLK_CONNS_SPARE
		   ? limit.rlim_cur
		   : DLK_CONNS_MAX + DLK_CONNS_SPARE;
}

void
dlk_conns_narrow(struct dlk_conns *conns, unsigned percent)
{
	conns->most = (descriptors() - DLK_CONNS_SPARE) * percent / 100;
}

static int
prepare(struct dlk_conns *conns, unsigned percent)
{
	dlk_conns_narrow(conns, percent);
	conns->hall.owners = dlk_owners_new();
	conns->tick = event_new(conns->hall.base, -1, EV_PERSIST, tick, conns);
	conns->resume = event_new(conns->hall.base, -1, 0, resume, conns);
	if (!conns->hall.owners || !conns->tick || !conns->resume)
		return -ENOMEM;
	return event_add(conns->tick, &(struct timeval){ .tv_sec = 1 }) < 0 ? -ENOMEM : 0;
}

int
dlk_conns_new(struct event_base *base, const struct dlk_conn_reader *reader,
    struct dlk_gate *gate, unsigned percent, struct dlk_conns **ret_conns)
{
	struct dlk_conns *conns = calloc(1, sizeof(*conns));

	if (!conns)
		return -ENOMEM;
	conns->hall.base = base;
	conns->hall.reader = *reader;
	conns->hall.gate = gate;
	*ret_conns = conns; /* lives as long as the process, as does what a failure leaves */
	return prepare(conns, percent);
}

/* No descriptor is left. One that idles gives up its own; where there is none, the next tick
 * tries again, instead of a loop that spins. */
static void
no_descriptor(struct evconnlistener *listener, void *arg)
{
	struct dlk_conns *conns = arg;

	(void)listener;
	if (!make_place(conns, NULL))
		set_full(conns, true);
}

int
dlk_conns_listen(struct dlk_conns *conns, int fd)
{
	struct evconnlistener *listener = NULL;

	if (conns->n_listeners < LISTENERS_MAX)
		listener = evconnlistener_new(conns->hall.base, accepted, conns,
		    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!listener) {
		close(fd);
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

size_t
dlk_conns_count(const struct dlk_conns *conns)
{
	return dlk_owners_count(conns->hall.owners);
}
