/* SPDX-License-Identifier: MIT */
/* address.c - reads an address and writes it again. It resolves no names. */
#include "base/address.h"

#include <arpa/inet.h>

bool
dlk_address_spell(const char *text, char *ret_address, size_t size)
{
	struct in_addr four;
	struct in6_addr six;
	const size_t mapped = sizeof(six) - sizeof(four);
	const socklen_t room = (socklen_t)size;

	if (inet_pton(AF_INET, text, &four) == 1)
		return inet_ntop(AF_INET, &four, ret_address, room) != NULL;
	if (inet_pton(AF_INET6, text, &six) != 1)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&six))
		return inet_ntop(AF_INET, six.s6_addr + mapped, ret_address, room) != NULL;
	return inet_ntop(AF_INET6, &six, ret_address, room) != NULL;
}
