/* SPDX-License-Identifier: MIT */
/* challenge.c - the octets of challenges and answers. What a signature is worth is not known
 * here; whose it is neither. */
#include "wire/challenge.h"

#include <errno.h>
#include <string.h>

#include "base/sshwire.h"
#include "wire/codec.h"

#define ANSWER_NO 0 /* what follows is the trouble */

static bool
is_proof(enum dlk_possession by)
{
	return by == DLK_POSSESSION_SSH_AGENT || by == DLK_POSSESSION_TOKEN;
}

int
dlk_challenge_encode(const struct dlk_challenge *challenge, struct dlk_buf *buf)
{
	size_t limit = buf->n + DLK_CHALLENGE_MAX;

	if (!is_proof(challenge->by) || challenge->data.n == 0)
		return -EINVAL;
	int r = dlk_ssh_add_octet(buf, limit, (uint8_t)challenge->by);
	if (r == 0)
		r = dlk_ssh_add_string(buf, limit, dlk_bytes_of(&challenge->data));
	if (r == 0)
		r = dlk_buf_add(
		    buf, limit, DLK_BYTES(challenge->digest, sizeof(challenge->digest)));
	if (r == 0)
		r = dlk_ssh_add_string(buf, limit, dlk_bytes_of(&challenge->wanted));
	return r;
}

static int
copy(struct dlk_buf *buf, struct dlk_bytes what, size_t most)
{
	int r = dlk_buf_add(buf, most, what);

	return r == -EMSGSIZE ? -EBADMSG : r;
}

enum dlk_possession
dlk_challenge_by(struct dlk_bytes octets)
{
	enum dlk_possession by = octets.n > 0 ? octets.p[0] : DLK_POSSESSION_NONE;

	return is_proof(by) ? by : DLK_POSSESSION_NONE;
}

int
dlk_challenge_decode(struct dlk_bytes octets, struct dlk_challenge *ret_challenge)
{
	DLK_AUTO_CHALLENGE made = { .by = dlk_challenge_by(octets) };
	struct dlk_bytes data, digest, wanted, key;
	uint8_t by;

	if (!is_proof(made.by) || !dlk_ssh_take_octet(&octets, &by) ||
	    !dlk_ssh_take_string(&octets, &data) || data.n == 0 ||
	    !dlk_ssh_take(&octets, sizeof(made.digest), &digest) ||
	    !dlk_ssh_take_string(&octets, &wanted) || octets.n > 0)
		return -EBADMSG;
	memcpy(made.digest, digest.p, sizeof(made.digest));
	int r = copy(&made.data, data, DLK_CHALLENGE_MAX);
	if (r == 0)
		r = copy(&made.wanted, wanted, DLK_WANTED_MAX);
	while (r == 0 && wanted.n > 0)
		r = dlk_ssh_take_string(&wanted, &key) ? 0 : -EBADMSG;
	if (r != 0)
		return r;
	*ret_challenge = made;
	made = (struct dlk_challenge){ .by = DLK_POSSESSION_NONE };
	return 0;
}

int
dlk_answer_encode(const struct dlk_answer *answer, struct dlk_buf *buf)
{
	size_t limit = buf->n + DLK_ANSWER_MAX;
	bool no = answer->trouble != DLK_TROUBLE_NONE;

	if (!no && (!is_proof(answer->by) || answer->evidence.n == 0 ||
		       answer->signature.n == 0 || answer->evidence.n > DLK_EVIDENCE_MAX ||
		       answer->signature.n > DLK_SIGNATURE_MAX))
		return -EINVAL;
	int r = dlk_ssh_add_octet(buf, limit, no ? ANSWER_NO : (uint8_t)answer->by);
	if (r == 0 && no)
		return dlk_ssh_add_octet(buf, limit, (uint8_t)answer->trouble);
	if (r == 0)
		r = dlk_ssh_add_string(buf, limit, dlk_bytes_of(&answer->evidence));
	return r ? r : dlk_ssh_add_string(buf, limit, dlk_bytes_of(&answer->signature));
}

