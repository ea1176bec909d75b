/* SPDX-License-Identifier: MIT */
/*
 * spopmessage.c - the arguments of a message. An argument that is not known, is there twice
 * or of another type was written by whoever configured HAProxy: it is refused, and recorded.
 */
#include "agent/spopmessage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "agent/question.h"
#include "agent/spelling.h"
#include "base/text.h"

#define IN(type) (1U << (type))
#define NUMBERS                                                                               \
	(IN(DLK_SPOP_INT32) | IN(DLK_SPOP_UINT32) | IN(DLK_SPOP_INT64) | IN(DLK_SPOP_UINT64))
#define TEXT (IN(DLK_SPOP_STRING) | IN(DLK_SPOP_BINARY))

static enum dlk_reason
refuse(struct dlk_spop_question *q, enum dlk_reason reason, struct dlk_bytes name,
    const char *words)
{
	char shown[64];

	dlk_text_escape(shown, sizeof(shown), name);
	return dlk_find(&q->refusal, DLK_STAGE_ADMIT, reason, "argument %s %s", shown, words);
}

static int
take_source(struct dlk_spop_question *q, const struct dlk_spop_value *value)
{
	char *out = q->request->source, text[DLK_SOURCE_MAX + 1];
	int family = value->type == DLK_SPOP_IPV4 ? AF_INET : AF_INET6;

	if (value->type != DLK_SPOP_STRING)
		return inet_ntop(family, value->octets.p, out, sizeof(q->request->source))
			   ? 0
			   : -EINVAL;
	if (value->octets.n >= sizeof(text) || memchr(value->octets.p, 0, value->octets.n))
		return -EINVAL;
	memcpy(text, value->octets.p, value->octets.n);
	text[value->octets.n] = '\0';
	return dlk_spelling_address(text, out, sizeof(q->request->source));
}

static int
take_certificate(struct dlk_spop_question *q, const struct dlk_spop_value *value)
{
	int r = dlk_buf_add(&q->request->evidence, DLK_EVIDENCE_MAX, value->octets);

	if (r < 0)
		return r;
	q->request->evidence_kind = DLK_EVIDENCE_CERTIFICATE;
	q->request->possession = DLK_POSSESSION_TLS_GATEWAY;
	return 0;
}

static int
take_chain(struct dlk_spop_question *q, const struct dlk_spop_value *value)
{
	return dlk_buf_add(&q->request->chain, DLK_CHAIN_MAX, value->octets);
}

static int
take_text(struct dlk_bytes octets, char out[DLK_NAME_MAX + 1])
{
	if (octets.n > DLK_NAME_MAX || memchr(octets.p, 0, octets.n))
		return -EINVAL;
	memcpy(out, octets.p, octets.n);
	out[octets.n] = '\0';
	return 0;
}

static int
take_service(struct dlk_spop_question *q, const struct dlk_spop_value *value)
{
	char name[DLK_NAME_MAX + 1];

	if (take_text(value->octets, name) < 0 || !dlk_text_is_name(name))
		return -EINVAL;
	(void)dlk_text_copy(q->request->service, sizeof(q->request->service), name);
	return 0;
}

static int
take_user(struct dlk_spop_question *q, const struct dlk_spop_value *value)
{
	return take_text(value->octets, q->request->user);
}

static int
take_code(struct dlk_spop_question *q, const struct dlk_spop_value *value)
{
	q->request->has_code = true;
	return dlk_secret_set(&q->request->code, value->octets);
}

static int
take_scope(struct dlk_spop_question *q, const struct dlk_spop_value *value)
{
	if (dlk_bytes_equal(value->octets, dlk_bytes_str("sess")))
		q->scope = DLK_SPOP_SESSION;
	else if (!dlk_bytes_equal(value->octets, dlk_bytes_str("txn")))
		return -EINVAL;
	return 0;
}

static int
take_nothing(struct dlk_spop_question *q, const struct dlk_spop_value *value)
{
	(void)q;
	(void)value;
	return 0;
}

static const struct argument {
	const char *name;
	unsigned types;
	int (*take)(struct dlk_spop_question *q, const struct dlk_spop_value *value);
} arguments[] = {
	{ "src", IN(DLK_SPOP_IPV4) | IN(DLK_SPOP_IPV6) | IN(DLK_SPOP_STRING), take_source },
	{ "cert", IN(DLK_SPOP_BINARY), take_certificate },
	{ "chain", IN(DLK_SPOP_BINARY), take_chain },
	{ "service", IN(DLK_SPOP_STRING), take_service },
	{ "user", TEXT, take_user },
	{ "code", TEXT, take_code },
	{ "scope", IN(DLK_SPOP_STRING), take_scope },
	{ "verify", NUMBERS, take_nothing },
};
#define ARGUMENTS (sizeof(arguments) / sizeof(arguments[0]))

