/* SPDX-License-Identifier: MIT */
/* sshwire.c - takes lengths at their word only as far as there are octets. It knows no
 * message, and of keys only how those that a security key holds differ from others. */
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
	size_t before = buf->n;
	int r = dlk_ssh_add_number(buf, limit, (uint32_t)what.n);
	if (r == 0)
		r = dlk_buf_add(buf, limit, what);
	if (r < 0)
		buf->n = before;
	return r;
}

static const struct sk {
	const char *type, *plain;
	unsigned fields;
} sks[] = {
	{ "sk-ssh-ed25519@openssh.com", "ssh-ed25519", 1 },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", "ecdsa-sha2-nistp256", 2 },
};

static const struct sk *
find_sk(struct dlk_bytes type)
{
	for (size_t i = 0; i < sizeof(sks) / sizeof(*sks); i++)
		if (dlk_bytes_equal(type, dlk_bytes_str(sks[i].type)))
			return &sks[i];
	return NULL;
}

bool
dlk_ssh_split_sk(struct dlk_bytes blob, const char **ret_plain, struct dlk_bytes *ret_fields,
    struct dlk_bytes *ret_application)
{
	struct dlk_bytes type, field;
	const struct sk *sk = dlk_ssh_take_string(&blob, &type) ? find_sk(type) : NULL;
	const uint8_t *begin = blob.p;

	if (!sk)
		return false;
	for (unsigned i = 0; i < sk->fields; i++)
		if (!dlk_ssh_take_string(&blob, &field))
			return false;
	*ret_fields = DLK_BYTES(begin, (size_t)(blob.p - begin));
	*ret_plain = sk->plain;
	return dlk_ssh_take_string(&blob, ret_application) && blob.n == 0 &&
	       ret_application->n > 0;
}
