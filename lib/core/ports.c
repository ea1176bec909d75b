/* SPDX-License-Identifier: MIT */
/* ports.c - the end of what the record has lent: keys of tokens are in it. */
#include "core/ports.h"

#include <string.h>

void
dlk_kept_fini(struct dlk_kept *kept)
{
	dlk_buf_free(&kept->certificate);
	dlk_buf_free(&kept->chain);
}

void
dlk_memory_fini(struct dlk_memory *memory)
{
	if (memory)
		explicit_bzero(memory, sizeof(*memory));
}
