/* SPDX-License-Identifier: MIT */
/*
 * fcgi.c - one request after another on a connection: its parameters, and a head of HTTP as
 * the answer. What a body says is nobody's business here.
 */
#include "agent/fcgi.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <event2/buffer.h>

#include "agent/fcgiparams.h"
#include "agent/fcgirecord.h"
#include "base/text.h"

#define HEAD_MAX 4096

struct conversation {
	bool begun; /* a request, whose parameters arrive or whose answer is awaited */
	bool keep;
	unsigned id;
	struct dlk_buf params;
};

static void
fini(void *state)
{
	struct conversation *c = state;

	dlk_buf_free(&c->params);
}

/* Between two requests nothing is owed. */
static enum dlk_taken
go_on(const struct conversation *c)
{
	return c->begun ? DLK_TAKEN_PART : DLK_TAKEN_ALL;
}

static bool
send_if(struct dlk_talk *peer, const struct dlk_buf *records, int r)
{
	if (r == 0)
		dlk_talk_send(peer, dlk_bytes_of(records));
	return r == 0;
}

static bool
end_request(struct dlk_talk *peer, unsigned id, enum dlk_fcgi_status status)
{
	DLK_AUTO_BUF record = { 0 };

	return send_if(peer, &record, dlk_fcgi_put_end(&record, id, status));
}

/* Of no request: about the application itself. */
static enum dlk_taken
manage(struct dlk_talk *peer, unsigned type, struct dlk_bytes content)
{
	DLK_AUTO_BUF record = { 0 };
	int r = type == DLK_FCGI_GET_VALUES ? dlk_fcgi_put_values(&record, content)
					    : dlk_fcgi_put_unknown(&record, type);

	return send_if(peer, &record, r) ? go_on(dlk_talk_state(peer)) : DLK_TAKEN_WRONG;
}

static enum dlk_taken
begin(struct dlk_talk *peer, unsigned id, struct dlk_bytes content)
{
	struct conversation *c = dlk_talk_state(peer);
	struct dlk_fcgi_begin asked;

	if (dlk_fcgi_begin_parse(content, &asked) < 0 || (c->begun && c->id == id))
		return DLK_TAKEN_WRONG;
	if (c->begun)
		return end_request(peer, id, DLK_FCGI_CANT_MULTIPLEX) ? go_on(c)
								      : DLK_TAKEN_WRONG;
	if (asked.role != DLK_FCGI_AUTHORIZER)
		return end_request(peer, id, DLK_FCGI_UNKNOWN_ROLE) && asked.keep
			   ? DLK_TAKEN_ALL
			   : DLK_TAKEN_WRONG;
	c->begun = true;
	c->keep = asked.keep;
	c->id = id;
	return DLK_TAKEN_PART;
}

static enum dlk_taken
ask(struct dlk_talk *peer, struct conversation *c)
{
	struct dlk_question *q = dlk_question_new(dlk_talk_uid(peer));
	int r = -ENOMEM;

	if (q)
		r = dlk_fcgi_params_read(dlk_bytes_of(&c->params), &q->asked, &q->refusal);
	dlk_buf_free(&c->params); /* a code was in it */
	if (r < 0) {
		dlk_question_free(q);
		return DLK_TAKEN_WRONG;
	}
	q->code_if_needed = true;
	q->repeats = true;
	dlk_talk_ask(peer, q, &(struct dlk_ticket){ .number = c->id });
	return DLK_TAKEN_ALL;
}

static enum dlk_taken
collect(struct dlk_talk *peer, struct dlk_bytes content)
{
	struct conversation *c = dlk_talk_state(peer);

	if (content.n == 0)
		return ask(peer, c);
	int r = dlk_buf_add(&c->params, DLK_FCGI_PARAMS_MAX, content);
	if (r < 0)
		(void)end_request(peer, c->id, DLK_FCGI_OVERLOADED);
	return r < 0 ? DLK_TAKEN_WRONG : DLK_TAKEN_PART;
}

/* While a question is under way nothing is taken: so what belongs to a request whose
 * parameters are complete comes after its answer, and is for nobody. */
