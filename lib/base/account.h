/* SPDX-License-Identifier: MIT */
/* account.h - which account a name means, as NSS has it. */
#ifndef DLK_BASE_ACCOUNT_H
#define DLK_BASE_ACCOUNT_H

#include <stddef.h>
#include <sys/types.h>

/* Another spelling of one account is that account: ret_name is its own. -ENOENT where there is
 * none; -ENAMETOOLONG where its name does not fit; else -errno, and nothing is known. */
int dlk_account_find(const char *name, char *ret_name, size_t size, uid_t *ret_uid);
/* The same, and its primary group. */
int dlk_account_find_group(
    const char *name, char *ret_name, size_t size, uid_t *ret_uid, gid_t *ret_gid);
/* The name of an account, by its number. The same errors. */
int dlk_account_name(uid_t uid, char *ret_name, size_t size);

#endif