static int
decode_trouble(struct dlk_bytes octets, struct dlk_answer *ret_answer)
{
	uint8_t number;

	if (!dlk_ssh_take_octet(&octets, &number) || octets.n > 0 || number == 0)
		return -EBADMSG;
	*ret_answer = (struct dlk_answer){ .trouble = (enum dlk_trouble)number };
	return 0;
}

int
dlk_answer_decode(struct dlk_bytes octets, struct dlk_answer *ret_answer)
{
	DLK_AUTO_ANSWER made = { .trouble = DLK_TROUBLE_NONE };
	struct dlk_bytes evidence, signature;
	uint8_t by;

	if (!dlk_ssh_take_octet(&octets, &by))
		return -EBADMSG;
	if (by == ANSWER_NO)
		return decode_trouble(octets, ret_answer);
	made.by = (enum dlk_possession)by;
	if (!is_proof(made.by) || !dlk_ssh_take_string(&octets, &evidence) ||
	    !dlk_ssh_take_string(&octets, &signature) || octets.n > 0 || evidence.n == 0 ||
	    signature.n == 0)
		return -EBADMSG;
	int r = copy(&made.evidence, evidence, DLK_EVIDENCE_MAX);
	if (r == 0)
		r = copy(&made.signature, signature, DLK_SIGNATURE_MAX);
	if (r != 0)
		return r;
	*ret_answer = made;
	made = (struct dlk_answer){ .trouble = DLK_TROUBLE_NONE };
	return 0;
}

int
dlk_answer_unpack(struct dlk_request *request)
{
	DLK_AUTO_ANSWER answer = { .trouble = DLK_TROUBLE_NONE };

	if (request->answer.n == 0)
		return 0;
	if (request->evidence_kind != DLK_EVIDENCE_NONE || request->evidence.n > 0 ||
	    request->possession != DLK_POSSESSION_NONE)
		return -EBADMSG;
	int r = dlk_answer_decode(dlk_bytes_of(&request->answer), &answer);
	if (r != 0)
		return r;
	request->trouble = answer.trouble;
	request->possession = answer.by;
	if (answer.by != DLK_POSSESSION_NONE)
		request->evidence_kind = answer.by == DLK_POSSESSION_TOKEN
					     ? DLK_EVIDENCE_CERTIFICATE
					     : DLK_EVIDENCE_SSH_BLOB;
	request->evidence = answer.evidence;
	request->signature = answer.signature;
	answer = (struct dlk_answer){ .trouble = DLK_TROUBLE_NONE };
	return 0;
}

int
dlk_prove_pack(enum dlk_prove what, struct dlk_bytes content, struct dlk_buf *frame)
{
	uint8_t head[DLK_WIRE_HEADER] = { 'D', 'L', 'K', DLK_WIRE_VERSION };
	size_t limit = frame->n + DLK_WIRE_MAX;

	if (content.n > DLK_WIRE_MAX - sizeof(head) - 1)
		return -EMSGSIZE;
	dlk_put_be32(head + 4, (uint32_t)content.n + 1);
	int r = dlk_buf_add(frame, limit, DLK_BYTES(head, sizeof(head)));
	if (r == 0)
		r = dlk_ssh_add_octet(frame, limit, (uint8_t)what);
	return r ? r : dlk_buf_add(frame, limit, content);
}

int
dlk_prove_unpack(
    struct dlk_bytes frame, enum dlk_prove *ret_what, struct dlk_bytes *ret_content)
{
	struct dlk_bytes head;
	uint8_t what;

	if (!dlk_ssh_take(&frame, DLK_WIRE_HEADER, &head) ||
	    !dlk_ssh_take_octet(&frame, &what) || what < DLK_PROVE_CHALLENGE ||
	    what > DLK_PROVE_LAST)
		return -EBADMSG;
	*ret_what = (enum dlk_prove)what;
	*ret_content = frame;
	return 0;
}
