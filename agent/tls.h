/* SPDX-License-Identifier: MIT */
/*
 * tls.h - what the agent speaks TLS with, as one configuration names it: its certificate and
 * key, and whose certificates it takes. Immutable once it is open, and counted: connections
 * that began with it keep it. OpenSSL does the handshake and so proves that the peer has its
 * key; whether a certificate holds, lib/core judges alone (gate.h).
 */
#ifndef DLK_AGENT_TLS_H
#define DLK_AGENT_TLS_H

#include <openssl/ssl.h>

#include "config/settings.h"
#include "store/clients.h"

struct dlk_tls;
/* 0 and NULL where no gateway on another host may come; or -errno with words in `finding`. */
int dlk_tls_open(const struct dlk_settings *settings, uid_t owner, struct dlk_tls **ret_tls,
    struct dlk_finding *finding);
struct dlk_tls *dlk_tls_ref(struct dlk_tls *tls);
void dlk_tls_free(struct dlk_tls *tls); /* gives one reference back; NULL is fine */

/* Asked in the handshake, of a certificate that nobody has: its peer is sent away. */
typedef void dlk_tls_stranger(
    const SSL *ssl, const uint8_t fingerprint[DLK_SHA256_SIZE], void *arg);
/* A connection of the server's side; it keeps a reference. NULL: no memory. */
SSL *dlk_tls_accept(struct dlk_tls *tls, dlk_tls_stranger *stranger, void *arg);

const struct dlk_clients *dlk_tls_clients(const struct dlk_tls *tls);
bool dlk_tls_reads(const struct dlk_tls *tls, const char *name); /* [agent] readers */

#endif
