/* SPDX-License-Identifier: MIT */
/*
 * ldapread.h - the certificates of a directory's entries (attribute userCertificate;binary,
 * RFC 4523), read page by page (RFC 2696) over TLS alone. Nothing of it is parsed here, and no
 * name comes from anybody who logs in. Blocks.
 */
#ifndef DLK_OUTWARD_LDAPREAD_H
#define DLK_OUTWARD_LDAPREAD_H

#include "base/bytes.h"
#include "base/secret.h"

#define DLK_LDAP_WORDS  256
#define DLK_LDAP_VALUES 32 /* certificates of one entry; further ones are left out */

struct dlk_ldap {
	const char *url, *base, *user, *ca;
	const char *bind_dn; /* NULL: nobody in particular */
	const struct dlk_secret *password;
	bool (*stop)(void *ctx);
	void *ctx;
};

/* A connection: TLS, the server known by `ca` and by its name, and bound. 0 or -errno with
 * words. */
struct dlk_ldap_session;
int dlk_ldap_open(const struct dlk_ldap *ldap, struct dlk_ldap_session **ret_session,
    char words[DLK_LDAP_WORDS]);
void dlk_ldap_close(struct dlk_ldap_session *session); /* NULL is fine */
/* Each certificate of each entry that the filter finds, with the first value of the attribute
 * that names the user (NULL: it has none). 0 where all was read; else -errno with words. A
 * return other than 0 of `each` ends it and is returned. */
int dlk_ldap_read(struct dlk_ldap_session *session, const char *filter,
    int (*each)(void *arg, const char *user, struct dlk_bytes der), void *arg,
    char words[DLK_LDAP_WORDS]);

#endif
