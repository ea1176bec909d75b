/* SPDX-License-Identifier: MIT */
/*
 * path.h - from a certificate to the trust anchors: every path that holds under RFC 5280
 * section 6.1 and under the rules here. Revocation is not asked yet (revoked.h).
 */
#ifndef DLK_CORE_PATH_H
#define DLK_CORE_PATH_H

#include "core/cert.h"

#define DLK_PATH_MAX       16 /* certificates of one path, leaf and anchor included */
#define DLK_PATHS_MAX      8  /* accepted paths of one leaf */
#define DLK_TRUST_SETS_MAX 64

/* Anchors in named sets ([trust], [trust NAME]; a set is its number) and intermediates. It
 * remembers which signatures between its own certificates held: it is used by one thread at a
 * time. */
struct dlk_trust;
int dlk_trust_new(struct dlk_trust **ret_trust);
void dlk_trust_free(struct dlk_trust *trust);
/* Take a reference of their own. 0, -ENOMEM, -EINVAL for a set out of range. */
int dlk_trust_add_anchor(struct dlk_trust *trust, unsigned set, struct dlk_cert *cert);
int dlk_trust_add_intermediate(struct dlk_trust *trust, struct dlk_cert *cert);
size_t dlk_trust_anchors(const struct dlk_trust *trust);
const struct dlk_cert *dlk_trust_anchor_at(const struct dlk_trust *trust, size_t i);
const struct dlk_cert *dlk_trust_intermediate_at(
    const struct dlk_trust *trust, size_t i); /* or NULL */
/* Intermediates, then anchors; NULL behind the last one. */
const struct dlk_cert *dlk_trust_ca_at(const struct dlk_trust *trust, size_t i);

struct dlk_path_rules {
	size_t max_depth;      /* CAs between leaf and anchor, and the anchor; 8 where 0 */
	unsigned min_rsa_bits; /* 2048 where 0 */
	bool any_purpose;      /* anyExtendedKeyUsage serves for clientAuth */
	bool ssh_purpose;      /* and so does secureShellClient (RFC 6187 section 2.2.2) */
	bool crl_signer;       /* judge the leaf for cRLSign in place of clientAuth */
	bool trust_anchors_blindly; /* [trust] check-anchors=no: key and name of an anchor
				       alone */
};

/* cert[0] is the leaf, cert[n-1] the anchor; borrowed from the paths. */
struct dlk_path {
	size_t n;
	const struct dlk_cert *cert[DLK_PATH_MAX];
	uint64_t sets;      /* bit per trust set any of whose anchor keys stands in the path */
	int64_t good_until; /* the earliest notAfter of the path */
};

struct dlk_paths;
/* Every accepted path, shortest first; DLK_R_OK where there is one. Otherwise the reason of
 * the candidate that came furthest. Work is bounded whatever is presented. */
enum dlk_reason dlk_paths_find(const struct dlk_trust *trust,
    const struct dlk_path_rules *rules, const struct dlk_cert *leaf,
    const struct dlk_certs *presented, int64_t now, struct dlk_paths **ret_paths,
    struct dlk_finding *finding);
size_t dlk_paths_count(const struct dlk_paths *paths);
const struct dlk_path *dlk_paths_at(const struct dlk_paths *paths, size_t i);
void dlk_paths_free(struct dlk_paths *paths);
void dlk_paths_cleanup(struct dlk_paths **paths);
#define DLK_AUTO_PATHS __attribute__((cleanup(dlk_paths_cleanup))) struct dlk_paths

#endif
