/* SPDX-License-Identifier: MIT */
/*
 * admit.c - who may state what. The table of doors is short on purpose: what stands in none
 * of its rows is refused.
 */
#include "core/admit.h"

#include <string.h>

#include "base/text.h"

static enum dlk_reason
unproven(struct dlk_finding *finding, const struct dlk_caller *caller, const char *why)
{
	return dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_POSSESSION_UNPROVEN, "%s: %s",
	    caller->name[0] ? caller->name : "caller", why);
}

/* Naming a user whom no certificate names: the right of root and of those in ask-for; under
 * unprivileged=yes everybody's of this machine for themselves. */
static bool
may_name(const struct dlk_caller *caller, const struct dlk_request *request,
    const struct dlk_service *section)
{
	if (caller->root || dlk_peers_hold(&section->ask_for, caller))
		return true;
	return section->unprivileged && !caller->peer[0] && request->account_known &&
	       request->uid == caller->uid;
}

/* Whoever is not root asks by code for its own user, and states nothing else; a program in
 * ask-for asks for its users, and where they come from says one in vouch. */
static enum dlk_reason
admit_unprivileged(const struct dlk_caller *caller, const struct dlk_request *request,
    const struct dlk_service *service, struct dlk_finding *finding)
{
	bool listed = dlk_peers_hold(&service->ask_for, caller);

	if ((!service->unprivileged && !listed) ||
	    service->certificate != DLK_CERTIFICATE_NONE)
		return unproven(finding, caller,
		    "callers other than root are served only under a [service] with "
		    "certificate=none and unprivileged=yes, or ask-for=");
	if (!may_name(caller, request, service))
		return unproven(finding, caller,
		    "a caller other than root may ask for its own user alone, unless it is "
		    "in [service NAME] ask-for");
	if (request->possession != DLK_POSSESSION_NONE)
		return unproven(
		    finding, caller, "a caller other than root may state no possession");
	if (request->source[0] && !dlk_peers_hold(&service->vouch, caller))
		return unproven(finding, caller,
		    "a caller that is not in [service NAME] vouch may state no source");
	return DLK_R_OK;
}

static enum dlk_reason
admit_gateway(const struct dlk_caller *caller, const struct dlk_request *request,
    const struct dlk_service *service, struct dlk_finding *finding)
{
	if (service->certificate != DLK_CERTIFICATE_GATEWAY &&
	    service->certificate != DLK_CERTIFICATE_NONE)
		return unproven(finding, caller,
		    "the service is not one of gateways: its "
		    "certificate is not 'gateway'");
	if (caller->root || dlk_peers_hold(&service->vouch, caller))
		return DLK_R_OK;
	if (service->certificate == DLK_CERTIFICATE_NONE)
		return admit_unprivileged(caller, request, service, finding);
	return unproven(finding, caller, "the gateway is not in [service NAME] vouch");
}

static enum dlk_reason
admit_caller(const struct dlk_policy *policy, const struct dlk_caller *caller,
    const struct dlk_request *request, const struct dlk_service *service,
    struct dlk_finding *finding)
{
	if (caller->entrance != request->entrance)
		return unproven(finding, caller, "the request came through another door");
	switch (request->entrance) {
	case DLK_ENTRANCE_NONE:
	case DLK_ENTRANCE_OPERATOR:
		break;
	case DLK_ENTRANCE_PAM:
		if (!caller->root)
			return admit_unprivileged(caller, request, service, finding);
		return DLK_R_OK;
	case DLK_ENTRANCE_AUTHORIZED_KEYS:
		if (!dlk_policy_is_sshd(policy, service->name))
			return unproven(
			    finding, caller, "the service is not in [sshd] services");
		return DLK_R_OK;
	case DLK_ENTRANCE_GATEWAY:
		return admit_gateway(caller, request, service, finding);
	}
	return unproven(finding, caller, "no door for this kind of request");
}

static bool
is_sane(const struct dlk_request *request)
{
	if (!dlk_text_is_name(request->service))
		return false;
	if (request->user[0] && !dlk_text_is_name(request->user))
		return false;
	if (!request->user[0] && request->entrance != DLK_ENTRANCE_GATEWAY)
		return false;
	return true;
}

