/* SPDX-License-Identifier: MIT */
/* Any octets as an SSH agent's list of keys, where the first ones are the wanted keys, and as
 * the environment in which its socket is named. */
#include <stdlib.h>
#include <string.h>

#include "base/sshwire.h"
#include "prove/environ.h"
#include "prove/identities.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
read_environment(struct dlk_bytes block)
{
	char path[DLK_AGENT_PATH + 1];

	memset(path, 'x', sizeof(path));
	if (dlk_environ_agent(block, path) == 0)
		must(path[0] == '/' && strnlen(path, sizeof(path)) < sizeof(path));
}

static void
read_list(struct dlk_bytes in)
{
	struct dlk_identity list[DLK_CANDIDATES_MAX];
	struct dlk_bytes wanted;
	size_t n = 0;

	if (!dlk_ssh_take_string(&in, &wanted) ||
	    dlk_identities_choose(in, wanted, list, &n) != 0)
		return;
	must(n <= DLK_CANDIDATES_MAX);
	for (size_t i = 0; i < n; i++)
		must(list[i].blob.p >= in.p && list[i].blob.n <= in.n &&
		     list[i].blob.p + list[i].blob.n <= in.p + in.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct dlk_bytes in = DLK_BYTES(data + 1, size - 1);
	if (data[0] & 1)
		read_list(in);
	else
		read_environment(in);
	return 0;
}
