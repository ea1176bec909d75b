/* SPDX-License-Identifier: MIT */
/* carrier.c - takes an OpenSSH certificate apart, as far as the chain in it. Whom the chain
 * names, and whether it is any good, is judged like every other chain. */
#include "core/carrier.h"

#include <string.h>

#include "base/sshwire.h"
#include "base/text.h"
#include "core/pem.h"

#define SUFFIX    "-cert-v01@openssh.com"
#define USER_CERT 1 /* SSH2_CERT_TYPE_USER */

static enum dlk_reason
malformed(struct dlk_finding *finding, const char *why)
{
	return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_CERTIFICATE_MALFORMED,
	    "the OpenSSH certificate: %s", why);
}

void
dlk_carried_fini(struct dlk_carried *carried)
{
	dlk_sshkey_fini(&carried->key);
	dlk_buf_free(&carried->chain);
}

bool
dlk_carrier_is(const struct dlk_sshkey *shown)
{
	size_t n = strlen(shown->type), m = strlen(SUFFIX);

	return n > m && strcmp(shown->type + n - m, SUFFIX) == 0;
}

/* How many fields the key itself has, behind the nonce: e and n, curve and point, point. */
static const struct kind {
	const char *type;
	unsigned fields;
} kinds[] = {
	{ "ssh-rsa", 2 },
	{ "ecdsa-sha2-nistp256", 2 },
	{ "ecdsa-sha2-nistp384", 2 },
	{ "ecdsa-sha2-nistp521", 2 },
	{ "ssh-ed25519", 1 },
};

static const struct kind *
find_kind(const char *type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t n = strlen(kinds[i].type);

		if (strncmp(type, kinds[i].type, n) == 0 && strcmp(type + n, SUFFIX) == 0)
			return &kinds[i];
	}
	return NULL;
}

/* string(TYPE) and the key's own octets: the blob that the plain key has. */
static bool
plain_blob(const struct kind *kind, struct dlk_bytes key, struct dlk_sshkey *ret)
{
	return dlk_text_copy(ret->type, sizeof(ret->type), kind->type) &&
	       dlk_ssh_add_string(&ret->blob, DLK_EVIDENCE_MAX, dlk_bytes_str(kind->type)) ==
		   0 &&
	       dlk_buf_add(&ret->blob, DLK_EVIDENCE_MAX, key) == 0;
}

/* The one extension that is ours, in `ret_data`; the others are sshd's. */
static enum dlk_reason
find_chain(struct dlk_bytes list, struct dlk_bytes *ret_data, struct dlk_finding *finding)
{
	bool found = false;

	while (list.n > 0) {
		struct dlk_bytes name, data;

		if (!dlk_ssh_take_string(&list, &name) || !dlk_ssh_take_string(&list, &data))
			return malformed(finding, "its extensions are not whole");
		if (!dlk_bytes_equal(name, dlk_bytes_str(DLK_CARRIER_EXTENSION)))
			continue;
		if (found || !dlk_ssh_take_string(&data, ret_data) || data.n != 0)
			return malformed(
			    finding, "its chain stands there twice, or not whole");
		found = true;
	}
	return found ? DLK_R_OK
		     : dlk_find(finding, DLK_STAGE_PARSE, DLK_R_NO_CERTIFICATE,
			   "the OpenSSH certificate carries no X.509 chain (extension %s)",
			   DLK_CARRIER_EXTENSION);
}

/* What stands behind the key (PROTOCOL.certkeys): serial, type, key id, principals, validity,
 * critical options, extensions, reserved, signature key, signature. */
struct tail {
	struct dlk_bytes serial, type, key_id, principals, from, until, options, extensions,
	    reserved, signer, signature;
};

static bool
take_tail(struct dlk_bytes *in, struct tail *t)
{
	return dlk_ssh_take(in, 8, &t->serial) && dlk_ssh_take(in, 4, &t->type) &&
	       dlk_ssh_take_string(in, &t->key_id) &&
	       dlk_ssh_take_string(in, &t->principals) && dlk_ssh_take(in, 8, &t->from) &&
	       dlk_ssh_take(in, 8, &t->until) && dlk_ssh_take_string(in, &t->options) &&
	       dlk_ssh_take_string(in, &t->extensions) &&
	       dlk_ssh_take_string(in, &t->reserved) && dlk_ssh_take_string(in, &t->signer) &&
	       dlk_ssh_take_string(in, &t->signature) && in->n == 0;
}

static bool
take_key(const struct kind *kind, struct dlk_bytes *in, struct dlk_bytes *ret_key)
{
	const uint8_t *begin = in->p;
	struct dlk_bytes field;

	for (unsigned i = 0; i < kind->fields; i++)
		if (!dlk_ssh_take_string(in, &field))
			return false;
	*ret_key = DLK_BYTES(begin, (size_t)(in->p - begin));
	return true;
}

enum dlk_reason
dlk_carrier_parse(const struct dlk_sshkey *shown, struct dlk_carried *ret_carried,
    struct dlk_finding *finding)
{
	DLK_AUTO_CARRIED made = { .key = { .type = "" } };
	const struct kind *kind = find_kind(shown->type);
	struct dlk_bytes in = dlk_bytes_of(&shown->blob), type, nonce, key, text = { 0 };
	struct tail tail;
	enum dlk_reason reason;

	if (!kind)
		return malformed(finding, "its key is of a kind that X.509 does not have");
	if (!dlk_ssh_take_string(&in, &type) ||
	    !dlk_bytes_equal(type, dlk_bytes_str(shown->type)) ||
	    !dlk_ssh_take_string(&in, &nonce) || !take_key(kind, &in, &key) ||
	    !take_tail(&in, &tail))
		return malformed(finding, "not whole (PROTOCOL.certkeys)");
	if (dlk_get_be32(tail.type.p) != USER_CERT)
		return malformed(finding, "not a user's");
	if (tail.options.n > 0 || tail.reserved.n > 0)
		return malformed(finding, "critical options, which a carrier does not have");
	if (!plain_blob(kind, key, &made.key))
		return dlk_find(
		    finding, DLK_STAGE_PARSE, DLK_R_FAULT_INTERNAL, "out of memory");
	if (!dlk_bytes_equal(tail.signer, dlk_bytes_of(&made.key.blob)))
		return malformed(
		    finding, "signed by another key than the one that it certifies");
	reason = find_chain(tail.extensions, &text, finding);
	if (reason != DLK_R_OK)
		return reason;
	if (text.n > DLK_CHAIN_MAX || dlk_base64_decode(text, &made.chain) != 0)
		return malformed(finding, "its chain is not base64");
	*ret_carried = made;
	made = (struct dlk_carried){ .key = { .type = "" } };
	return DLK_R_OK;
}
