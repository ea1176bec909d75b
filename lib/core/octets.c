/* SPDX-License-Identifier: MIT */
/* octets.c - streams out of memory and into it. */
#include "core/octets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
read_left(void *ctx, uint8_t *buf, size_t room, size_t *ret_n)
{
	struct dlk_octets_left *octets = ctx;
	size_t n = octets->left.n < room ? octets->left.n : room;

	if (n > 0) {
		memcpy(buf, octets->left.p, n);
		octets->left.p += n;
		octets->left.n -= n;
	}
	*ret_n = n;
	return 0;
}

struct dlk_octet_source
dlk_octets_source(struct dlk_octets_left *octets)
{
	return (struct dlk_octet_source){ .read = read_left, .ctx = octets };
}

static int
append_grown(void *ctx, struct dlk_bytes what)
{
	struct dlk_octets_grown *octets = ctx;

	if (what.n > octets->room - octets->n) {
		size_t room = (octets->n + what.n) / 2 * 3 + 64;
		uint8_t *grown = realloc(octets->p, room);
		if (!grown)
			return -ENOMEM;
		octets->p = grown;
		octets->room = room;
	}
	memcpy(octets->p + octets->n, what.p, what.n);
	octets->n += what.n;
	return 0;
}

static int
rewrite_grown(void *ctx, struct dlk_bytes first)
{
	struct dlk_octets_grown *octets = ctx;

	if (first.n > octets->n)
		return -EINVAL;
	memcpy(octets->p, first.p, first.n);
	return 0;
}

struct dlk_octet_target
dlk_octets_target(struct dlk_octets_grown *octets)
{
	return (struct dlk_octet_target){
		.append = append_grown, .rewrite = rewrite_grown, .ctx = octets
	};
}
