/* SPDX-License-Identifier: MIT */
/* unlock.c - one PIN, one try: a wrong one costs the token's owner one of few. */
#include "token/unlock.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "base/say.h"
#include "base/sshwire.h"
#include "wire/challenge.h"
#include "wire/frame.h"

#define PIN_MS  60000 /* as long as the challenge holds */
#define SEND_MS 5000

static int
ask(const struct dlk_card *card, enum dlk_pin how)
{
	DLK_AUTO_BUF content = { 0 }, frame = { 0 };
	int error = dlk_ssh_add_octet(&content, 128, (uint8_t)how);

	if (error == 0)
		error = dlk_buf_add(&content, 128, dlk_bytes_str(card->name));
	if (error == 0)
		error = dlk_prove_pack(DLK_PROVE_NEED_PIN, dlk_bytes_of(&content), &frame);
	return error ? error
		     : dlk_frame_send(
			   STDIN_FILENO, dlk_bytes_of(&frame), dlk_monotonic_ms() + SEND_MS);
}

static int
hear(struct dlk_secret *ret_pin)
{
	DLK_AUTO_BUF frame = { 0 };
	struct dlk_bytes content;
	enum dlk_prove what;
	int error = dlk_frame_receive(STDIN_FILENO, dlk_monotonic_ms() + PIN_MS, &frame);

	if (error == 0)
		error = dlk_prove_unpack(dlk_bytes_of(&frame), &what, &content);
	if (error == 0 && what != DLK_PROVE_PIN)
		error = -EBADMSG;
	return error ? error : dlk_secret_set(ret_pin, content);
}

static enum dlk_trouble
get_pin(const struct dlk_card *card, CK_FLAGS flags, struct dlk_secret *ret_pin)
{
	bool on_reader = flags & CKF_PROTECTED_AUTHENTICATION_PATH;
	int error = ask(card, on_reader                        ? DLK_PIN_ON_READER
			      : flags & CKF_USER_PIN_FINAL_TRY ? DLK_PIN_LAST_TRY
							       : DLK_PIN_USUAL);

	if (error == 0 && !on_reader)
		error = hear(ret_pin);
	if (error != 0) {
		dlk_say(DLK_ERROR, "the PIN: %s", dlk_file_error(error));
		return error == -ETIMEDOUT ? DLK_TROUBLE_NO_PIN : DLK_TROUBLE_INTERNAL;
	}
	return on_reader || ret_pin->n > 0 ? DLK_TROUBLE_NONE : DLK_TROUBLE_NO_PIN;
}

/* What a wrong PIN has come to the token says itself. */
static enum dlk_trouble
wrong_pin(const struct dlk_card *card)
{
	CK_FLAGS flags = dlk_card_flags(card);

	if (flags & CKF_USER_PIN_LOCKED)
		return DLK_TROUBLE_LOCKED_PIN;
	return flags & CKF_USER_PIN_FINAL_TRY ? DLK_TROUBLE_LAST_PIN : DLK_TROUBLE_WRONG_PIN;
}

static enum dlk_trouble
outcome(const struct dlk_card *card, CK_RV rv)
{
	switch (rv) {
	case CKR_OK:
	case CKR_USER_ALREADY_LOGGED_IN:
		return DLK_TROUBLE_NONE;
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
		return wrong_pin(card);
	case CKR_PIN_LOCKED:
		return DLK_TROUBLE_LOCKED_PIN;
	case CKR_PIN_EXPIRED:
	case CKR_USER_PIN_NOT_INITIALIZED:
		return DLK_TROUBLE_NO_PIN_SET;
	case CKR_FUNCTION_CANCELED:
	case CKR_FUNCTION_REJECTED:
		return DLK_TROUBLE_NO_PIN;
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_DEVICE_REMOVED:
	case CKR_SESSION_HANDLE_INVALID:
		return DLK_TROUBLE_CARD_GONE;
	default:
		dlk_say(DLK_ERROR, "C_Login: %s", p11_kit_strerror(rv));
		return DLK_TROUBLE_NOT_SIGNED;
	}
}

enum dlk_trouble
dlk_card_unlock(const struct dlk_card *card, struct dlk_secret *ret_pin)
{
	CK_FLAGS flags = dlk_card_flags(card);

	if (flags == 0)
		return DLK_TROUBLE_CARD_GONE;
	if (!(flags & CKF_LOGIN_REQUIRED))
		return DLK_TROUBLE_NONE;
	if (flags & CKF_USER_PIN_LOCKED)
		return DLK_TROUBLE_LOCKED_PIN;
	if (!(flags & CKF_USER_PIN_INITIALIZED) || (flags & CKF_USER_PIN_TO_BE_CHANGED))
		return DLK_TROUBLE_NO_PIN_SET;
	enum dlk_trouble trouble = get_pin(card, flags, ret_pin);
	if (trouble != DLK_TROUBLE_NONE)
		return trouble;
	return outcome(card, card->module->C_Login(card->session, CKU_USER,
				 ret_pin->n > 0 ? ret_pin->b : NULL, ret_pin->n));
}
