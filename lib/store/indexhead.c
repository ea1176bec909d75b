/* SPDX-License-Identifier: MIT */
/* indexhead.c - writes and reads the head of an index file. It opens no file. */
#include "store/indexhead.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "core/digest.h"

#define MAGIC     "DLKIDX\r\1"
#define DIGEST_AT 80
#define PATH_AT   128
#define IMAGES_AT 1136

void
dlk_file_identify(const struct stat *st, struct dlk_file_identity *ret_identity)
{
	*ret_identity = (struct dlk_file_identity){ .inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.changed_s = st->st_ctim.tv_sec,
		.changed_ns = (uint32_t)st->st_ctim.tv_nsec,
		.modified_s = st->st_mtim.tv_sec,
		.modified_ns = (uint32_t)st->st_mtim.tv_nsec };
}

bool
dlk_file_identity_equal(const struct dlk_file_identity *a, const struct dlk_file_identity *b)
{
	return a->inode == b->inode && a->size == b->size && a->changed_s == b->changed_s &&
	       a->changed_ns == b->changed_ns && a->modified_s == b->modified_s &&
	       a->modified_ns == b->modified_ns;
}

int
dlk_index_name(const char *path, char *out)
{
	const struct dlk_bytes part = dlk_bytes_str(path);
	uint8_t digest[DLK_DIGEST_SIZE];
	int r = dlk_digest(&part, 1, digest);

	if (r < 0)
		return r;
	dlk_hex(DLK_BYTES(digest, 16), out);
	memcpy(out + 32, ".idx", sizeof(".idx"));
	return 0;
}

/* Over the head with nothing where the digest stands. */
static int
digest_head(const uint8_t *head, uint8_t *ret_digest)
{
	const struct dlk_bytes part[] = { DLK_BYTES(head, DIGEST_AT),
		DLK_BYTES(head + PATH_AT, DLK_INDEX_HEAD - PATH_AT) };

	return dlk_digest(part, 2, ret_digest);
}

int
dlk_index_head_encode(const struct dlk_index_head *head, uint8_t *out)
{
	memset(out, 0, DLK_INDEX_HEAD);
	memcpy(out, MAGIC, 8);
	dlk_put_be64(out + 8, head->size);
	dlk_put_be64(out + 16, head->source.inode);
	dlk_put_be64(out + 24, head->source.size);
	dlk_put_be64(out + 32, (uint64_t)head->source.changed_s);
	dlk_put_be64(out + 40, (uint64_t)head->source.modified_s);
	dlk_put_be32(out + 48, head->source.changed_ns);
	dlk_put_be32(out + 52, head->source.modified_ns);
	dlk_put_be32(out + 56, head->n);
	memcpy(out + PATH_AT, head->path, strlen(head->path));
	for (uint32_t i = 0; i < head->n; i++) {
		dlk_put_be64(out + IMAGES_AT + (size_t)16 * i, head->image[i].at);
		dlk_put_be64(out + IMAGES_AT + (size_t)16 * i + 8, head->image[i].n);
	}
	return digest_head(out, out + DIGEST_AT);
}

int
dlk_index_head_decode(struct dlk_bytes file, uint64_t size, struct dlk_index_head *ret_head)
{
	struct dlk_index_head head = { 0 };
	uint8_t digest[DLK_DIGEST_SIZE];
	const uint8_t *in = file.p;

	if (file.n < DLK_INDEX_HEAD || memcmp(in, MAGIC, 8) != 0 ||
	    dlk_get_be64(in + 8) != size || digest_head(in, digest) < 0 ||
	    memcmp(digest, in + DIGEST_AT, sizeof(digest)) != 0)
		return -EBADMSG;
	head.size = size;
	head.source = (struct dlk_file_identity){ .inode = dlk_get_be64(in + 16),
		.size = dlk_get_be64(in + 24),
		.changed_s = (int64_t)dlk_get_be64(in + 32),
		.modified_s = (int64_t)dlk_get_be64(in + 40),
		.changed_ns = dlk_get_be32(in + 48),
		.modified_ns = dlk_get_be32(in + 52) };
	head.n = dlk_get_be32(in + 56);
	memcpy(head.path, in + PATH_AT, DLK_INDEX_PATH);
	if (head.n == 0 || head.n > DLK_INDEX_IMAGES)
		return -EBADMSG;
	for (uint32_t i = 0; i < head.n; i++) {
		head.image[i].at = dlk_get_be64(in + IMAGES_AT + (size_t)16 * i);
		head.image[i].n = dlk_get_be64(in + IMAGES_AT + (size_t)16 * i + 8);
		if (head.image[i].at > size || head.image[i].n > size - head.image[i].at)
			return -EBADMSG;
	}
	*ret_head = head;
	return 0;
}
