/* SPDX-License-Identifier: MIT */
/*
 * codec.c - requests and verdicts as octets. It knows which field has which form, and not
 * what any of them means for a decision.
 *
 * Fields stand in ascending order of their tags, which makes one form per value and a doubled
 * field a wrong order. Empty texts are left out; a field of length zero is a mistake.
 */
#include "wire/codec.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "model/challenge.h"

static const uint8_t magic[4] = { 'D', 'L', 'K', DLK_WIRE_VERSION };

#define FIELD_HEADER 6      /* tag, length */
#define SKIPPABLE    0x8000 /* who does not know such a tag reads on */

enum request_tag {
	TAG_ATTEMPT = 0x0001,
	TAG_ENTRANCE,
	TAG_POSSESSION,
	TAG_EVIDENCE_KIND,
	TAG_EVIDENCE,
	TAG_CHAIN,
	TAG_USER,
	TAG_UID,
	TAG_SERVICE,
	TAG_SOURCE,
	TAG_TTY,
	TAG_CODE,
	TAG_SESSION,
	TAG_KEEP,
	TAG_VISIT,
	TAG_RENEWS,
	TAG_LOGIN,
	TAG_REMARK,
	TAG_ASKER = 0x8011,
	TAG_ANSWER
};

enum verdict_tag {
	TAG_REASON = 0x0101,
	TAG_STAGE,
	TAG_DETAIL,
	TAG_ACCOUNT,
	TAG_SUBJECT,
	TAG_ISSUER,
	TAG_SERIAL,
	TAG_FINGERPRINT,
	TAG_GOOD_UNTIL,
	TAG_CHAIN_UNTIL,
	TAG_POLICY,
	TAG_EVENT,
	TAG_EFFECT = 0x810d,
	TAG_CODE_DIGITS,
	TAG_REMEMBERED,
	TAG_CHALLENGE = 0x8120,
	TAG_OFFER
};

#define BIT(tag) (1U << ((tag)&0x1f))
static const unsigned request_needs =
    BIT(TAG_ATTEMPT) | BIT(TAG_ENTRANCE) | BIT(TAG_POSSESSION) | BIT(TAG_EVIDENCE_KIND);
/* A session asks for nothing. */
static const unsigned session_lacks =
    BIT(TAG_EVIDENCE) | BIT(TAG_CHAIN) | BIT(TAG_CODE) | BIT(TAG_KEEP) | BIT(TAG_RENEWS);
static const unsigned verdict_needs =
    BIT(TAG_REASON) | BIT(TAG_STAGE) | BIT(TAG_GOOD_UNTIL) | BIT(TAG_CHAIN_UNTIL);

/* Errors stay: after the first one nothing is added, and finish() takes everything back. */
struct writer {
	struct dlk_buf *buf;
	size_t start;
	int error;
};

static void
add(struct writer *w, struct dlk_bytes what)
{
	if (w->error == 0)
		w->error = dlk_buf_add(w->buf, w->start + DLK_WIRE_MAX, what);
}

static void
put(struct writer *w, unsigned tag, struct dlk_bytes value, size_t most)
{
	uint8_t head[FIELD_HEADER];

	if (value.n > most) {
		w->error = w->error ? w->error : -EMSGSIZE;
		return;
	}
	dlk_put_be16(head, (uint16_t)tag);
	dlk_put_be32(head + 2, (uint32_t)value.n);
	add(w, DLK_BYTES(head, sizeof(head)));
	add(w, value);
}

static void
put_octet(struct writer *w, unsigned tag, unsigned value, unsigned most)
{
	uint8_t octet = (uint8_t)value;

	if (value > most)
		w->error = -EINVAL;
	put(w, tag, DLK_BYTES(&octet, 1), 1);
}

static void
put_time(struct writer *w, unsigned tag, int64_t value)
{
	uint8_t octets[8];

	dlk_put_be64(octets, (uint64_t)value);
	put(w, tag, DLK_BYTES(octets, sizeof(octets)), sizeof(octets));
}

static bool
is_printable(struct dlk_bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < 0x20 || text.p[i] > 0x7e)
			return false;
	return true;
}

static void
put_text(struct writer *w, unsigned tag, const char *text)
{
	struct dlk_bytes value = dlk_bytes_str(text);

	if (!is_printable(value))
		w->error = -EINVAL;
	if (value.n > 0)
		put(w, tag, value, value.n);
}

