/* SPDX-License-Identifier: MIT */
/*
 * conn.c - the octets of one connection, in and out, and what it waits for. It looks at none
 * of them.
 */
#include "agent/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "agent/hall.h"
#include "wire/frame.h"

#define GROUPS_MAX 256
#define GROW       4096

static void
charge(struct dlk_conn *conn)
{
	size_t now = conn->in.room + conn->out.room;

	conn->place.owner->octets += now - conn->counted;
	conn->hall->octets += now - conn->counted;
	conn->counted = now;
}

void
dlk_conn_end(struct dlk_conn *conn)
{
	conn->ended = true;
	if (conn->held)
		return;
	dlk_buf_free(&conn->in);
	dlk_buf_free(&conn->out);
	if (conn->place.owner)
		charge(conn);
	dlk_owners_remove(conn->hall->owners, &conn->place);
	if (conn->readable)
		event_free(conn->readable);
	if (conn->writable)
		event_free(conn->writable);
	dlk_stream_close(&conn->stream);
	free(conn->remote);
	free(conn);
}

static void
wait_for(struct dlk_conn *conn, enum dlk_wait wait)
{
	dlk_place_wait(&conn->place, wait, dlk_monotonic_ms());
}

static bool
is_busy(const struct dlk_conn *conn)
{
	return conn->place.wait == DLK_WAIT_BUSY;
}

/* May the next request be taken? */
static bool
hears(const struct dlk_conn *conn)
{
	return !is_busy(conn) && !conn->ended && !conn->leaving && conn->out.n == 0;
}

static void
pause_reading(struct dlk_conn *conn)
{
	conn->paused = true;
	(void)event_del(conn->readable);
}

static void writable(evutil_socket_t fd, short what, void *arg);

static bool
await_writing(struct dlk_conn *conn)
{
	if (!conn->writable)
		conn->writable =
		    event_new(conn->hall->base, conn->stream.fd, EV_WRITE, writable, conn);
	return conn->writable && event_add(conn->writable, NULL) == 0;
}

/* Takes request after request of what is there; how many octets that were. */
static size_t
offer(struct dlk_conn *conn, uint8_t *octets, size_t n)
{
	const struct dlk_conn_reader *reader = &conn->hall->reader;
	size_t at = 0, taken = 1;

	conn->held = true;
	while (taken > 0 && at < n && n - at >= conn->arrival.need && hears(conn)) {
		taken = reader->take(reader->arg, conn, octets + at, n - at, &conn->arrival);
		if (taken > 0)
			conn->arrival = (struct dlk_arrival){ 0 };
		at += taken;
	}
	conn->held = false;
	return at;
}

static bool
has_room(const struct dlk_conn *conn, size_t more)
{
	return conn->place.owner->octets + more <= DLK_CONN_OCTETS_OF_ONE &&
	       conn->hall->octets + more <= DLK_CONN_OCTETS;
}

/* What was not taken is kept. */
static bool
keep_rest(struct dlk_conn *conn, const uint8_t *octets, size_t n, size_t taken)
{
	bool own = octets == conn->in.p;

	if (taken == n || conn->leaving)
		dlk_buf_free(&conn->in);
	else if (own && taken > 0)
		memmove(conn->in.p, conn->in.p + taken, n - taken);
	else if (!own && (!has_room(conn, n - taken) ||
			     dlk_buf_add(&conn->in, conn->hall->reader.octets_max,
				 DLK_BYTES(octets + taken, n - taken)) < 0))
		return false;
	if (own && conn->in.p)
		conn->in.n = n - taken;
	charge(conn);
	return true;
}

/* A request that trickles in holds a place as long as it likes otherwise: its time counts from
 * its first octet. */
static void
look_at_rest(struct dlk_conn *conn, size_t taken)
{
	bool waits = conn->in.n > 0 || conn->leaving || conn->out.n > 0;

	if (is_busy(conn))
		return;
	if (!waits)
		wait_for(conn, DLK_WAIT_IDLE);
	else if (taken > 0 || conn->place.wait != DLK_WAIT_ARRIVING)
		wait_for(conn, DLK_WAIT_ARRIVING);
}