enum dlk_reason
dlk_admit(const struct dlk_policy *policy, const struct dlk_caller *caller,
    const struct dlk_request *request, const struct dlk_service **ret_service,
    struct dlk_finding *finding)
{
	const struct dlk_service *service;
	enum dlk_reason reason;

	if (request->session != DLK_SESSION_NONE)
		return dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_FAULT_INTERNAL,
		    "a session is noted; there is nothing to decide");
	if (!is_sane(request))
		return dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_CERTIFICATE_MALFORMED,
		    "the user or service name of the request is empty or has characters that "
		    "no "
		    "name has");
	service = dlk_policy_service(policy, request->service);
	if (!service)
		return dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_UNKNOWN_SERVICE,
		    "there is no section [service %s]", request->service);
	reason = admit_caller(policy, caller, request, service, finding);
	if (reason == DLK_R_OK)
		*ret_service = service;
	return reason;
}

/* One kind of certificate, the one door and the one witness that it has. */
static const struct {
	enum dlk_certificate certificate;
	enum dlk_entrance entrance;
	enum dlk_possession possession;
	enum dlk_evidence evidence;
} doors[] = {
	{ DLK_CERTIFICATE_SSHD, DLK_ENTRANCE_PAM, DLK_POSSESSION_SSHD,
	    DLK_EVIDENCE_SSH_AUTH_INFO },
	{ DLK_CERTIFICATE_SSHD, DLK_ENTRANCE_AUTHORIZED_KEYS, DLK_POSSESSION_NONE,
	    DLK_EVIDENCE_SSH_KEY },
	{ DLK_CERTIFICATE_SSH_AGENT, DLK_ENTRANCE_PAM, DLK_POSSESSION_SSH_AGENT,
	    DLK_EVIDENCE_SSH_BLOB },
	{ DLK_CERTIFICATE_TOKEN, DLK_ENTRANCE_PAM, DLK_POSSESSION_TOKEN,
	    DLK_EVIDENCE_CERTIFICATE },
	{ DLK_CERTIFICATE_GATEWAY, DLK_ENTRANCE_GATEWAY, DLK_POSSESSION_TLS_GATEWAY,
	    DLK_EVIDENCE_CERTIFICATE },
	{ DLK_CERTIFICATE_GATEWAY, DLK_ENTRANCE_GATEWAY, DLK_POSSESSION_TLS_GATEWAY,
	    DLK_EVIDENCE_KEPT },
};

enum dlk_reason
dlk_admit_possession(const struct dlk_policy *policy, const struct dlk_caller *caller,
    const struct dlk_request *request, const struct dlk_service *section,
    struct dlk_finding *finding)
{
	if (section->certificate == DLK_CERTIFICATE_NONE) {
		if (request->entrance == DLK_ENTRANCE_AUTHORIZED_KEYS)
			return unproven(finding, caller,
			    "the section asks for no certificate, so "
			    "no key is offered for it");
		/* where nobody is named it was a certificate that led here */
		if (request->user[0] && !may_name(caller, request, section))
			return unproven(finding, caller,
			    "a user without a certificate is named by root or by one in "
			    "[service NAME] ask-for alone");
		return DLK_R_OK;
	}
	if (request->entrance == DLK_ENTRANCE_GATEWAY && !caller->root &&
	    !dlk_peers_hold(&section->vouch, caller))
		return unproven(
		    finding, caller, "the gateway is not in vouch of the section that holds");
	if (!caller->root && request->entrance == DLK_ENTRANCE_PAM)
		return unproven(
		    finding, caller, "a caller other than root proves no possession");
	if (section->certificate == DLK_CERTIFICATE_SSHD &&
	    !dlk_policy_is_sshd(policy, section->name))
		return unproven(finding, caller, "the service is not in [sshd] services");
	for (size_t i = 0; i < sizeof(doors) / sizeof(*doors); i++) {
		if (doors[i].certificate != section->certificate ||
		    doors[i].entrance != request->entrance)
			continue;
		if (request->evidence_kind == DLK_EVIDENCE_NONE || request->evidence.n == 0)
			return dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_NO_CERTIFICATE,
			    "no certificate was presented");
		if (doors[i].possession == request->possession &&
		    doors[i].evidence == request->evidence_kind)
			return DLK_R_OK;
	}
	return unproven(finding, caller, "nobody saw the certificate's key used");
}
