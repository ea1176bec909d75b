/* SPDX-License-Identifier: MIT */
/* indexhead.h - the first octets of an index file: of which list's file it was made. */
#ifndef DLK_STORE_INDEXHEAD_H
#define DLK_STORE_INDEXHEAD_H

#include <sys/stat.h>

#include "base/bytes.h"

#define DLK_INDEX_HEAD   4096
#define DLK_INDEX_IMAGES 128
#define DLK_INDEX_PATH   1000
#define DLK_INDEX_NAME   48

/* What changes when a file is replaced or written to. */
struct dlk_file_identity {
	uint64_t inode, size;
	int64_t changed_s, modified_s;
	uint32_t changed_ns, modified_ns;
};

struct dlk_index_head {
	struct dlk_file_identity source;
	char path[DLK_INDEX_PATH + 1];
	uint64_t size; /* of the index file */
	uint32_t n;
	struct {
		uint64_t at, n;
	} image[DLK_INDEX_IMAGES];
};

void dlk_file_identify(const struct stat *st, struct dlk_file_identity *ret_identity);
bool dlk_file_identity_equal(
    const struct dlk_file_identity *a, const struct dlk_file_identity *b);
/* Name of the index file for a list's path; out has DLK_INDEX_NAME. 0 or -ENOMEM. */
int dlk_index_name(const char *path, char *out);
/* out has DLK_INDEX_HEAD octets. 0 or -ENOMEM. */
int dlk_index_head_encode(const struct dlk_index_head *head, uint8_t *out);
/* The first DLK_INDEX_HEAD octets of an index file of `size` octets. 0 or -EBADMSG; images
 * lie within the file. */
int dlk_index_head_decode(struct dlk_bytes in, uint64_t size, struct dlk_index_head *ret_head);

#endif
