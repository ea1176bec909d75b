/* SPDX-License-Identifier: MIT */
/* outward.c - one process at the other end of a socket, and how often it has died. What is
 * asked of it is not known here. */
#include "agent/outward.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "base/file.h"
#include "base/say.h"
#include "wire/frame.h"

#define READY_MS     20000 /* to start */
#define SAY_MS       10000 /* to take one message */
#define HEAR_MS      5000  /* for the rest of a message that has begun */
#define LOOK_MS      200
#define REST_LONGEST 60 /* seconds */

struct dlk_outward {
	const struct dlk_keeper *keeper;
	const char *purpose;
	bool (*stop)(void *ctx);
	void *ctx;
	int fd; /* -1: there is none */
	struct dlk_buf frame;
	unsigned failures; /* in a row */
	int64_t rest_until_ms;
	bool told;
};

int
dlk_outward_new(const struct dlk_keeper *keeper, const char *purpose, bool (*stop)(void *ctx),
    void *ctx, struct dlk_outward **ret_outward)
{
	struct dlk_outward *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->keeper = keeper;
	o->purpose = purpose;
	o->stop = stop;
	o->ctx = ctx;
	o->fd = -1;
	*ret_outward = o;
	return 0;
}

void
dlk_outward_end(struct dlk_outward *outward)
{
	dlk_fd_close(&outward->fd);
	dlk_buf_free(&outward->frame);
}

void
dlk_outward_free(struct dlk_outward *outward)
{
	if (!outward)
		return;
	dlk_outward_end(outward);
	free(outward);
}

const char *
dlk_outward_error(int error)
{
	switch (error) {
	case -EPIPE:
		return "doublelock-outward has ended";
	case -ETIMEDOUT:
		return "doublelock-outward does not answer";
	case -EBADMSG:
	case -EPROTO:
	case -EMSGSIZE:
		return "doublelock-outward says what it must not";
	case -EINVAL:
		return "something in it is too long to be asked for";
	default:
		return dlk_file_error(error);
	}
}

static bool
is_stopped(const struct dlk_outward *o)
{
	return o->stop && o->stop(o->ctx);
}

/* Told once, until it has done something again. */
static int
fail(struct dlk_outward *o, int error)
{
	int64_t rest = 1;

	dlk_outward_end(o);
	if (error == -ECANCELED || is_stopped(o))
		return -ECANCELED;
	for (unsigned i = 0; i < o->failures && rest < REST_LONGEST; i++)
		rest *= 2;
	o->failures++;
	o->rest_until_ms =
	    dlk_monotonic_ms() + 1000 * (rest < REST_LONGEST ? rest : REST_LONGEST);
	if (!o->told)
		dlk_say(DLK_WARNING, "%s: %s: it is started again", o->purpose,
		    dlk_outward_error(error));
	o->told = true;
	return error;
}

int
dlk_outward_out_of_step(struct dlk_outward *outward)
{
	return fail(outward, -EBADMSG);
}

int64_t
dlk_outward_rest_until(const struct dlk_outward *outward)
{
	return outward->failures > 0 ? outward->rest_until_ms : 0;
}

unsigned
dlk_outward_failures(const struct dlk_outward *outward)
{
	return outward->failures;
}

int
dlk_outward_rest(const struct dlk_outward *outward)
{
	const struct timespec slice = { .tv_nsec = LOOK_MS * 1000000L };

	while (dlk_monotonic_ms() < dlk_outward_rest_until(outward)) {
		if (is_stopped(outward))
			return -ECANCELED;
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &slice, NULL);
	}
	return is_stopped(outward) ? -ECANCELED : 0;
}

static int
await(struct dlk_outward *o, int64_t until_ms)
{
	struct pollfd fd = { .fd = o->fd, .events = POLLIN };

	for (;;) {
		if (is_stopped(o))
			return -ECANCELED;
		if (dlk_monotonic_ms() > until_ms)
			return -ETIMEDOUT;
		int n = poll(&fd, 1, LOOK_MS);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

int
dlk_outward_hear(
    struct dlk_outward *outward, int64_t until_ms, struct dlk_out_message *ret_message)
{
	struct dlk_outward *o = outward;
	int r = o->fd < 0 ? -EPIPE : await(o, until_ms);

	o->frame.n = 0;
	if (r == 0)
		r = dlk_frame_receive(o->fd, dlk_monotonic_ms() + HEAR_MS, &o->frame);
	if (r == 0)
		r = dlk_out_decode(dlk_bytes_of(&o->frame), true, ret_message);
	if (r < 0)
		return fail(o, r);
	if (ret_message->kind == DLK_OUT_READY || ret_message->kind == DLK_OUT_DATA ||
	    ret_message->kind == DLK_OUT_ENTRY)
		return 0; /* that is no work done yet */
	o->failures = 0;
	o->told = false;
	return 0;
}

int
dlk_outward_begin(struct dlk_outward *outward)
{
	struct dlk_out_message ready;
	int64_t until = dlk_monotonic_ms() + READY_MS;

	if (outward->fd >= 0) {
		struct pollfd fd = { .fd = outward->fd, .events = POLLRDHUP };
		if (poll(&fd, 1, 0) == 0)
			return 0;
		dlk_outward_end(outward); /* it had nothing to do */
	}
	int r = dlk_keeper_ask(outward->keeper, &outward->fd);
	if (r < 0)
		return fail(outward, r);
	r = dlk_outward_hear(outward, until, &ready);
	if (r == 0 && (ready.kind != DLK_OUT_READY || ready.number[0] != DLK_OUT_PROTOCOL))
		r = dlk_outward_out_of_step(outward);
	return r;
}

int
dlk_outward_say(struct dlk_outward *outward, const struct dlk_out_message *message)
{
	DLK_AUTO_BUF frame = { 0 };
	int r = dlk_out_encode(message, &frame);

	if (r < 0)
		return r;
	r = outward->fd < 0 ? -EPIPE
			    : dlk_frame_send(outward->fd, dlk_bytes_of(&frame),
				  dlk_monotonic_ms() + SAY_MS);
	return r < 0 ? fail(outward, r) : 0;
}

int
dlk_outward_say_file(
    struct dlk_outward *outward, enum dlk_out_file which, struct dlk_bytes content)
{
	return dlk_outward_say(
	    outward, &(struct dlk_out_message){
			 .kind = DLK_OUT_FILE, .number = { which }, .text = { content } });
}