/* False where the connection is gone. */
static bool
take_what_is_there(struct dlk_conn *conn, uint8_t *octets, size_t n)
{
	size_t taken = offer(conn, octets, n);

	if (conn->ended || !keep_rest(conn, octets, n, taken)) {
		dlk_conn_end(conn);
		return false;
	}
	look_at_rest(conn, taken);
	return true;
}

/* Where the next octets go. */
static bool
make_room(struct dlk_conn *conn, uint8_t **ret_room, size_t *ret_n)
{
	const size_t most = conn->hall->reader.octets_max;
	size_t wanted = conn->in.n + (conn->in.n < GROW ? GROW : conn->in.n);

	if (conn->in.n == 0 || conn->leaving) {
		*ret_room = conn->hall->room;
		*ret_n = DLK_HALL_ROOM;
		return true;
	}
	if (wanted > most)
		wanted = most;
	if (conn->in.n >= most)
		return false;
	if (conn->in.n == conn->in.room && (!has_room(conn, wanted - conn->in.room) ||
					       dlk_buf_reserve(&conn->in, wanted) < 0))
		return false;
	charge(conn);
	*ret_room = conn->in.p + conn->in.n;
	*ret_n = conn->in.room - conn->in.n;
	return true;
}

/* False where the connection is gone, or nothing more is there. */
static bool
receive_once(struct dlk_conn *conn)
{
	struct dlk_hall *hall = conn->hall;
	uint8_t *room;
	size_t n_room, n;

	if (!make_room(conn, &room, &n_room)) {
		dlk_conn_end(conn);
		return false;
	}
	int r = dlk_stream_read(&conn->stream, room, n_room, &n);
	if (r == -EAGAIN && (!conn->stream.wants_write || await_writing(conn)))
		return false;
	if (r < 0) {
		dlk_conn_end(conn);
		return false;
	}
	if (room != hall->room) {
		conn->in.n += n;
		return take_what_is_there(conn, conn->in.p, conn->in.n);
	}
	bool there = conn->leaving || take_what_is_there(conn, room, n);
	explicit_bzero(hall->room, n);
	return there;
}

static void
receive(struct dlk_conn *conn)
{
	while (receive_once(conn))
		if (!dlk_stream_has_more(&conn->stream) ||
		    (!conn->leaving && (is_busy(conn) || conn->out.n > 0)))
			return;
}

static void
shake(struct dlk_conn *conn)
{
	int r = dlk_stream_shake(&conn->stream);

	if (r == -EAGAIN && (!conn->stream.wants_write || await_writing(conn)))
		return;
	if (r < 0) {
		dlk_conn_end(conn);
		return;
	}
	wait_for(conn, DLK_WAIT_IDLE);
	receive(conn);
}

static void
readable(evutil_socket_t fd, short what, void *arg)
{
	struct dlk_conn *conn = arg;

	(void)fd;
	(void)what;
	if (!conn->stream.shaken)
		shake(conn);
	else if (is_busy(conn) || (conn->out.n > 0 && !conn->leaving))
		pause_reading(conn);
	else
		receive(conn);
}

/* What has waited meanwhile. */
static void
go_on(struct dlk_conn *conn)
{
	if (conn->in.n > 0 && !take_what_is_there(conn, conn->in.p, conn->in.n))
		return;
	if (!hears(conn))
		return;
	if (conn->paused && event_add(conn->readable, NULL) < 0) {
		dlk_conn_end(conn);
		return;
	}
	conn->paused = false;
	if (dlk_stream_has_more(&conn->stream))
		receive(conn);
}

/* All of the answer is with the kernel. */
static void
be_told(struct dlk_conn *conn)
{
	switch (conn->then) {
	case DLK_CONN_KEEP:
		wait_for(conn, DLK_WAIT_IDLE);
		if (!conn->held)
			go_on(conn);
		return;
	case DLK_CONN_CLOSE:
		dlk_conn_end(conn);
		return;
	case DLK_CONN_HEAR_OUT:
		dlk_stream_finish(&conn->stream);
		conn->leaving = true;
		wait_for(conn, DLK_WAIT_ARRIVING);
		if (conn->paused && event_add(conn->readable, NULL) < 0)
			dlk_conn_end(conn);
		conn->paused = false;
		return;
	}
}

