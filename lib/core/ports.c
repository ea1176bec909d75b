/* SPDX-License-Identifier: MIT */
/* ports.c - the end of what the record has lent: keys of tokens are in it. */
#include "core/ports.h"

#include <string.h>

void
dlk_memory_fini(struct dlk_memory *memory)
{
	if (memory)
		explicit_bzero(memory, sizeof(*memory));
}
