/* SPDX-License-Identifier: MIT */
/* endpoint.h - where a gateway on another host is listened for: "tls:ADDRESS:PORT". */
#ifndef DLK_BASE_ENDPOINT_H
#define DLK_BASE_ENDPOINT_H

#include <stdbool.h>
#include <sys/socket.h>

struct dlk_endpoint {
	struct sockaddr_storage address;
	socklen_t n;
};

/* "tls:192.0.2.1:8443" or "tls:[2001:db8::1]:8443". 0 or -EINVAL. */
int dlk_endpoint_parse(const char *text, struct dlk_endpoint *ret_endpoint);
bool dlk_endpoint_same(const struct dlk_endpoint *a, const struct dlk_endpoint *b);

#endif
