/* SPDX-License-Identifier: MIT */
/*
 * second.c - the one-time code. Takes what the record remembers, says what has to be written
 * and writes nothing itself. Whoever asks gets the same work, enrolled or not: what a user
 * has is not to be read from how long an answer takes.
 */
#include "core/second.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "base/clock.h"
#include "core/lockout.h"

/* Codes alone have no key whose holder could be kept apart from a stranger, so a stranger
 * only slows down this user at this source, up to ten minutes. */
#define DELAY_SECONDS   10
#define DELAY_DOUBLINGS 6
#define RECOVERY_MIN    8 /* characters */

bool
dlk_second_reads(
    const struct dlk_service *section, const struct dlk_request *request, int64_t now)
{
	(void)request;
	(void)now;
	return section->otp != DLK_OTP_NONE;
}

/* What one judgement works on. */
struct second {
	const struct dlk_policy *policy;
	const struct dlk_service *section;
	const struct dlk_ports *ports;
	const struct dlk_request *request;
	const struct dlk_subject *subject;
	const struct dlk_memory *memory;
	int64_t now;
	struct dlk_settlement *settlement;
	struct dlk_verdict *verdict;
	struct dlk_finding *finding;
};

static bool
code_alone(const struct second *s)
{
	return s->section->certificate == DLK_CERTIFICATE_NONE;
}

static struct dlk_lockout_rule
key_rule(const struct second *s)
{
	struct dlk_lockout_rule rule = s->policy->lockout.key;

	if (code_alone(s))
		rule.lasting = DELAY_SECONDS;
	return rule;
}

static enum dlk_reason
held(const struct second *s, enum dlk_reason reason, const char *what, int64_t until)
{
	char text[DLK_TIME_TEXT];

	dlk_time_text(until, text);
	return dlk_find(s->finding, DLK_STAGE_SECOND, reason,
	    "too many wrong codes %s; until %s", what, text);
}

static enum dlk_reason
check_lockouts(const struct second *s)
{
	const struct dlk_lockout_rule rule = key_rule(s);
	const struct dlk_memory *m = s->memory;

	if (s->subject->source[0] &&
	    dlk_lockout_holds(&s->policy->lockout.source, &m->source_failures, s->now))
		return held(s, DLK_R_RATE_LIMITED, "from this address",
		    m->source_failures.locked_until);
	if (dlk_lockout_holds(&rule, &m->failures, s->now))
		return held(s, code_alone(s) ? DLK_R_RATE_LIMITED : DLK_R_LOCKED_OUT,
		    code_alone(s) ? "for this user from this address" : "with this key",
		    m->failures.locked_until);
	if (!code_alone(s) &&
	    dlk_lockout_holds(&s->policy->lockout.user, &m->user_failures, s->now))
		return held(s, DLK_R_LOCKED_OUT, "for this user over all keys",
		    m->user_failures.locked_until);
	return DLK_R_OK;
}

static bool
opens(const struct second *s, const struct dlk_token *token)
{
	if (s->memory->restored && token->otp.kind == DLK_OTP_HOTP)
		return false;
	if (!token->bound)
		return true;
	return !code_alone(s) &&
	       dlk_octets_equal(token->key_id, s->subject->key_id, DLK_SHA256_SIZE);
}

/* A name and an address are nobody's proof: without a certificate nothing is remembered. */
static bool
remembers(const struct second *s)
{
	return s->section->remember > 0 && s->subject->source[0] && !code_alone(s);
}

static bool
is_remembered(const struct second *s)
{
	const struct dlk_memory *m = s->memory;

	if (!remembers(s) || m->n_tokens == 0)
		return false;
	/* a begin in the future (the clock was set back) is void */
	return m->remembered_until > s->now && m->remembered_since <= s->now &&
	       s->now - m->remembered_since < s->section->remember;
}

/* A gateway negotiates new keys while the connection stands. Who has no token any more has
 * none for this either. */