static enum dlk_taken
understand(struct dlk_talk *peer, const struct dlk_fcgi_head *head, struct dlk_bytes content)
{
	const struct conversation *c = dlk_talk_state(peer);
	bool ours = c->begun && c->id == head->id;

	if (head->id == 0)
		return manage(peer, head->type, content);
	switch (head->type) {
	case DLK_FCGI_BEGIN_REQUEST:
		return begin(peer, head->id, content);
	case DLK_FCGI_PARAMS:
		return ours ? collect(peer, content) : go_on(c);
	case DLK_FCGI_STDIN:
	case DLK_FCGI_DATA:
		return go_on(c);
	case DLK_FCGI_ABORT_REQUEST:
		if (!ours)
			return go_on(c);
		(void)end_request(peer, head->id, DLK_FCGI_COMPLETE);
		return DLK_TAKEN_WRONG;
	default:
		return DLK_TAKEN_WRONG;
	}
}

static enum dlk_taken
take(struct dlk_talk *peer, struct evbuffer *input)
{
	uint8_t octets[DLK_FCGI_HEAD];
	struct dlk_fcgi_head head;

	if (evbuffer_copyout(input, octets, sizeof(octets)) < (ssize_t)sizeof(octets))
		return DLK_TAKEN_NOTHING;
	if (dlk_fcgi_head_parse(octets, &head) < 0)
		return DLK_TAKEN_WRONG;
	size_t n = sizeof(octets) + head.content + head.padding;
	if (evbuffer_get_length(input) < n)
		return DLK_TAKEN_NOTHING;
	uint8_t *p = evbuffer_pullup(input, (ssize_t)n);
	if (!p)
		return DLK_TAKEN_WRONG;
	enum dlk_taken taken =
	    understand(peer, &head, DLK_BYTES(p + sizeof(octets), head.content));
	explicit_bzero(p, n);
	(void)evbuffer_drain(input, n);
	return taken;
}

/* A line of the head. A value that is not printable is left out: it would be another line. */
static int
add(struct dlk_buf *head, const char *name, const char *value)
{
	char line[DLK_DN_MAX + 64];

	for (const char *c = value; *c; c++)
		if (*c < ' ' || *c > '~')
			return 0;
	if (value[0] == '\0')
		return 0;
	dlk_text_print(line, sizeof(line), "%s: %s\r\n", name, value);
	return dlk_buf_add(head, HEAD_MAX, dlk_bytes_str(line));
}

/* Variable-NAME becomes NAME in the environment of whatever answers the client in the end. */
static int
add_person(struct dlk_buf *head, const struct dlk_verdict *v)
{
	const struct {
		const char *name, *value;
	} lines[] = {
		{ "Variable-DOUBLELOCK_USER", v->user },
		{ "Variable-REMOTE_USER", v->user },
		{ "Variable-DOUBLELOCK_SUBJECT", v->subject },
		{ "Variable-DOUBLELOCK_SERIAL", v->serial },
		{ "Variable-DOUBLELOCK_FINGERPRINT", v->fingerprint },
	};
	int r = add(head, "Status", "200 OK");

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && r == 0; i++)
		r = add(head, lines[i].name, lines[i].value);
	return r;
}

static int
add_refusal(struct dlk_buf *head, const struct dlk_verdict *v, int status)
{
	int r = add(head, "Status", status == 401 ? "401 Unauthorized" : "403 Forbidden");

	if (r == 0 && status == 401)
		r = add(head, "WWW-Authenticate", dlk_question_challenge(v));
	return r < 0 ? r : add(head, "X-Doublelock-Reason", dlk_reason_str(v->reason));
}

static bool
answer(
    struct dlk_talk *peer, const struct dlk_ticket *ticket, const struct dlk_verdict *verdict)
{
	struct conversation *c = dlk_talk_state(peer);
	unsigned id = (unsigned)ticket->number;
	int status = dlk_question_status(verdict);
	DLK_AUTO_BUF head = { 0 };
	DLK_AUTO_BUF records = { 0 };

	c->begun = false;
	int r =
	    status == 200 ? add_person(&head, verdict) : add_refusal(&head, verdict, status);
	if (r == 0)
		r = dlk_buf_add(&head, HEAD_MAX, dlk_bytes_str("\r\n"));
	if (r == 0)
		r = dlk_fcgi_put_stdout(&records, id, dlk_bytes_of(&head));
	if (r == 0)
		r = dlk_fcgi_put_end(&records, id, DLK_FCGI_COMPLETE);
	return send_if(peer, &records, r) && c->keep;
}

const struct dlk_speaker dlk_fcgi_speaker = {
	.name = "fastcgi",
	.state_size = sizeof(struct conversation),
	.input_max = 2 * DLK_FCGI_RECORD_MAX,
	.asked_max = 1,
	.take = take,
	.answer = answer,
	.fini = fini,
};