static void
put_code(struct writer *w, const struct dlk_secret *code)
{
	if (code->n == 0)
		w->error = -EINVAL;
	put(w, TAG_CODE, DLK_BYTES(code->b, code->n), DLK_SECRET_MAX);
}

static void
put_session(struct writer *w, const struct dlk_request *request)
{
	if (request->has_code || request->evidence.n > 0 || request->chain.n > 0 ||
	    request->keep || request->renews)
		w->error = -EINVAL;
	put_octet(w, TAG_SESSION, request->session, DLK_SESSION_CLOSED);
}

static struct writer
begin(struct dlk_buf *buf)
{
	struct writer w = { .buf = buf, .start = buf->n, .error = 0 };
	static const uint8_t length[4] = { 0 };

	add(&w, DLK_BYTES(magic, sizeof(magic)));
	add(&w, DLK_BYTES(length, sizeof(length)));
	return w;
}

static int
finish(struct writer *w)
{
	struct dlk_buf *buf = w->buf;

	if (w->error == 0) {
		size_t length = buf->n - w->start - DLK_WIRE_HEADER;

		dlk_put_be32(buf->p + w->start + sizeof(magic), (uint32_t)length);
	} else if (buf->n > w->start) {
		explicit_bzero(buf->p + w->start, buf->n - w->start);
		buf->n = w->start;
	}
	return w->error;
}

int
dlk_request_encode(const struct dlk_request *request, struct dlk_buf *buf)
{
	struct writer w = begin(buf);
	uint8_t uid[4];

	put(&w, TAG_ATTEMPT, DLK_BYTES(request->attempt, DLK_ATTEMPT_SIZE), DLK_ATTEMPT_SIZE);
	put_octet(&w, TAG_ENTRANCE, request->entrance, DLK_ENTRANCE_OPERATOR);
	put_octet(&w, TAG_POSSESSION, request->possession, DLK_POSSESSION_TOKEN);
	put_octet(&w, TAG_EVIDENCE_KIND, request->evidence_kind, DLK_EVIDENCE_KEPT);
	if (request->evidence.n > 0)
		put(&w, TAG_EVIDENCE, dlk_bytes_of(&request->evidence), DLK_EVIDENCE_MAX);
	if (request->chain.n > 0)
		put(&w, TAG_CHAIN, dlk_bytes_of(&request->chain), DLK_CHAIN_MAX);
	put_text(&w, TAG_USER, request->user);
	if (request->account_known) {
		dlk_put_be32(uid, request->uid);
		put(&w, TAG_UID, DLK_BYTES(uid, sizeof(uid)), sizeof(uid));
	}
	put_text(&w, TAG_SERVICE, request->service);
	put_text(&w, TAG_SOURCE, request->source);
	put_text(&w, TAG_TTY, request->tty);
	if (request->has_code)
		put_code(&w, &request->code);
	if (request->session != DLK_SESSION_NONE)
		put_session(&w, request);
	if (request->keep)
		put_octet(&w, TAG_KEEP, 1, 1);
	put_text(&w, TAG_VISIT, request->visit);
	if (request->renews)
		put_octet(&w, TAG_RENEWS, 1, 1);
	put_text(&w, TAG_LOGIN, request->login);
	put_text(&w, TAG_REMARK, request->remark);
	put_text(&w, TAG_ASKER, request->asker);
	if (request->answer.n > 0)
		put(&w, TAG_ANSWER, dlk_bytes_of(&request->answer), DLK_ANSWER_MAX);
	return finish(&w);
}

/* What goes beside it ends the frame; nothing, where it is empty. */
static int
encode_beside(const struct dlk_verdict *verdict, unsigned tag, struct dlk_bytes beside,
    size_t most, struct dlk_buf *buf)
{
	struct writer w = begin(buf);

	put_text(&w, TAG_REASON, dlk_reason_str(verdict->reason));
	put_octet(&w, TAG_STAGE, verdict->stage, DLK_STAGE_SETTLE);
	put_text(&w, TAG_DETAIL, verdict->detail);
	put_text(&w, TAG_ACCOUNT, verdict->user);
	put_text(&w, TAG_SUBJECT, verdict->subject);
	put_text(&w, TAG_ISSUER, verdict->issuer);
	put_text(&w, TAG_SERIAL, verdict->serial);
	put_text(&w, TAG_FINGERPRINT, verdict->fingerprint);
	put_time(&w, TAG_GOOD_UNTIL, verdict->good_until);
	put_time(&w, TAG_CHAIN_UNTIL, verdict->chain_until);
	put_text(&w, TAG_POLICY, verdict->policy);
	put_text(&w, TAG_EVENT, verdict->event);
	if (verdict->effect != DLK_EFFECT_ENFORCE)
		put_octet(&w, TAG_EFFECT, verdict->effect, DLK_EFFECT_OBSERVE);
	if (verdict->code_digits != 0)
		put_octet(&w, TAG_CODE_DIGITS, verdict->code_digits, UINT8_MAX);
	if (verdict->remembered)
		put_octet(&w, TAG_REMEMBERED, 1, 1);
	if (beside.n > 0)
		put(&w, tag, beside, most);
	return finish(&w);
}

