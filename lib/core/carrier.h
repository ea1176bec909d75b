/* SPDX-License-Identifier: MIT */
/*
 * carrier.h - an X.509 chain that came inside an OpenSSH certificate which its own key has
 * signed (docs/PROTOCOL.md; OpenSSH PROTOCOL.certkeys). sshd has verified that signature, and
 * in a login the one over the session; here the two certificates are held to be of one key.
 */
#ifndef DLK_CORE_CARRIER_H
#define DLK_CORE_CARRIER_H

#include "core/sshkey.h"

/* Its data: base64 of the DER certificates one after another, the leaf first. */
#define DLK_CARRIER_EXTENSION "x509-chain@doublelock"

struct dlk_carried {
	struct dlk_sshkey key; /* the plain key that was certified, and that certified */
	struct dlk_buf chain;  /* DER, leaf first */
};
void dlk_carried_fini(struct dlk_carried *carried);
#define DLK_AUTO_CARRIED __attribute__((cleanup(dlk_carried_fini))) struct dlk_carried

/* An OpenSSH certificate, by its type: "...-cert-v01@openssh.com". */
bool dlk_carrier_is(const struct dlk_sshkey *shown);
/* RSA, ECDSA, Ed25519. no-certificate where it carries no chain; certificate-malformed where
 * it is not whole, signed by another key, a host's, or has critical options. */
enum dlk_reason dlk_carrier_parse(const struct dlk_sshkey *shown,
    struct dlk_carried *ret_carried, struct dlk_finding *finding);

#endif
