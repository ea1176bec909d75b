/* SPDX-License-Identifier: MIT */
/* collect.c - reads PAM items and sshd's SSH_AUTH_INFO_0. It takes nothing from the process
 * environment, parses no key, and leaves open whether any of it is true. */
#include "collect.h"

#include <errno.h>
#include <security/pam_ext.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/account.h"
#include "base/address.h"
#include "base/text.h"
#include "outcome.h"

static const char *
item(pam_handle_t *pamh, int type)
{
	const void *value = NULL;

	return pam_get_item(pamh, type, &value) == PAM_SUCCESS && value ? value : "";
}

/* Who is no account is asked about as typed, and refused like one who is. */
static enum dlk_reason
take_account(const char *typed, struct dlk_request *request)
{
	int error =
	    dlk_account_find(typed, request->user, sizeof(request->user), &request->uid);

	request->account_known = error == 0;
	if (error == -ENOENT && !dlk_text_copy(request->user, sizeof(request->user), typed))
		return DLK_R_NO_IDENTITY;
	if (error != 0 && error != -ENOENT)
		return error == -ENAMETOOLONG ? DLK_R_NO_IDENTITY : DLK_R_FAULT_INTERNAL;
	return dlk_text_is_name(request->user) ? DLK_R_OK : DLK_R_NO_IDENTITY;
}

static int
take_user(pam_handle_t *pamh, struct dlk_request *request, struct dlk_verdict *verdict)
{
	const char *typed = NULL;
	int code = pam_get_user(pamh, &typed, NULL);

	if (code != PAM_SUCCESS || !typed)
		return PAM_CONV_ERR;
	enum dlk_reason reason =
	    dlk_text_is_name(typed) ? take_account(typed, request) : DLK_R_NO_IDENTITY;
	if (reason == DLK_R_NO_IDENTITY)
		dlk_outcome_refuse(verdict, reason,
		    "the user name is empty, too long, or has characters that no name has");
	else if (reason != DLK_R_OK)
		dlk_outcome_refuse(verdict, reason, "the user database does not answer");
	return PAM_SUCCESS;
}

static void
take_service(pam_handle_t *pamh, const struct dlk_options *options,
    struct dlk_request *request, struct dlk_verdict *verdict)
{
	const char *service = options->service ? options->service : item(pamh, PAM_SERVICE);

	if (!dlk_text_is_name(service) ||
	    !dlk_text_copy(request->service, sizeof(request->service), service))
		dlk_outcome_refuse(verdict, DLK_R_UNKNOWN_SERVICE,
		    "PAM names no service, or one with characters that no name has");
}

static void
take_source(const char *from, struct dlk_request *request)
{
	char text[sizeof(request->source)];
	size_t n = strcspn(from, " ");

	if (n >= sizeof(text))
		return;
	memcpy(text, from, n);
	text[n] = '\0';
	if (!dlk_address_spell(text, request->source, sizeof(request->source)))
		request->source[0] = '\0';
}

/* sshd gives a name instead of the address in PAM_RHOST where it has UseDNS, but always
 * "ADDRESS PORT ADDRESS PORT" in SSH_CONNECTION. */
static const char *
source_of(pam_handle_t *pamh)
{
	const char *connection = pam_getenv(pamh, "SSH_CONNECTION");

	return connection ? connection : item(pamh, PAM_RHOST);
}

static void
take_tty(pam_handle_t *pamh, struct dlk_request *request)
{
	const char *tty = item(pamh, PAM_TTY);

	if (dlk_text_is_name(tty))
		dlk_text_copy(request->tty, sizeof(request->tty), tty);
}

/* Who runs the program, for sudo and su: the kernel knows, unless it is root's own, and then
 * the program does. Where the two differ nobody is named. */
static void
take_asker(pam_handle_t *pamh, struct dlk_request *request)
{
	const char *said = item(pamh, PAM_RUSER);
	uid_t real = getuid(), uid = real;
	int error = -EINVAL;

	if (!said[0])
		error = dlk_account_name(real, request->asker, sizeof(request->asker));
	else if (dlk_text_is_name(said))
		error = dlk_account_find(said, request->asker, sizeof(request->asker), &uid);

	if (error != 0 || (!said[0] && real == 0) || (real != 0 && uid != real) ||
	    !dlk_text_is_name(request->asker))
		request->asker[0] = '\0';
}

/* What sshd has seen proven. Its list is handed over as it is. */
static void
take_evidence(pam_handle_t *pamh, struct dlk_request *request, struct dlk_verdict *verdict)
{
	const char *info = pam_getenv(pamh, "SSH_AUTH_INFO_0");

	if (!info || !info[0])
		return;
	int error = dlk_buf_add(&request->evidence, DLK_EVIDENCE_MAX, dlk_bytes_str(info));
	if (error == -EMSGSIZE)
		dlk_outcome_refuse(verdict, DLK_R_CERTIFICATE_MALFORMED,
		    "SSH_AUTH_INFO_0 has %zu octets; no key that sshd takes is longer than %d",
		    strlen(info), DLK_EVIDENCE_MAX);
	else if (error != 0)
		dlk_outcome_refuse(verdict, DLK_R_FAULT_INTERNAL, "out of memory");
	request->evidence_kind = DLK_EVIDENCE_SSH_AUTH_INFO;
	request->possession = DLK_POSSESSION_SSHD;
}

int
dlk_collect(pam_handle_t *pamh, const struct dlk_options *options, bool privileged,
    struct dlk_request *request, struct dlk_verdict *verdict)
{
	request->entrance = DLK_ENTRANCE_PAM;
	take_service(pamh, options, request, verdict);
	if (privileged) {
		take_source(source_of(pamh), request);
		take_evidence(pamh, request, verdict);
		take_asker(pamh, request);
	}
	take_tty(pamh, request);
	if (getrandom(request->attempt, sizeof(request->attempt), 0) !=
	    (ssize_t)sizeof(request->attempt))
		dlk_outcome_refuse(verdict, DLK_R_FAULT_INTERNAL, "no random octets");
	return take_user(pamh, request, verdict);
}

bool
dlk_collect_is_still(pam_handle_t *pamh, const struct dlk_request *request)
{
	struct dlk_request now = { .entrance = DLK_ENTRANCE_PAM };
	const char *typed = item(pamh, PAM_USER);

	if (strcmp(typed, request->user) == 0)
		return true;
	return dlk_text_is_name(typed) && take_account(typed, &now) == DLK_R_OK &&
	       now.account_known && request->account_known && now.uid == request->uid &&
	       strcmp(now.user, request->user) == 0;
}

/* PAM's environment may be the user's by now (pam_env reads ~/.pam_environment), and nothing
 * of it is taken. */
bool
dlk_collect_session(pam_handle_t *pamh, const struct dlk_options *options,
    enum dlk_session session, struct dlk_request *request)
{
	struct dlk_verdict verdict = { 0 };
	const char *user = item(pamh, PAM_USER);

	request->entrance = DLK_ENTRANCE_PAM;
	request->session = session;
	take_service(pamh, options, request, &verdict);
	take_source(item(pamh, PAM_RHOST), request);
	take_tty(pamh, request);
	return dlk_text_is_name(user) && take_account(user, request) == DLK_R_OK &&
	       request->account_known && verdict.reason == DLK_R_UNDECIDED;
}
