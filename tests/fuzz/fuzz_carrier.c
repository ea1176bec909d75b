/* SPDX-License-Identifier: MIT */
/* Any octets as the blob of an OpenSSH certificate; the first one chooses its type. */
#include <stdlib.h>
#include <string.h>

#include "core/carrier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { "ssh-rsa-cert-v01@openssh.com",
		"ecdsa-sha2-nistp256-cert-v01@openssh.com",
		"ecdsa-sha2-nistp521-cert-v01@openssh.com",
		"ssh-ed25519-cert-v01@openssh.com" };
	DLK_AUTO_SSHKEY shown = { .type = "" };
	DLK_AUTO_CARRIED carried = { .key = { .type = "" } };
	DLK_AUTO_CERTS certs = { 0 };
	struct dlk_finding finding;

	if (size == 0 ||
	    dlk_buf_add(&shown.blob, SIZE_MAX, DLK_BYTES(data + 1, size - 1)) != 0)
		return 0;
	strcpy(shown.type, types[data[0] % 4]);
	if (dlk_carrier_parse(&shown, &carried, &finding) != DLK_R_OK)
		return 0;
	/* what is accepted has its key in it, and a chain to be judged */
	if (carried.key.blob.n == 0 || carried.key.blob.n > size + 32)
		abort();
	(void)dlk_certs_parse_chain(dlk_bytes_of(&carried.chain), 16, &certs, &finding);
	return 0;
}
