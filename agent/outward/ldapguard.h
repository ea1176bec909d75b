/* SPDX-License-Identifier: MIT */
/*
 * ldapguard.h - a deadline for OpenLDAP's library, which waits for ever in the middle of a TLS
 * handshake: when it is over, or somebody wants to stop, the connection is shut down under it,
 * and it comes back with an error.
 */
#ifndef DLK_OUTWARD_LDAPGUARD_H
#define DLK_OUTWARD_LDAPGUARD_H

#include <stdbool.h>
#include <stdint.h>

#include <ldap.h>

struct dlk_ldap_guard;
/* 0 or -errno. */
int dlk_ldap_guard_new(bool (*stop)(void *ctx), void *ctx, struct dlk_ldap_guard **ret_guard);
/* Before the handle has a connection; the guard outlives it. An LDAP result code. */
int dlk_ldap_guard_watch(struct dlk_ldap_guard *guard, LDAP *ld);
/* From now on it has until then (monotonic). */
void dlk_ldap_guard_until(struct dlk_ldap_guard *guard, int64_t until_ms);
/* Whether the connection was shut down. */
bool dlk_ldap_guard_struck(struct dlk_ldap_guard *guard);
void dlk_ldap_guard_free(struct dlk_ldap_guard *guard); /* NULL is fine */

#endif
