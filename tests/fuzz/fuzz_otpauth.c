/* SPDX-License-Identifier: MIT */
/* Any octets as an otpauth URI: what is taken is written and read again as the same. */
#include <stdlib.h>
#include <string.h>

#include "core/otpauth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DLK_AUTO_OTPAUTH token = { .issuer = "" }, again = { .issuer = "" };
	DLK_AUTO_BUF uri = { 0 };
	const char *why = NULL;

	if (dlk_otpauth_parse(DLK_BYTES(data, size), &token, &why) < 0) {
		if (!why)
			abort();
		return 0;
	}
	if (dlk_otpauth_encode(&token.otp, "issuer", token.account, &uri) < 0)
		return 0; /* its names are too long */
	if (dlk_otpauth_parse(dlk_bytes_of(&uri), &again, &why) < 0 ||
	    !dlk_secret_equal(&token.otp.key, &again.otp.key) ||
	    token.otp.digits != again.otp.digits || strcmp(token.account, again.account) != 0)
		abort();
	return 0;
}
