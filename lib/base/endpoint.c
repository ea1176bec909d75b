/* SPDX-License-Identifier: MIT */
/* endpoint.c - numeric addresses alone: a name could lead elsewhere at the next start. */
#include "base/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/text.h"

/* The host without its brackets; false where it does not fit. */
static bool
host_of(const char *from, const char *colon, char *host, size_t size)
{
	size_t n = (size_t)(colon - from);

	if (n > 2 && from[0] == '[' && from[n - 1] == ']') {
		from++;
		n -= 2;
	} else if (memchr(from, ':', n)) {
		return false; /* which of them would be the port's? */
	}
	if (n >= size)
		return false;
	memcpy(host, from, n);
	host[n] = '\0';
	return true;
}

int
dlk_endpoint_parse(const char *text, struct dlk_endpoint *ret_endpoint)
{
	const char *colon = strrchr(text, ':');
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	char host[INET6_ADDRSTRLEN];
	int64_t port;

	if (strncmp(text, "tls:", 4) != 0 || colon < text + 4 ||
	    !host_of(text + 4, colon, host, sizeof(host)) ||
	    dlk_int_parse(colon + 1, 1, 65535, &port) < 0)
		return -EINVAL;
	*ret_endpoint = (struct dlk_endpoint){ 0 };
	v4.sin_port = v6.sin6_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		memcpy(&ret_endpoint->address, &v4, sizeof(v4));
		ret_endpoint->n = sizeof(v4);
		return 0;
	}
	if (text[4] != '[' || inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
		return -EINVAL;
	memcpy(&ret_endpoint->address, &v6, sizeof(v6));
	ret_endpoint->n = sizeof(v6);
	return 0;
}

bool
dlk_endpoint_same(const struct dlk_endpoint *a, const struct dlk_endpoint *b)
{
	struct sockaddr_in6 x, y;

	if (a->address.ss_family != b->address.ss_family)
		return false;
	if (a->address.ss_family != AF_INET6)
		return a->n == b->n && memcmp(&a->address, &b->address, a->n) == 0;
	memcpy(&x, &a->address, sizeof(x));
	memcpy(&y, &b->address, sizeof(y));
	return x.sin6_port == y.sin6_port &&
	       memcmp(&x.sin6_addr, &y.sin6_addr, sizeof(x.sin6_addr)) == 0;
}
