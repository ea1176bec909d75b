/* SPDX-License-Identifier: MIT */
/* outcome.c - the only place in the module that says PAM_SUCCESS or PAM_IGNORE to a login.
 * It judges nothing; it distrusts a verdict that is not whole. */
#include "outcome.h"

#include <security/pam_ext.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/text.h"

void
dlk_outcome_refuse(
    struct dlk_verdict *verdict, enum dlk_reason reason, const char *format, ...)
{
	char words[sizeof(verdict->detail)];
	va_list args;

	va_start(args, format);
	if (vsnprintf(words, sizeof(words), format, args) < 0)
		words[0] = '\0';
	va_end(args);
	memset(verdict, 0, sizeof(*verdict));
	verdict->reason = reason == DLK_R_OK ? DLK_R_UNDECIDED : reason;
	dlk_text_escape(verdict->detail, sizeof(verdict->detail), dlk_bytes_str(words));
}

/* A yes has its record and names the user who was asked for, octet for octet, or the one who
 * asks, whom subject=ruser judges. */
static bool
is_whole_yes(const struct dlk_request *request, const struct dlk_verdict *verdict)
{
	return verdict->reason == DLK_R_OK && verdict->event[0] && request->user[0] &&
	       verdict->user[0] &&
	       (strcmp(verdict->user, request->user) == 0 ||
		   strcmp(verdict->user, request->asker) == 0);
}

static int
code_of(const struct dlk_request *request, const struct dlk_verdict *verdict)
{
	enum dlk_blame blame = dlk_reason_blame(verdict->reason);

	if (verdict->effect != DLK_EFFECT_ENFORCE)
		return verdict->event[0] && blame != DLK_BLAME_SYSTEM ? PAM_IGNORE
								      : PAM_AUTHINFO_UNAVAIL;
	switch (blame) {
	case DLK_BLAME_CLAIMANT:
	case DLK_BLAME_LOCK:
		return PAM_AUTH_ERR;
	case DLK_BLAME_OPERATOR:
	case DLK_BLAME_SYSTEM:
		break;
	case DLK_BLAME_NOBODY:
		if (is_whole_yes(request, verdict))
			return PAM_SUCCESS;
	}
	return PAM_AUTHINFO_UNAVAIL;
}

/* A name that is no account may be a password, typed one prompt too early. */
static const char *
name_for_log(const struct dlk_request *request, const struct dlk_verdict *verdict)
{
	if (verdict->user[0])
		return verdict->user;
	return request->account_known ? request->user : "";
}

static void
write_line(pam_handle_t *pamh, int code, const struct dlk_request *request,
    const struct dlk_verdict *verdict)
{
	const char *name = name_for_log(request, verdict);
	bool hint = name[0] && code != PAM_SUCCESS;
	const char *word = code == PAM_SUCCESS    ? "accepted"
			   : code == PAM_IGNORE   ? "observed, not enforced"
			   : code == PAM_AUTH_ERR ? "refused"
						  : "cannot decide";

	pam_syslog(pamh,
	    code == PAM_SUCCESS            ? LOG_INFO
	    : code == PAM_AUTHINFO_UNAVAIL ? LOG_ERR
					   : LOG_NOTICE,
	    "%s: %s: %s (user %s, service %s, source %s, event %s)%s%s%s", word,
	    dlk_reason_str(verdict->reason),
	    verdict->detail[0] ? verdict->detail : dlk_reason_meaning(verdict->reason),
	    name[0] ? name : "unknown", request->service[0] ? request->service : "none",
	    request->source[0] ? request->source : "none",
	    verdict->event[0] ? verdict->event : "none", hint ? "; 'doublelock why " : "",
	    hint ? name : "", hint ? "'" : "");
}

int
dlk_outcome(
    pam_handle_t *pamh, const struct dlk_request *request, const struct dlk_verdict *verdict)
{
	struct dlk_verdict shown = *verdict;
	int code = code_of(request, verdict);

	if (verdict->reason == DLK_R_OK && code == PAM_AUTHINFO_UNAVAIL)
		dlk_outcome_refuse(&shown, DLK_R_FAULT_INTERNAL,
		    "the answer was a yes without its record, or for another user");
	write_line(pamh, code, request, &shown);
	return code;
}
