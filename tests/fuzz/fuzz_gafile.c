/* SPDX-License-Identifier: MIT */
/* Any octets as a file of google-authenticator: a sound token, or a line that is to blame. */
#include <stdlib.h>

#include "core/gafile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
count_bad(size_t line, enum dlk_import_note note, const char *words, void *arg)
{
	(void)line;
	if (!words[0])
		abort();
	*(size_t *)arg += note == DLK_IMPORT_BAD;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DLK_AUTO_GAFILE file = { .n_scratch = 0 };
	char code[DLK_OTP_DIGITS_MAX + 1];
	size_t bad = 0;

	int r = dlk_gafile_parse(DLK_BYTES(data, size), count_bad, &bad, &file);
	if (r == 0 ? dlk_otp_code(&file.otp, file.otp.last_step + 1, code) != 0 : bad == 0)
		abort();
	return 0;
}
