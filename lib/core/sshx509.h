/* SPDX-License-Identifier: MIT */
/*
 * sshx509.h - X.509 certificates as SSH public keys (RFC 6187 section 2.1), as PKIX-SSH names
 * them: a chain, its leaf first, and OCSP responses, which are not looked into.
 */
#ifndef DLK_CORE_SSHX509_H
#define DLK_CORE_SSHX509_H

#include "core/sshkey.h"

#define DLK_SSHX509_MOST 17 /* certificates of one chain, the leaf among them */

/* By its type: "x509v3-...". */
bool dlk_sshx509_is(const struct dlk_sshkey *shown);
/* The chain in DER, one certificate after another. certificate-malformed where the blob is not
 * whole, has more than that or anything behind it, or is of the older form without a name;
 * weak-key for DSA. */
enum dlk_reason dlk_sshx509_parse(
    const struct dlk_sshkey *shown, struct dlk_buf *ret_chain, struct dlk_finding *finding);
/* Whether the type is one for that leaf: its kind of key and its curve; weak-key for RSA
 * shorter than the type demands, possession-unproven for another kind. */
enum dlk_reason dlk_sshx509_check(
    const struct dlk_sshkey *shown, const struct dlk_cert *leaf, struct dlk_finding *finding);

#endif
