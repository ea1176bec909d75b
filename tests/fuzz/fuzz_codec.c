/* SPDX-License-Identifier: MIT */
/* Any octets as a frame: refused, or read as what encodes and reads back the same. */
#include <stdlib.h>

#include "wire/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool held)
{
	if (!held)
		abort();
}

/* One form per value: what was read is written as it came, but for skipped fields. */
static void
try_request(struct dlk_bytes in)
{
	DLK_AUTO_REQUEST request = { 0 }, again = { 0 };
	DLK_AUTO_BUF frame = { 0 }, second = { 0 };

	if (dlk_request_decode(in, &request) != 0)
		return;
	must(request.code.n <= sizeof(request.code.b));
	must(dlk_request_encode(&request, &frame) == 0 && frame.n <= in.n);
	must(dlk_request_decode(dlk_bytes_of(&frame), &again) == 0);
	must(dlk_request_encode(&again, &second) == 0);
	must(dlk_bytes_equal(dlk_bytes_of(&frame), dlk_bytes_of(&second)));
}

static void
try_verdict(struct dlk_bytes in)
{
	struct dlk_verdict verdict = { 0 }, again = { 0 };
	DLK_AUTO_BUF frame = { 0 }, second = { 0 };

	if (dlk_verdict_decode(in, &verdict) != 0) {
		must(verdict.reason == DLK_R_UNDECIDED);
		return;
	}
	must(dlk_verdict_encode(&verdict, &frame) == 0 && frame.n <= in.n);
	must(dlk_verdict_decode(dlk_bytes_of(&frame), &again) == 0);
	must(dlk_verdict_encode(&again, &second) == 0);
	must(dlk_bytes_equal(dlk_bytes_of(&frame), dlk_bytes_of(&second)));
}

/* What is printed for sshd is one line. */
static void
try_offer(struct dlk_bytes in)
{
	DLK_AUTO_BUF offer = { 0 };

	if (dlk_verdict_offer(in, &offer) != 0)
		must(offer.n == 0);
	for (size_t i = 0; i < offer.n; i++)
		must(offer.p[i] >= 0x20 && offer.p[i] <= 0x7e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dlk_bytes in = DLK_BYTES(data, size);

	try_request(in);
	try_verdict(in);
	try_offer(in);
	return 0;
}
