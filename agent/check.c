/* SPDX-License-Identifier: MIT */
/*
 * check.c - the JSON door. It knows the names of the fields and nothing of what they lead
 * to; an unknown, repeated or mistyped one is the asker's mistake and no question.
 */
#include "agent/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "agent/attempt.h"
#include "agent/spelling.h"
#include "base/text.h"

struct words {
	char *text;
	size_t size;
};

struct fields {
	const char *certificate, *issuer, *serial, *user, *code, *service, *source, *attempt;
	json_t *chain;
};

static int
mistake(const struct words *words, int error, const char *text)
{
	dlk_text_print(words->text, words->size, "%s", text);
	return error;
}

/* What is no certificate goes on as it came: its refusal is the core's, with an event. */
static int
take_certificate(const char *text, struct dlk_request *request, const struct words *words)
{
	struct dlk_bytes as_sent = dlk_bytes_str(text);

	if (!text || as_sent.n == 0)
		return 0;
	int r = dlk_spelling_decode(as_sent, DLK_EVIDENCE_MAX, &request->evidence);
	if (r == -EINVAL) {
		request->evidence.n = 0;
		r = dlk_buf_add(&request->evidence, DLK_EVIDENCE_MAX, as_sent);
	}
	if (r < 0)
		return mistake(words, r, "certificate: too long");
	request->evidence_kind = DLK_EVIDENCE_CERTIFICATE;
	request->possession = DLK_POSSESSION_TLS_GATEWAY;
	return 0;
}

static int
take_link(const json_t *link, struct dlk_request *request, const struct words *words)
{
	if (!json_is_string(link))
		return mistake(words, -EINVAL, "chain: want a string or an array of strings");
	int r = dlk_spelling_decode(
	    dlk_bytes_str(json_string_value(link)), DLK_CHAIN_MAX, &request->chain);
	return r < 0 ? mistake(words, r, "chain: neither PEM nor base64 of DER, or too long")
		     : 0;
}

static int
take_chain(const json_t *chain, struct dlk_request *request, const struct words *words)
{
	int r = 0;

	if (!chain || json_is_null(chain))
		return 0;
	if (!json_is_array(chain))
		return take_link(chain, request, words);
	for (size_t i = 0; r == 0 && i < json_array_size(chain); i++)
		r = take_link(json_array_get(chain, i), request, words);
	return r;
}

static int
take_source(const char *text, struct dlk_request *request, const struct words *words)
{
	if (!text || text[0] == '\0')
		return 0;
	if (dlk_spelling_address(text, request->source, sizeof(request->source)) < 0)
		return mistake(words, -EINVAL, "source: want an IP address");
	return 0;
}

static int
take_names(const struct fields *f, struct dlk_request *request, const struct words *words)
{
	if (!dlk_text_is_name(f->service) ||
	    !dlk_text_copy(request->service, sizeof(request->service), f->service))
		return mistake(words, -EINVAL, "service: not a name");
	if (!dlk_text_copy(request->user, sizeof(request->user), f->user))
		return mistake(words, -EINVAL, "user: too long");
	if (f->attempt && dlk_unhex(f->attempt, request->attempt, DLK_ATTEMPT_SIZE) < 0)
		return mistake(words, -EINVAL, "attempt: want 32 hexadecimal digits");
	if (f->code && f->code[0] != '\0') {
		request->has_code = true;
		if (dlk_secret_set(&request->code, dlk_bytes_str(f->code)) < 0)
			return mistake(words, -EINVAL, "code: too long");
	}
	return 0;
}

/* Shown or named: two certificates in one question would have two answers. */
static int
take_naming(const struct fields *f, struct dlk_naming *named, const struct words *words)
{
	if (!f->issuer && !f->serial)
		return 0;
	if (!f->issuer || !f->serial || f->certificate || f->chain)
		return mistake(words, -EINVAL,
		    "issuer and serial go together, and without certificate and chain");
	if (!dlk_text_copy(named->issuer, sizeof(named->issuer), f->issuer) ||
	    !dlk_text_copy(named->serial, sizeof(named->serial), f->serial) ||
	    !dlk_naming_is_sound(named))
		return mistake(
		    words, -EINVAL, "issuer and serial: want a name and hexadecimal digits");
	return 0;
}

static int
take_all(const struct fields *f, struct dlk_request *request, const struct words *words)
{
	int r = take_names(f, request, words);

	if (r == 0)
		r = take_source(f->source, request, words);
	if (r == 0)
		r = take_certificate(f->certificate, request, words);
	if (r == 0)
		r = take_chain(f->chain, request, words);
	return r;
}

int
dlk_check_parse(struct dlk_bytes body, struct dlk_request *request, struct dlk_naming *named,
    char *text, size_t size)
{
	const struct words words = { text, size };
	struct fields f = { 0 };
	json_error_t error = { .text = "" };

	json_t *root =
	    json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, &error);
	int r = -EINVAL;
	/* jansson's own words may quote the body */
	if (!root)
		mistake(&words, r, "the body is not one JSON object, or repeats a key");
	else if (json_unpack_ex(root, &error, JSON_STRICT,
		     "{s:s, s?s, s?o, s?s, s?s, s?s, s?s, s?s, s?s}", "service", &f.service,
		     "certificate", &f.certificate, "chain", &f.chain, "issuer", &f.issuer,
		     "serial", &f.serial, "user", &f.user, "code", &f.code, "source",
		     &f.source, "attempt", &f.attempt) < 0)
		mistake(&words, r,
		    "want the strings service, certificate, chain, issuer, serial, user, "
		    "code, "
		    "source, attempt and nothing else; service is needed");
	else
		r = take_all(&f, request, &words);
	if (r == 0)
		r = take_naming(&f, named, &words);
	json_decref(root);
	return r;
}

static bool
allows(const struct dlk_verdict *v)
{
	return v->reason == DLK_R_OK && v->effect == DLK_EFFECT_ENFORCE;
}

static json_t *
describe(const struct dlk_verdict *v)
{
	return json_pack("{s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "id",
	    v->event, "allow", allows(v), "reason", dlk_reason_str(v->reason), "stage",
	    dlk_stage_str(v->stage), "detail", v->detail, "user", v->user, "subject",
	    v->subject, "issuer", v->issuer, "serial", v->serial, "fingerprint",
	    v->fingerprint, "good_until",
	    v->good_until > 0 ? json_integer(v->good_until) : json_null());
}

static void
answer(struct dlk_question *q)
{
	json_t *object = describe(&q->verdict);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	bool allow = text && allows(&q->verdict);

	dlk_http_answer(q->door, q->waiting, allow ? 200 : 403,
	    text ? "application/json" : NULL, dlk_bytes_str(text));
	free(text);
	json_decref(object);
}

void
dlk_check_handle(struct dlk_http *http, const struct dlk_http_request *request,
    const struct dlk_peer *peer, void *arg)
{
	struct dlk_question *q = dlk_question_of(peer);
	char words[128] = "no memory";

	if (!q) {
		dlk_http_refuse(http, request->conn, 403, words);
		return;
	}
	int r = dlk_check_parse(request->body, &q->asked, &q->named, words, sizeof(words));
	if (r == 0)
		r = dlk_attempt_of_peer(q->caller.name, q->asked.attempt);
	if (r < 0) {
		dlk_question_free(q);
		dlk_http_refuse(http, request->conn, r == -ENOMEM ? 403 : 400, words);
		return;
	}
	q->door = http;
	q->waiting = request->conn;
	q->answer = answer;
	dlk_question_ask(q, arg);
}
