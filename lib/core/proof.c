/* SPDX-License-Identifier: MIT */
/*
 * proof.c - what has to be signed, and whether it was. The certificate is bound by its key:
 * the signature is of no other. Whether that certificate is any good is judged elsewhere.
 */
#include "core/proof.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/sshwire.h"
#include "base/text.h"
#include "core/digest.h"
#include "core/sshsig.h"

#define MEANING "doublelock-proof-1"
#define SPACE   "doublelock-auth@"

void
dlk_dialogue_fini(struct dlk_dialogue *dialogue)
{
	dlk_challenge_fini(&dialogue->challenge);
	explicit_bzero(dialogue, sizeof(*dialogue));
}

static enum dlk_reason
unproven(struct dlk_finding *finding, const char *why)
{
	return dlk_find(
	    finding, DLK_STAGE_ADMIT, DLK_R_POSSESSION_UNPROVEN, "the challenge %s", why);
}

static enum dlk_reason
fault(struct dlk_finding *finding, const char *why)
{
	return dlk_find(
	    finding, DLK_STAGE_ADMIT, DLK_R_FAULT_INTERNAL, "a challenge: %s", why);
}

static enum dlk_possession
witness(enum dlk_certificate certificate)
{
	if (certificate == DLK_CERTIFICATE_SSH_AGENT)
		return DLK_POSSESSION_SSH_AGENT;
	return certificate == DLK_CERTIFICATE_TOKEN ? DLK_POSSESSION_TOKEN
						    : DLK_POSSESSION_NONE;
}

bool
dlk_proof_lacks(const struct dlk_service *section, const struct dlk_caller *caller,
    const struct dlk_request *request)
{
	return witness(section->certificate) != DLK_POSSESSION_NONE && caller->root &&
	       caller->dialogue && request->entrance == DLK_ENTRANCE_PAM &&
	       request->evidence_kind == DLK_EVIDENCE_NONE;
}

/* What is signed for this dialogue, host, user and service. 0 or -errno. */
static int
make_data(const struct dlk_dialogue *dialogue, const char *host,
    const struct dlk_request *request, struct dlk_buf *buf)
{
	uint8_t at[8], by = (uint8_t)dialogue->challenge.by, digest[DLK_DIGEST_SIZE];
	char space[sizeof(SPACE) + DLK_NAME_MAX];
	const struct dlk_bytes parts[] = {
		dlk_bytes_str(MEANING),
		DLK_BYTES(dialogue->nonce, sizeof(dialogue->nonce)),
		dlk_bytes_str(host),
		dlk_bytes_str(request->user),
		dlk_bytes_str(request->service),
		DLK_BYTES(at, sizeof(at)),
		DLK_BYTES(&by, 1),
	};

	dlk_put_be64(at, (uint64_t)dialogue->at);
	dlk_text_print(space, sizeof(space), SPACE "%s", host);
	int r = dlk_digest(parts, sizeof(parts) / sizeof(*parts), digest);
	return r ? r : dlk_sshsig_data(space, digest, buf);
}

/* A token has certificates, an agent their keys, each once. What has no SSH form is left out.
 */
static int
add_one(const struct dlk_cert *cert, enum dlk_possession by, struct dlk_buf *wanted)
{
	DLK_AUTO_SSHKEY key = { 0 };

	if (by == DLK_POSSESSION_TOKEN)
		return dlk_ssh_add_string(wanted, DLK_WANTED_MAX, dlk_cert_der(cert));
	if (dlk_sshkey_of_cert(cert, &key, NULL) != DLK_R_OK)
		return 0;
	struct dlk_bytes blob = dlk_bytes_of(&key.blob);
	if (wanted->n > 0 && memmem(wanted->p, wanted->n, blob.p, blob.n))
		return 0;
	return dlk_ssh_add_string(wanted, DLK_WANTED_MAX, blob);
}

/* Of the user's registered certificates, as far as there is room. */
static int
add_wanted(const struct dlk_ports *ports, const struct dlk_request *request,
    struct dlk_challenge *challenge, struct dlk_finding *finding)
{
	DLK_AUTO_CERTS all = { 0 };

	if (!request->account_known)
		return 0;
	if (ports->registered(ports->ctx, request->user, &all) != 0) {
		dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_FAULT_CONFIG, "%s",
		    ports->trouble(ports->ctx));
		return -EIO;
	}
	for (size_t i = 0; i < all.n; i++) {
		int r = add_one(all.cert[i], challenge->by, &challenge->wanted);

		if (r == -EMSGSIZE)
			break;
		if (r != 0)
			return r;
	}
	return 0;
}

static enum dlk_reason
make(const struct dlk_ports *ports, const struct dlk_request *request, int64_t now,
    struct dlk_dialogue *dialogue, struct dlk_finding *finding)
{
	struct dlk_challenge *c = &dialogue->challenge;