static size_t
find(struct dlk_bytes name)
{
	size_t i = 0;

	while (i < ARGUMENTS && !dlk_bytes_equal(name, dlk_bytes_str(arguments[i].name)))
		i++;
	return i;
}

static bool
is_nothing(const struct dlk_spop_value *value)
{
	return value->type == DLK_SPOP_NULL ||
	       (value->octets.n == 0 && (IN(value->type) & TEXT) != 0);
}

/* What HAProxy has no value for is there as nothing: no certificate, no code. */
static enum dlk_reason
take(struct dlk_spop_question *q, unsigned *seen, struct dlk_bytes name,
    const struct dlk_spop_value *value)
{
	size_t i = find(name);

	if (i == ARGUMENTS)
		return refuse(q, DLK_R_POSSESSION_UNPROVEN, name, "is not known");
	if (*seen & 1U << i)
		return refuse(q, DLK_R_POSSESSION_UNPROVEN, name, "is there twice");
	*seen |= 1U << i;
	if (is_nothing(value))
		return DLK_R_OK;
	if (!(arguments[i].types & IN(value->type)))
		return refuse(q, DLK_R_POSSESSION_UNPROVEN, name, "is of another type");
	int r = arguments[i].take(q, value);
	if (r == -ENOMEM)
		return refuse(q, DLK_R_FAULT_INTERNAL, name, "does not fit into memory");
	if (r < 0 && arguments[i].take == take_code)
		return refuse(q, DLK_R_OTP_WRONG, name, "is not readable");
	return r < 0 ? refuse(q, DLK_R_POSSESSION_UNPROVEN, name, "is not readable")
		     : DLK_R_OK;
}

static enum dlk_spop_status
read_arguments(struct dlk_bytes *payload, struct dlk_spop_question *q)
{
	struct dlk_spop_value value;
	struct dlk_bytes name;
	unsigned seen = 0;

	if (payload->n == 0)
		return DLK_SPOP_INVALID;
	unsigned n = payload->p[0];
	*payload = DLK_BYTES(payload->p + 1, payload->n - 1);
	for (; n > 0; n--) {
		if (dlk_spop_get_string(payload, &name) < 0 ||
		    dlk_spop_get_value(payload, &value) < 0)
			return DLK_SPOP_INVALID;
		if (q->refusal.reason == DLK_R_UNDECIDED)
			(void)take(q, &seen, name, &value);
	}
	return DLK_SPOP_NORMAL;
}

enum dlk_spop_status
dlk_spop_message_read(struct dlk_bytes payload, struct dlk_spop_question *question)
{
	struct dlk_spop_value named = { .type = DLK_SPOP_STRING };

	question->scope = DLK_SPOP_TRANSACTION;
	if (dlk_spop_get_string(&payload, &named.octets) < 0 ||
	    read_arguments(&payload, question) != DLK_SPOP_NORMAL)
		return DLK_SPOP_INVALID;
	bool nameless =
	    question->request->service[0] == '\0' && take_service(question, &named) < 0;
	if (question->refusal.reason != DLK_R_UNDECIDED)
		return DLK_SPOP_NORMAL;
	if (nameless)
		(void)dlk_find(&question->refusal, DLK_STAGE_ADMIT, DLK_R_UNKNOWN_SERVICE,
		    "neither argument service nor the message names a service");
	else if (payload.n > 0)
		(void)dlk_find(&question->refusal, DLK_STAGE_ADMIT, DLK_R_POSSESSION_UNPROVEN,
		    "more than one message at once: give each an event or a group of its own");
	return DLK_SPOP_NORMAL;
}

static struct dlk_spop_value
text(const char *words)
{
	return (
	    struct dlk_spop_value){ .type = DLK_SPOP_STRING, .octets = dlk_bytes_str(words) };
}

int
dlk_spop_put_verdict(struct dlk_buf *buf, size_t frame_max, const struct dlk_spop_ack *where,
    const struct dlk_verdict *verdict)
{
	int status = dlk_question_status(verdict);
	const struct dlk_spop_set set[] = {
		{ "ok", { .type = DLK_SPOP_BOOL, .truth = status == 200 } },
		{ "status", { .type = DLK_SPOP_INT32, .number = (uint64_t)status } },
		{ "reason", text(dlk_reason_str(verdict->reason)) },
		{ "user", text(verdict->user) },
		{ "subject", text(verdict->subject) },
		{ "serial", text(verdict->serial) },
		{ "fingerprint", text(verdict->fingerprint) },
	};
	struct dlk_spop_ack ack = *where;

	ack.set = set;
	ack.n = status == 200 ? sizeof(set) / sizeof(set[0]) : 3;
	int r = dlk_spop_put_ack(buf, frame_max, &ack);
	if (r == -EMSGSIZE && ack.n > 4) {
		ack.n = 4;
		r = dlk_spop_put_ack(buf, frame_max, &ack);
	}
	return r;
}
