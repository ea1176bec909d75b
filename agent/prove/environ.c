/* SPDX-License-Identifier: MIT */
/* environ.c - finds one name in a block of NAME=VALUE, each with its NUL. What lies at the
 * path is not known here. */
#include "prove/environ.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/text.h"

#define NAME "SSH_AUTH_SOCK="

int
dlk_environ_open(pid_t pid, int *ret_fd)
{
	char path[64];

	dlk_text_print(path, sizeof(path), "/proc/%ld/environ", (long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int
take_path(struct dlk_bytes value, char *ret_path)
{
	if (value.n == 0)
		return -ENOENT;
	if (value.n > DLK_AGENT_PATH || value.p[0] != '/')
		return -EINVAL;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < 0x20 || value.p[i] > 0x7e)
			return -EINVAL;
	memcpy(ret_path, value.p, value.n);
	ret_path[value.n] = '\0';
	return 0;
}

int
dlk_environ_agent(struct dlk_bytes block, char *ret_path)
{
	const size_t n_name = strlen(NAME);

	while (block.n > 0) {
		const uint8_t *end = memchr(block.p, '\0', block.n);
		size_t n = end ? (size_t)(end - block.p) : block.n;

		if (n >= n_name && memcmp(block.p, NAME, n_name) == 0)
			return take_path(DLK_BYTES(block.p + n_name, n - n_name), ret_path);
		n += end != NULL;
		block = DLK_BYTES(block.p + n, block.n - n);
	}
	return -ENOENT;
}
