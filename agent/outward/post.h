/* SPDX-License-Identifier: MIT */
/*
 * post.h - events on their way to a receiver, several at once (libcurl, Standard Webhooks).
 * They come signed: the secret that signs them is not known here.
 */
#ifndef DLK_OUTWARD_POST_H
#define DLK_OUTWARD_POST_H

#include "agent/outward/files.h"
#include "agent/outwire.h"

#define DLK_POST_WHOLE_MS   15000 /* of one delivery */
#define DLK_POST_CONNECT_MS 5000

struct dlk_posts;
/* Borrows the files. 0 or -ENOMEM. */
int dlk_posts_new(const struct dlk_out_files *files, struct dlk_posts **ret_posts);
/* `event` is a DLK_OUT_EVENT, and copied. 0, -ENOMEM, -EIO, -EEXIST. */
int dlk_posts_add(struct dlk_posts *posts, const struct dlk_out_message *event);
/* All that were added; `ended` gets a DLK_OUT_RESULT of each, and an error of its own ends
 * the whole. 0 or -errno; none is left. */
int dlk_posts_carry(struct dlk_posts *posts,
    int (*ended)(void *ctx, const struct dlk_out_message *result), bool (*stop)(void *ctx),
    void *ctx);
void dlk_posts_free(struct dlk_posts *posts); /* NULL is fine */

#endif
