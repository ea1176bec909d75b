/* SPDX-License-Identifier: MIT */
/* sshsign.h - signs as an SSH agent does, rightly and wrongly. Asserts on failures. */
#ifndef DLK_TESTS_SSHSIGN_H
#define DLK_TESTS_SSHSIGN_H

#include <openssl/evp.h>

#include "base/bytes.h"

/* `algorithm` as SSH calls it, "ssh-rsa" among them; NULL: the usual one of the key. With an
 * application (NULL: none) as a security key that holds `key`, touched or not. */
struct ssh_signer {
	EVP_PKEY *key;
	const char *algorithm, *application;
	bool untouched;
	const char *claimed; /* written in place of the algorithm; NULL: itself */
};
/* The blob of its public key, and its signature. */
void ssh_blob(const struct ssh_signer *signer, struct dlk_buf *blob);
void ssh_sign(const struct ssh_signer *signer, struct dlk_bytes data, struct dlk_buf *sig);
/* As a PKCS #11 token does. */
void token_sign(EVP_PKEY *key, struct dlk_bytes data, struct dlk_buf *sig);

#endif
