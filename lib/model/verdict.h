/* SPDX-License-Identifier: MIT */
/* verdict.h - the answer to one request. Zeroed memory is a refusal that decides. */
#ifndef DLK_MODEL_VERDICT_H
#define DLK_MODEL_VERDICT_H

#include <doublelock/reason.h>

#include "model/request.h"

#define DLK_DETAIL_MAX      511
#define DLK_DN_MAX          511
#define DLK_SERIAL_TEXT_MAX 63
#define DLK_FINGERPRINT_HEX 64          /* SHA-256 of the DER, lower case */
#define DLK_EVENT_ID_TEXT   36          /* UUID */
#define DLK_OFFER_MAX       (64 * 1024) /* octets of what sshd is to hear of a key */

enum dlk_stage {
	DLK_STAGE_NONE = 0,
	DLK_STAGE_ADMIT,
	DLK_STAGE_PARSE,
	DLK_STAGE_PATH,
	DLK_STAGE_REVOKED,
	DLK_STAGE_MAP,
	DLK_STAGE_SECOND,
	DLK_STAGE_SETTLE
};

/* An observed verdict is recorded and changes nothing. */
enum dlk_effect { DLK_EFFECT_ENFORCE = 0, DLK_EFFECT_OBSERVE };

/* What a stage found: the reason, and one plain sentence that names the certificate or the
 * file, the rule and its source. Detail is escaped text, safe to log. */
struct dlk_finding {
	enum dlk_reason reason;
	enum dlk_stage stage;
	char detail[DLK_DETAIL_MAX + 1];
};

struct dlk_verdict {
	enum dlk_reason reason;
	enum dlk_effect effect;
	enum dlk_stage stage;
	char detail[DLK_DETAIL_MAX + 1];
	char user[DLK_NAME_MAX + 1]; /* the account, where it was decided */
	char subject[DLK_DN_MAX + 1], issuer[DLK_DN_MAX + 1]; /* RFC 4514, escaped */
	char serial[DLK_SERIAL_TEXT_MAX + 1];
	char fingerprint[DLK_FINGERPRINT_HEX + 1];
	int64_t good_until;  /* unix seconds: chain notAfter and CRL nextUpdate */
	int64_t chain_until; /* of the chain alone: for expiry-time in authorized_keys */
	char policy[DLK_NAME_MAX + 1];     /* the configuration section that held */
	char event[DLK_EVENT_ID_TEXT + 1]; /* its record, "" where none was written */
	unsigned code_digits; /* with otp-required: digits of the code that is expected, 0
				 unknown */
	bool remembered;      /* accepted without a code, because of [service NAME] remember */
};

const char *dlk_stage_str(enum dlk_stage stage);

/* Sets reason, stage and detail of `finding` (NULL is fine) and returns `reason`. */
enum dlk_reason dlk_find(struct dlk_finding *finding, enum dlk_stage stage,
    enum dlk_reason reason, const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
