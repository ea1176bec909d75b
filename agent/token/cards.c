/* SPDX-License-Identifier: MIT */
/* cards.c - looks through slots and reads certificates, as octets. Which of them is any good
 * the judge finds out; nothing here needs a PIN. */
#include "token/cards.h"

#include <string.h>

#include "base/say.h"
#include "base/sshwire.h"
#include "base/text.h"

#define SLOTS_MAX 64
#define DER_MAX   (64 * 1024)

void
dlk_card_fini(struct dlk_card *card)
{
	for (size_t i = 0; i < card->n_certs; i++)
		dlk_buf_free(&card->cert[i].der);
	if (card->module)
		(void)card->module->C_CloseSession(card->session);
	memset(card, 0, sizeof(*card));
}

static bool
is_wanted(struct dlk_bytes der, struct dlk_bytes wanted)
{
	struct dlk_bytes one;

	while (wanted.n > 0 && dlk_ssh_take_string(&wanted, &one))
		if (dlk_bytes_equal(der, one))
			return true;
	return false;
}

/* Both have to be there, or no key of this certificate could be found. */
static bool
read_cert(const struct dlk_card *card, CK_OBJECT_HANDLE object, struct dlk_card_cert *cert)
{
	CK_ATTRIBUTE wanted[] = {
		{ CKA_VALUE, NULL, 0 },
		{ CKA_ID, cert->id, sizeof(cert->id) },
	};

	if (card->module->C_GetAttributeValue(card->session, object, wanted, 1) != CKR_OK ||
	    wanted[0].ulValueLen == 0 || wanted[0].ulValueLen > DER_MAX ||
	    dlk_buf_reserve(&cert->der, wanted[0].ulValueLen) != 0)
		return false;
	wanted[0].pValue = cert->der.p;
	if (card->module->C_GetAttributeValue(card->session, object, wanted, 2) != CKR_OK ||
	    wanted[0].ulValueLen > cert->der.room || wanted[1].ulValueLen == 0 ||
	    wanted[1].ulValueLen > sizeof(cert->id))
		return false;
	cert->der.n = wanted[0].ulValueLen;
	cert->n_id = wanted[1].ulValueLen;
	return true;
}

/* Takes the certificate; the wanted ones stay in front. */
static void
keep(struct dlk_card *card, struct dlk_card_cert *cert, bool wanted)
{
	struct dlk_card_cert *last = &card->cert[card->n_certs++];

	*last = *cert;
	memset(cert, 0, sizeof(*cert));
	if (!wanted)
		return;
	struct dlk_card_cert moved = card->cert[card->n_wanted];
	card->cert[card->n_wanted++] = *last;
	if (last != &card->cert[card->n_wanted - 1])
		*last = moved;
}

static void
read_certs(struct dlk_card *card, struct dlk_bytes wanted)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_ATTRIBUTE sought[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_CERTIFICATE_TYPE, &type, sizeof(type) },
	};
	CK_OBJECT_HANDLE object[DLK_CARD_CERTS_MAX];
	CK_ULONG n = 0;

	if (card->module->C_FindObjectsInit(card->session, sought, 2) != CKR_OK)
		return;
	if (card->module->C_FindObjects(card->session, object, DLK_CARD_CERTS_MAX, &n) !=
		CKR_OK ||
	    n > DLK_CARD_CERTS_MAX)
		n = 0;
	(void)card->module->C_FindObjectsFinal(card->session);
	for (CK_ULONG i = 0; i < n; i++) {
		struct dlk_card_cert cert = { .n_id = 0 };

		if (read_cert(card, object[i], &cert))
			keep(card, &cert, is_wanted(dlk_bytes_of(&cert.der), wanted));
		dlk_buf_free(&cert.der);
	}
}

/* PKCS #11 fills labels up with spaces; what a token says of itself is a stranger's text. */
static void
name_card(struct dlk_card *card, const CK_TOKEN_INFO *info)
{
	size_t n = sizeof(info->label);

	while (n > 0 && (info->label[n - 1] == ' ' || info->label[n - 1] == '\0'))
		n--;
	dlk_text_escape(card->name, sizeof(card->name), DLK_BYTES(info->label, n));
	if (n == 0)
		dlk_text_copy(card->name, sizeof(card->name), "token");
}

/* false where no token is there, or none that could be used. */
static bool
open_card(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, struct dlk_card *card)
{
	CK_TOKEN_INFO info = { .flags = 0 };

	if (module->C_GetTokenInfo(slot, &info) != CKR_OK ||
	    !(info.flags & CKF_TOKEN_INITIALIZED) ||
	    module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &card->session) !=
		CKR_OK)
		return false;
	card->module = module;
	card->slot = slot;
	name_card(card, &info);
	return true;
}

CK_FLAGS
dlk_card_flags(const struct dlk_card *card)
{
	CK_TOKEN_INFO info = { .flags = 0 };

	return card->module->C_GetTokenInfo(card->slot, &info) == CKR_OK ? info.flags : 0;
}

/* Whether the search is over: a better one does not come. */
static bool
take_card(struct dlk_card *card, struct dlk_card *best)
{
	if (card->n_wanted > 0 || (card->n_certs > 0 && best->n_certs == 0)) {
		dlk_card_fini(best);
		*best = *card;
		memset(card, 0, sizeof(*card));
	}
	return best->n_wanted > 0;
}

/* Tokens of this module that are there at all. */
static size_t
look_through(CK_FUNCTION_LIST *module, struct dlk_bytes wanted, struct dlk_card *best)
{
	CK_SLOT_ID slot[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	size_t n_cards = 0;

	if (module->C_GetSlotList(CK_TRUE, slot, &n) != CKR_OK || n > SLOTS_MAX)
		return 0;
	for (CK_ULONG i = 0; i < n; i++) {
		DLK_AUTO_CARD card = { .module = NULL };

		if (!open_card(module, slot[i], &card))
			continue;
		n_cards++;
		read_certs(&card, wanted);
		if (take_card(&card, best))
			break;
	}
	return n_cards;
}

enum dlk_trouble
dlk_cards_find(CK_FUNCTION_LIST **modules, struct dlk_bytes wanted, struct dlk_card *ret_card)
{
	DLK_AUTO_CARD best = { .module = NULL };
	size_t n = 0;

	for (; *modules && best.n_wanted == 0; modules++)
		/* anchors and the like, which no user has the key of */
		if (!(p11_kit_module_get_flags(*modules) & P11_KIT_MODULE_TRUSTED))
			n += look_through(*modules, wanted, &best);
	if (best.n_certs == 0)
		return n > 0 ? DLK_TROUBLE_EMPTY_CARD : DLK_TROUBLE_NO_CARD;
	*ret_card = best;
	memset(&best, 0, sizeof(best));
	return DLK_TROUBLE_NONE;
}
