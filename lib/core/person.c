/* SPDX-License-Identifier: MIT */
/* person.c - whom a decision is about: who may ask, for whom, and under which section. */
#include "core/decision.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/text.h"
#include "core/admit.h"
#include "core/proof.h"
#include "core/section.h"

/* The section of a user; the section's kind of certificate has to be proven by this caller. */
static enum dlk_reason
choose_section(struct dlk_decision *d, const struct dlk_service *base, const char *user)
{
	/* A gateway that names nobody is asked for its source when the user is known. sshd
	 * does not tell its command an address: the key is offered with sshd's own from=
	 * instead, and PAM is asked with the address. */
	bool told = d->request->entrance != DLK_ENTRANCE_AUTHORIZED_KEYS &&
		    (user[0] || d->request->user[0]);
	const char *source = told ? d->request->source : NULL;
	enum dlk_reason reason = dlk_section_find(
	    d->policy, base, d->ports, user, source, &d->section, &d->finding);

	if (reason != DLK_R_OK)
		return reason;
	if (dlk_proof_lacks(d->section, d->caller, d->request))
		return dlk_proof_ask(
		    d->section, d->ports, d->caller, d->request, d->now, &d->finding);
	return dlk_admit_possession(d->policy, d->caller, d->request, d->section, &d->finding);
}

/* [service NAME] subject=ruser: who asks, in place of whom they ask for. sudo and su know it;
 * whoever is not root does not say it of others. */
static enum dlk_reason
take_asker(struct dlk_decision *d)
{
	struct dlk_account account = { 0 };

	if (!d->caller->root || !dlk_text_is_name(d->request->asker))
		return dlk_decision_find(d, DLK_STAGE_ADMIT, DLK_R_NO_IDENTITY,
		    "subject=ruser, and the program does not say who asks");
	int error = d->ports->account(d->ports->ctx, d->request->asker, &account);
	if (error != 0 && error != -ENOENT)
		return dlk_decision_find(d, DLK_STAGE_ADMIT, DLK_R_FAULT_INTERNAL,
		    "the user database does not answer");
	d->of_asker = *d->request;
	d->of_asker.account_known = error == 0;
	d->of_asker.uid = account.uid;
	dlk_text_copy(d->of_asker.user, sizeof(d->of_asker.user),
	    error == 0 ? account.name : d->request->asker);
	if (d->request->account_known && strcmp(d->of_asker.user, d->request->user) != 0)
		d->target = d->request->user;
	d->request = &d->of_asker;
	return DLK_R_OK;
}

enum dlk_reason
dlk_person_admit(struct dlk_decision *d, const struct dlk_service **ret_base)
{
	enum dlk_reason reason =
	    dlk_admit(d->policy, d->caller, d->request, ret_base, &d->finding);
	bool known;

	if (reason != DLK_R_OK)
		return reason;
	d->section = *ret_base;
	if (d->section->subject == DLK_WHOSE_ASKER)
		reason = take_asker(d);
	if (reason != DLK_R_OK)
		return reason;
	known = d->request->account_known || d->section->names_only;
	return choose_section(d, *ret_base, known ? d->request->user : "");
}

enum dlk_reason
dlk_person_match(struct dlk_decision *d, const struct dlk_service *base)
{
	const char *user = d->judgement.account.name;

	if (d->request->user[0] && strcmp(d->request->user, user) != 0)
		return dlk_find(&d->finding, DLK_STAGE_MAP, DLK_R_USER_MISMATCH,
		    "%s belongs to '%s'", dlk_cert_label(d->leaf), user);
	return choose_section(d, base, user);
}

enum dlk_reason
dlk_person_name(struct dlk_decision *d)
{
	struct dlk_account *account = &d->judgement.account;

	if (d->section->otp != DLK_OTP_REQUIRED)
		return dlk_decision_find(d, DLK_STAGE_ADMIT, DLK_R_FAULT_CONFIG,
		    "a section with certificate=none has to have otp=required");
	if (!d->request->user[0])
		return dlk_decision_find(
		    d, DLK_STAGE_ADMIT, DLK_R_NO_IDENTITY, "no user was named");
	if (d->request->account_known || d->section->names_only)
		dlk_text_copy(account->name, sizeof(account->name), d->request->user);
	d->judgement.good_until = d->judgement.chain_until = INT64_MAX;
	return DLK_R_OK;
}

/* Whose failures: the certificate key's; by code alone those of a name from an address. The
 * name is hashed: one whom nobody knows may be a password that was typed too early. */
static bool
failures_key(const struct dlk_decision *d, uint8_t *ret_key)
{
	uint8_t text[2 * (DLK_NAME_MAX + 1) + 1] = { 0 };
	size_t n = strlen(d->request->source) + 1;

	if (d->leaf) {
		memcpy(ret_key, dlk_cert_key_id(d->leaf), DLK_SHA256_SIZE);
		return true;
	}
	memcpy(text, d->request->source, n);
	memcpy(text + n, d->request->user, strlen(d->request->user));
	return EVP_Digest(
		   text, n + strlen(d->request->user), ret_key, NULL, EVP_sha256(), NULL) == 1;
}

bool
dlk_person_subject(const struct dlk_decision *d, struct dlk_subject *subject)
{
	dlk_text_copy(subject->user, sizeof(subject->user), d->judgement.account.name);
	dlk_text_copy(subject->service, sizeof(subject->service), d->request->service);
	dlk_text_copy(subject->source, sizeof(subject->source), d->request->source);
	subject->caller = d->caller->name;
	subject->visit = d->request->visit;
	return failures_key(d, subject->key_id);
}