static bool
is_renewed(const struct second *s)
{
	return s->request->renews && s->memory->visited && s->memory->n_tokens > 0 &&
	       !s->memory->restored;
}

static enum dlk_reason
not_enrolled(const struct second *s)
{
	return dlk_find(s->finding, DLK_STAGE_SECOND, DLK_R_NOT_ENROLLED,
	    s->memory->n_tokens > 0 ? "no token of the user opens with this certificate key"
				    : "the user has no token");
}

static enum dlk_reason
ask(const struct second *s)
{
	const struct dlk_token *first = NULL;

	for (size_t i = 0; i < s->memory->n_tokens && !first; i++)
		if (opens(s, &s->memory->token[i]))
			first = &s->memory->token[i];
	if (!first && dlk_service_observes(s->section, s->now))
		return not_enrolled(s); /* a trial must not ask for what nobody has yet */
	s->verdict->code_digits = first ? first->otp.digits : s->policy->otp.digits;
	s->settlement->provisional = true;
	return dlk_find(s->finding, DLK_STAGE_SECOND, DLK_R_OTP_REQUIRED,
	    "the certificate is accepted; a one-time code has to follow");
}

/* How the code stands to all that the user has. */
struct outcome {
	const struct dlk_token *token; /* fresh */
	int64_t step;
	bool replayed;
	bool again; /* the very code that this subject used last */
	const struct dlk_recovery_code *recovery;
};

static int
try_tokens(const struct second *s, struct outcome *outcome)
{
	const struct dlk_token nobody = { .otp = { .digits = s->policy->otp.digits,
					      .period = s->policy->otp.period,
					      .algorithm = s->policy->otp.algorithm,
					      .key = { .n = 20 },
					      .last_step = -1 } };
	size_t n = s->memory->n_tokens;

	/* without a token the same work is done on one that never opens */
	for (size_t i = 0; i < (n ? n : 1); i++) {
		const struct dlk_token *token = n ? &s->memory->token[i] : &nobody;
		enum dlk_otp_match match = DLK_OTP_NO;
		int64_t step = -1;
		int error = dlk_otp_check(&token->otp, &s->request->code, s->now,
		    s->policy->otp.window, &match, &step);

		if (error != 0)
			return error;
		if (token == &nobody || !opens(s, token))
			continue;
		if (match == DLK_OTP_FRESH && !outcome->token) {
			outcome->token = token;
			outcome->step = step;
		} else if (match == DLK_OTP_REPLAYED) {
			outcome->replayed = true;
			outcome->again |=
			    token->id == s->memory->last_token && step == s->memory->last_step;
		}
	}
	return 0;
}

/* A code of six or seven characters is a token's. One of eight may be either: the scratch
 * codes that were taken over from google-authenticator have eight digits. */
static int
try_recovery(const struct second *s, struct outcome *outcome)
{
	uint8_t mac[DLK_SHA256_SIZE];
	int error;

	if (s->request->code.n < RECOVERY_MIN)
		return 0;
	error =
	    s->ports->recovery_mac(s->ports->ctx, s->subject->user, &s->request->code, mac);
	if (error == -EINVAL)
		return 0;
	if (error != 0)
		return error;
	for (size_t i = 0; i < s->memory->n_recovery && !s->memory->restored; i++)
		if (dlk_octets_equal(mac, s->memory->recovery[i].mac, sizeof(mac)))
			outcome->recovery = &s->memory->recovery[i];
	explicit_bzero(mac, sizeof(mac));
	return 0;
}

static enum dlk_reason
succeed(const struct second *s, const struct outcome *outcome)
{
	struct dlk_settlement *out = s->settlement;

	if (outcome->token) {
		out->token = outcome->token->id;
		out->step_before = outcome->token->otp.last_step;
		out->step = outcome->step;
		dlk_text_copy(
		    out->event.token, sizeof(out->event.token), outcome->token->label);
	} else {
		out->recovery = outcome->recovery->id;
		dlk_text_copy(out->event.token, sizeof(out->event.token), "recovery code");
	}
	if (s->memory->failures.count || s->memory->failures.lockouts) {
		out->failures_changed = true;
		out->failures = (struct dlk_failures){ 0 };
	}
	if (remembers(s))
		out->remember_until = s->now + s->section->remember;
	return DLK_R_OK;
}

