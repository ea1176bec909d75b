/* SPDX-License-Identifier: MIT */
/*
 * One SPOP frame, without its length: a greeting that is agreed to says no more than can be
 * kept, and a message that is a question states the key's use only beside a certificate.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/spopmessage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
greet(struct dlk_bytes payload)
{
	struct dlk_spop_hello hello = { 0 };
	DLK_AUTO_BUF buf = { 0 };

	if (dlk_spop_hello_parse(payload, &hello) != DLK_SPOP_NORMAL)
		return;
	if (hello.frame_max < DLK_SPOP_FRAME_MIN || hello.frame_max > DLK_SPOP_FRAME_MAX)
		abort();
	if (dlk_spop_put_hello(&buf, &hello) == -EMSGSIZE)
		abort();
}

static void
ask(const struct dlk_spop_frame *frame)
{
	DLK_AUTO_REQUEST request = { 0 };
	struct dlk_spop_question question = { .request = &request };

	if (dlk_spop_message_read(frame->payload, &question) != DLK_SPOP_NORMAL)
		return;
	bool certificate = request.evidence_kind == DLK_EVIDENCE_CERTIFICATE;
	if (certificate != (request.evidence.n > 0) ||
	    certificate != (request.possession == DLK_POSSESSION_TLS_GATEWAY))
		abort();
	if (question.refusal.reason == DLK_R_UNDECIDED && request.service[0] == '\0')
		abort();
	if (question.scope != DLK_SPOP_SESSION && question.scope != DLK_SPOP_TRANSACTION)
		abort();
}

/* What is written reads back. */
static void
write_back(struct dlk_bytes rest)
{
	struct dlk_spop_value value, again;
	DLK_AUTO_BUF buf = { 0 };

	if (dlk_spop_get_value(&rest, &value) < 0 ||
	    dlk_spop_put_value(&buf, DLK_SPOP_FRAME_MAX, &value) != 0)
		return;
	rest = dlk_bytes_of(&buf);
	if (dlk_spop_get_value(&rest, &again) < 0 || rest.n != 0 || again.type != value.type ||
	    again.number != value.number || again.truth != value.truth ||
	    !dlk_bytes_equal(again.octets, value.octets))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dlk_spop_frame frame;

	if (dlk_spop_frame_parse(DLK_BYTES(data, size), &frame) != DLK_SPOP_NORMAL)
		return 0;
	if (frame.kind == DLK_SPOP_HAPROXY_HELLO)
		greet(frame.payload);
	else if (frame.kind == DLK_SPOP_NOTIFY)
		ask(&frame);
	else
		write_back(frame.payload);
	return 0;
}
