/* SPDX-License-Identifier: MIT */
/*
 * directory.h - certificates that a directory (LDAP) supplies, kept as files as in certs.d, so
 * that a login neither waits for it nor needs a network. The agent writes them; judges read
 * them (registry.h). They are candidates: whom a certificate names is decided by rules alone.
 */
#ifndef DLK_STORE_DIRECTORY_H
#define DLK_STORE_DIRECTORY_H

#include "base/file.h"

#define DLK_DIRECTORY_WORDS 256
#define DLK_DIRECTORY_MOST  200000 /* certificates that are kept */

/* What became of the last tries. */
struct dlk_directory_state {
	int64_t read; /* when it was read whole; 0: never */
	int64_t tried;
	int64_t users, certificates;     /* that were read then */
	char error[DLK_DIRECTORY_WORDS]; /* of the last try; "" where it was read */
};
/* -ENOENT where it was never tried. */
int dlk_directory_state_load(const char *cache, struct dlk_directory_state *ret_state);
int dlk_directory_state_save(const char *cache, const struct dlk_directory_state *state);

/* One reading of the whole directory. */
struct dlk_reading;
/* Makes the cache where it is missing. 0 or -errno. */
int dlk_reading_new(const char *cache, struct dlk_reading **ret_reading);
/* Keeps a certificate of the user; -EINVAL where the name is none that an account may have or
 * the octets are no certificate's, and nothing is kept; -E2BIG: more than there may be. */
int dlk_reading_add(struct dlk_reading *reading, const char *user, struct dlk_bytes der);
/* It was read whole: what was not added is removed. The counts go into `state`. */
int dlk_reading_end(struct dlk_reading *reading, struct dlk_directory_state *state);
void dlk_reading_free(struct dlk_reading *reading); /* NULL is fine; removes nothing */

#endif
