/* SPDX-License-Identifier: MIT */
/* sshwire.c - takes lengths at their word only as far as there are octets. It knows no
 * message. */
#include "base/sshwire.h"

#include <errno.h>

bool
dlk_ssh_take(struct dlk_bytes *in, size_t n, struct dlk_bytes *ret)
{
	if (n > in->n)
		return false;
	*ret = DLK_BYTES(in->p, n);
	in->n -= n;
	if (n > 0)
		in->p += n;
	return true;
}

bool
dlk_ssh_take_octet(struct dlk_bytes *in, uint8_t *ret)
{
	struct dlk_bytes octet;

	if (!dlk_ssh_take(in, 1, &octet))
		return false;
	*ret = octet.p[0];
	return true;
}

bool
dlk_ssh_take_number(struct dlk_bytes *in, uint32_t *ret)
{
	struct dlk_bytes octets;

	if (!dlk_ssh_take(in, sizeof(*ret), &octets))
		return false;
	*ret = dlk_get_be32(octets.p);
	return true;
}

bool
dlk_ssh_take_string(struct dlk_bytes *in, struct dlk_bytes *ret)
{
	struct dlk_bytes rest = *in;
	uint32_t n;

	if (!dlk_ssh_take_number(&rest, &n) || !dlk_ssh_take(&rest, n, ret))
		return false;
	*in = rest;
	return true;
}

int
dlk_ssh_add_octet(struct dlk_buf *buf, size_t limit, uint8_t value)
{
	return dlk_buf_add(buf, limit, DLK_BYTES(&value, 1));
}

int
dlk_ssh_add_number(struct dlk_buf *buf, size_t limit, uint32_t value)
{
	uint8_t octets[sizeof(value)];

	dlk_put_be32(octets, value);
	return dlk_buf_add(buf, limit, DLK_BYTES(octets, sizeof(octets)));
}

int
dlk_ssh_add_string(struct dlk_buf *buf, size_t limit, struct dlk_bytes what)
{
	if (what.n > UINT32_MAX)
		return -EMSGSIZE;
	int r = dlk_ssh_add_number(buf, limit, (uint32_t)what.n);
	return r < 0 ? r : dlk_buf_add(buf, limit, what);
}
