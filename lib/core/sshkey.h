/* SPDX-License-Identifier: MIT */
/*
 * sshkey.h - public keys as SSH writes them (RFC 4253 section 6.6, RFC 5656, RFC 8709). A
 * blob is made from a certificate's key and compared; a peer's blob is never taken apart.
 */
#ifndef DLK_CORE_SSHKEY_H
#define DLK_CORE_SSHKEY_H

#include "core/cert.h"

#define DLK_SSHKEY_TYPE_MAX 63

struct dlk_sshkey {
	char type[DLK_SSHKEY_TYPE_MAX + 1];
	struct dlk_buf blob;
};
void dlk_sshkey_fini(struct dlk_sshkey *key);
#define DLK_AUTO_SSHKEY __attribute__((cleanup(dlk_sshkey_fini))) struct dlk_sshkey

/* RSA, ECDSA P-256, P-384, P-521, Ed25519; weak-key for anything else. */
enum dlk_reason dlk_sshkey_of_cert(
    const struct dlk_cert *cert, struct dlk_sshkey *ret_key, struct dlk_finding *finding);
enum dlk_reason dlk_sshkey_of_key(
    const EVP_PKEY *key, struct dlk_sshkey *ret_key, struct dlk_finding *finding);
/* "TYPE BASE64", nothing behind it but white space. certificate-malformed otherwise. */
enum dlk_reason dlk_sshkey_parse(
    struct dlk_bytes text, struct dlk_sshkey *ret_key, struct dlk_finding *finding);
/* SSH_AUTH_INFO_0: exactly one line whose first word is exactly "publickey". None is
 * no-certificate, two are certificate-malformed; so is one that stands behind a line of
 * another method with more than the method's name, which may hold a peer's own text. */
enum dlk_reason dlk_sshkey_parse_auth_info(
    struct dlk_bytes text, struct dlk_sshkey *ret_key, struct dlk_finding *finding);
bool dlk_sshkey_equal(const struct dlk_sshkey *a, const struct dlk_sshkey *b);
/* Appends "TYPE BASE64". 0 or -errno. */
int dlk_sshkey_text(const struct dlk_sshkey *key, struct dlk_buf *buf);

#endif
