/* SPDX-License-Identifier: MIT */
/* clients.h - the gateways on other hosts that may come: files NAME.pem in a directory, each
 * with the certificate of one, or with several while one is being replaced. */
#ifndef DLK_STORE_CLIENTS_H
#define DLK_STORE_CLIENTS_H

#include "base/file.h"
#include "core/cert.h"

#define DLK_CLIENTS_MAX     1024 /* files */
#define DLK_CLIENT_NAME_MAX 200

struct dlk_clients;
/* Immutable once it is loaded. 0, or -errno with words in `finding` (fault-config): a file
 * that is damaged, a certificate under two names and a name that is none refuse the whole. */
int dlk_clients_load(const char *dir, const struct dlk_care *care,
    struct dlk_clients **ret_clients, struct dlk_finding *finding);
/* The same, and shows each certificate on the way; what `each` returns ends it, if not 0. */
int dlk_clients_load_each(const char *dir, const struct dlk_care *care,
    int (*each)(const char *name, const struct dlk_cert *cert, void *arg), void *arg,
    struct dlk_clients **ret_clients, struct dlk_finding *finding);
void dlk_clients_free(struct dlk_clients *clients); /* NULL is fine */
/* Whose certificate this is, by the SHA-256 of its DER; NULL: nobody's. */
const char *dlk_clients_find(
    const struct dlk_clients *clients, const uint8_t fingerprint[DLK_SHA256_SIZE]);
bool dlk_clients_know(const struct dlk_clients *clients, const char *name);

#endif
