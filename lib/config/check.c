/* SPDX-License-Identifier: MIT */
/* check.c - sections held against each other. A policy that gets past here has no key that
 * would silently mean less than it says. */
#include "config/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static int
refuse(const char *file, const char *section, const char *why, struct dlk_finding *finding)
{
	dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_FAULT_CONFIG, "%.300s: [%s]: %s", file,
	    section, why);
	return -EINVAL;
}

static int
copy_rules(struct dlk_rules *to, const struct dlk_rules *from)
{
	for (size_t i = 0; i < from->n; i++) {
		char text[3 * DLK_NAME_MAX];
		const char *why;
		int error;

		dlk_text_print(text, sizeof(text), "%s:%s%%u%s",
		    dlk_field_str(from->rule[i].field), from->rule[i].before,
		    from->rule[i].after);
		error = dlk_rules_add(to, text, &why);
		if (error != 0)
			return error;
	}
	return 0;
}

static void *
copy_array(const void *from, size_t n, size_t size)
{
	void *to = n ? reallocarray(NULL, n, size) : NULL;

	if (to)
		memcpy(to, from, n * size);
	return to;
}

/* What the exception does not state is as in its service. */
static int
inherit(struct dlk_service *s, const struct dlk_service *base)
{
	if (!(s->given & DLK_GIVEN_CERTIFICATE))
		s->certificate = base->certificate;
	if (!(s->given & DLK_GIVEN_OTP))
		s->otp = base->otp;
	if (!(s->given & DLK_GIVEN_SUBJECT))
		s->subject = base->subject;
	if (!(s->given & DLK_GIVEN_ACCOUNTS))
		s->names_only = base->names_only;
	/* there is no key that what is remembered could be tied to */
	if (!(s->given & DLK_GIVEN_REMEMBER) && s->certificate != DLK_CERTIFICATE_NONE)
		s->remember = base->remember;
	if (!(s->given & DLK_GIVEN_UNPRIVILEGED))
		s->unprivileged = base->unprivileged;
	if (!(s->given & DLK_GIVEN_RESTRICT))
		s->restricted = base->restricted;
	if (!(s->given & DLK_GIVEN_MODE)) {
		s->observe = base->observe;
		s->observe_until = base->observe_until;
	}
	if (!(s->given & DLK_GIVEN_VOUCH)) {
		int error = dlk_peers_copy(&s->vouch, &base->vouch);
		if (error != 0)
			return error;
	}
	if (!(s->given & DLK_GIVEN_ASK_FOR)) {
		int error = dlk_peers_copy(&s->ask_for, &base->ask_for);
		if (error != 0)
			return error;
	}
	if (!(s->given & DLK_GIVEN_FROM)) {
		s->from = copy_array(base->from, base->n_from, sizeof(*s->from));
		s->n_from = base->n_from;
	}
	if (s->n_from && !s->from)
		return -ENOMEM;
	return s->given & DLK_GIVEN_RULES ? 0 : copy_rules(&s->rules, &base->rules);
}

static bool
any_peer(const struct dlk_peers *peers)
{
	return peers->n_uids + peers->n_names > 0;
}

static const char *
senseless(const struct dlk_service *s, const struct dlk_service *base)
{
	if (s->certificate == DLK_CERTIFICATE_UNSET)
		return "certificate is missing: sshd, ssh-agent, token, gateway or none";
	if (s->certificate == DLK_CERTIFICATE_NONE && s->otp != DLK_OTP_REQUIRED)
		return "certificate=none has to have otp=required: somebody would get in by "
		       "name";
	if (s->certificate == DLK_CERTIFICATE_NONE && s->remember > 0)
		return "remember needs a certificate: somebody at the same address would get "
		       "in "
		       "by name";
	if (s->certificate != base->certificate && s->certificate != DLK_CERTIFICATE_NONE)
		return "an exception asks for the certificate of its service, or for none";
	if (s->unprivileged && s->certificate != DLK_CERTIFICATE_NONE)
		return "unprivileged=yes needs certificate=none: only root can say whose key "
		       "was "
		       "used";
	if (s->observe && s->certificate == DLK_CERTIFICATE_GATEWAY)
		return "mode=observe exists for PAM services alone";
	if (s->observe && s->observe_until == 0)
		return "mode=observe needs observe-until=DATE, when it ends";
	if (!s->observe && s->observe_until != 0)
		return "observe-until means nothing without mode=observe";
	if (s != base && (s->given & DLK_GIVEN_SUBJECT))
		return "subject is of the service itself: it says whose exception is looked "
		       "for";
	if (s->subject == DLK_WHOSE_ASKER && (s->certificate == DLK_CERTIFICATE_SSHD ||
						 s->certificate == DLK_CERTIFICATE_GATEWAY))
		return "subject=ruser is for sudo and su: certificate=ssh-agent, token or "
		       "none";
	if (s->certificate != DLK_CERTIFICATE_GATEWAY &&
	    s->certificate != DLK_CERTIFICATE_NONE &&
	    (any_peer(&s->vouch) || any_peer(&s->ask_for)))
		return "vouch and ask-for are for services of gateways";
	return NULL;
}

