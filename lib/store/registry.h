/* SPDX-License-Identifier: MIT */
/* registry.h - files NAME.pem below certs.d/USER: certificates that sshd's keys are matched
 * to. They supply candidates; whom a certificate names is decided by rules alone. */
#ifndef DLK_STORE_REGISTRY_H
#define DLK_STORE_REGISTRY_H

#include "base/file.h"
#include "core/cert.h"

#define DLK_REGISTERED_MAX 32 /* certificates of one user */

/* No directory for the user is 0 and nothing added. A file that cannot be used is left out
 * and named in `finding` (reason other than UNDECIDED). -errno for what cannot be trusted. */
int dlk_registry_load(const char *dir, const char *user, const struct dlk_care *care,
    struct dlk_certs *certs, struct dlk_finding *finding);
/* Writes USER/FINGERPRINT.pem. -EEXIST where it is there. */
int dlk_registry_add(const char *dir, const char *user, const struct dlk_cert *cert);
/* By fingerprint in hex, or a beginning of 8 or more digits that is unique. -ENOENT,
 * -ENOTUNIQ. */
int dlk_registry_remove(const char *dir, const char *user, const char *fingerprint);

#endif
