/* SPDX-License-Identifier: MIT */
/* identities.h - which of an SSH agent's keys are worth asking to sign. Hostile octets. */
#ifndef DLK_PROVE_IDENTITIES_H
#define DLK_PROVE_IDENTITIES_H

#include "base/bytes.h"

#define DLK_IDENTITIES_MAX 2048 /* that an agent may have, as OpenSSH has it */
#define DLK_CANDIDATES_MAX 16   /* that are asked: each may ask its owner */

struct dlk_identity {
	struct dlk_bytes blob; /* borrowed from the answer */
	uint32_t flags;        /* for the request to sign (PROTOCOL.agent section 4.5.1) */
	bool carries;          /* an OpenSSH certificate with a chain inside */
};

/* Of the body of SSH_AGENT_IDENTITIES_ANSWER those that are wanted (strings, one after
 * another), then those that carry a chain; the others are passed over. `list` has room for
 * DLK_CANDIDATES_MAX. 0, or -EBADMSG. */
int dlk_identities_choose(struct dlk_bytes answer, struct dlk_bytes wanted,
    struct dlk_identity *list, size_t *ret_n);

#endif
