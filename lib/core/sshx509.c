/* SPDX-License-Identifier: MIT */
/* sshx509.c - the frame around a chain. Certificates are taken apart elsewhere, and no OCSP
 * response is: revocation is judged by lists. */
#include "core/sshx509.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/sshwire.h"
#include "core/der.h"

#define PREFIX "x509v3-"

static enum dlk_reason
malformed(struct dlk_finding *finding, const char *why)
{
	return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_CERTIFICATE_MALFORMED,
	    "the X.509 key of SSH: %s (RFC 6187 section 2.1)", why);
}

/* Which key a type is for. With x509v3-ssh-rsa as with ssh-rsa, the digest that a signature
 * may have is sshd's to say (PubkeyAcceptedAlgorithms). Ed25519 is PKIX-SSH's own. */
static const struct kind {
	const char *type, *key;
	int bits; /* at least */
} kinds[] = {
	{ PREFIX "ssh-rsa", "ssh-rsa", 0 },
	{ PREFIX "rsa2048-sha256", "ssh-rsa", 2048 },
	{ PREFIX "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", 0 },
	{ PREFIX "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", 0 },
	{ PREFIX "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521", 0 },
	{ PREFIX "ssh-ed25519", "ssh-ed25519", 0 },
};

static const struct kind *
find_kind(const char *type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].type, type) == 0)
			return &kinds[i];
	return NULL;
}

bool
dlk_sshx509_is(const struct dlk_sshkey *shown)
{
	return strncmp(shown->type, PREFIX, strlen(PREFIX)) == 0;
}

/* One element of DER, and nothing behind it. */
static bool
is_sequence(struct dlk_bytes der)
{
	return dlk_der_expect(&der, DLK_DER_SEQUENCE, NULL) && der.n == 0;
}

static enum dlk_reason
take_chain(
    struct dlk_bytes *in, uint32_t n, struct dlk_buf *chain, struct dlk_finding *finding)
{
	for (uint32_t i = 0; i < n; i++) {
		struct dlk_bytes der;

		if (!dlk_ssh_take_string(in, &der) || !is_sequence(der))
			return malformed(finding, "a certificate is not whole");
		int error = dlk_buf_add(chain, DLK_CHAIN_MAX, der);
		if (error != 0)
			return error == -EMSGSIZE ? malformed(finding, "its chain is too long")
						  : dlk_find(finding, DLK_STAGE_PARSE,
							DLK_R_FAULT_INTERNAL, "out of memory");
	}
	return DLK_R_OK;
}

static bool
skip_responses(struct dlk_bytes *in, uint32_t n)
{
	struct dlk_bytes response;

	for (uint32_t i = 0; i < n; i++)
		if (!dlk_ssh_take_string(in, &response) ||
		    (response.n > 0 && !is_sequence(response)))
			return false;
	return true;
}

enum dlk_reason
dlk_sshx509_parse(
    const struct dlk_sshkey *shown, struct dlk_buf *ret_chain, struct dlk_finding *finding)
{
	struct dlk_bytes in = dlk_bytes_of(&shown->blob), type;
	uint32_t certificates = 0, responses = 0;
	DLK_AUTO_BUF chain = { 0 };

	if (!find_kind(shown->type))
		return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_WEAK_KEY,
		    "%.63s: keys of this kind are not taken", shown->type);
	if (!dlk_ssh_take_string(&in, &type) ||
	    !dlk_bytes_equal(type, dlk_bytes_str(shown->type)))
		return malformed(finding, "it does not begin with the name of its type");
	if (!dlk_ssh_take_number(&in, &certificates) || certificates == 0 ||
	    certificates > DLK_SSHX509_MOST)
		return malformed(finding, "no certificate, or more than 17");
	enum dlk_reason reason = take_chain(&in, certificates, &chain, finding);
	if (reason != DLK_R_OK)
		return reason;
	if (!dlk_ssh_take_number(&in, &responses) || responses > certificates ||
	    !skip_responses(&in, responses) || in.n > 0)
		return malformed(finding, "its OCSP responses are not whole, more than there "
					  "are certificates, or not its end");
	*ret_chain = chain;
	chain = (struct dlk_buf){ 0 };
	return DLK_R_OK;
}

enum dlk_reason
dlk_sshx509_check(
    const struct dlk_sshkey *shown, const struct dlk_cert *leaf, struct dlk_finding *finding)
{
	const struct kind *kind = find_kind(shown->type);
	DLK_AUTO_SSHKEY own = { .type = "" };
	enum dlk_reason reason = dlk_sshkey_of_cert(leaf, &own, finding);

	if (reason != DLK_R_OK)
		return reason;
	if (!kind || strcmp(kind->key, own.type) != 0)
		return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_POSSESSION_UNPROVEN,
		    "the key that was used is of type %.63s, the certificate's is %s",
		    shown->type, own.type);
	if (EVP_PKEY_get_bits(dlk_cert_key(leaf)) < kind->bits)
		return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_WEAK_KEY,
		    "the certificate's key has less than the %d bits of %s", kind->bits,
		    kind->type);
	return DLK_R_OK;
}
