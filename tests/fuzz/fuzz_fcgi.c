/* SPDX-License-Identifier: MIT */
/*
 * FastCGI: the first octet says whether the rest is records, parameters, or the names of
 * GET_VALUES. Parameters that are a question state the key's use only beside a certificate.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/fcgiparams.h"
#include "agent/fcgirecord.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_records(struct dlk_bytes rest)
{
	struct dlk_fcgi_head head;
	struct dlk_fcgi_begin begin;

	while (rest.n >= DLK_FCGI_HEAD && dlk_fcgi_head_parse(rest.p, &head) == 0) {
		size_t n = DLK_FCGI_HEAD + head.content + head.padding;
		if (n > DLK_FCGI_RECORD_MAX)
			abort();
		if (rest.n < n)
			return;
		(void)dlk_fcgi_begin_parse(
		    DLK_BYTES(rest.p + DLK_FCGI_HEAD, head.content), &begin);
		rest = DLK_BYTES(rest.p + n, rest.n - n);
	}
}

static void
ask(struct dlk_bytes params)
{
	DLK_AUTO_REQUEST request = { 0 };
	struct dlk_finding refusal = { 0 };

	if (dlk_fcgi_params_read(params, &request, &refusal) != 0)
		return;
	bool certificate = request.evidence_kind == DLK_EVIDENCE_CERTIFICATE;
	if (certificate != (request.evidence.n > 0) ||
	    certificate != (request.possession == DLK_POSSESSION_TLS_GATEWAY))
		abort();
	if (refusal.reason == DLK_R_UNDECIDED && request.service[0] == '\0')
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DLK_AUTO_BUF buf = { 0 };

	if (size == 0)
		return 0;
	struct dlk_bytes rest = DLK_BYTES(data + 1, size - 1);
	if (data[0] % 3U == 0)
		read_records(rest);
	else if (data[0] % 3U == 1)
		ask(rest);
	else if (dlk_fcgi_put_values(&buf, rest) == -EMSGSIZE)
		abort();
	return 0;
}
