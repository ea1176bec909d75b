/* SPDX-License-Identifier: MIT */
/*
 * outread.h - the certificates of a directory's entries (attribute userCertificate;binary, RFC
 * 4523), by doublelock-outward. Nothing of it is parsed here, and no name comes from anybody
 * who logs in. Blocks.
 */
#ifndef DLK_AGENT_OUTREAD_H
#define DLK_AGENT_OUTREAD_H

#include "agent/outward.h"
#include "base/secret.h"
#include "config/settings.h"

#define DLK_OUTREAD_WORDS 256

/* TLS, the server known by ldap-ca and by its name, and bound. 0; -ECANCELED; -EPROTO with
 * words; another -errno where it is doublelock-outward's fault, and what was read is void. */
int dlk_outread_open(struct dlk_outward *outward, const struct dlk_settings *settings,
    const struct dlk_secret *password, char words[DLK_OUTREAD_WORDS]);
/* Each certificate of each entry that the filter finds, with the first value of the attribute
 * that names the user (NULL: it has none). 0 where all was read; else as above. A return other
 * than 0 of `each` ends it and is returned. */
int dlk_outread(struct dlk_outward *outward, const char *filter,
    int (*each)(void *arg, const char *user, struct dlk_bytes der), void *arg,
    char words[DLK_OUTREAD_WORDS]);

#endif
