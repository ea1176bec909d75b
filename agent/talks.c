/* SPDX-License-Identifier: MIT */
/*
 * talks.c - the life of a connection. It counts octets and looks at none of them.
 */
#include "agent/talks.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "agent/porch.h"

struct dlk_talks {
	struct event_base *base;
	const struct dlk_house *house;
	const struct dlk_speaker *speaker;
	struct dlk_porch *porch;
	struct dlk_talk *first;
	size_t n;
};

/* A question under way; outlives a peer that has gone. */
struct waiter {
	struct dlk_talk *peer; /* NULL: nobody waits */
	struct waiter *next, **back;
	struct dlk_ticket ticket;
};

struct dlk_talk {
	struct dlk_talks *all;
	struct dlk_talk *next, **back;
	uid_t uid;
	struct bufferevent *bev;
	struct event *late;
	struct waiter *waiting;
	unsigned n_waiting;
	bool owes;    /* something has begun to arrive and is not whole */
	bool busy;    /* in the speaker's hands: what ends it waits until it is not */
	bool leaving; /* hears no more, and ends when it has been told all */
	bool ended;
	void *state;
};

static void
leave(struct waiter *w)
{
	*w->back = w->next;
	if (w->next)
		w->next->back = w->back;
	w->peer->n_waiting--;
	w->peer = NULL;
}

static void
end(struct dlk_talk *peer)
{
	peer->ended = true;
	if (peer->busy)
		return;
	while (peer->waiting)
		leave(peer->waiting);
	*peer->back = peer->next;
	if (peer->next)
		peer->next->back = peer->back;
	peer->all->n--;
	if (peer->state && peer->all->speaker->fini)
		peer->all->speaker->fini(peer->state);
	if (peer->bev)
		bufferevent_free(peer->bev);
	if (peer->late)
		event_free(peer->late);
	free(peer->state);
	free(peer);
}

/* From now on it has so many seconds. */
static void
hurry(struct dlk_talk *peer)
{
	const struct timeval limit = { .tv_sec = DLK_TALKS_ARRIVE_S };

	if (!event_pending(peer->late, EV_TIMEOUT, NULL) && event_add(peer->late, &limit) < 0)
		end(peer);
}

static size_t
unread(const struct dlk_talk *peer)
{
	return evbuffer_get_length(bufferevent_get_output(peer->bev));
}

/* What was sent arrives; what comes is not heard any more. */
static void
hang_up(struct dlk_talk *peer)
{
	peer->leaving = true;
	(void)bufferevent_disable(peer->bev, EV_READ);
	if (unread(peer) == 0)
		end(peer);
	else
		hurry(peer);
}

/* A deadline for whoever has begun to say something; none while it is us who are late. */
static void
keep_time(struct dlk_talk *peer, bool full)
{
	size_t n = evbuffer_get_length(bufferevent_get_input(peer->bev));

	if (!full && (peer->owes || n > 0))
		hurry(peer);
	else
		(void)event_del(peer->late);
}

static bool
hears(const struct dlk_talk *peer)
{
	return !peer->ended && !peer->leaving &&
	       peer->n_waiting < peer->all->speaker->asked_max;
}

/* Takes what has arrived. */
static enum dlk_taken
take_all(struct dlk_talk *peer)
{
	enum dlk_taken taken = DLK_TAKEN_ALL;

	peer->busy = true;
	while (hears(peer) && (taken == DLK_TAKEN_ALL || taken == DLK_TAKEN_PART)) {
		taken = peer->all->speaker->take(peer, bufferevent_get_input(peer->bev));
		if (taken != DLK_TAKEN_NOTHING)
			peer->owes = taken == DLK_TAKEN_PART;
		if (taken == DLK_TAKEN_ALL)
			(void)event_del(peer->late);
	}
	peer->busy = false;
	return taken;
}

static void
hear(struct dlk_talk *peer)
{
	enum dlk_taken taken = take_all(peer);
	bool more = hears(peer);

	if (peer->ended)
		end(peer);
	else if (taken == DLK_TAKEN_WRONG || peer->leaving)
		hang_up(peer);
	else if ((more ? bufferevent_enable(peer->bev, EV_READ)
		       : bufferevent_disable(peer->bev, EV_READ)) < 0)
		end(peer);
	else
		keep_time(peer, !more);
}

static void
arrived(struct bufferevent *bev, void *arg)
{
	(void)bev;
	hear(arg);
}