int
dlk_verdict_encode(const struct dlk_verdict *verdict, struct dlk_buf *buf)
{
	return dlk_verdict_encode_with(verdict, DLK_BYTES(NULL, 0), buf);
}

int
dlk_verdict_encode_with(
    const struct dlk_verdict *verdict, struct dlk_bytes challenge, struct dlk_buf *buf)
{
	return encode_beside(verdict, TAG_CHALLENGE, challenge, DLK_CHALLENGE_MAX, buf);
}

int
dlk_verdict_encode_offer(
    const struct dlk_verdict *verdict, struct dlk_bytes offer, struct dlk_buf *buf)
{
	return is_printable(offer)
		   ? encode_beside(verdict, TAG_OFFER, offer, DLK_OFFER_MAX, buf)
		   : -EINVAL;
}

/* What is left of the fields, and the one that was read last. */
struct reader {
	struct dlk_bytes rest;
	unsigned tag;
	struct dlk_bytes value;
	unsigned seen; /* BIT() of the known ones */
};

static int
open_frame(struct dlk_bytes frame, struct reader *reader)
{
	if (frame.n < DLK_WIRE_HEADER || memcmp(frame.p, magic, sizeof(magic)) != 0)
		return -EPROTO;
	if (frame.n > DLK_WIRE_MAX ||
	    dlk_get_be32(frame.p + sizeof(magic)) != frame.n - DLK_WIRE_HEADER)
		return -EBADMSG;
	*reader = (struct reader){
		.rest = { .p = frame.p + DLK_WIRE_HEADER, .n = frame.n - DLK_WIRE_HEADER },
	};
	return 0;
}

static int
next(struct reader *r)
{
	if (r->rest.n < FIELD_HEADER)
		return -EBADMSG;
	unsigned tag = dlk_get_be16(r->rest.p);
	size_t n = dlk_get_be32(r->rest.p + 2);
	if (tag <= r->tag || n == 0 || n > r->rest.n - FIELD_HEADER)
		return -EBADMSG;
	r->tag = tag;
	r->value = (struct dlk_bytes){ .p = r->rest.p + FIELD_HEADER, .n = n };
	r->rest.p += FIELD_HEADER + n;
	r->rest.n -= FIELD_HEADER + n;
	return 0;
}

static int
get_octet(const struct reader *r, unsigned least, unsigned most, unsigned *ret_value)
{
	if (r->value.n != 1 || r->value.p[0] < least || r->value.p[0] > most)
		return -EBADMSG;
	*ret_value = r->value.p[0];
	return 0;
}

static int
get_time(const struct reader *r, int64_t *ret_value)
{
	if (r->value.n != 8)
		return -EBADMSG;
	*ret_value = (int64_t)dlk_get_be64(r->value.p);
	return 0;
}

static int
get_text(const struct reader *r, char *dst, size_t size)
{
	if (r->value.n >= size || !is_printable(r->value))
		return -EBADMSG;
	memcpy(dst, r->value.p, r->value.n);
	dst[r->value.n] = '\0';
	return 0;
}

static int
get_blob(const struct reader *r, struct dlk_buf *buf, size_t most)
{
	return r->value.n > most ? -EBADMSG : dlk_buf_add(buf, most, r->value);
}

static int
get_attempt(const struct reader *r, uint8_t *attempt)
{
	if (r->value.n != DLK_ATTEMPT_SIZE)
		return -EBADMSG;
	memcpy(attempt, r->value.p, DLK_ATTEMPT_SIZE);
	return 0;
}

