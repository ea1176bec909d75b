/* SPDX-License-Identifier: MIT */
/*
 * Any octets as HTTP: a request lies within them, reads the same however it arrives, and is
 * made of strings without an end of line.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/httphead.h"

#define HEAD_MAX 4096
#define BODY_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
is_line(const char *text)
{
	if (strpbrk(text, "\r\n"))
		abort();
}

/* One reading of a whole is that of its parts. */
static void
in_parts(uint8_t *octets, size_t n, int whole, size_t n_head)
{
	static struct dlk_httphead head;
	size_t seen = 0;
	int r = DLK_HTTPHEAD_MORE;

	for (size_t at = 0; r == DLK_HTTPHEAD_MORE && at < n; at++)
		r = dlk_httphead_read(octets, at + 1, HEAD_MAX, BODY_MAX, &seen, &head);
	if (r != whole || (r == DLK_HTTPHEAD_WHOLE && head.n_head != n_head))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dlk_httphead head;
	size_t seen = 0;

	if (size > 2 * HEAD_MAX)
		return 0;
	uint8_t *octets = malloc(size + 1);
	if (!octets)
		return 0;
	memcpy(octets, data, size);
	int r = dlk_httphead_read(octets, size, HEAD_MAX, BODY_MAX, &seen, &head);
	size_t n_head = head.n_head;
	if (memcmp(octets, data, size) != 0)
		abort();
	if (size < 512)
		in_parts(octets, size, r, n_head);
	if (r == DLK_HTTPHEAD_WHOLE) {
		if (head.n_head > size || head.n_body > BODY_MAX)
			abort();
		dlk_httphead_cut(&head);
		is_line(head.method);
		is_line(head.path);
		for (size_t i = 0; i < head.n; i++) {
			is_line(head.field[i].name);
			is_line(head.field[i].value);
		}
		if (memcmp(octets + n_head, data + n_head, size - n_head) != 0)
			abort();
	}
	free(octets);
	return 0;
}