static void
count(const struct second *s)
{
	struct dlk_settlement *out = s->settlement;
	struct dlk_lockout_rule rule = key_rule(s);
	bool started = false;

	out->failures = s->memory->failures;
	if (code_alone(s) && out->failures.lockouts > DELAY_DOUBLINGS)
		out->failures.lockouts = DELAY_DOUBLINGS;
	dlk_lockout_fail(&rule, &out->failures, s->now, &started);
	out->failures_changed = true;
	out->lockout_started |= started && !code_alone(s);

	out->user_failures = s->memory->user_failures;
	out->source_failures = s->memory->source_failures;
	if (!code_alone(s)) {
		dlk_lockout_fail(
		    &s->policy->lockout.user, &out->user_failures, s->now, &started);
		out->lockout_started |= started;
	}
	if (s->subject->source[0]) {
		dlk_lockout_fail(
		    &s->policy->lockout.source, &out->source_failures, s->now, &started);
		out->lockout_started |= started;
	}
	out->ceilings_changed = true;
}

static enum dlk_reason
fail(const struct second *s, const struct outcome *outcome)
{
	if (outcome->again)
		return dlk_find(s->finding, DLK_STAGE_SECOND, DLK_R_OTP_REPLAYED,
		    "this code let this user in just now; it was not counted as a failure");
	count(s);
	if (s->memory->n_tokens == 0 && s->memory->n_recovery == 0)
		return not_enrolled(s);
	if (outcome->replayed)
		return dlk_find(s->finding, DLK_STAGE_SECOND, DLK_R_OTP_REPLAYED,
		    "the code was right, and has been used");
	return dlk_find(s->finding, DLK_STAGE_SECOND, DLK_R_OTP_WRONG,
	    "the code fits no token of the user within %u step(s) of now%s",
	    s->policy->otp.window,
	    s->memory->restored ? "; the record came back from a backup: recovery codes and "
				  "tokens that count wait for 'doublelock doctor "
				  "--accept-restore'"
				: "");
}

static enum dlk_reason
check(const struct second *s)
{
	struct outcome outcome = { 0 };
	int error = try_tokens(s, &outcome);

	if (error == 0)
		error = try_recovery(s, &outcome);
	if (error != 0)
		return dlk_find(s->finding, DLK_STAGE_SECOND,
		    error == -ENOKEY ? DLK_R_FAULT_CONFIG : DLK_R_FAULT_INTERNAL,
		    "the code could not be checked: %s", strerrordesc_np(-error));
	return outcome.token || outcome.recovery ? succeed(s, &outcome) : fail(s, &outcome);
}

enum dlk_reason
dlk_second(const struct dlk_policy *policy, const struct dlk_service *section,
    const struct dlk_ports *ports, const struct dlk_request *request,
    const struct dlk_subject *subject, const struct dlk_memory *memory, int64_t now,
    struct dlk_settlement *settlement, struct dlk_verdict *verdict,
    struct dlk_finding *finding)
{
	const struct second s = { policy, section, ports, request, subject, memory, now,
		settlement, verdict, finding };
	enum dlk_reason reason;

	if (section->otp == DLK_OTP_NONE)
		return DLK_R_OK;
	reason = check_lockouts(&s);
	if (reason != DLK_R_OK)
		return reason;
	if (section->otp == DLK_OTP_IF_ENROLLED && memory->n_tokens == 0)
		return DLK_R_OK;
	if ((!request->has_code || request->code_if_needed) &&
	    (is_remembered(&s) || is_renewed(&s))) {
		verdict->remembered = true;
		return DLK_R_OK;
	}
	return request->has_code ? check(&s) : ask(&s);
}
