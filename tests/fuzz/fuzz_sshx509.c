/* SPDX-License-Identifier: MIT */
/* Any octets as a key that is a chain (RFC 6187); the first one chooses its type. */
#include <stdlib.h>
#include <string.h>

#include "core/sshx509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { "x509v3-ssh-rsa", "x509v3-rsa2048-sha256",
		"x509v3-ecdsa-sha2-nistp256", "x509v3-ssh-ed25519" };
	DLK_AUTO_SSHKEY shown = { .type = "" };
	DLK_AUTO_BUF chain = { 0 };
	DLK_AUTO_CERTS certs = { 0 };
	struct dlk_finding finding = { 0 };

	if (size == 0 ||
	    dlk_buf_add(&shown.blob, SIZE_MAX, DLK_BYTES(data + 1, size - 1)) != 0)
		return 0;
	strcpy(shown.type, types[data[0] % 4]);
	enum dlk_reason reason = dlk_sshx509_parse(&shown, &chain, &finding);
	if (reason != DLK_R_OK) {
		if (finding.reason != reason || !finding.detail[0] || chain.n > 0)
			abort();
		return 0;
	}
	/* what is taken has a certificate, and is no more than what came */
	if (chain.n < 2 || chain.n > size)
		abort();
	if (dlk_certs_parse_chain(dlk_bytes_of(&chain), DLK_SSHX509_MOST, &certs, &finding) ==
		DLK_R_OK &&
	    certs.n > 0)
		(void)dlk_sshx509_check(&shown, certs.cert[0], &finding);
	return 0;
}
