/* SPDX-License-Identifier: MIT */
/* Any octets as a message of doublelock-outward, or of the agent: what is taken is, made
 * again, octet for octet what it was. */
#include <stdlib.h>
#include <string.h>

#include "agent/outwire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool held)
{
	if (!held)
		abort();
}

/* What goes into a log has no octet that a terminal would obey. */
static void
is_printable(struct dlk_bytes words)
{
	for (size_t i = 0; i < words.n; i++)
		must(words.p[i] >= 0x20 && words.p[i] <= 0x7e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dlk_out_message message;
	uint8_t *copy = malloc(size ? size : 1); /* ends where it ends */
	unsigned taken = 0;

	if (size > 0)
		memcpy(copy, data, size);
	for (int outward = 0; outward < 2; outward++) {
		DLK_AUTO_BUF again = { 0 };
		if (dlk_out_decode(DLK_BYTES(copy, size), outward, &message) != 0)
			continue;
		taken++;
		if (message.kind == DLK_OUT_FAILED || message.kind == DLK_OUT_RESULT)
			is_printable(message.text[0]);
		must(dlk_out_encode(&message, &again) == 0 && again.n == size);
		/* the head is the frame's affair */
		must(memcmp(again.p + 8, copy + 8, size - 8) == 0);
	}
	must(taken < 2);
	free(copy);
	return 0;
}
