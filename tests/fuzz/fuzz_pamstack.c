/* SPDX-License-Identifier: MIT */
/* Any octets as a file of pam.d that includes itself under another name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/pamstack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
open_file(void *arg, const char *name, struct dlk_bytes *ret_content)
{
	const struct dlk_bytes *whole = arg;
	const uint8_t *zero = whole->n ? memchr(whole->p, 0, whole->n) : NULL;
	size_t n = zero ? (size_t)(zero - whole->p) : whole->n;

	if (strcmp(name, "sshd") == 0)
		*ret_content = DLK_BYTES(whole->p, n);
	else if (strcmp(name, "common-auth") == 0 && zero)
		*ret_content = DLK_BYTES(zero + 1, whole->n - n - 1);
	else
		return -ENOENT;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dlk_bytes whole = DLK_BYTES(data, size);
	DLK_AUTO_PAM_STACK stack = { 0 };
	static struct dlk_pam_way way;
	char why[256];

	if (dlk_pam_stack_read("sshd", "auth", open_file, &whole, &stack, why, sizeof(why)) !=
	    0)
		return 0;
	/* each way has a line of its own, so there are no more of them than lines */
	struct dlk_pam_bars bars = { 0 };
	size_t n = 0;
	while (dlk_pam_stack_leaks_by(&stack, "pam_doublelock.so", size & 1, &bars, &way) &&
	       dlk_pam_bars_add(&bars, &stack, &way))
		if (++n > stack.n)
			abort();
	return 0;
}
