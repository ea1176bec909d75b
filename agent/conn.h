/* SPDX-License-Identifier: MIT */
/*
 * conn.h - a connection that asks and is answered, one request at a time: who is at the other
 * end, and how much may wait for how long. What is asked is the reader's. Everything here is
 * for the loop's thread.
 */
#ifndef DLK_AGENT_CONN_H
#define DLK_AGENT_CONN_H

#include <stdbool.h>
#include <sys/types.h>

#include "agent/gate.h"

/* Octets that have arrived and are no whole request yet, or were not read by the peer. */
#define DLK_CONN_OCTETS        (64 * 1024 * 1024)
#define DLK_CONN_OCTETS_OF_ONE (16 * 1024 * 1024)

struct dlk_conn;

/* What is known of a request that has begun to arrive; zeroed at its beginning. */
struct dlk_arrival {
	size_t seen, need; /* the reader's own; before `need` octets it is not asked again */
	bool told;         /* the reader's own */
};
struct dlk_conn_reader {
	/* Takes one request off what has arrived, and returns how many octets that was: it has
	 * called dlk_conn_begin(), and answers now or later. 0: more has to arrive, or
	 * dlk_conn_judge() has not told yet; nothing was written into the octets. At most
	 * `octets_max` are ever offered. */
	size_t (*take)(void *arg, struct dlk_conn *conn, uint8_t *octets, size_t n,
	    struct dlk_arrival *arrival);
	void *arg;
	size_t octets_max;
};

/* Who it is; of another host where that was judged and still holds, else NULL. Until the next
 * call. */
const struct dlk_peer *dlk_conn_peer(struct dlk_conn *conn);
/* Of another host: its certificate is judged, now or later. Then what has arrived is offered
 * to the reader again, unless that was now. */
void dlk_conn_judge(struct dlk_conn *conn);
bool dlk_conn_in_group(const struct dlk_conn *conn, gid_t group);

/* The reader's own, of the request that was taken. */
struct dlk_conn_mark {
	bool keep, old, bodiless;
};
/* A request was taken: it is not closed before it is answered. */
void dlk_conn_begin(struct dlk_conn *conn, const struct dlk_conn_mark *mark);
const struct dlk_conn_mark *dlk_conn_mark(const struct dlk_conn *conn);
/* Something that is no answer yet. */
void dlk_conn_tell(struct dlk_conn *conn, const char *words);
enum dlk_conn_then {
	DLK_CONN_KEEP = 0,
	DLK_CONN_CLOSE,
	DLK_CONN_HEAR_OUT /* closes when the peer has said what it was saying */
};
/* The answer, once. Behind KEEP a next request may be taken before this returns. */
void dlk_conn_answer(struct dlk_conn *conn, struct dlk_bytes octets, enum dlk_conn_then then);

#endif
