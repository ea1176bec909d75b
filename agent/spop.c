/* SPDX-License-Identifier: MIT */
/*
 * spop.c - the conversation: a greeting, questions and their answers in whatever order, a
 * goodbye. It has no opinion on certificates.
 */
#include "agent/spop.h"

#include <string.h>

#include <event2/buffer.h>

#include "agent/spopmessage.h"

struct conversation {
	struct dlk_spop_hello agreed;
	bool greeted;
};

static bool
send_if(struct dlk_talk *peer, const struct dlk_buf *frame, int r)
{
	if (r == 0)
		dlk_talk_send(peer, dlk_bytes_of(frame));
	return r == 0;
}

static enum dlk_taken
say_goodbye(struct dlk_talk *peer, enum dlk_spop_status status)
{
	DLK_AUTO_BUF frame = { 0 };

	(void)send_if(peer, &frame, dlk_spop_put_disconnect(&frame, status));
	return DLK_TAKEN_WRONG;
}

static enum dlk_taken
greet(struct dlk_talk *peer, struct conversation *c, struct dlk_bytes payload)
{
	DLK_AUTO_BUF frame = { 0 };
	enum dlk_spop_status status = dlk_spop_hello_parse(payload, &c->agreed);

	if (status != DLK_SPOP_NORMAL)
		return say_goodbye(peer, status);
	c->greeted = true;
	return send_if(peer, &frame, dlk_spop_put_hello(&frame, &c->agreed)) &&
		       !c->agreed.health
		   ? DLK_TAKEN_ALL
		   : DLK_TAKEN_WRONG;
}

static enum dlk_taken
ask(struct dlk_talk *peer, const struct dlk_spop_frame *frame)
{
	struct dlk_question *q = dlk_question_new(dlk_talk_uid(peer));

	if (!q)
		return say_goodbye(peer, DLK_SPOP_NO_RESOURCE);
	struct dlk_spop_question question = { .request = &q->asked };
	enum dlk_spop_status status = dlk_spop_message_read(frame->payload, &question);
	if (status != DLK_SPOP_NORMAL) {
		dlk_question_free(q);
		return say_goodbye(peer, status);
	}
	q->refusal = question.refusal;
	q->code_if_needed = true;
	q->repeats = true;
	const struct dlk_ticket ticket = { frame->stream, frame->number,
		question.scope == DLK_SPOP_SESSION };
	dlk_talk_ask(peer, q, &ticket);
	return DLK_TAKEN_ALL;
}

static enum dlk_taken
understand(struct dlk_talk *peer, struct dlk_bytes octets)
{
	struct conversation *c = dlk_talk_state(peer);
	struct dlk_spop_frame frame;
	enum dlk_spop_status status = dlk_spop_frame_parse(octets, &frame);

	if (status != DLK_SPOP_NORMAL)
		return say_goodbye(peer, status);
	if (frame.kind == DLK_SPOP_HAPROXY_DISCONNECT)
		return say_goodbye(peer, DLK_SPOP_NORMAL);
	if (frame.kind == DLK_SPOP_HAPROXY_HELLO && !c->greeted)
		return greet(peer, c, frame.payload);
	if (frame.kind == DLK_SPOP_NOTIFY && c->greeted)
		return ask(peer, &frame);
	return say_goodbye(peer, DLK_SPOP_INVALID);
}

static enum dlk_taken
take(struct dlk_talk *peer, struct evbuffer *input)
{
	const struct conversation *c = dlk_talk_state(peer);
	uint8_t length[DLK_SPOP_LENGTH];

	if (evbuffer_copyout(input, length, sizeof(length)) < (ssize_t)sizeof(length))
		return DLK_TAKEN_NOTHING;
	size_t n = dlk_get_be32(length);
	if (n > (c->greeted ? c->agreed.frame_max : DLK_SPOP_FRAME_MAX))
		return say_goodbye(peer, DLK_SPOP_TOO_BIG);
	if (evbuffer_get_length(input) < DLK_SPOP_LENGTH + n)
		return DLK_TAKEN_NOTHING;
	uint8_t *p = evbuffer_pullup(input, (ssize_t)(DLK_SPOP_LENGTH + n));
	if (!p)
		return say_goodbye(peer, DLK_SPOP_NO_RESOURCE);
	enum dlk_taken taken = understand(peer, DLK_BYTES(p + DLK_SPOP_LENGTH, n));
	explicit_bzero(p, DLK_SPOP_LENGTH + n); /* a code was in it */
	(void)evbuffer_drain(input, DLK_SPOP_LENGTH + n);
	return taken;
}

static bool
answer(
    struct dlk_talk *peer, const struct dlk_ticket *ticket, const struct dlk_verdict *verdict)
{
	const struct conversation *c = dlk_talk_state(peer);
	const struct dlk_spop_ack where = { .stream = ticket->number,
		.number = ticket->part,
		.scope = ticket->flag ? DLK_SPOP_SESSION : DLK_SPOP_TRANSACTION };
	DLK_AUTO_BUF frame = { 0 };

	return send_if(
	    peer, &frame, dlk_spop_put_verdict(&frame, c->agreed.frame_max, &where, verdict));
}

const struct dlk_speaker dlk_spop_speaker = {
	.name = "spop",
	.state_size = sizeof(struct conversation),
	.input_max = 2 * (DLK_SPOP_LENGTH + DLK_SPOP_FRAME_MAX),
	.asked_max = DLK_SPOP_ASKED_MAX,
	.take = take,
	.answer = answer,
};
