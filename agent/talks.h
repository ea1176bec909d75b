/* SPDX-License-Identifier: MIT */
/*
 * talks.h - connections that carry many questions and speak no HTTP: how many there may be,
 * how long something may take to arrive, how many questions may be under way, and what
 * becomes of an answer whose asker has gone. What is spoken is the door's. Everything here is
 * for the loop's thread.
 */
#ifndef DLK_AGENT_TALKS_H
#define DLK_AGENT_TALKS_H

#include "agent/listen.h"
#include "agent/question.h"

#define DLK_TALKS_MAX        512 /* connections of one door */
#define DLK_TALKS_OF_ONE_MAX 384 /* of one uid that is not 0 */
#define DLK_TALKS_ARRIVE_S   10
#define DLK_TALKS_OUT_MAX    (256 * 1024) /* octets that a peer may leave unread */

struct event_base;
struct evbuffer;
struct dlk_talk;
struct dlk_talks;

/* What the door wants to know again when the verdict has come. */
struct dlk_ticket {
	uint64_t number, part;
	bool flag;
};

enum dlk_taken {
	DLK_TAKEN_NOTHING = 0, /* more has to arrive */
	DLK_TAKEN_PART,        /* something, and what it belongs to is not whole yet */
	DLK_TAKEN_ALL,         /* now nothing is owed */
	DLK_TAKEN_WRONG        /* hang up, after what has been sent */
};

struct dlk_speaker {
	const char *name;   /* for the log */
	size_t state_size;  /* octets of a connection's own state; zeroed at its beginning */
	size_t input_max;   /* octets of the longest that is taken at once */
	unsigned asked_max; /* questions of one connection that may be under way */
	/* Takes one thing off what has arrived. */
	enum dlk_taken (*take)(struct dlk_talk *peer, struct evbuffer *input);
	/* False: the peer is hung up on, after what has been sent. */
	bool (*answer)(struct dlk_talk *peer, const struct dlk_ticket *ticket,
	    const struct dlk_verdict *verdict);
	void (*fini)(void *state); /* NULL: nothing to do */
};

/* Takes the sockets. 0 or -errno. */
int dlk_talks_new(struct event_base *base, const struct dlk_house *house,
    const struct dlk_speaker *speaker, struct dlk_listeners *listeners,
    struct dlk_talks **ret_talks);
void dlk_talks_stop_listening(struct dlk_talks *talks);

void *dlk_talk_state(struct dlk_talk *peer);
uid_t dlk_talk_uid(const struct dlk_talk *peer);
/* One that does not read what it is told is hung up on. */
void dlk_talk_send(struct dlk_talk *peer, struct dlk_bytes octets);
/* Takes the question (NULL: there was no memory for one). `answer` of the speaker is called
 * once, perhaps before this returns; never where the peer has gone by then. */
void dlk_talk_ask(
    struct dlk_talk *peer, struct dlk_question *question, const struct dlk_ticket *ticket);

#endif
