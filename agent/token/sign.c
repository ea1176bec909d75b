/* SPDX-License-Identifier: MIT */
/* sign.c - finds the private key that belongs to a certificate (the same CKA_ID) and uses it
 * once. That it is the certificate's key indeed, the judge finds out. */
#include "token/sign.h"

#include <string.h>

#include "base/say.h"

#define SIGNATURE_MAX 2048
#define DATA_MAX      1024 /* octets of what is signed */

/* RFC 8017 section 9.2, what stands before a SHA-256 */
static const uint8_t digest_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
	0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

/* What is given to the token, and how. */
struct task {
	CK_MECHANISM mechanism;
	uint8_t octets[sizeof(digest_info) + DLK_CHALLENGE_HASH];
	struct dlk_bytes what; /* octets, or the data itself */
};

static CK_OBJECT_HANDLE
find_key(const struct dlk_card *card, const struct dlk_card_cert *cert)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_BYTE id[DLK_CARD_ID_MAX];
	CK_ATTRIBUTE sought[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, id, cert->n_id },
	};
	CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
	CK_ULONG n = 0;

	memcpy(id, cert->id, sizeof(id));
	if (card->module->C_FindObjectsInit(card->session, sought, 2) != CKR_OK)
		return CK_INVALID_HANDLE;
	if (card->module->C_FindObjects(card->session, &object, 1, &n) != CKR_OK || n != 1)
		object = CK_INVALID_HANDLE;
	(void)card->module->C_FindObjectsFinal(card->session);
	return object;
}

static bool
choose_task(CK_KEY_TYPE type, const struct dlk_challenge *challenge, struct task *task)
{
	struct dlk_bytes digest = DLK_BYTES(challenge->digest, sizeof(challenge->digest));

	memcpy(task->octets, digest_info, sizeof(digest_info));
	memcpy(task->octets + sizeof(digest_info), digest.p, digest.n);
	task->mechanism = (CK_MECHANISM){ .mechanism = CKM_RSA_PKCS };
	task->what = DLK_BYTES(task->octets, sizeof(task->octets));
	if (type == CKK_RSA)
		return true;
	task->mechanism.mechanism = type == CKK_EC ? CKM_ECDSA : CKM_EDDSA;
	task->what = type == CKK_EC ? digest : dlk_bytes_of(&challenge->data);
	return type == CKK_EC || type == CKK_EC_EDWARDS;
}

/* A key that asks for the PIN before each use has it again: it is known to be the right one.
 */
static CK_RV
confirm(const struct dlk_card *card, CK_OBJECT_HANDLE key, struct dlk_secret *pin)
{
	CK_BBOOL always = CK_FALSE;
	CK_ATTRIBUTE attribute = { CKA_ALWAYS_AUTHENTICATE, &always, sizeof(always) };

	if (card->module->C_GetAttributeValue(card->session, key, &attribute, 1) != CKR_OK ||
	    !always)
		return CKR_OK;
	return card->module->C_Login(
	    card->session, CKU_CONTEXT_SPECIFIC, pin->n > 0 ? pin->b : NULL, pin->n);
}

static CK_RV
sign(const struct dlk_card *card, CK_OBJECT_HANDLE key, struct dlk_secret *pin,
    const struct dlk_challenge *challenge, struct dlk_buf *signature)
{
	CK_KEY_TYPE type = CKK_RSA;
	CK_ATTRIBUTE attribute = { CKA_KEY_TYPE, &type, sizeof(type) };
	CK_BYTE octets[SIGNATURE_MAX], what[DATA_MAX];
	CK_ULONG n = sizeof(octets);
	struct task task;
	CK_RV rv = card->module->C_GetAttributeValue(card->session, key, &attribute, 1);

	if (rv == CKR_OK &&
	    (!choose_task(type, challenge, &task) || task.what.n > sizeof(what)))
		rv = CKR_KEY_TYPE_INCONSISTENT;
	if (rv != CKR_OK)
		return rv;
	memcpy(what, task.what.p, task.what.n);
	rv = card->module->C_SignInit(card->session, &task.mechanism, key);
	if (rv == CKR_OK)
		rv = confirm(card, key, pin);
	if (rv == CKR_OK)
		rv = card->module->C_Sign(card->session, what, task.what.n, octets, &n);
	if (rv == CKR_OK && dlk_buf_add(signature, SIGNATURE_MAX, DLK_BYTES(octets, n)) != 0)
		rv = CKR_HOST_MEMORY;
	return rv;
}

static enum dlk_trouble
trouble_of(CK_RV rv)
{
	dlk_say(DLK_NOTICE, "signing: %s", p11_kit_strerror(rv));
	return rv == CKR_DEVICE_REMOVED || rv == CKR_TOKEN_NOT_PRESENT
		   ? DLK_TROUBLE_CARD_GONE
		   : DLK_TROUBLE_NOT_SIGNED;
}

enum dlk_trouble
dlk_card_sign(const struct dlk_card *card, struct dlk_secret *pin,
    const struct dlk_challenge *challenge, struct dlk_answer *answer)
{
	for (size_t i = 0; i < card->n_certs; i++) {
		const struct dlk_card_cert *cert = &card->cert[i];
		CK_OBJECT_HANDLE key = find_key(card, cert);

		if (key == CK_INVALID_HANDLE)
			continue;
		CK_RV rv = sign(card, key, pin, challenge, &answer->signature);
		if (rv != CKR_OK)
			return trouble_of(rv);
		return dlk_buf_add(
			   &answer->evidence, DLK_EVIDENCE_MAX, dlk_bytes_of(&cert->der)) == 0
			   ? DLK_TROUBLE_NONE
			   : DLK_TROUBLE_INTERNAL;
	}
	return DLK_TROUBLE_NO_PRIVATE_KEY;
}
