/* SPDX-License-Identifier: MIT */
/* gafile.h - the file that google-authenticator keeps in a home directory, read to import. */
#ifndef DLK_CORE_GAFILE_H
#define DLK_CORE_GAFILE_H

#include "core/otp.h"

#define DLK_GAFILE_MAX     (64 * 1024)
#define DLK_GAFILE_SCRATCH 16

enum dlk_import_note {
	DLK_IMPORT_TAKEN = 0,
	DLK_IMPORT_PASSED, /* has no place here; the words say what holds instead */
	DLK_IMPORT_BAD,    /* not as its format says: not taken */
};

struct dlk_gafile {
	struct dlk_otp otp; /* last_step is the newest code that was used there */
	struct dlk_secret scratch[DLK_GAFILE_SCRATCH];
	size_t n_scratch;
};
void dlk_gafile_fini(struct dlk_gafile *file); /* wipes */
#define DLK_AUTO_GAFILE __attribute__((cleanup(dlk_gafile_fini))) struct dlk_gafile

/* Tells of every line what becomes of it; the words are static and hold nothing of the file.
 * 0, or -EINVAL where it gives no token: the line that is to blame was told as BAD. */
int dlk_gafile_parse(struct dlk_bytes content,
    void (*tell)(size_t line, enum dlk_import_note note, const char *words, void *arg),
    void *arg, struct dlk_gafile *ret_file);

#endif
