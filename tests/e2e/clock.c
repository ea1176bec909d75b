/* SPDX-License-Identifier: MIT */
/* clock.c - loaded before the C library, tells what the kernel thinks of its clock. */
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

__attribute__((visibility("default"))) int
adjtimex(struct timex *state)
{
	const char *word = getenv("SYNCHRONISED");
	int yes = word && strcmp(word, "yes") == 0;

	state->status = yes ? 0 : STA_UNSYNC;
	return yes ? TIME_OK : TIME_ERROR;
}
