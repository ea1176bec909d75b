/* SPDX-License-Identifier: MIT */
/* crlfile.h - the CRLs of one file, one after another: a DER one, or the PEM ones. */
#ifndef DLK_CORE_CRLFILE_H
#define DLK_CORE_CRLFILE_H

#include "core/octets.h"

struct dlk_crlfile;
/* `raw` is copied; what it reads from has to outlive the file. 0 or -ENOMEM. */
int dlk_crlfile_new(const struct dlk_octet_source *raw, struct dlk_crlfile **ret_file);
void dlk_crlfile_free(struct dlk_crlfile *file);
void dlk_crlfile_cleanup(struct dlk_crlfile **file);
#define DLK_AUTO_CRLFILE __attribute__((cleanup(dlk_crlfile_cleanup))) struct dlk_crlfile
/* 1 and the octets of the next list, to be read before the next call; 0 where there is none
 * left; -errno of `raw`. What stands between PEM blocks, and blocks of other types, is
 * passed over; a block that is damaged is seen by whoever reads it (-EBADMSG). */
int dlk_crlfile_next(struct dlk_crlfile *file, struct dlk_octet_source *ret_list);

#endif
