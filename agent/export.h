/* SPDX-License-Identifier: MIT */
/*
 * export.h - what programs that ask nobody read from a directory instead: lists of revocation,
 * and SSH keys of revoked certificates. Files change whole, and only where something did.
 */
#ifndef DLK_AGENT_EXPORT_H
#define DLK_AGENT_EXPORT_H

#include "agent/crlurls.h"

#define DLK_EXPORT_LISTS "crl.pem"      /* all of them */
#define DLK_EXPORT_EACH  "x509crl"      /* a directory: one list in each file */
#define DLK_EXPORT_KEYS  "revoked-keys" /* for sshd's RevokedKeys */

struct dlk_exported {
	size_t lists, keys; /* that stand there now */
	bool lists_changed, keys_changed;
};

/* Both, into [revocation] export; nothing where that is not given, or revocation is off. 0, or
 * the first -errno with the path in `words` (PATH_MAX); what was there stays. */
int dlk_export(const struct dlk_engine *engine, const struct dlk_crl_urls *urls, uid_t owner,
    int64_t now, struct dlk_exported *ret_exported, char *words);

/* The directory is made where it is missing, open for everybody to read. */
int dlk_export_open(const char *path, int *ret_dir);
/* Complete lists that cover all that their issuer issued, signed by somebody who is known, the
 * newest of each signer; also one that is over, as a gateway without any would let everybody
 * in. */
int dlk_export_lists(int dir, const struct dlk_engine *engine, const struct dlk_crl_urls *urls,
    int64_t now, struct dlk_exported *exported);
/* Of registered certificates, and of those that were judged. A key stays until a certificate
 * with it is good again. */
int dlk_export_keys(int dir, const struct dlk_engine *engine, uid_t owner, int64_t now,
    struct dlk_exported *exported);

#endif
