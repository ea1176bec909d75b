/* SPDX-License-Identifier: MIT */
/*
 * event.h - what is recorded of a decision or of an act of the operator. What may be in a
 * record, and what never, is decided here: no code, no key, no unknown user name (somebody
 * may have typed a password there). Every text is escaped.
 */
#ifndef DLK_MODEL_EVENT_H
#define DLK_MODEL_EVENT_H

#include "model/verdict.h"

/* clang-format off */
#define DLK_EVENTS(X) \
	X(DECISION_ALLOWED, "doublelock.decision.allowed") \
	X(DECISION_REFUSED, "doublelock.decision.refused") \
	X(DECISION_OBSERVED, "doublelock.decision.observed") \
	X(DECISION_OFFERED, "doublelock.decision.offered") \
	X(DECISION_ABANDONED, "doublelock.decision.abandoned") \
	X(LOCKOUT_STARTED, "doublelock.lockout.started") \
	X(LOCKOUT_ENDED, "doublelock.lockout.ended") \
	X(TOKEN_ENROLLED, "doublelock.token.enrolled") \
	X(TOKEN_REMOVED, "doublelock.token.removed") \
	X(TOKEN_RESYNCED, "doublelock.token.resynced") \
	X(RECOVERY_USED, "doublelock.recovery.used") \
	X(RECOVERY_REPLACED, "doublelock.recovery.replaced") \
	X(CERTIFICATE_EXPIRING, "doublelock.certificate.expiring") \
	X(CRL_STALE, "doublelock.crl.stale") \
	X(CRL_UPDATED, "doublelock.crl.updated") \
	X(ALERT_FAILURES, "doublelock.alert.failures") \
	X(SESSION_OPENED, "doublelock.session.opened") \
	X(SESSION_CLOSED, "doublelock.session.closed") \
	X(CONFIG_REJECTED, "doublelock.config.rejected") \
	X(GATEWAY_REFUSED, "doublelock.gateway.refused") \
	X(WEBHOOK_TEST, "doublelock.webhook.test")
/* clang-format on */

enum dlk_event_type {
	DLK_EVENT_NONE = 0,
#define DLK_EVENT_ENUM(symbol, text) DLK_EVENT_##symbol,
	DLK_EVENTS(DLK_EVENT_ENUM)
#undef DLK_EVENT_ENUM
	    DLK_EVENT_COUNT
};

struct dlk_event {
	char id[DLK_EVENT_ID_TEXT + 1]; /* given by the store */
	int64_t at;
	enum dlk_event_type type;
	enum dlk_reason reason; /* UNDECIDED where the event is no decision */
	enum dlk_stage stage;
	enum dlk_entrance entrance;
	enum dlk_possession possession;
	char user[DLK_NAME_MAX + 1];
	char service[DLK_NAME_MAX + 1];
	char source[DLK_SOURCE_MAX + 1];
	char tty[DLK_TTY_MAX + 1];
	char caller[DLK_NAME_MAX + 1];
	char policy[DLK_NAME_MAX + 1];
	char relaxed[128]; /* relaxations of policy that stood, "prefer off grace if-enrolled"
			    */
	char subject[DLK_DN_MAX + 1], issuer[DLK_DN_MAX + 1];
	char serial[DLK_SERIAL_TEXT_MAX + 1];
	char fingerprint[DLK_FINGERPRINT_HEX + 1];
	char detail[DLK_DETAIL_MAX + 1];
	char token[64]; /* label of the token that was used or changed */
	int64_t good_until;
};

const char *dlk_event_type_str(enum dlk_event_type type);
enum dlk_event_type dlk_event_type_find(const char *text); /* NONE where there is none */

/* The record of a verdict; the type follows from entrance, effect and reason. The user is the
 * verdict's, else the asked one where the account is known, else "". */
void dlk_event_of(const struct dlk_caller *caller, const struct dlk_request *request,
    const struct dlk_verdict *verdict, int64_t now, struct dlk_event *ret_event);

/* Makes of an allowed decision's event the one of `n` more like it, since that time, which
 * nobody decided: the first one's answer held. Its detail says so. */
void dlk_event_repeat(
    struct dlk_event *event, uint64_t n, const char *since, const char *first);
/* How many those were; 0 where the event is one decision. */
uint64_t dlk_event_repeats(const struct dlk_event *event);

#endif