static int
get_uid(const struct reader *r, struct dlk_request *request)
{
	if (r->value.n != 4)
		return -EBADMSG;
	request->uid = dlk_get_be32(r->value.p);
	request->account_known = true;
	return 0;
}

static int
get_code(const struct reader *r, struct dlk_request *request)
{
	request->has_code = true;
	return dlk_secret_set(&request->code, r->value) < 0 ? -EBADMSG : 0;
}

static int
get_session(const struct reader *r, struct dlk_request *request)
{
	unsigned value = 0;
	int error = get_octet(r, DLK_SESSION_OPENED, DLK_SESSION_CLOSED, &value);

	request->session = (enum dlk_session)value;
	return error;
}

static int
get_entrance(const struct reader *r, enum dlk_entrance *ret_entrance)
{
	unsigned value = 0;
	int error = get_octet(r, 0, DLK_ENTRANCE_OPERATOR, &value);

	*ret_entrance = (enum dlk_entrance)value;
	return error;
}

static int
get_possession(const struct reader *r, enum dlk_possession *ret_possession)
{
	unsigned value = 0;
	int error = get_octet(r, 0, DLK_POSSESSION_TOKEN, &value);

	*ret_possession = (enum dlk_possession)value;
	return error;
}

static int
get_evidence_kind(const struct reader *r, enum dlk_evidence *ret_kind)
{
	unsigned value = 0;
	int error = get_octet(r, 0, DLK_EVIDENCE_KEPT, &value);

	*ret_kind = (enum dlk_evidence)value;
	return error;
}

static int
get_stage(const struct reader *r, enum dlk_stage *ret_stage)
{
	unsigned value = 0;
	int error = get_octet(r, 0, DLK_STAGE_SETTLE, &value);

	*ret_stage = (enum dlk_stage)value;
	return error;
}

/* A reason that this program does not know is no answer to it. */
static int
get_reason(const struct reader *r, enum dlk_reason *ret_reason)
{
	char text[64];
	int error = get_text(r, text, sizeof(text));

	if (error != 0)
		return error;
	*ret_reason = dlk_reason_find(text);
	return strcmp(dlk_reason_str(*ret_reason), text) == 0 ? 0 : -EBADMSG;
}

static int
get_effect(const struct reader *r, enum dlk_effect *ret_effect)
{
	unsigned value = 0;
	int error = get_octet(r, DLK_EFFECT_OBSERVE, DLK_EFFECT_OBSERVE, &value);

	*ret_effect = (enum dlk_effect)value;
	return error;
}

static int
get_true(const struct reader *r, bool *ret_value)
{
	unsigned value = 0;
	int error = get_octet(r, 1, 1, &value);

	*ret_value = value == 1;
	return error;
}

static int
skip(const struct reader *r)
{
	return r->tag & SKIPPABLE ? 0 : -EBADMSG;
}

static int
read_request_field(struct reader *r, struct dlk_request *request)
{
	switch (r->tag) {
	case TAG_ATTEMPT:
		return get_attempt(r, request->attempt);
	case TAG_ENTRANCE:
		return get_entrance(r, &request->entrance);
	case TAG_POSSESSION:
		return get_possession(r, &request->possession);
	case TAG_EVIDENCE_KIND:
		return get_evidence_kind(r, &request->evidence_kind);
	case TAG_EVIDENCE:
		return get_blob(r, &request->evidence, DLK_EVIDENCE_MAX);
	case TAG_CHAIN:
		return get_blob(r, &request->chain, DLK_CHAIN_MAX);
	case TAG_USER:
		return get_text(r, request->user, sizeof(request->user));
	case TAG_UID:
		return get_uid(r, request);
	case TAG_SERVICE:
		return get_text(r, request->service, sizeof(request->service));
	case TAG_SOURCE:
		return get_text(r, request->source, sizeof(request->source));
	case TAG_TTY:
		return get_text(r, request->tty, sizeof(request->tty));
	case TAG_CODE:
		return get_code(r, request);
	case TAG_SESSION:
		return get_session(r, request);
	case TAG_ASKER:
		return get_text(r, request->asker, sizeof(request->asker));
	case TAG_ANSWER:
		return get_blob(r, &request->answer, DLK_ANSWER_MAX);
	case TAG_KEEP:
		return get_true(r, &request->keep);
	case TAG_VISIT:
		return get_text(r, request->visit, sizeof(request->visit));
	case TAG_RENEWS:
		return get_true(r, &request->renews);
	case TAG_LOGIN:
		return get_text(r, request->login, sizeof(request->login));
	case TAG_REMARK:
		return get_text(r, request->remark, sizeof(request->remark));
	default:
		return skip(r);
	}
}

