/* SPDX-License-Identifier: MIT */
/* ask_radius.c - FreeRADIUS: verify { client } of EAP-TLS, with the certificate in a file. */
#include "ask.h"

#include <errno.h>

#include "base/text.h"

bool
dlk_ask_radius_verify(const struct dlk_ask_options *options, int argc, char **argv)
{
	DLK_AUTO_REQUEST request = { 0 };
	struct dlk_verdict verdict;
	int error = dlk_inquiry_begin(options->service, &request);

	if (error < 0)
		return dlk_ask_no("--service", error);
	/* one that the peer left empty is not nobody's */
	if (options->user && !dlk_text_is_name(options->user))
		return dlk_ask_no("--user", -EINVAL);
	(void)dlk_text_copy(request.user, sizeof(request.user), options->user);
	error = dlk_ask_read(argv[0], &request);
	if (error < 0)
		return dlk_ask_no(argv[0], error);
	dlk_inquiry_locate(&request, argc > 1 ? argv[1] : NULL);
	return dlk_ask_agent(options, &request, &verdict);
}
