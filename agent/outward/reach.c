/* SPDX-License-Identifier: MIT */
/* reach.c - addresses as octets; names and connections are not known here. */
#include "agent/outward/reach.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

static bool
may_reach4(const uint8_t *a)
{
	bool unspecified = a[0] == 0, loopback = a[0] == 127;
	bool link_local = a[0] == 169 && a[1] == 254;

	return !unspecified && !loopback && !link_local &&
	       a[0] < 224; /* multicast, reserved */
}

static bool
may_reach6(const uint8_t *a)
{
	static const uint8_t zero[10];
	static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };
	bool link_local = a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
	bool low = memcmp(a, zero, sizeof(zero)) == 0;

	/* ::ffff:a.b.c.d and ::a.b.c.d, among which are :: and ::1 */
	if (low && ((a[10] == 0xff && a[11] == 0xff) || (a[10] == 0 && a[11] == 0)))
		return may_reach4(a + 12);
	if (memcmp(a, nat64, sizeof(nat64)) == 0)
		return may_reach4(a + 12);
	if (a[0] == 0x20 && a[1] == 0x02) /* 6to4 */
		return may_reach4(a + 2);
	return !link_local && a[0] != 0xff;
}

bool
dlk_reach_may(const struct sockaddr *address, size_t size)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (address->sa_family == AF_INET && size >= sizeof(in)) {
		memcpy(&in, address, sizeof(in));
		return may_reach4((const uint8_t *)&in.sin_addr.s_addr);
	}
	if (address->sa_family == AF_INET6 && size >= sizeof(in6)) {
		memcpy(&in6, address, sizeof(in6));
		return may_reach6(in6.sin6_addr.s6_addr);
	}
	return false;
}
