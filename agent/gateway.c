/* SPDX-License-Identifier: MIT */
/* gateway.c - reads the texts of gateways, so that neither they nor what stands beside them
 * has to. It believes nothing of them. */
#include "agent/gateway.h"

#include <errno.h>

#include "agent/spelling.h"

static int
decode(struct dlk_bytes text, struct dlk_buf *der)
{
	DLK_AUTO_BUF plain = { 0 };
	int r = dlk_spelling_unescape(text, DLK_EVIDENCE_MAX, &plain);

	return r == 0 ? dlk_spelling_decode(dlk_bytes_of(&plain), DLK_EVIDENCE_MAX, der) : r;
}

int
dlk_gateway_read(struct dlk_request *request)
{
	DLK_AUTO_BUF der = { 0 };

	if (request->evidence_kind != DLK_EVIDENCE_TEXT)
		return 0;
	int r = decode(dlk_bytes_of(&request->evidence), &der);
	if (r == -ENOMEM)
		return r;
	request->evidence_kind = DLK_EVIDENCE_CERTIFICATE;
	if (r < 0)
		return 0;
	struct dlk_buf text = request->evidence;
	request->evidence = der;
	der = text;
	return 0;
}
