/* SPDX-License-Identifier: MIT */
/*
 * modules.c - one login per connection: a request, its verdict, and what follows in the same
 * attempt where a proof or a code was missing. Who asks, the kernel says; what the peer states
 * of accounts is looked up again, because whoever is not root may state nothing.
 */
#include "agent/modules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/attempt.h"
#include "agent/gateway.h"
#include "agent/porch.h"
#include "agent/process.h"
#include "agent/question.h"
#include "base/account.h"
#include "base/clock.h"
#include "base/text.h"
#include "core/digest.h"
#include "core/offer.h"
#include "core/proof.h"
#include "store/events.h"
#include "wire/challenge.h"
#include "wire/frame.h"

#define REQUESTS 3 /* of one login: alone, with a proof, with a code */

struct door {
	const char *socket;
	enum dlk_entrance entrance;
	size_t of_one, small;
};
static const struct door doors[] = {
	{ DLK_MODULES_SOCKET, DLK_ENTRANCE_PAM, DLK_MODULES_OF_ONE_MAX, DLK_MODULES_SMALL },
	{ DLK_GATEWAYS_SOCKET, DLK_ENTRANCE_GATEWAY, DLK_GATEWAYS_OF_ONE_MAX,
	    DLK_GATEWAYS_SMALL },
};

struct dlk_modules {
	const struct door *door;
	struct event_base *base;
	const struct dlk_house *house;
	struct dlk_porch *porch;
	struct login *first;
	size_t n;
};

/* A connection. */
struct login {
	struct dlk_modules *all;
	struct login *next, **back;
	int fd;
	struct event *readable, *late;
	struct dlk_caller caller;
	struct dlk_buf in; /* of the frame that arrives */
	size_t most;
	uint8_t attempt[DLK_ATTEMPT_SIZE];
	unsigned n_answered;
	struct dlk_dialogue dialogue; /* while no question is under way */
	struct question *asked;       /* under way; NULL: none */
	struct dlk_question *gateway; /* the same, of a gateway */
};

/* On its way to a thread and back; outlives a login whose peer has gone. */
struct question {
	struct dlk_job job; /* first */
	struct dlk_modules *all;
	struct login *login; /* NULL: nobody waits */
	struct dlk_caller caller;
	struct dlk_dialogue dialogue;
	struct dlk_request request;
	bool notes;                    /* a session that begins or ends: nothing is decided */
	struct dlk_buf offer;          /* the line for sshd, where it is about a key */
	struct dlk_decision *decision; /* in the thread, until it is settled */
	struct dlk_verdict verdict;
};

