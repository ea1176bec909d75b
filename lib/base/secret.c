/* SPDX-License-Identifier: MIT */
/* secret.c - bytes that are wiped and never compared early-out. */
#include "base/secret.h"

#include <errno.h>
#include <string.h>

int
dlk_secret_set(struct dlk_secret *secret, struct dlk_bytes what)
{
	dlk_secret_wipe(secret);
	if (what.n > sizeof(secret->b))
		return -EMSGSIZE;
	if (what.n > 0)
		memcpy(secret->b, what.p, what.n);
	secret->n = what.n;
	return 0;
}

void
dlk_secret_wipe(struct dlk_secret *secret)
{
	explicit_bzero(secret, sizeof(*secret));
}

bool
dlk_octets_equal(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t differ = 0;

	for (size_t i = 0; i < n; i++)
		differ = (uint8_t)(differ | (x[i] ^ y[i]));
	return differ == 0;
}

bool
dlk_secret_equal(const struct dlk_secret *a, const struct dlk_secret *b)
{
	return a->n == b->n && dlk_octets_equal(a->b, b->b, a->n);
}