static int
check_services(struct dlk_settings *settings, const char *file, struct dlk_finding *finding)
{
	struct dlk_policy *policy = &settings->policy;

	for (size_t i = 0; i < policy->n_services; i++) {
		struct dlk_service *s = &policy->service[i];
		const struct dlk_service *base = dlk_policy_service(policy, s->name);
		const char *why;

		if (!base)
			return refuse(file, s->section,
			    "an exception to a service that has no [service NAME] section",
			    finding);
		if (s != base && inherit(s, base) != 0)
			return -ENOMEM;
		why = senseless(s, base);
		if (why)
			return refuse(file, s->section, why, finding);
	}
	return 0;
}

static int
check_trust(const struct dlk_settings *settings, const char *file, struct dlk_finding *finding)
{
	const struct dlk_policy *policy = &settings->policy;
	char section[DLK_NAME_MAX + 16];

	for (size_t i = 1; i < policy->n_sets; i++) {
		if (policy->set[i].n_anchors > 0)
			continue;
		dlk_text_print(section, sizeof(section), "trust %s", policy->set[i].name);
		return refuse(file, section, "anchors is missing", finding);
	}
	if (policy->set[0].rules.n > 0)
		return refuse(file, "trust",
		    "rule belongs to [identity], or to a [trust NAME] of its own", finding);
	return 0;
}

static int
check_webhook(
    const struct dlk_settings *settings, const char *file, struct dlk_finding *finding)
{
	bool other = settings->webhook.secret_file || settings->webhook.ca ||
		     settings->webhook.certificate || settings->webhook.key;

	if (!settings->webhook.url)
		return other ? refuse(file, "webhook", "url is missing", finding) : 0;
	if (!settings->webhook.secret_file)
		return refuse(file, "webhook",
		    "secret-file is missing: events are signed, so that the receiver can tell "
		    "ours",
		    finding);
	if (!settings->webhook.certificate != !settings->webhook.key)
		return refuse(file, "webhook", "certificate and key go together", finding);
	return 0;
}

static int
check_ldap(const struct dlk_settings *settings, const char *file, struct dlk_finding *finding)
{
	bool other = settings->ldap.base || settings->ldap.filter || settings->ldap.user ||
		     settings->ldap.ca || settings->ldap.bind_dn ||
		     settings->ldap.password_file || settings->ldap.refresh != 0;

	if (!settings->ldap.url)
		return other ? refuse(file, "certificates",
				   "ldap-... means nothing without ldap=ldaps://HOST", finding)
			     : 0;
	if (!settings->ldap.base || !settings->ldap.ca)
		return refuse(file, "certificates",
		    "ldap needs ldap-base, where to look, and ldap-ca, by which the server is "
		    "known",
		    finding);
	if (!settings->ldap.bind_dn != !settings->ldap.password_file)
		return refuse(file, "certificates",
		    "ldap-bind-dn and ldap-password-file go together", finding);
	return 0;
}

static bool
any_tls(const struct dlk_settings *settings)
{
	for (size_t i = 0; i < settings->listen.n; i++)
		if (strncmp(settings->listen.text[i], "tls:", 4) == 0)
			return true;
	return false;
}

static int
check_tls(const struct dlk_settings *settings, const char *file, struct dlk_finding *finding)
{
	bool some = settings->tls.certificate || settings->tls.key || settings->tls.clients ||
		    settings->tls.with_1_2 || settings->tls.readers.n > 0;
	bool whole = settings->tls.certificate && settings->tls.key && settings->tls.clients;

	if (any_tls(settings) && !whole)
		return refuse(file, "agent",
		    "listen=tls: needs tls-certificate, tls-key and clients", finding);
	if (!any_tls(settings) && some)
		return refuse(file, "agent",
		    "tls-certificate, tls-key, tls-min, clients and readers mean nothing "
		    "without listen=tls:",
		    finding);
	return 0;
}

int
dlk_settings_check(
    struct dlk_settings *settings, const char *file, struct dlk_finding *finding)
{
	int error = check_trust(settings, file, finding);

	if (error == 0)
		error = check_services(settings, file, finding);
	if (error == 0)
		error = check_tls(settings, file, finding);
	if (error == 0)
		error = check_ldap(settings, file, finding);
	return error ? error : check_webhook(settings, file, finding);
}