/* What does not go now goes later; a peer that does not read has as long as one that does not
 * write, and no longer for reading an octet now and then. */
static void
send_now(struct dlk_conn *conn, struct dlk_bytes octets)
{
	size_t n = 0;
	int r = 0;

	while (octets.n > 0 && (r = dlk_stream_write(&conn->stream, octets, &n)) == 0)
		octets = DLK_BYTES(octets.p + n, octets.n - n);
	if (octets.n == 0) {
		be_told(conn);
		return;
	}
	if (r != -EAGAIN || !has_room(conn, octets.n) ||
	    dlk_buf_add(&conn->out, DLK_CONN_OCTETS_OF_ONE, octets) < 0 ||
	    !await_writing(conn)) {
		dlk_conn_end(conn);
		return;
	}
	charge(conn);
	if (conn->place.wait != DLK_WAIT_ARRIVING)
		wait_for(conn, DLK_WAIT_ARRIVING);
}

static void
writable(evutil_socket_t fd, short what, void *arg)
{
	struct dlk_conn *conn = arg;
	struct dlk_buf out = conn->out;

	(void)fd;
	(void)what;
	if (!conn->stream.shaken) {
		shake(conn);
		return;
	}
	if (out.n == 0) {
		if (!is_busy(conn))
			receive(conn); /* TLS had something to say of its own */
		return;
	}
	conn->out = (struct dlk_buf){ 0 };
	charge(conn);
	send_now(conn, dlk_bytes_of(&out));
	dlk_buf_free(&out);
}

void
dlk_conn_begin(struct dlk_conn *conn, const struct dlk_conn_mark *mark)
{
	if (conn->remote)
		conn->remote->fresh = false;
	conn->mark = *mark;
	wait_for(conn, DLK_WAIT_BUSY);
}

const struct dlk_conn_mark *
dlk_conn_mark(const struct dlk_conn *conn)
{
	return &conn->mark;
}

void
dlk_conn_tell(struct dlk_conn *conn, const char *words)
{
	size_t n;

	/* whoever does not hear it waits a moment and goes on */
	(void)dlk_stream_write(&conn->stream, dlk_bytes_str(words), &n);
}

void
dlk_conn_answer(struct dlk_conn *conn, struct dlk_bytes octets, enum dlk_conn_then then)
{
	conn->then = then;
	send_now(conn, octets);
}

const struct dlk_peer *
dlk_conn_peer(struct dlk_conn *conn)
{
	struct dlk_remote *remote = conn->remote;

	if (remote)
		return remote->fresh || dlk_gate_holds(conn->hall->gate, &remote->pass)
			   ? &remote->pass.peer
			   : NULL;
	conn->hall->peer.uid = conn->uid;
	return &conn->hall->peer;
}

static void
judged(const struct dlk_gate_pass *pass, void *arg)
{
	struct dlk_conn *conn = arg;

	conn->remote->pass = *pass;
	conn->remote->fresh = true;
	wait_for(conn, DLK_WAIT_ARRIVING);
	if (!conn->held)
		go_on(conn);
}

void
dlk_conn_judge(struct dlk_conn *conn)
{
	wait_for(conn, DLK_WAIT_BUSY); /* it is not closed before that is over */
	dlk_gate_judge(conn->hall->gate, conn->stream.ssl, &conn->remote->from, judged, conn);
}

bool
dlk_conn_in_group(const struct dlk_conn *conn, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t n = sizeof(groups);

	if (conn->remote)
		return false;
	if (conn->gid == group)
		return true;
	if (getsockopt(conn->stream.fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) < 0)
		return false;
	for (size_t i = 0; i < n / sizeof(gid_t); i++)
		if (groups[i] == group)
			return true;
	return false;
}

bool
dlk_conn_open(struct dlk_conn *conn)
{
	wait_for(conn, conn->stream.shaken ? DLK_WAIT_IDLE : DLK_WAIT_HANDSHAKE);
	conn->readable =
	    event_new(conn->hall->base, conn->stream.fd, EV_READ | EV_PERSIST, readable, conn);
	return conn->readable && event_add(conn->readable, NULL) == 0;
}
