/* SPDX-License-Identifier: MIT */
/* network.c - prefixes of addresses. It resolves no names. */
#include "core/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"

#define MAPPED 96 /* bits before an IPv4 address in ::ffff:0:0/96 */

/* 128 or 32 bits, how many the text can have as a prefix; 0 where it is no address. */
static unsigned
parse_address(const char *text, uint8_t out[16])
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (inet_pton(AF_INET6, text, out) == 1)
		return 128;
	if (inet_pton(AF_INET, text, out + sizeof(mapped)) != 1)
		return 0;
	memcpy(out, mapped, sizeof(mapped));
	return 32;
}

static bool
agree(const uint8_t a[16], const uint8_t b[16], unsigned bits)
{
	size_t whole = bits / 8;
	uint8_t mask = (uint8_t)(0xff00 >> bits % 8);

	if (memcmp(a, b, whole) != 0)
		return false;
	return bits % 8 == 0 || ((a[whole] ^ b[whole]) & mask) == 0;
}

static bool
clean_behind(const struct dlk_network *network)
{
	for (unsigned i = network->bits; i < 128; i++)
		if (network->address[i / 8] & 0x80 >> i % 8)
			return false;
	return true;
}

int
dlk_network_parse(const char *text, struct dlk_network *ret_network)
{
	struct dlk_network network = { 0 };
	char address[INET6_ADDRSTRLEN];
	size_t n = strcspn(text, "/");
	int64_t bits;

	if (n >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, n);
	address[n] = '\0';
	unsigned most = parse_address(address, network.address);
	if (most == 0)
		return -EINVAL;
	bits = most;
	if (text[n] == '/' && dlk_int_parse(text + n + 1, 0, most, &bits) < 0)
		return -EINVAL;
	network.bits = (unsigned)bits + (most == 32 ? MAPPED : 0);
	if (!clean_behind(&network))
		return -EINVAL;
	*ret_network = network;
	return 0;
}

bool
dlk_network_holds(const struct dlk_network *network, const char *address)
{
	uint8_t octets[16];

	return parse_address(address, octets) > 0 &&
	       agree(network->address, octets, network->bits);
}
