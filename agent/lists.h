/* SPDX-License-Identifier: MIT */
/* lists.h - until when the lists of revocation that are in force say something, by issuer. */
#ifndef DLK_AGENT_LISTS_H
#define DLK_AGENT_LISTS_H

#include "config/engine.h"

#define DLK_LISTS_MAX 128 /* issuers; those after are not watched */

struct dlk_list {
	char issuer[DLK_DN_MAX + 1];
	int64_t until; /* of the issuer's longest one, grace included */
	bool told;     /* that it is over */
};
struct dlk_lists {
	struct dlk_list list[DLK_LISTS_MAX];
	size_t n;
};

/* None where revocation is off; those of CAs of the trust, and whatever an operator has put
 * into place. What `lists` knew was told stays so for the same issuer. */
void dlk_lists_read(struct dlk_lists *lists, const struct dlk_engine *engine);
/* The ith list of the engine, of that label, was fetched for a certificate that brought its CA
 * along: nobody of this machine has asked for that CA, and it is no fault here where its list
 * is over. */
bool dlk_lists_is_guests(const struct dlk_engine *engine, size_t i, const char *label);
/* The first issuer whose lists are over, or NULL. */
const struct dlk_list *dlk_lists_stale(const struct dlk_lists *lists, int64_t now);
/* The next one that is over and was not told yet; it counts as told from now on. NULL. */
const struct dlk_list *dlk_lists_tell(struct dlk_lists *lists, int64_t now);

#endif
