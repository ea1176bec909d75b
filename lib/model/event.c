/* SPDX-License-Identifier: MIT */
/* event.c - what of a decision is kept, and under which name. */
#include "model/event.h"

#include <string.h>

#include "base/text.h"

static const char *const names[DLK_EVENT_COUNT] = { [DLK_EVENT_NONE] = "",
#define TEXT(symbol, text) [DLK_EVENT_##symbol] = text,
	DLK_EVENTS(TEXT)
#undef TEXT
};

const char *
dlk_event_type_str(enum dlk_event_type type)
{
	return (unsigned)type < DLK_EVENT_COUNT ? names[type] : "";
}

enum dlk_event_type
dlk_event_type_find(const char *text)
{
	for (int i = 1; i < DLK_EVENT_COUNT; i++)
		if (text && strcmp(text, names[i]) == 0)
			return (enum dlk_event_type)i;
	return DLK_EVENT_NONE;
}

static enum dlk_event_type
type_of(const struct dlk_request *request, const struct dlk_verdict *verdict)
{
	if (request->entrance == DLK_ENTRANCE_AUTHORIZED_KEYS)
		return DLK_EVENT_DECISION_OFFERED;
	if (verdict->effect == DLK_EFFECT_OBSERVE)
		return DLK_EVENT_DECISION_OBSERVED;
	return verdict->reason == DLK_R_OK ? DLK_EVENT_DECISION_ALLOWED
					   : DLK_EVENT_DECISION_REFUSED;
}

static void
keep(char *dst, size_t size, const char *src)
{
	dlk_text_escape(dst, size, dlk_bytes_str(src));
}

void
dlk_event_of(const struct dlk_caller *caller, const struct dlk_request *request,
    const struct dlk_verdict *verdict, int64_t now, struct dlk_event *ret_event)
{
	struct dlk_event *e = ret_event;

	memset(e, 0, sizeof(*e));
	e->at = now;
	e->type = type_of(request, verdict);
	e->reason = verdict->reason;
	e->stage = verdict->stage;
	e->entrance = request->entrance;
	e->possession = request->possession;
	e->good_until = verdict->good_until;
	if (verdict->user[0] || request->account_known)
		keep(e->user, sizeof(e->user),
		    verdict->user[0] ? verdict->user : request->user);
	keep(e->service, sizeof(e->service), request->service);
	keep(e->source, sizeof(e->source), request->source);
	keep(e->tty, sizeof(e->tty), request->tty);
	keep(e->caller, sizeof(e->caller), caller->name);
	keep(e->policy, sizeof(e->policy), verdict->policy);
	/* made by our own describe and find, which escape */
	dlk_text_copy(e->subject, sizeof(e->subject), verdict->subject);
	dlk_text_copy(e->issuer, sizeof(e->issuer), verdict->issuer);
	dlk_text_copy(e->serial, sizeof(e->serial), verdict->serial);
	dlk_text_copy(e->fingerprint, sizeof(e->fingerprint), verdict->fingerprint);
	dlk_text_copy(e->detail, sizeof(e->detail), verdict->detail);
}

#define REPEATED "repeated "
#define TIMES    " times since "

void
dlk_event_repeat(struct dlk_event *event, uint64_t n, const char *since, const char *first)
{
	dlk_text_print(event->detail, sizeof(event->detail),
	    REPEATED "%llu" TIMES "%s, by the decision of event %s", (unsigned long long)n,
	    since, first);
}

uint64_t
dlk_event_repeats(const struct dlk_event *event)
{
	const size_t before = strlen(REPEATED);
	char digits[24];
	int64_t n = 0;

	if (event->type != DLK_EVENT_DECISION_ALLOWED ||
	    strncmp(event->detail, REPEATED, before) != 0)
		return 0;
	size_t length = strspn(event->detail + before, "0123456789");
	if (length >= sizeof(digits) ||
	    strncmp(event->detail + before + length, TIMES, strlen(TIMES)) != 0)
		return 0;
	memcpy(digits, event->detail + before, length);
	digits[length] = '\0';
	return dlk_int_parse(digits, 1, INT64_MAX, &n) == 0 ? (uint64_t)n : 0;
}
