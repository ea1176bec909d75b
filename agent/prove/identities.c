/* SPDX-License-Identifier: MIT */
/* identities.c - compares blobs of keys and reads their types. What a key is good for, and
 * what stands in a certificate, the judge finds out. */
#include "prove/identities.h"

#include <errno.h>
#include <string.h>

#include "base/sshwire.h"

#define RSA_SHA2_256 2
#define CERTIFICATE  "-cert-v01@openssh.com"
#define CHAIN        "x509-chain@doublelock"

static bool
ends_in(struct dlk_bytes text, const char *end)
{
	size_t n = strlen(end);

	return text.n > n && memcmp(text.p + text.n - n, end, n) == 0;
}

static bool
begins_with(struct dlk_bytes text, const char *begin)
{
	size_t n = strlen(begin);

	return text.n >= n && memcmp(text.p, begin, n) == 0;
}

/* A security key is wanted as the plain key that it is. */
static bool
is_same_key(struct dlk_bytes blob, struct dlk_bytes wanted)
{
	struct dlk_bytes fields, application, type;
	const char *plain;

	if (dlk_bytes_equal(blob, wanted))
		return true;
	return dlk_ssh_split_sk(blob, &plain, &fields, &application) &&
	       dlk_ssh_take_string(&wanted, &type) &&
	       dlk_bytes_equal(type, dlk_bytes_str(plain)) && dlk_bytes_equal(wanted, fields);
}

static bool
is_wanted(struct dlk_bytes blob, struct dlk_bytes wanted)
{
	struct dlk_bytes key;

	while (wanted.n > 0 && dlk_ssh_take_string(&wanted, &key))
		if (is_same_key(blob, key))
			return true;
	return false;
}

static bool
carries_chain(struct dlk_bytes type, struct dlk_bytes blob)
{
	return ends_in(type, CERTIFICATE) && memmem(blob.p, blob.n, CHAIN, strlen(CHAIN));
}

static void
add(struct dlk_identity *list, size_t *n, struct dlk_identity one)
{
	if (*n < DLK_CANDIDATES_MAX)
		list[(*n)++] = one;
}

/* The next one of an answer; a key whose form is not known is one that nobody wants. */
static bool
take_identity(struct dlk_bytes *answer, struct dlk_identity *ret, struct dlk_bytes *ret_type)
{
	struct dlk_bytes comment, inside;

	if (!dlk_ssh_take_string(answer, &ret->blob) || !dlk_ssh_take_string(answer, &comment))
		return false;
	inside = ret->blob;
	if (!dlk_ssh_take_string(&inside, ret_type))
		*ret_type = DLK_BYTES(NULL, 0);
	ret->flags = begins_with(*ret_type, "ssh-rsa") ? RSA_SHA2_256 : 0;
	ret->carries = carries_chain(*ret_type, ret->blob);
	return true;
}

int
dlk_identities_choose(
    struct dlk_bytes answer, struct dlk_bytes wanted, struct dlk_identity *list, size_t *ret_n)
{
	struct dlk_identity carried[DLK_CANDIDATES_MAX];
	size_t n = 0, n_carried = 0;
	uint32_t count;

	if (!dlk_ssh_take_number(&answer, &count) || count > DLK_IDENTITIES_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < count; i++) {
		struct dlk_identity one;
		struct dlk_bytes type;

		if (!take_identity(&answer, &one, &type))
			return -EBADMSG;
		if (one.carries)
			add(carried, &n_carried, one);
		else if (is_wanted(one.blob, wanted))
			add(list, &n, one);
	}
	if (answer.n > 0)
		return -EBADMSG;
	for (size_t i = 0; i < n_carried; i++)
		add(list, &n, carried[i]);
	*ret_n = n;
	return 0;
}
