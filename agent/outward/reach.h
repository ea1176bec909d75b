/* SPDX-License-Identifier: MIT */
/* reach.h - addresses that somebody else's certificate may have us ask. */
#ifndef DLK_OUTWARD_REACH_H
#define DLK_OUTWARD_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* No loopback, link-local, multicast, unspecified or reserved address, in any spelling. */
bool dlk_reach_may(const struct sockaddr *address, size_t size);

#endif
