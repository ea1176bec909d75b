/* SPDX-License-Identifier: MIT */
/* hall.h - what conns.c and conn.c both have to do with: a connection, and what it shares with
 * the others of its kind. */
#ifndef DLK_AGENT_HALL_H
#define DLK_AGENT_HALL_H

#include "agent/conn.h"
#include "agent/owners.h"
#include "agent/stream.h"

#define DLK_HALL_ROOM (64 * 1024) /* octets that are read at once */

struct event;
struct dlk_hall {
	struct event_base *base;
	struct dlk_conn_reader reader;
	struct dlk_gate *gate; /* NULL: of this machine */
	struct dlk_owners *owners;
	size_t octets;
	struct dlk_peer peer;        /* of this machine: who was asked for last */
	uint8_t room[DLK_HALL_ROOM]; /* for octets that are taken at once; wiped behind it */
};

/* Of another host. */
struct dlk_remote {
	struct dlk_gate_from from;
	struct dlk_gate_pass pass;
	bool fresh; /* judged for the request that is there now, and not for longer */
};

struct dlk_conn {
	struct dlk_place place; /* first */
	struct dlk_hall *hall;
	struct dlk_stream stream;
	struct event *readable, *writable; /* writable: made where it is needed */
	struct dlk_remote *remote;         /* NULL: of this machine */
	uid_t uid;
	gid_t gid;
	struct dlk_buf in, out;
	size_t counted; /* octets of memory that its owner is charged with */
	struct dlk_arrival arrival;
	struct dlk_conn_mark mark;
	enum dlk_conn_then then; /* when `out` is empty */
	bool paused;             /* nothing is read */
	bool held;    /* in the reader's hands: what ends it waits until it is not */
	bool leaving; /* what comes is not heard any more */
	bool ended;
};

/* Zeroed but for hall, remote, uid and gid, and with a place that is busy: takes the stream.
 * False, and it is to be ended: no memory. */
bool dlk_conn_open(struct dlk_conn *conn);
/* Frees it, and leaves its place, if it has one. */
void dlk_conn_end(struct dlk_conn *conn);

#endif