	dialogue->at = now;
	if (ports->nonce(ports->ctx, dialogue->nonce, sizeof(dialogue->nonce)) != 0)
		return fault(finding, "no random octets");
	if (make_data(dialogue, ports->host, request, &c->data) != 0 ||
	    EVP_Digest(c->data.p, c->data.n, c->digest, NULL, EVP_sha256(), NULL) != 1)
		return fault(finding, "out of memory");
	finding->reason = DLK_R_UNDECIDED;
	if (add_wanted(ports, request, c, finding) != 0)
		return finding->reason != DLK_R_UNDECIDED ? finding->reason
							  : fault(finding, "out of memory");
	return DLK_R_OK;
}

enum dlk_reason
dlk_proof_ask(const struct dlk_service *section, const struct dlk_ports *ports,
    const struct dlk_caller *caller, const struct dlk_request *request, int64_t now,
    struct dlk_finding *finding)
{
	struct dlk_dialogue *dialogue = caller->dialogue;
	bool first = dialogue->state == DLK_DIALOGUE_NEW;
	enum dlk_trouble trouble = (enum dlk_trouble)request->trouble;

	dialogue->state = DLK_DIALOGUE_OVER;
	if (trouble != DLK_TROUBLE_NONE)
		return dlk_find(finding, DLK_STAGE_ADMIT, dlk_trouble_reason(trouble), "%s",
		    dlk_trouble_words(trouble));
	if (!first)
		return unproven(finding, "was not answered");
	dialogue->challenge.by = witness(section->certificate);
	enum dlk_reason reason = make(ports, request, now, dialogue, finding);
	if (reason != DLK_R_OK)
		return reason;
	dialogue->state = DLK_DIALOGUE_ASKED;
	dialogue->asking = true;
	return unproven(finding, "has to be signed by the certificate's key");
}

static int
digest_answer(const struct dlk_request *request, uint8_t *ret_digest)
{
	const struct dlk_bytes parts[] = { dlk_bytes_of(&request->evidence),
		dlk_bytes_of(&request->signature) };

	return dlk_digest(parts, 2, ret_digest);
}

/* Only ASKED, in time, and PROVEN for the request with the code go on; either is left. */
static enum dlk_reason
check_turn(struct dlk_dialogue *dialogue, const struct dlk_request *request,
    const uint8_t *answer, int64_t now, struct dlk_finding *finding)
{
	enum dlk_dialogue_state state = dialogue->state;

	dialogue->state = DLK_DIALOGUE_OVER;
	switch (state) {
	case DLK_DIALOGUE_NEW:
		return unproven(finding, "was not made by this judge");
	case DLK_DIALOGUE_ASKED:
		if (now < dialogue->at || now - dialogue->at > DLK_CHALLENGE_LIFE)
			return unproven(finding, "was answered too late: it holds a minute");
		return DLK_R_OK;
	case DLK_DIALOGUE_PROVEN:
		if (!request->has_code ||
		    memcmp(answer, dialogue->answer, sizeof(dialogue->answer)) != 0)
			break;
		return DLK_R_OK;
	case DLK_DIALOGUE_OVER:
		break;
	}
	return unproven(finding, "has been answered already");
}

static enum dlk_reason
verify(const struct dlk_request *request, EVP_PKEY *key, struct dlk_bytes data,
    struct dlk_finding *finding)
{
	DLK_AUTO_BUF application = { 0 };
	DLK_AUTO_SSHKEY shown = { .type = "" };
	struct dlk_bytes signature = dlk_bytes_of(&request->signature);

	if (request->possession == DLK_POSSESSION_TOKEN)
		return dlk_sshsig_verify_bare(key, signature, data, finding);
	enum dlk_reason reason =
	    dlk_sshsig_shown(dlk_bytes_of(&request->evidence), &shown, &application, finding);
	return reason == DLK_R_OK ? dlk_sshsig_verify(key, dlk_bytes_of(&application),
					signature, data, finding)
				  : reason;
}

enum dlk_reason
dlk_proof_verify(const struct dlk_ports *ports, const struct dlk_caller *caller,
    const struct dlk_request *request, EVP_PKEY *key, int64_t now, struct dlk_finding *finding)
{
	struct dlk_dialogue *dialogue = caller->dialogue;
	DLK_AUTO_BUF data = { 0 };
	uint8_t answer[DLK_DIGEST_SIZE];

	if (!dialogue)
		return unproven(finding, "was not made by this judge");
	if (digest_answer(request, answer) != 0)
		return fault(finding, "out of memory");
	enum dlk_reason reason = check_turn(dialogue, request, answer, now, finding);
	if (reason != DLK_R_OK)
		return reason;
	if (request->possession != dialogue->challenge.by)
		return unproven(finding, "is for another kind of proof");
	if (make_data(dialogue, ports->host, request, &data) != 0)
		return fault(finding, "out of memory");
	if (!dlk_bytes_equal(dlk_bytes_of(&data), dlk_bytes_of(&dialogue->challenge.data)))
		return unproven(finding, "was made for another user, service or host");
	reason = verify(request, key, dlk_bytes_of(&data), finding);
	if (reason == DLK_R_OK) {
		memcpy(dialogue->answer, answer, sizeof(answer));
		dialogue->state = request->has_code ? DLK_DIALOGUE_OVER : DLK_DIALOGUE_PROVEN;
	}
	return reason;
}
