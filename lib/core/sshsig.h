/* SPDX-License-Identifier: MIT */
/*
 * sshsig.h - signatures that an SSH agent makes (RFC 4253 section 6.6, RFC 5656, RFC 8332,
 * RFC 8709; OpenSSH PROTOCOL.u2f and PROTOCOL.sshsig).
 */
#ifndef DLK_CORE_SSHSIG_H
#define DLK_CORE_SSHSIG_H

#include "core/sshkey.h"

/* The blob of an agent's identity as a key or an OpenSSH certificate, not taken apart. A
 * security key becomes the plain key that it is, which is what a certificate has, and its
 * application (empty for all others). certificate-malformed where it is not whole. */
enum dlk_reason dlk_sshsig_shown(struct dlk_bytes blob, struct dlk_sshkey *ret_key,
    struct dlk_buf *application, struct dlk_finding *finding);

/* What SSHSIG has signed for a message of this SHA-256 under the namespace. 0 or -errno. */
int dlk_sshsig_data(const char *space, const uint8_t *hash, struct dlk_buf *buf);

/* DLK_R_OK where `signature` (an agent's, with its algorithm) is one of `data` by this key:
 * RSA with SHA-2, ECDSA, Ed25519, and with an application that of a security key, touched.
 * possession-unproven otherwise. */
enum dlk_reason dlk_sshsig_verify(EVP_PKEY *key, struct dlk_bytes application,
    struct dlk_bytes signature, struct dlk_bytes data, struct dlk_finding *finding);

/* The same for what a PKCS #11 token signs: RSASSA-PKCS1-v1_5 and ECDSA (r and s, one after
 * the other) of the SHA-256 of `data`, or Ed25519. */
enum dlk_reason dlk_sshsig_verify_bare(EVP_PKEY *key, struct dlk_bytes signature,
    struct dlk_bytes data, struct dlk_finding *finding);

#endif