/* Root's programs, and those that have become this user. */
static bool
is_ours(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

/* About a key that nobody has seen used. */
static bool
is_offer(const struct question *q)
{
	return q->caller.entrance == DLK_ENTRANCE_AUTHORIZED_KEYS;
}

static void
end(struct login *login)
{
	*login->back = login->next;
	if (login->next)
		login->next->back = login->back;
	login->all->n--;
	if (login->asked)
		login->asked->login = NULL;
	if (login->gateway)
		login->gateway->waiting = NULL;
	if (login->readable)
		event_free(login->readable);
	if (login->late)
		event_free(login->late);
	dlk_fd_close(&login->fd);
	dlk_buf_free(&login->in);
	dlk_dialogue_fini(&login->dialogue);
	free(login);
}

static void
free_question(struct question *q)
{
	dlk_decision_free(q->decision);
	dlk_request_fini(&q->request);
	dlk_dialogue_fini(&q->dialogue);
	dlk_buf_free(&q->offer);
	free(q);
}

static bool
wait_for_more(struct login *login, time_t seconds)
{
	const struct timeval limit = { .tv_sec = seconds };

	return event_add(login->readable, NULL) == 0 && event_add(login->late, &limit) == 0;
}

static void
fault(struct dlk_verdict *verdict, const char *words)
{
	memset(verdict, 0, sizeof(*verdict));
	verdict->reason = DLK_R_FAULT_INTERNAL;
	(void)dlk_text_copy(verdict->detail, sizeof(verdict->detail), words);
}

/* A verdict is smaller than what a socket holds: who does not take it at once, loses it. */
static bool
send_verdict(const struct login *login, const struct dlk_verdict *verdict)
{
	DLK_AUTO_BUF frame = { 0 }, asked = { 0 };
	const struct dlk_dialogue *dialogue = &login->dialogue;

	return (!dialogue->asking ||
		   dlk_challenge_encode(&dialogue->challenge, &asked) == 0) &&
	       dlk_verdict_encode_with(verdict, dlk_bytes_of(&asked), &frame) == 0 &&
	       dlk_frame_send(login->fd, dlk_bytes_of(&frame), dlk_monotonic_ms()) == 0;
}

/* sshd's command takes its answer and goes. */
static bool
send_offer(const struct login *login, const struct question *q)
{
	DLK_AUTO_BUF frame = { 0 };

	return dlk_verdict_encode_offer(&q->verdict, dlk_bytes_of(&q->offer), &frame) == 0 &&
	       dlk_frame_send(login->fd, dlk_bytes_of(&frame), dlk_monotonic_ms()) == 0;
}

static void
answer(struct login *login, struct question *q)
{
	if (is_offer(q)) {
		login->asked = NULL;
		(void)send_offer(login, q);
		end(login);
		return;
	}
	bool more = q->dialogue.asking ||
		    (q->verdict.reason == DLK_R_OTP_REQUIRED && !q->request.has_code);

	login->asked = NULL;
	memcpy(login->attempt, q->request.attempt, sizeof(login->attempt));
	login->dialogue = q->dialogue;
	memset(&q->dialogue, 0, sizeof(q->dialogue)); /* moved */
	if (++login->n_answered >= REQUESTS)
		more = false;
	if (!send_verdict(login, &q->verdict) || !more ||
	    !wait_for_more(login, DLK_ATTEMPT_LIFE))
		end(login);
}

static int
look_up(struct dlk_request *request)
{
	char name[sizeof(request->user)];

	request->account_known = false;
	request->uid = 0;
	int error = dlk_account_find(request->user, name, sizeof(name), &request->uid);
	if (error != 0)
		return error == -ENOENT ? 0 : error;
	request->account_known = dlk_text_copy(request->user, sizeof(request->user), name);
	return 0;
}

static void
judge(struct dlk_job *job, struct dlk_engine *engine)
{
	struct question *q = (struct question *)(void *)job;
	/* root's module has done so itself, and is believed as the helper believes it */
	bool known = q->caller.root && q->caller.entrance == DLK_ENTRANCE_PAM;

	if (!known && look_up(&q->request) != 0) {
		fault(&q->verdict, "the account could not be looked up");
		return;
	}
	if (is_offer(q) && dlk_offer_attempt(&q->request) != 0) {
		fault(&q->verdict, "no memory");
		return;
	}
	q->notes = q->request.session != DLK_SESSION_NONE;
	if (q->notes)
		return;
	q->decision = dlk_engine_judge(engine, &q->caller, &q->request, dlk_clock_now());
	if (!q->decision)
		fault(&q->verdict, "no memory");
}

static void
work(struct dlk_job *job, struct dlk_engine *engine)
{
	struct question *q = (struct question *)(void *)job;

	if (q->notes)
		dlk_engine_note(engine, &q->caller, &q->request, dlk_clock_now(), &q->verdict);
	else if (q->decision)
		dlk_engine_settle(engine, q->decision);
}

static void
settled(struct dlk_job *job, struct dlk_engine *engine, int error)
{
	struct question *q = (struct question *)(void *)job;

	if (q->decision)
		dlk_decision_conclude(q->decision, error, &q->verdict);
	else if (error != 0)
		fault(&q->verdict, "the record could not be written");
	dlk_decision_free(q->decision);
	q->decision = NULL;
	if (is_offer(q) && q->verdict.reason == DLK_R_OK &&
	    dlk_offer_line(dlk_engine_policy(engine), &q->verdict,
		dlk_bytes_of(&q->request.evidence), &q->offer) != 0)
		fault(&q->verdict, "no line could be made of the key");
	dlk_engine_want(engine, dlk_clock_now());
}

static void
done(struct dlk_job *job, bool worked)
{
	struct question *q = (struct question *)(void *)job;

	if (!worked)
		fault(&q->verdict, "too many requests wait");
	if (q->login)
		answer(q->login, q);
	dlk_courier_wake(q->all->house->courier);
	free_question(q);
}

/* What follows has to be of the same attempt: a code for one login opens no other. */
static bool
is_of_this_login(const struct login *login, const struct dlk_request *request)
{
	return login->n_answered == 0 ||
	       memcmp(login->attempt, request->attempt, sizeof(login->attempt)) == 0;
}

static void
answer_gateway(struct dlk_question *q)
{
	struct login *login = q->waiting;
	bool more = q->verdict.reason == DLK_R_OTP_REQUIRED && !q->asked.has_code;

	if (!login)
		return;
	login->gateway = NULL;
	memcpy(login->attempt, q->asked.attempt, sizeof(login->attempt));
	if (++login->n_answered >= REQUESTS)
		more = false;
	if (!send_verdict(login, &q->verdict) || !more ||
	    !wait_for_more(login, DLK_ATTEMPT_LIFE))
		end(login);
}

/* Counted and held back like those of the doors that speak HTTP. Takes what is in the request;
 * the login may have ended when this returns. */
static int
ask_for_gateway(struct login *login, struct dlk_request *request)
{
	struct dlk_question *q = dlk_question_new(login->caller.uid);

	if (!q)
		return -ENOMEM;
	dlk_request_fini(&q->asked);
	q->asked = *request;
	explicit_bzero(request, sizeof(*request)); /* moved */
	/* accounts are looked up here: what the peer says of them is nothing */
	q->asked.account_known = false;
	q->asked.uid = 0;
	q->caller.pid = login->caller.pid;
	q->caller.started = login->caller.started;
	q->waiting = login;
	q->answer = answer_gateway;
	if (dlk_gateway_read(&q->asked) != 0) {
		dlk_question_free(q);
		return -ENOMEM;
	}
	login->gateway = q;
	(void)event_del(login->late);
	dlk_question_ask(q, login->all->house);
	return 0;
}

/* What sshd is shown it asks for by its command, which is root's or ours. Anybody else who
 * says so has come through another door, and is refused as that. */
static void
admit_offer(struct question *q)
{
	if (q->request.entrance == DLK_ENTRANCE_AUTHORIZED_KEYS &&
	    q->caller.entrance == DLK_ENTRANCE_PAM && is_ours(q->caller.uid))
		q->caller.entrance = DLK_ENTRANCE_AUTHORIZED_KEYS;
}

/* Whoever knows a public key may show it to sshd as often as they like. */
static bool
is_too_much(struct question *q)
{
	const struct dlk_house *house = q->all->house;

	if (dlk_throttle_take(house->throttle, "offer", dlk_bytes_of(&q->request.evidence),
		dlk_reload_rate(house->reload), dlk_monotonic_ms()) == DLK_THROTTLE_PASS)
		return false;
	q->verdict.reason = DLK_R_RATE_LIMITED;
	q->verdict.stage = DLK_STAGE_ADMIT;
	return true;
}

static int
ask(struct login *login)
{
	struct question *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	int error = dlk_request_decode(dlk_bytes_of(&login->in), &q->request);
	if (error == 0)
		error = dlk_digest_plain(dlk_bytes_of(&login->in), q->request.octets);
	dlk_buf_free(&login->in);
	if (error == 0)
		error = dlk_answer_unpack(&q->request);
	if (error == 0 && !is_ours(login->caller.uid))
		error = dlk_attempt_of_peer(login->caller.name, q->request.attempt);
	if (error != 0 || !is_of_this_login(login, &q->request)) {
		free_question(q);
		return error ? error : -EPROTO;
	}
	if (login->all->door->entrance == DLK_ENTRANCE_GATEWAY &&
	    q->request.session == DLK_SESSION_NONE) {
		error = ask_for_gateway(login, &q->request);
		free_question(q);
		return error;
	}
	q->all = login->all;
	q->login = login;
	q->caller = login->caller;
	q->dialogue = login->dialogue;
	q->dialogue.asking = false;
	memset(&login->dialogue, 0, sizeof(login->dialogue)); /* moved */
	q->caller.dialogue = &q->dialogue;
	admit_offer(q);
	if (is_offer(q) && is_too_much(q)) {
		answer(login, q);
		free_question(q);
		return 0;
	}
	q->job.judge = judge;
	q->job.work = work;
	q->job.settled = settled;
	q->job.done = done;
	login->asked = q;
	(void)event_del(login->late);
	dlk_serve_ask(login->all->house->serve, &q->job);
	return 0;
}

/* Octets of the frame that are still to come; not one behind it is read. */
static int
wanted(const struct login *login, size_t *ret_n)
{
	size_t length = DLK_WIRE_HEADER;
	int error = 0;

	if (login->in.n >= DLK_WIRE_HEADER)
		error = dlk_frame_length(login->in.p, &length);
	if (error == 0 && length > login->most)
		error = -EMSGSIZE;
	*ret_n = length - login->in.n;
	return error;
}

/* 0, -EAGAIN where more has to come. */
static int
receive(struct login *login)
{
	size_t n = 0;
	int error = wanted(login, &n);

	while (error == 0 && n > 0) {
		error = dlk_buf_reserve(&login->in, login->in.n + n);
		if (error != 0)
			break;
		ssize_t got = recv(login->fd, login->in.p + login->in.n, n, MSG_DONTWAIT);
		if (got <= 0)
			return got < 0 ? -errno : -EPIPE;
		login->in.n += (size_t)got;
		error = wanted(login, &n);
	}
	return error;
}

static void
arrive(evutil_socket_t fd, short what, void *arg)
{
	struct login *login = arg;
	int error = receive(login);

	(void)fd;
	(void)what;
	if (error == 0)
		error = ask(login);
	else if (error == -EAGAIN || error == -EINTR)
		error = event_add(login->readable, NULL) == 0 ? 0 : -ENOMEM;
	if (error != 0)
		end(login);
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
takes_too_many(const struct dlk_modules *all, uid_t uid)
{
	size_t n = 0;

	for (const struct login *login = all->first; login; login = login->next)
		n += login->caller.uid == uid;
	return all->n >= DLK_MODULES_MAX ||
	       (uid != 0 && n >= (is_ours(uid) ? DLK_MODULES_OFFERS_MAX : all->door->of_one));
}

static void
know(struct dlk_caller *caller, const struct door *door, const struct ucred *peer)
{
	struct dlk_process process;

	caller->entrance = door->entrance;
	caller->uid = peer->uid;
	caller->root = peer->uid == 0;
	dlk_text_print(caller->name, sizeof(caller->name), "uid:%u", (unsigned)peer->uid);
	dlk_process_know(peer->pid, &process);
	caller->pid = process.pid;
	caller->started = process.started;
	if (caller->root && door->entrance == DLK_ENTRANCE_PAM)
		caller->process = process;
}

static void
come_in(void *arg, int fd, const struct ucred *peer)
{
	struct dlk_modules *all = arg;
	struct login *login = NULL;

	if (!takes_too_many(all, peer->uid))
		login = calloc(1, sizeof(*login));
	if (!login) {
		close(fd);
		return;
	}
	*login = (struct login){ .all = all,
		.next = all->first,
		.back = &all->first,
		.fd = fd,
		.most = is_ours(peer->uid) ? DLK_WIRE_MAX : all->door->small };
	know(&login->caller, all->door, peer);
	if (login->next)
		login->next->back = &login->next;
	all->first = login;
	all->n++;
	login->readable = event_new(all->base, fd, EV_READ, arrive, login);
	login->late = event_new(all->base, -1, 0, be_late, login);
	if (!login->readable || !login->late || !wait_for_more(login, DLK_MODULES_ARRIVE_S))
		end(login);
}

/* listen.c binds under NAME.PID and renames: the kernel keeps the first one. */
static bool
is_socket_of(const struct door *door, int fd)
{
	const size_t name = strlen(door->socket);
	struct sockaddr_un address = { 0 };
	socklen_t n = sizeof(address) - 1;

	if (getsockname(fd, (struct sockaddr *)&address, &n) < 0 ||
	    address.sun_family != AF_UNIX)
		return false;
	const char *slash = strrchr(address.sun_path, '/');
	return slash && strncmp(slash + 1, door->socket, name) == 0 &&
	       (slash[1 + name] == '\0' || slash[1 + name] == '.');
}

int
dlk_modules_new(struct event_base *base, const struct dlk_house *house,
    enum dlk_entrance entrance, struct dlk_listeners *listeners,
    struct dlk_modules **ret_modules)
{
	struct dlk_modules *all = calloc(1, sizeof(*all));
	struct dlk_listeners others = { 0 };
	int error = 0;

	if (!all)
		return -ENOMEM;
	all->door = entrance == DLK_ENTRANCE_PAM ? &doors[0] : &doors[1];
	all->base = base;
	all->house = house;
	error = dlk_porch_new(base, all->door->socket, come_in, all, &all->porch);
	for (size_t i = 0; i < listeners->n && error == 0; i++) {
		if (listeners->speech[i] == DLK_SPEECH_HTTP &&
		    is_socket_of(all->door, listeners->fd[i])) {
			error = dlk_porch_listen(all->porch, listeners->fd[i]);
			continue;
		}
		others.speech[others.n] = listeners->speech[i];
		others.fd[others.n++] = listeners->fd[i];
	}
	*listeners = others;
	*ret_modules = all; /* lives as long as the process, as does what a failure leaves */
	return error;
}

void
dlk_modules_stop_listening(struct dlk_modules *modules)
{
	dlk_porch_stop_listening(modules->porch);
}
