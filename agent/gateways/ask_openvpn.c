/* SPDX-License-Identifier: MIT */
/*
 * ask_openvpn.c - OpenVPN's scripts (openvpn(8), "Scripting and Environmental Variables").
 * OpenVPN has verified the chain against its own list of CAs before: this can only narrow.
 */
#include "ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *
environment(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

static void
locate(struct dlk_request *request)
{
	const char *four = environment("untrusted_ip");

	dlk_inquiry_locate(request, four ? four : environment("untrusted_ip6"));
}

/* Called for each certificate of the chain, the user's own last, with depth 0: the whole chain
 * is judged with that one. The subject is the peer's words, and nothing is decided by it. */
bool
dlk_ask_openvpn_verify(const struct dlk_ask_options *options, int argc, char **argv)
{
	DLK_AUTO_REQUEST request = { 0 };
	struct dlk_verdict verdict;
	const char *file = environment("peer_cert");

	(void)argc;
	if (strcmp(argv[0], "0") != 0)
		return argv[0][0] >= '1' && argv[0][0] <= '9';
	int error = dlk_inquiry_begin(options->service, &request);
	if (error < 0)
		return dlk_ask_no("--service", error);
	if (!file)
		return dlk_ask_no("peer_cert (is tls-export-cert there?)", -ENOENT);
	error = dlk_ask_read(file, &request);
	if (error < 0)
		return dlk_ask_no(file, error);
	locate(&request);
	return dlk_ask_agent(options, &request, &verdict);
}
