/* SPDX-License-Identifier: MIT */
/* registry.h - files NAME.pem below certs.d/USER: certificates that sshd's keys are matched
 * to. They supply candidates; whom a certificate names is decided by rules alone. */
#ifndef DLK_STORE_REGISTRY_H
#define DLK_STORE_REGISTRY_H

#include "base/file.h"
#include "core/cert.h"

#define DLK_REGISTERED_MAX 32  /* certificates of one user */
#define DLK_REGISTRY_NAME  256 /* room for the name of a file */

/* No directory for the user is 0 and nothing added. A file that cannot be used is left out
 * and named in `finding` (reason other than UNDECIDED). -errno for what cannot be trusted. */
int dlk_registry_load(const char *dir, const char *user, const struct dlk_care *care,
    struct dlk_certs *certs, struct dlk_finding *finding);
/* The same, file by file: `certs` is empty where the file cannot be used, and `finding` says
 * why. A return other than 0 of `each` ends it. */
int dlk_registry_each(const char *dir, const char *user, const struct dlk_care *care,
    int (*each)(const char *name, const struct dlk_certs *certs,
	const struct dlk_finding *finding, void *arg),
    void *arg, struct dlk_finding *finding);
/* Writes USER/FINGERPRINT.pem. -EEXIST where it is there, -EINVAL for no name of a user. */
int dlk_registry_add(const char *dir, const char *user, const struct dlk_cert *cert);
/* The same for a process that parses nothing: the DER, and the hex of its SHA-256. */
int dlk_registry_put(
    const char *dir, const char *user, const char *fingerprint, struct dlk_bytes der);
/* The file whose first certificate has this fingerprint in hex, or a beginning of it of 8 or
 * more digits that is unique; a damaged file is found by its name. ret_name has
 * DLK_REGISTRY_NAME. -ENOENT, -ENOTUNIQ, -EINVAL. */
int dlk_registry_find(const char *dir, const char *user, const struct dlk_care *care,
    const char *fingerprint, char *ret_name);
int dlk_registry_unlink(const char *dir, const char *user, const char *name);
/* find and unlink. */
int dlk_registry_remove(const char *dir, const char *user, const char *fingerprint);

#endif
