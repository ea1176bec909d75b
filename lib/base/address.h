/* SPDX-License-Identifier: MIT */
/* address.h - an IP address in its one spelling. */
#ifndef DLK_BASE_ADDRESS_H
#define DLK_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

/* One address has one spelling, that of inet_ntop(3), and an IPv4 address that is mapped into
 * IPv6 is the IPv4 address: what is counted and remembered by source stays together. False,
 * and nothing is written, for what is no address. */
bool dlk_address_spell(const char *text, char *ret_address, size_t size);

#endif
