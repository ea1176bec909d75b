/* SPDX-License-Identifier: MIT */
/* ldapfilter.c - a name is a value in a filter, never a part of it. */
#include "agent/ldapfilter.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

int
dlk_ldap_filter(const char *filter, const char *user, char ret[DLK_LDAP_FILTER])
{
	static const char hex[] = "0123456789abcdef";
	const char *at = strstr(filter, "%u");
	size_t before = at ? (size_t)(at - filter) : strlen(filter), n = before;

	if (n >= DLK_LDAP_FILTER)
		return -EMSGSIZE;
	memcpy(ret, filter, n);
	for (const char *c = user; at && user && *c; c++) {
		if (n + 4 >= DLK_LDAP_FILTER)
			return -EMSGSIZE;
		if (strchr("*()\\", *c) || (uint8_t)*c < 0x20 || (uint8_t)*c > 0x7e) {
			ret[n++] = '\\';
			ret[n++] = hex[(uint8_t)*c >> 4];
			ret[n++] = hex[(uint8_t)*c & 0xf];
		} else {
			ret[n++] = *c;
		}
	}
	if (at && !user && n + 1 < DLK_LDAP_FILTER)
		ret[n++] = '*';
	return dlk_text_copy(ret + n, DLK_LDAP_FILTER - n, at ? at + 2 : "") ? 0 : -EMSGSIZE;
}
