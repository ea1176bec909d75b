/* SPDX-License-Identifier: MIT */
/*
 * held.h - certificates by issuer and serial number, for gateways that know no more of one:
 * those of certs.d, and those that this agent has judged in full since it started. It only
 * looks up: what it finds is judged like any other. From any thread.
 */
#ifndef DLK_AGENT_HELD_H
#define DLK_AGENT_HELD_H

#include "config/engine.h"

#define DLK_HELD_MAX    4096              /* judged ones; the oldest go first */
#define DLK_HELD_OCTETS (8 * 1024 * 1024) /* of theirs, at most */

/* How a gateway names a certificate. */
struct dlk_naming {
	char issuer[4 * DLK_DN_MAX]; /* RFC 4514, or "/C=.../CN=..." as X509_NAME_oneline(3) */
	char serial[DLK_SERIAL_TEXT_MAX + 1]; /* hexadecimal; "": it names none */
};
/* The form of both. */
bool dlk_naming_is_sound(const struct dlk_naming *naming);
/* The certificate's own. */
bool dlk_naming_fits(const struct dlk_naming *naming, const struct dlk_cert *cert);

struct dlk_held;
struct dlk_held *dlk_held_new(void); /* NULL: no memory */
void dlk_held_free(struct dlk_held *held);
/* One that was judged in full, as its verdict names it, with the chain that was shown beside
 * it. Without memory it is not kept. */
void dlk_held_keep(struct dlk_held *held, const struct dlk_verdict *verdict,
    struct dlk_bytes der, struct dlk_bytes chain);
/* DLK_R_OK and the one of that name, appended; no-certificate, identity-ambiguous, or
 * fault-internal. */
enum dlk_reason dlk_held_find(struct dlk_held *held, const struct dlk_engine *engine,
    const struct dlk_naming *naming, struct dlk_buf *ret_der, struct dlk_buf *ret_chain,
    struct dlk_finding *finding);

#endif
