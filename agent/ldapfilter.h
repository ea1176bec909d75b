/* SPDX-License-Identifier: MIT */
/* ldapfilter.h - a filter of the configuration, with a user's name in it. */
#ifndef DLK_AGENT_LDAPFILTER_H
#define DLK_AGENT_LDAPFILTER_H

#define DLK_LDAP_FILTER 2048

/* The filter with `user` in the place of %u, escaped (RFC 4515 section 3); "*" where `user` is
 * NULL. -EMSGSIZE where it does not fit. */
int dlk_ldap_filter(const char *filter, const char *user, char ret[DLK_LDAP_FILTER]);

#endif
