/* SPDX-License-Identifier: MIT */
/* sigalg.h - which signatures are accepted, and whether one holds over a digest. */
#ifndef DLK_CORE_SIGALG_H
#define DLK_CORE_SIGALG_H

#include <openssl/evp.h>

#include "base/bytes.h"

struct dlk_sigalg {
	const EVP_MD *digest; /* NULL: the message itself is signed (Ed25519, Ed448) */
	int key;              /* NID of the key's algorithm */
	bool pss;
	const EVP_MD *mask; /* of MGF1, with pss */
	int salt;           /* octets, with pss */
};

/* An AlgorithmIdentifier, whole. False for all that is not accepted: no digest of less than
 * `least` octets, no DSA, no parameters but those that the algorithm has, and no default
 * written out. */
enum { DLK_SIGALG_SHA224 = 28, DLK_SIGALG_SHA256 = 32 };
bool dlk_sigalg_read(struct dlk_bytes algorithm, int least, struct dlk_sigalg *ret_algorithm);
/* `what` is the digest, or the message where the algorithm has none. */
bool dlk_sigalg_holds(const struct dlk_sigalg *algorithm, EVP_PKEY *key, struct dlk_bytes what,
    struct dlk_bytes signature);

#endif