static int
read_verdict_field(struct reader *r, struct dlk_verdict *verdict)
{
	switch (r->tag) {
	case TAG_REASON:
		return get_reason(r, &verdict->reason);
	case TAG_STAGE:
		return get_stage(r, &verdict->stage);
	case TAG_DETAIL:
		return get_text(r, verdict->detail, sizeof(verdict->detail));
	case TAG_ACCOUNT:
		return get_text(r, verdict->user, sizeof(verdict->user));
	case TAG_SUBJECT:
		return get_text(r, verdict->subject, sizeof(verdict->subject));
	case TAG_ISSUER:
		return get_text(r, verdict->issuer, sizeof(verdict->issuer));
	case TAG_SERIAL:
		return get_text(r, verdict->serial, sizeof(verdict->serial));
	case TAG_FINGERPRINT:
		return get_text(r, verdict->fingerprint, sizeof(verdict->fingerprint));
	case TAG_GOOD_UNTIL:
		return get_time(r, &verdict->good_until);
	case TAG_CHAIN_UNTIL:
		return get_time(r, &verdict->chain_until);
	case TAG_POLICY:
		return get_text(r, verdict->policy, sizeof(verdict->policy));
	case TAG_EVENT:
		return get_text(r, verdict->event, sizeof(verdict->event));
	case TAG_EFFECT:
		return get_effect(r, &verdict->effect);
	case TAG_CODE_DIGITS:
		return get_octet(r, 1, UINT8_MAX, &verdict->code_digits);
	case TAG_REMEMBERED:
		return get_true(r, &verdict->remembered);
	default:
		return skip(r);
	}
}

int
dlk_request_decode(struct dlk_bytes frame, struct dlk_request *ret_request)
{
	DLK_AUTO_REQUEST request = { 0 };
	struct reader r = { 0 };
	int error = open_frame(frame, &r);

	while (error == 0 && r.rest.n > 0) {
		error = next(&r);
		if (error == 0)
			error = read_request_field(&r, &request);
		if (r.tag <= TAG_REMARK)
			r.seen |= BIT(r.tag);
	}
	if (error == 0 && (r.seen & request_needs) != request_needs)
		error = -EBADMSG;
	if (error == 0 && request.session != DLK_SESSION_NONE && (r.seen & session_lacks))
		error = -EBADMSG;
	if (error != 0)
		return error;
	*ret_request = request;
	explicit_bzero(&request, sizeof(request)); /* moved */
	return 0;
}

int
dlk_verdict_decode(struct dlk_bytes frame, struct dlk_verdict *ret_verdict)
{
	struct dlk_verdict verdict = { 0 };
	struct reader r = { 0 };
	int error = open_frame(frame, &r);

	while (error == 0 && r.rest.n > 0) {
		error = next(&r);
		if (error == 0)
			error = read_verdict_field(&r, &verdict);
		if (r.tag >= TAG_REASON && r.tag <= TAG_EVENT)
			r.seen |= BIT(r.tag);
	}
	if (error == 0 && (r.seen & verdict_needs) != verdict_needs)
		error = -EBADMSG;
	if (error == 0)
		*ret_verdict = verdict;
	return error;
}

static int
find_beside(struct dlk_bytes frame, unsigned tag, size_t most, struct dlk_buf *buf)
{
	struct reader r = { 0 };
	int error = open_frame(frame, &r);

	while (error == 0 && r.rest.n > 0) {
		error = next(&r);
		if (error == 0 && r.tag == tag)
			error = get_blob(&r, buf, most);
	}
	return error;
}

int
dlk_verdict_challenge(struct dlk_bytes frame, struct dlk_buf *buf)
{
	return find_beside(frame, TAG_CHALLENGE, DLK_CHALLENGE_MAX, buf);
}

int
dlk_verdict_offer(struct dlk_bytes frame, struct dlk_buf *buf)
{
	size_t before = buf->n;
	int error = find_beside(frame, TAG_OFFER, DLK_OFFER_MAX, buf);

	if (error == 0 && buf->n > before &&
	    !is_printable(DLK_BYTES(buf->p + before, buf->n - before)))
		error = -EBADMSG;
	if (error != 0)
		buf->n = before;
	return error;
}
