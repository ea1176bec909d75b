/* SPDX-License-Identifier: MIT */
/*
 * gate.h - gateways on other hosts: whose handshake is taken up, and whether the certificate
 * of one still holds. For the loop's thread alone, but where it says so.
 */
#ifndef DLK_AGENT_GATE_H
#define DLK_AGENT_GATE_H

#include <sys/socket.h>

#include "agent/house.h"
#include "agent/peer.h"
#include "agent/tls.h"

#define DLK_GATE_HANDSHAKE_MS 5000 /* until it has to be over */
#define DLK_GATE_HANDSHAKES   16   /* of one address, not over yet */
#define DLK_GATE_LASTS        60   /* seconds after which a certificate is judged again */

struct dlk_gate;
/* Takes the tls; the house has to be whole when the loop begins. 0 or -errno. */
int dlk_gate_new(
    const struct dlk_house *house, struct dlk_tls *tls, struct dlk_gate **ret_gate);
/* What newer connections begin with, and all are held against. Takes it; NULL: nobody may
 * come. From any thread. */
void dlk_gate_swap(struct dlk_gate *gate, struct dlk_tls *tls);
void dlk_gate_free(struct dlk_gate *gate); /* NULL is fine */

/* Where a connection comes from; an address of IPv6 by its network, which has one owner. */
#define DLK_GATE_ADDRESS 9
struct dlk_gate_from {
	uint8_t key[DLK_GATE_ADDRESS];
	char text[DLK_SOURCE_MAX + 1];
};
/* 0 or -errno. */
int dlk_gate_from(int fd, struct dlk_gate_from *ret_from);
/* Before the first octet: may this address begin a handshake, with so many from there and
 * from everywhere that are not over? Addresses from where accepted gateways came have a right
 * of their own, which a flood from others does not use up. */
bool dlk_gate_lets(
    struct dlk_gate *gate, const struct dlk_gate_from *from, size_t here, size_t everywhere);
SSL *dlk_gate_ssl(struct dlk_gate *gate); /* of a new connection, or NULL */

/* What is known of a peer, kept with its connection. Zeroed: nothing yet. */
struct dlk_gate_pass {
	struct dlk_peer peer;
	bool known;
	unsigned generation;
	int64_t at, until;
};
/* Whether the judgement still holds. */
bool dlk_gate_holds(const struct dlk_gate *gate, const struct dlk_gate_pass *pass);
/* Judges once more; `done` is told later, or at once. The connection may be gone by then. */
void dlk_gate_judge(struct dlk_gate *gate, SSL *ssl, const struct dlk_gate_from *from,
    void (*done)(const struct dlk_gate_pass *pass, void *arg), void *arg);

#endif
