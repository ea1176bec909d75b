/* SPDX-License-Identifier: MIT */
/* Any octets as a line of pam_oath's file: a sound token, or words that say why not. */
#include <errno.h>
#include <stdlib.h>

#include "core/usersfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DLK_AUTO_USERSLINE line = { .user = "" };
	char code[DLK_OTP_DIGITS_MAX + 1];
	const char *why = NULL;

	int r = dlk_usersline_parse(DLK_BYTES(data, size), &line, &why);
	if (r == -ENODATA)
		return 0;
	if (r < 0 ? !why : why != NULL)
		abort();
	if (r < 0)
		return 0;
	dlk_usersline_use(&line, line.last_time);
	if (dlk_otp_code(&line.otp, line.otp.last_step < 0 ? 0 : line.otp.last_step, code) !=
	    0)
		abort();
	return 0;
}
