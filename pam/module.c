/* SPDX-License-Identifier: MIT */
/*
 * module.c - what PAM calls. The whole of a login stands in authenticate(): collect a request,
 * ask the judge, have a key prove itself and ask the user for the code if the judge wants
 * that, ask the judge again. Of a
 * session the judge is told, and no more.
 *
 * It runs inside sshd, sudo or a screen locker: it starts no thread, touches no signal, and
 * keeps nothing between two calls but that it has said yes.
 */
#define PAM_SM_AUTH
#define PAM_SM_ACCOUNT
#define PAM_SM_SESSION
#define PAM_SM_PASSWORD
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <syslog.h>
#include <unistd.h>

#include "ask.h"
#include "base/owner.h"
#include "code.h"
#include "collect.h"
#include "outcome.h"
#include "prove.h"

#define EXPORT   __attribute__((visibility("default")))
#define ACCEPTED "pam_doublelock_accepted"

/* PAM_SUCCESS where there is a verdict, whatever it says. */
static int
judge(pam_handle_t *pamh, const struct dlk_options *options, struct dlk_request *request,
    struct dlk_secret *rest, struct dlk_verdict *verdict)
{
	DLK_AUTO_ASK ask = { .options = options,
		.by_helper = dlk_owner_is(geteuid()) && !options->ask_agent,
		.fd = -1 };

	if (!ask.by_helper && options->config) {
		dlk_outcome_refuse(verdict, DLK_R_FAULT_CONFIG,
		    "config= is for programs that run as root; others ask the agent, which "
		    "has its own configuration");
		return PAM_SUCCESS;
	}
	dlk_ask(&ask, request, verdict);
	if (ask.challenge.n > 0) {
		dlk_prove(pamh, options, dlk_bytes_of(&ask.challenge), request);
		dlk_ask(&ask, request, verdict);
	}
	if (verdict->reason != DLK_R_OTP_REQUIRED)
		return PAM_SUCCESS;
	int code = dlk_code_get(pamh, options, request, rest, verdict);
	if (code != PAM_SUCCESS || !request->has_code)
		return code;
	dlk_ask(&ask, request, verdict);
	if (verdict->reason == DLK_R_OTP_REQUIRED)
		dlk_outcome_refuse(verdict, DLK_R_FAULT_INTERNAL,
		    "the judge asked for a code again instead of judging it");
	return PAM_SUCCESS;
}

/* A stack that includes the module twice uses up two codes, and the user waits for the second
 * one; those who see it look for the fault elsewhere. */
static void
warn_of_twice(pam_handle_t *pamh)
{
	const void *before = NULL;

	if (pam_get_data(pamh, ACCEPTED, &before) == PAM_SUCCESS)
		pam_syslog(pamh, LOG_WARNING,
		    "asked again in a login that it has accepted: is it in the stack twice? "
		    "each time uses up a code");
}

static int
authenticate(pam_handle_t *pamh, const struct dlk_options *options)
{
	DLK_AUTO_REQUEST request = { 0 };
	DLK_AUTO_SECRET rest = { 0 };
	struct dlk_verdict verdict = { 0 };

	warn_of_twice(pamh);
	int code = dlk_collect(pamh, options, dlk_owner_is(geteuid()), &request, &verdict);
	if (code == PAM_SUCCESS && verdict.reason == DLK_R_UNDECIDED)
		code = judge(pamh, options, &request, &rest, &verdict);
	if (code != PAM_SUCCESS) {
		pam_syslog(pamh, LOG_NOTICE, "the conversation ended without an answer");
		return code;
	}
	if (verdict.reason == DLK_R_OK && !dlk_collect_is_still(pamh, &request))
		dlk_outcome_refuse(&verdict, DLK_R_FAULT_INTERNAL,
		    "the application has changed PAM_USER since; it would be a yes for "
		    "somebody else");
	code = dlk_outcome(pamh, &request, &verdict);
	if ((code == PAM_SUCCESS || code == PAM_IGNORE) &&
	    dlk_code_forward(pamh, &rest) != PAM_SUCCESS)
		return PAM_BUF_ERR;
	if (code == PAM_SUCCESS)
		pam_set_data(pamh, ACCEPTED, NULL, NULL);
	return code;
}

EXPORT int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct dlk_options options;

	(void)flags; /* nothing is shown that PAM_SILENT could hide; no code may be empty */
	if (!dlk_options_parse(pamh, argc, argv, &options))
		return PAM_SERVICE_ERR;
	return authenticate(pamh, &options);
}

/* sshd calls this up to four times from several processes, and gives up a login that gets
 * PAM_IGNORE from the only module. */
EXPORT int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_SUCCESS;
}

/* cron and sshd's public keys come here without authenticate(): nothing is decided. */
EXPORT int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_IGNORE;
}

/* For the record alone: nobody is kept out or in by what becomes of it. */
static int
note_session(pam_handle_t *pamh, enum dlk_session session, int argc, const char **argv)
{
	DLK_AUTO_REQUEST request = { 0 };
	struct dlk_verdict verdict = { 0 };
	struct dlk_options options;

	if (!dlk_owner_is(geteuid()) || !dlk_options_parse(pamh, argc, argv, &options) ||
	    !dlk_collect_session(pamh, &options, session, &request))
		return PAM_SUCCESS;
	DLK_AUTO_ASK ask = { .options = &options, .by_helper = !options.ask_agent, .fd = -1 };
	dlk_ask(&ask, &request, &verdict);
	if (!verdict.event[0])
		pam_syslog(pamh,
		    verdict.reason == DLK_R_UNKNOWN_SERVICE ? LOG_DEBUG : LOG_WARNING,
		    "session of %s not noted: %s: %s", request.user,
		    dlk_reason_str(verdict.reason), verdict.detail);
	return PAM_SUCCESS;
}

EXPORT int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	return note_session(pamh, DLK_SESSION_OPENED, argc, argv);
}

EXPORT int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	return note_session(pamh, DLK_SESSION_CLOSED, argc, argv);
}

EXPORT int
pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_IGNORE;
}
