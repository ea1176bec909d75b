/* SPDX-License-Identifier: MIT */
/* network.h - addresses and the networks that they lie in (CIDR, RFC 4632 and RFC 4291). */
#ifndef DLK_CORE_NETWORK_H
#define DLK_CORE_NETWORK_H

#include "base/bytes.h"

struct dlk_network {
	uint8_t address[16]; /* IPv4 as IPv4-mapped IPv6 */
	unsigned bits;       /* of 128 */
};

/* "10.0.0.0/8", "2001:db8::/32", or one address. Bits behind the prefix must be zero.
 * 0 or -EINVAL. */
int dlk_network_parse(const char *text, struct dlk_network *ret_network);
/* False also for a text that is no address. */
bool dlk_network_holds(const struct dlk_network *network, const char *address);

#endif
