/* SPDX-License-Identifier: MIT */
/*
 * crlimage.h - a compiled CRL: octets that are searched where they lie, mapped or in memory,
 * without reading more of them than one bucket. What is touched is checked against damage;
 * whoever can write an image can write what he likes, so images are kept as keys are.
 */
#ifndef DLK_CORE_CRLIMAGE_H
#define DLK_CORE_CRLIMAGE_H

#include "core/crlscan.h"

/*
 * Reads one CRL and writes its image, in memory that does not grow with its entries. 0;
 * -EBADMSG and the rule that the list breaks; -errno. A list that is signed whole (Ed25519)
 * needs its signed octets later: they go to `ret_signed_part`, and where that is NULL such a
 * list is -EOPNOTSUPP.
 */
int dlk_crlimage_compile(const struct dlk_octet_source *source,
    const struct dlk_octet_target *target, struct dlk_buf *ret_signed_part, uint64_t *ret_size,
    const char **ret_rule);

/* Borrows the octets it was opened on. */
struct dlk_crlimage {
	struct dlk_bytes whole;
	struct dlk_bytes issuer, algorithm, extensions, signature; /* as in the list */
	struct dlk_bytes
	    digest;             /* of the signed part; empty for a list that is signed whole */
	struct dlk_bytes names; /* of certificateIssuers, one Name after another */
	const uint8_t *directory;
	size_t tail; /* where the buckets end */
	uint32_t buckets;
	int64_t this_update, next_update;
	uint64_t entries;
	bool entry_issuers;
};
/* Checks the head and the tail, which hold everything but the entries. 0 or -EBADMSG. */
int dlk_crlimage_open(struct dlk_bytes whole, struct dlk_crlimage *ret_image);

struct dlk_crl_hit {
	int64_t date;
	uint8_t reason;
};
/* Issuer 0 is the list's own, n the n-th of `names`. Of several entries the one that revokes
 * most. 1 found, 0 not listed, -EBADMSG where the image is damaged there. */
int dlk_crlimage_find(const struct dlk_crlimage *image, unsigned issuer,
    struct dlk_bytes serial, struct dlk_crl_hit *ret_hit);
/* Every piece of every bucket is sound: reads the whole image. */
bool dlk_crlimage_sound(const struct dlk_crlimage *image);

#endif
