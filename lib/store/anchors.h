/* SPDX-License-Identifier: MIT */
/* anchors.h - trust anchors, intermediates and CRLs out of files and directories. */
#ifndef DLK_STORE_ANCHORS_H
#define DLK_STORE_ANCHORS_H

#include "base/file.h"
#include "core/crl.h"
#include "core/path.h"

/*
 * `path` is a file or a directory (*.pem *.crt *.cer *.der; CRLs *.crl *.pem *.der). A file
 * that is damaged is said (dlk_say) and left out. What cannot be read or could be somebody
 * else's is an error: -errno, with words in `finding` (fault-config). An anchor path without
 * one usable certificate is -ENODATA; the others may be empty, and -ENOENT is for the caller
 * to judge.
 */
int dlk_anchors_load(const char *path, unsigned set, const struct dlk_care *care,
    struct dlk_trust *trust, struct dlk_finding *finding);
int dlk_intermediates_load(const char *path, const struct dlk_care *care,
    struct dlk_trust *trust, struct dlk_finding *finding);
/* `index` is the directory of compiled lists (NULL: none; compile into memory). */
int dlk_crls_load(const char *path, const char *index, const struct dlk_care *care,
    struct dlk_crls *crls, struct dlk_finding *finding);

#endif