static void
told(struct bufferevent *bev, void *arg)
{
	struct dlk_talk *peer = arg;

	(void)bev;
	if (peer->leaving)
		end(peer);
}

static void
gone(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	end(arg);
}

static void
be_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	end(arg);
}

/* One user of this machine does not take the places of all others. */
static bool
takes_too_many(const struct dlk_talks *all, uid_t uid)
{
	size_t n = 0;

	for (const struct dlk_talk *peer = all->first; peer; peer = peer->next)
		n += peer->uid == uid;
	return all->n >= DLK_TALKS_MAX || (uid != 0 && n >= DLK_TALKS_OF_ONE_MAX);
}

static void
begin(struct dlk_talk *peer, int fd)
{
	struct dlk_talks *all = peer->all;

	peer->state = calloc(1, all->speaker->state_size);
	peer->late = event_new(all->base, -1, 0, be_late, peer);
	peer->bev = bufferevent_socket_new(all->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!peer->bev)
		close(fd);
	if (!peer->state || !peer->late || !peer->bev) {
		end(peer);
		return;
	}
	bufferevent_setcb(peer->bev, arrived, told, gone, peer);
	bufferevent_setwatermark(peer->bev, EV_READ, 0, all->speaker->input_max);
	if (bufferevent_enable(peer->bev, EV_READ | EV_WRITE) < 0)
		end(peer);
	else
		hurry(peer);
}

static void
come_in(void *arg, int fd, const struct ucred *who)
{
	struct dlk_talks *all = arg;
	struct dlk_talk *peer =
	    takes_too_many(all, who->uid) ? NULL : calloc(1, sizeof(*peer));

	if (!peer) {
		close(fd);
		return;
	}
	peer->all = all;
	peer->uid = who->uid;
	peer->next = all->first;
	peer->back = &all->first;
	if (peer->next)
		peer->next->back = &peer->next;
	all->first = peer;
	all->n++;
	begin(peer, fd);
}

static void
tell(struct dlk_talk *peer, const struct dlk_ticket *ticket, const struct dlk_verdict *verdict)
{
	bool within = peer->busy; /* it was asked a moment ago, and take() has not returned */

	peer->busy = true;
	if (!peer->ended && !peer->leaving &&
	    !peer->all->speaker->answer(peer, ticket, verdict))
		peer->leaving = true;
	peer->busy = within;
	if (!within)
		hear(peer); /* what could not be asked before */
}

static void
answer(struct dlk_question *q)
{
	struct waiter *w = q->waiting;
	struct dlk_talk *peer = w->peer;

	if (peer) {
		leave(w);
		tell(peer, &w->ticket, &q->verdict);
	}
	free(w);
}

void
dlk_talk_ask(
    struct dlk_talk *peer, struct dlk_question *question, const struct dlk_ticket *ticket)
{
	struct waiter *w = question ? calloc(1, sizeof(*w)) : NULL;

	if (!w) {
		dlk_question_free(question);
		end(peer);
		return;
	}
	*w = (struct waiter){ peer, peer->waiting, &peer->waiting, *ticket };
	if (w->next)
		w->next->back = &w->next;
	peer->waiting = w;
	peer->n_waiting++;
	question->waiting = w;
	question->answer = answer;
	dlk_question_ask(question, peer->all->house);
}

void
dlk_talk_send(struct dlk_talk *peer, struct dlk_bytes octets)
{
	if (peer->ended)
		return;
	if (unread(peer) + octets.n > DLK_TALKS_OUT_MAX ||
	    bufferevent_write(peer->bev, octets.p, octets.n) < 0)
		end(peer);
}

void *
dlk_talk_state(struct dlk_talk *peer)
{
	return peer->state;
}

uid_t
dlk_talk_uid(const struct dlk_talk *peer)
{
	return peer->uid;
}

int
dlk_talks_new(struct event_base *base, const struct dlk_house *house,
    const struct dlk_speaker *speaker, struct dlk_listeners *listeners,
    struct dlk_talks **ret_talks)
{
	struct dlk_talks *all = calloc(1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	*all = (struct dlk_talks){ .base = base, .house = house, .speaker = speaker };
	int r = dlk_porch_new(base, speaker->name, come_in, all, &all->porch);
	while (r == 0 && listeners->n > 0)
		r = dlk_porch_listen(all->porch, listeners->fd[--listeners->n]);
	*ret_talks = all; /* lives as long as the process, as does what a failure leaves */
	return r;
}

void
dlk_talks_stop_listening(struct dlk_talks *talks)
{
	dlk_porch_stop_listening(talks->porch);
}
